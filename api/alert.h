/* alert: that a client reached a level of a limit, or that something is wrong with the system itself.
 *
 * An alert's id is made of what it is about: organization, client, metric, period, begin of the window, the limit's value and the
 * level; or, of a system alert, its type, its subject and the moment at which the condition began. So whoever notices it, and
 * however often, it is the same alert. What is written down when it is raised never changes; that it recovered, and whether it was
 * read, is kept beside it (alerts.h). All times are Unix ms. Pure; an alert belongs to one thread, or to a list that never changes.
 */
#ifndef DAYBOOK_ALERT_H
#define DAYBOOK_ALERT_H

#include "api/limit_rule.h"
#include "api/writer.h"
#include "lib/view.h"

enum { ALERT_ID_SIZE = 33, ALERT_VIOLATION_LEVEL = 100 };

enum alert_kind {
    ALERT_LIMIT,     /* "alert": a level below 100 percent */
    ALERT_VIOLATION, /* "violation": one from 100 on */
    ALERT_SYSTEM,    /* "system" */
    ALERT_KIND_N,
};
enum alert_state { ALERT_UNREAD, ALERT_READ, ALERT_DELETED, ALERT_STATE_N };

struct alert {
    char id[ALERT_ID_SIZE]; /* 32 hex digits */
    enum alert_kind kind;
    /* ---- of a limit; else NULL and 0 ---- */
    char *organization, *client; /* whose requests */
    char *rule;                  /* id of the rule */
    char *metric;                /* METHOD_HITS or the name of a method */
    enum limit_period period;
    int64_t from_ms, to_ms; /* its window, [from, to) */
    uint32_t level;         /* percent of the limit */
    uint64_t limit, value;  /* requests; value: when it was noticed */
    /* ---- of a system alert; else NULL and 0 ---- */
    char *type, *subject, *message;
    int64_t since_ms; /* when the condition began */
    /* ---- of both ---- */
    int64_t created_ms;
    int64_t recovered_ms; /* 0: not yet, it is active */
    enum alert_state state;
};

void alert_free(struct alert *alert); /* NULL is allowed */
/* Gives an alert its kind and id; all that they are made of is filled in. */
void alert_identify(struct alert *alert);

/* "alert", "violation", "system"; "unread", "read", "deleted". Names compare case-insensitively. */
const char *alert_kind_name(enum alert_kind kind);
bool alert_kind_parse(const char *name, enum alert_kind *kind);
const char *alert_state_name(enum alert_state state);
bool alert_state_parse(const char *name, enum alert_state *state);

/* One sentence for people: what was reached by whom. Of a system alert its message. The caller frees it. */
char *alert_sentence(const struct alert *alert);
/* As the API and webhooks show it: an object (key NULL: in an array, or alone). */
void alert_write(struct writer *writer, const char *key, const struct alert *alert);

/* What is kept in Redis when it is raised: an object without what may change. The caller frees it. */
char *alert_keep(const struct alert *alert);
/* The same again; NULL with an error. It is unread and active. */
struct alert *alert_read(struct view id, struct view json, GError **error);

#endif
