/* v2_execution: a query that was accepted: what is asked, by whom, and of which state of the ledger.
 *
 * It is all that its rows depend on, so any replica can compute them at any time; what is kept of it in Redis is its text. Never
 * changes once it is complete; counted references, thread-safe. */
#ifndef DAYBOOK_V2_EXECUTION_H
#define DAYBOOK_V2_EXECUTION_H

#include "api/caller.h"
#include "api/registry_snapshot.h"
#include "api/v2_body.h"

enum { V2_ID_SIZE = 37, V2_DIGEST_SIZE = 65 }; /* with the NUL */

struct v2_execution {
    gint users; /* v2_execution.c's own */
    char id[V2_ID_SIZE];
    char *owner;                 /* id of the caller */
    char *organization, *client; /* what the caller sees; NULL: all */
    char *path_client;           /* of the clients' routes; else NULL */
    GPtrArray *named_clients;    /* char *: ids of the clients that a search names, as they were named then; or NULL */
    struct v2_body body;
    struct pin pin;
    int64_t created_ms; /* Unix time */
};

/* Takes the body. path_client may be NULL. With a new id; the pin is set by who knows it, before anybody else sees it. */
struct v2_execution *v2_execution_new(const struct caller *caller, const char *path_client, struct v2_body *body);
struct v2_execution *v2_execution_ref(struct v2_execution *execution);
void v2_execution_unref(struct v2_execution *execution); /* NULL is allowed */
/* Looks up whom a search's names mean: the clients that are shown to this caller under such a name, as their id where they have no
 * other. */
void v2_execution_resolve(struct v2_execution *execution, const struct registry_snapshot *snapshot);

/* Whether a caller may see and end it: who made it, seeing what they saw then, or an administrator who sees all. */
bool v2_execution_is_visible(const struct v2_execution *execution, const struct caller *caller);
/* Same text: same caller and question (pin, id and time left out). */
void v2_execution_digest(const struct v2_execution *execution, char digest[V2_DIGEST_SIZE]);

void v2_execution_write(const struct v2_execution *execution, GString *out);
/* NULL: the text is none that v2_execution_write makes. */
struct v2_execution *v2_execution_read(const char *id, struct view text);

#endif
