/* routes: every path that the API answers, in one table; api/openapi.yaml describes the same ones, and a test compares both.
 *
 * The order of things for each request: is there such a route, who asks, may they, have they asked too often; then the route's
 * handler. Who may not is logged with caller and reason (call_refuse). */
#ifndef DAYBOOK_ROUTES_H
#define DAYBOOK_ROUTES_H

#include "api/admin_job.h"
#include "api/alerts_route.h"
#include "api/auth.h"
#include "api/capacity_route.h"
#include "api/costs_route.h"
#include "api/days_route.h"
#include "api/integration_route.h"
#include "api/limits.h"
#include "api/oauth_route.h"
#include "api/overview_route.h"
#include "api/probe.h"
#include "api/report_route.h"
#include "api/session_route.h"
#include "api/stats_route.h"
#include "api/usage_route.h"
#include "api/v2_route.h"

struct routes {
    struct metrics *metrics;
    struct auth *auth;
    struct registry *registry;
    struct limits *limits;
    struct queries *queries;
    struct probe *probe;
    struct usage_route usage;
    struct capacity_route capacity;
    struct costs_route costs;
    struct days_route days;
    struct integration_route integration;
    struct alerts_route alerts;
    struct overview_route overview;
    struct report_route report;
    struct stats_route stats;
    struct v2_route v2;
    struct admin_route admin;
    struct oauth_route oauth;
    struct session_route session;
};

/* http_handler; opaque is the struct routes. */
void routes_handle(struct http_request *request, void *opaque);
/* "GET /v1/developer/usage", "POST /api/v2/usage/query" and so on, one a line. */
void routes_list(GString *out);

#endif
