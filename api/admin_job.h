/* admin_job: what the routes that show or change the registry have in common.
 *
 * A handler checks parameters and body on its HTTP thread and hands a job to a worker; there `answer` looks at a snapshot as new as
 * Redis (registry_refresh), or changes it (registry_write.h), and writes the body. It may run twice. Who belongs to an organization
 * sees and changes only what belongs to it; of the rest they are told what is told of what is not there. What may not be is
 * logged, and every change too, with the caller, never a token.
 *
 * Routes, all of which want PERMISSION_ADMIN: see admin_items.h, admin_channels.h, admin_csv.h, admin_tokens.h,
 * keys_route.h. */
#ifndef DAYBOOK_ADMIN_JOB_H
#define DAYBOOK_ADMIN_JOB_H

#include "api/admin_body.h"
#include "api/admin_item.h"
#include "api/admin_kind.h"
#include "api/admin_page.h"
#include "api/query.h"
#include "api/registry_text.h"
#include "api/registry_write.h"

struct admin_route {
    struct queries *queries; /* borrowed, like the next */
    struct registry *registry;
    struct notifiers *notifiers;
};

struct notifiers;
enum { ADMIN_ANSWERED_LATER = 0 }; /* a status: somebody else has the request, and answers it */

struct admin_job;
/* False: refused, if the refusal is set, or failed with the error. */
typedef bool admin_answer(struct admin_job *job, struct reader *reader, struct refusal *refusal, GError **error);

struct admin_job {
    struct query query;
    const struct admin_route *route;
    admin_answer *answer;
    /* ---- what was asked ---- */
    struct admin_params params;
    struct admin_body body;
    char part[CALL_PART_MAX]; /* in the path, or "" */
    /* ---- a token or channel that is being made: drawn once, however often the job runs ---- */
    char secret[MAX((int)REGISTRY_SECRET_SIZE, (int)CHANNEL_SECRET_SIZE)], id[REGISTRY_ID_SIZE];
    /* ---- what was put or removed, owned ---- */
    struct registry_client *client;
    struct registry_token *token;
    /* ---- items (admin_items.h), owned ---- */
    const struct admin_kind *kind;
    void *item, *done; /* as it was given; what was put or removed */
    admin_given given; /* which fields of item */
    bool is_new;       /* made by POST: its secret is shown this once */
    /* ---- the answer ---- */
    int status;       /* or ADMIN_ANSWERED_LATER */
    const char *type; /* NULL: JSON */
    GString *out;
    struct refusal *refusal; /* for a registry_decide: set when it refuses */
};

/* Begins a job: checks that the caller administers an organization or all, and the parameters (ADMIN_BY_…). NULL: answered. */
struct admin_job *admin_job_new(const struct admin_route *route, const struct call *call, uint32_t params, admin_answer *answer);
/* The same with a body of JSON with some of these fields (1 << enum admin_field). */
struct admin_job *admin_job_new_json(const struct admin_route *route, const struct call *call, uint32_t fields,
                                     admin_answer *answer);
/* Hands it over. */
void admin_job_submit(struct admin_job *job);
/* Answers it with the refusal instead, and frees it. */
void admin_job_refuse(struct admin_job *job, struct refusal *refusal);

/* Runs a change whose decide takes the job as its opaque. */
bool admin_job_change(struct admin_job *job, struct reader *reader, registry_decide *decide, struct refusal *refusal,
                      GError **error);
/* A snapshot as new as Redis, to be released; NULL with the error. */
struct registry_snapshot *admin_job_look(const struct admin_job *job, GError **error);

/* ---- who may what ---- */

bool admin_sees(const struct caller *caller, const char *organization); /* NULL: of all */
/* 403, unless the caller may make something of this organization and tier. before: the tier that it has already, or TIER_FREE. */
bool admin_check_grant(const struct caller *caller, const char *organization, enum tier tier, enum tier before,
                       struct refusal *refusal);

#endif
