/* stats_route: the usage statistics, from the request to the answer:
 *
 *   GET /stats/services/{serviceId}/NAME.{json|csv}            usage, usage_response_code, top_applications, summary,
 *                                                              daily_averages, hourly_averages
 *   GET /stats/applications/{applicationId}/NAME.{json|csv}    usage, usage_response_code, summary
 *
 * A service is an organization, an application a client. The service "*" is all organizations together, for who sees all. One that
 * is neither registered nor was ever counted is a 404. Who sees one organization may ask about it and its clients; who sees one
 * client only about that. */
#ifndef DAYBOOK_STATS_ROUTE_H
#define DAYBOOK_STATS_ROUTE_H

#include "api/live.h"
#include "api/query.h"
#include "api/registry.h"
#include "api/stats_params.h"

struct stats_route {
    const struct queries *queries; /* borrowed, like the next */
    const struct live_sources *sources;
    struct registry *registry;
};

/* parts of the call: the id, and the format. */
void stats_service_handle(const struct stats_route *route, enum stats_kind kind, struct call *call);
void stats_application_handle(const struct stats_route *route, enum stats_kind kind, struct call *call);

#endif
