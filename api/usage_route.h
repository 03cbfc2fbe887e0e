/* usage_route: GET /v1/developer/usage, from the request to the answer. */
#ifndef DAYBOOK_USAGE_ROUTE_H
#define DAYBOOK_USAGE_ROUTE_H

#include "api/live.h"
#include "api/query.h"
#include "api/registry.h"
#include "api/usage_extras.h"

struct usage_route {
    struct queries *queries; /* borrowed, like the next */
    struct live_sources *sources;
    struct usage_extras_place extras;
};

/* Answers of what the caller may see; asking for another organization or client is refused. */
void usage_route_handle(struct usage_route *route, struct call *call);

#endif
