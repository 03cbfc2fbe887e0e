/* limit_watch: which rules of the registry hold for a client, and who is watched for what: all clients that there are rules about.
 *
 * A rule of a plan is for each registered client that has the plan: its own, or, where it has none, that of its organization. Of
 * one client, metric and period there is one watch: the client's own rule goes before one of its plan that its organization made,
 * and that before one of all; then the smaller limit, then the smaller id. A rule about a method that does not exist watches
 * nothing. Never changes once made; holds its snapshot. */
#ifndef DAYBOOK_LIMIT_WATCH_H
#define DAYBOOK_LIMIT_WATCH_H

#include "api/alert_levels.h"
#include "api/registry_snapshot.h"

enum { LIMIT_WATCHES_MAX = 200000 }; /* what is over it is not watched, and counted */

struct limit_watch {
    const char *key; /* organization KEYS_CLIENT_SEPARATOR client; the snapshot's, like the next three */
    const char *organization, *client;
    const struct limit_rule *rule;
    const struct method *method; /* NULL: all requests */
    struct alert_levels levels;
};

struct limit_watches {
    struct registry_snapshot *snapshot;
    GArray *list;      /* struct limit_watch, by key, period and metric */
    uint64_t left_out; /* for LIMIT_WATCHES_MAX, or without their method */
};

/* The rules that hold for one client (struct limit_rule, the snapshot's), one of each period and metric, in that order. Also those
 * about methods that do not exist. */
GPtrArray *limit_rules_of(const struct registry_snapshot *snapshot, const char *organization, const char *client);

/* others: the levels of rules without own ones. Takes a reference of the snapshot. */
struct limit_watches *limit_watches_new(struct registry_snapshot *snapshot, const struct alert_levels *others);
void limit_watches_free(struct limit_watches *watches); /* NULL is allowed */

#endif
