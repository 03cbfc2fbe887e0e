/* usage_limits: what one client may use: the limits that the registry has for it (limit_watch.h decides which), and what its own
 * plan includes. Looked up in a list that is made once for each snapshot of the registry. Thread-safe. */
#ifndef DAYBOOK_USAGE_LIMITS_H
#define DAYBOOK_USAGE_LIMITS_H

#include "api/limit_rule.h"
#include "api/registry_snapshot.h"

struct client_limits {
    uint64_t requests[LIMIT_PERIOD_N]; /* 0: there is no limit */
    uint64_t included, ceiling;        /* of a month, by the client's own plan; 0: there is none */
};

struct usage_limits;

struct usage_limits *usage_limits_new(void);
void usage_limits_free(struct usage_limits *limits);
/* metric: METHOD_HITS or a method; of a method there is no plan. */
void usage_limits_find(struct usage_limits *limits, struct registry_snapshot *snapshot, const char *organization,
                       const char *client, const char *metric, struct client_limits *found);
/* The organization of a client that was asked for without one: there must be just one that has such a client, else NULL. Borrowed
 * from the snapshot. */
const char *usage_limits_organization(const struct registry_snapshot *snapshot, const char *client);

#endif
