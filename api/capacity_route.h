/* capacity_route: GET /api/v2/usage/capacity, from the request to the answer. */
#ifndef DAYBOOK_CAPACITY_ROUTE_H
#define DAYBOOK_CAPACITY_ROUTE_H

#include "api/live.h"
#include "api/query.h"
#include "api/registry.h"

/* All borrowed. */
struct capacity_route {
    const struct queries *queries;
    struct live_sources *sources;
    struct registry *registry;
};

/* Answers of what the caller may see; asking for another organization or client is refused. */
void capacity_route_handle(const struct capacity_route *route, struct call *call);

#endif
