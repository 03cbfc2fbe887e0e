/* routes: every path that the API answers, in one table; api/openapi.yaml describes the same ones, and a test compares both. */
#ifndef DAYBOOK_ROUTES_H
#define DAYBOOK_ROUTES_H

#include "api/days_route.h"
#include "api/probe.h"
#include "api/usage_route.h"

struct routes {
    const char *token; /* what a caller must send */
    struct metrics *metrics;
    struct probe *probe;
    struct usage_route usage;
    struct days_route days;
};

/* http_handler; opaque is the struct routes. */
void routes_handle(struct http_request *request, void *opaque);
/* "GET /v1/developer/usage", "GET /api/v2/usage/days/{day}" and so on, one a line. */
void routes_list(GString *out);

#endif
