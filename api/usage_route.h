/* usage_route: GET /v1/developer/usage, from the request to the answer. Parsed on the HTTP thread, answered by a worker. */
#ifndef DAYBOOK_USAGE_ROUTE_H
#define DAYBOOK_USAGE_ROUTE_H

#include "api/workers.h"
#include "lib/http.h"

struct usage_route {
    struct workers *workers;
    struct metrics *metrics;
    int timeout_ms; /* for reading one answer */
};

/* Answers a request that may see everything. */
void usage_route_handle(struct usage_route *route, struct http_request *request);
/* workers_do of its jobs; opaque is the struct usage_route. */
void usage_route_work(struct reader *reader, void *job, void *opaque);

#endif
