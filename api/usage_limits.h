/* usage_limits: what one client may use: the limits that the registry has for it (limit_watch.h decides which), and what its own
 * plan includes. Pure. */
#ifndef DAYBOOK_USAGE_LIMITS_H
#define DAYBOOK_USAGE_LIMITS_H

#include "api/registry_snapshot.h"
#include "api/usage_params.h"

struct client_limits {
    uint64_t requests[LIMIT_PERIOD_N]; /* 0: there is no limit */
    uint64_t included, ceiling;        /* of a month, by the client's own plan; 0: there is none */
};

/* metric: METHOD_HITS or a method; of a method there is no plan. */
void usage_limits_find(const struct registry_snapshot *snapshot, const char *organization, const char *client, const char *metric,
                       struct client_limits *found);
/* Of what is asked for. False, and there is none: it is not one client, or not all of its requests or those of a method. */
bool usage_limits_asked(const struct registry_snapshot *snapshot, const struct usage_params *params, struct client_limits *found);
/* The organization of a client that was asked for without one: there must be just one that has such a client, else NULL. Borrowed
 * from the snapshot. */
const char *usage_limits_organization(const struct registry_snapshot *snapshot, const char *client);

#endif
