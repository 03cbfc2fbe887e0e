/* v2_route: the usage API over closed days (Genesys-compatible): queries that are accepted, polled, paged, exported and cancelled.
 *
 *   POST   /api/v2/usage/query                                                     v2_query_post_handle
 *   GET    /api/v2/usage/query/{executionId}/results                               v2_query_results_handle
 *   GET    /api/v2/usage/query/{executionId}/results.{format}                      v2_query_export_handle
 *   DELETE /api/v2/usage/query/{executionId}/results                               v2_query_cancel_handle
 *   POST   /api/v2/usage/simplesearch                                              v2_search_post_handle
 *   GET    /api/v2/usage/simplesearch/{executionId}/results                        v2_search_results_handle
 *   GET    /api/v2/usage/simplesearch/{executionId}/results.{format}               v2_search_export_handle
 *   DELETE /api/v2/usage/simplesearch/{executionId}/results                        v2_search_cancel_handle
 *   POST   /api/v2/oauth/clients/{clientId}/usage/query                            v2_client_query_post_handle
 *   GET    /api/v2/oauth/clients/{clientId}/usage/query/results/{executionId}.{format}  v2_client_query_export_handle
 *   GET    /api/v2/oauth/clients/{clientId}/usage/query/results/{executionId}      v2_client_query_results_handle
 *   DELETE /api/v2/oauth/clients/{clientId}/usage/query/results/{executionId}      v2_client_query_cancel_handle
 *   GET    /api/v2/oauth/clients/{clientId}/usage/summary                          v2_summary_handle
 *   POST   /api/v2/usage/aggregates/query/jobs                                     v2_job_post_handle
 *   GET    /api/v2/usage/aggregates/query/jobs/{jobId}                             v2_job_results_handle
 *   GET    /api/v2/usage/aggregates/query/jobs/{jobId}/results.{format}            v2_job_export_handle
 *   DELETE /api/v2/usage/aggregates/query/jobs/{jobId}                             v2_job_cancel_handle
 *   POST   /api/v2/usage/client/{clientId}/aggregates/query/jobs                   v2_client_job_post_handle
 *   GET    /api/v2/usage/client/{clientId}/aggregates/query/jobs/{jobId}           v2_client_job_results_handle
 *   GET    /api/v2/usage/client/{clientId}/aggregates/query/jobs/{jobId}/results.{format}  v2_client_job_export_handle
 *   DELETE /api/v2/usage/client/{clientId}/aggregates/query/jobs/{jobId}           v2_client_job_cancel_handle
 *
 * A caller sees its organization's and its client's usage only. A client's token that names another client in the path gets 404, as
 * if there were none; other callers get what their organization has of that client, which may be nothing. */
#ifndef DAYBOOK_V2_ROUTE_H
#define DAYBOOK_V2_ROUTE_H

#include "api/artifacts.h"
#include "api/v2_engine.h"

/* Borrowed. */
struct v2_route {
    struct v2_engine *engine;
    struct artifacts *artifacts;
};

typedef void v2_handle(struct v2_route *route, struct call *call);

v2_handle v2_query_post_handle, v2_query_results_handle, v2_query_export_handle, v2_query_cancel_handle;
v2_handle v2_search_post_handle, v2_search_results_handle, v2_search_export_handle, v2_search_cancel_handle;
v2_handle v2_client_query_post_handle, v2_client_query_results_handle, v2_client_query_export_handle, v2_client_query_cancel_handle;
v2_handle v2_summary_handle;
v2_handle v2_job_post_handle, v2_job_results_handle, v2_job_export_handle, v2_job_cancel_handle;
v2_handle v2_client_job_post_handle, v2_client_job_results_handle, v2_client_job_export_handle, v2_client_job_cancel_handle;

#endif
