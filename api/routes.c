#include "api/routes.h"

#include "api/admin_channels.h"
#include "api/admin_csv.h"
#include "api/admin_deliveries.h"
#include "api/admin_items.h"
#include "api/admin_tokens.h"
#include "api/answer.h"
#include "api/dashboard_route.h"
#include "api/keys_route.h"
#include "api/openapi_route.h"
#include "api/sign_in_links.h"
#include "api/writer.h"
#include "lib/log.h"

enum { ASK_MAX = 4 };

/* ---- handlers ---- */

static void handle_usage(struct routes *routes, struct call *call)
{
    usage_route_handle(&routes->usage, call);
}

static void handle_days(struct routes *routes, struct call *call)
{
    days_route_handle(&routes->days, call);
}

static void handle_alerts(struct routes *routes, struct call *call)
{
    alerts_route_handle(&routes->alerts, call);
}

static void handle_alerts_read(struct routes *routes, struct call *call)
{
    alerts_route_handle_read(&routes->alerts, call);
}

static void handle_overview(struct routes *routes, struct call *call)
{
    overview_route_handle(&routes->overview, call);
}

static void handle_integration(struct routes *routes, struct call *call)
{
    integration_route_handle(&routes->integration, call);
}

static void handle_capacity(struct routes *routes, struct call *call)
{
    capacity_route_handle(&routes->capacity, call);
}

static void handle_costs(struct routes *routes, struct call *call)
{
    costs_route_handle(&routes->costs, call);
}

static void handle_report(struct routes *routes, struct call *call)
{
    report_route_handle(&routes->report, call);
}

static void handle_oauth(struct routes *routes, struct call *call)
{
    oauth_route_handle(&routes->oauth, call);
}

static void handle_session_begin(struct routes *routes, struct call *call)
{
    session_route_begin(&routes->session, call);
}

static void handle_session(struct routes *routes, struct call *call)
{
    session_route_show(&routes->session, call);
}

static void handle_session_end(struct routes *routes, struct call *call)
{
    session_route_end(&routes->session, call);
}

static void handle_sign_in_links(struct routes *routes, struct call *call)
{
    sign_in_links_handle(&routes->session, call);
}

static void handle_document(struct routes *routes, struct call *call)
{
    dashboard_route_document(call, routes->metrics);
}

static void handle_asset(struct routes *routes, struct call *call)
{
    dashboard_route_asset(call, routes->metrics);
}

static void handle_health(struct routes *routes, struct call *call)
{
    struct http_request *request = call->request;
    answer_text(request, routes->metrics, 200, "application/json", "{\"success\":true,\"status\":\"ok\"}");
}

static void handle_ready(struct routes *routes, struct call *call)
{
    struct http_request *request = call->request;
    g_autofree char *trouble = probe_trouble(routes->probe);
    if (trouble == NULL) {
        answer_text(request, routes->metrics, 200, "application/json", "{\"success\":true,\"status\":\"ready\",\"down\":[]}");
        return;
    }
    g_autoptr(GString) body = g_string_new(NULL);
    struct writer writer;
    writer_init(&writer, body);
    writer_begin(&writer, NULL, '{');
    writer_bool(&writer, "success", false);
    writer_text(&writer, "status", view_of("not ready"));
    writer_begin(&writer, "down", '[');
    writer_text(&writer, NULL, view_of("redis"));
    writer_end(&writer, ']');
    writer_text(&writer, "error", view_of("NOT_READY"));
    writer_text(&writer, "message", view_of(trouble));
    writer_text(&writer, "requestId", view_of(http_request_id(request)));
    writer_time_ms(&writer, "timestamp", g_get_real_time() / G_TIME_SPAN_MILLISECOND);
    writer_end(&writer, '}');
    answer_json(request, routes->metrics, 503, body);
}

static void handle_metrics(struct routes *routes, struct call *call)
{
    struct http_request *request = call->request;
    g_autofree char *text = metrics_render(routes->metrics);
    answer_text(request, routes->metrics, 200, "text/plain; version=0.0.4; charset=utf-8", text);
}

static void handle_description(struct routes *routes, struct call *call)
{
    openapi_route_handle_description(call, routes->metrics);
}

static void handle_reference(struct routes *routes, struct call *call)
{
    openapi_route_handle_reference(call, routes->metrics);
}

/* ---- the table ---- */

enum {
    VIEW_ORGANIZATION = PERMISSION_OAUTH_CLIENT_VIEW | PERMISSION_ORGANIZATION_VIEW,
    VIEW_SEARCH = PERMISSION_OAUTH_CLIENT_VIEW | PERMISSION_SIMPLE_SEARCH_VIEW,
    VIEW_CLIENT = PERMISSION_OAUTH_CLIENT_VIEW | PERMISSION_CLIENT_VIEW,
    VIEW_ANY = VIEW_ORGANIZATION | VIEW_CLIENT,
};

enum route_for { FOR_ALL, FOR_PEERS, FOR_CALLERS }; /* no token is asked for, without or with a limit for the address; or one is */

/* HEAD goes with GET. */
static const struct row {
    const char *method, *path;
    enum route_for who;
    uint32_t permissions;                                        /* any one of them; 0: no particular one */
    void (*handle)(struct routes *routes, struct call *call);    /* or: */
    v2_handle *v2;                                               /* or: */
    void (*admin)(struct admin_route *route, struct call *call); /* or: */
    enum stats_kind service, application;
    bool query_token;              /* the token may stand in the query */
    bool (*has)(const char *part); /* whether there is what the path's part names: else it is no path of ours; NULL: always */
} rows[] = {
    {"GET", "/v1/developer/usage", FOR_CALLERS, 0, .handle = handle_usage},
    {"GET", "/api/v1/developer/usage", FOR_CALLERS, 0, .handle = handle_usage},
    {"GET", "/api/v2/usage/days", FOR_CALLERS, 0, .handle = handle_days},
    {"GET", "/api/v2/usage/days/{day}", FOR_CALLERS, 0, .handle = handle_days},
    {"GET", "/api/v2/usage/days/{day}/revisions/{revision}", FOR_CALLERS, 0, .handle = handle_days},
    {"GET", "/api/v2/usage/alerts", FOR_CALLERS, VIEW_ANY, .handle = handle_alerts},
    {"POST", "/api/v2/usage/alerts/read", FOR_CALLERS, VIEW_ANY, .handle = handle_alerts_read},
    {"GET", "/api/v2/usage/alerts/{alertId}", FOR_CALLERS, VIEW_ANY, .handle = handle_alerts},
    {"PATCH", "/api/v2/usage/alerts/{alertId}", FOR_CALLERS, VIEW_ANY, .handle = handle_alerts},
    {"DELETE", "/api/v2/usage/alerts/{alertId}", FOR_CALLERS, VIEW_ANY, .handle = handle_alerts},
    {"GET", "/api/v2/usage/overview", FOR_CALLERS, 0, .handle = handle_overview},
    {"GET", "/api/v2/usage/integration-errors", FOR_CALLERS, VIEW_ORGANIZATION, .handle = handle_integration},
    {"GET", "/api/v2/usage/integration-errors.{format}", FOR_CALLERS, VIEW_ORGANIZATION, .handle = handle_integration},
    {"DELETE", "/api/v2/usage/integration-errors", FOR_CALLERS, PERMISSION_ADMIN, .handle = handle_integration},
    {"GET", "/api/v2/usage/capacity", FOR_CALLERS, 0, .handle = handle_capacity},
    {"GET", "/api/v2/usage/costs", FOR_CALLERS, 0, .handle = handle_costs},
    {"GET", "/api/v2/usage/costs.{format}", FOR_CALLERS, 0, .handle = handle_costs},
    {"GET", "/api/v2/usage/report", FOR_CALLERS, VIEW_ANY, .handle = handle_report},
    {"GET", "/api/v2/usage/report.{format}", FOR_CALLERS, VIEW_ANY, .handle = handle_report},
    /* The usage API (v2_route.h); a format before the id that it would be a part of. */
    {"POST", "/api/v2/usage/query", FOR_CALLERS, VIEW_ORGANIZATION, .v2 = v2_query_post_handle},
    {"GET", "/api/v2/usage/query/{executionId}/results.{format}", FOR_CALLERS, VIEW_ORGANIZATION, .v2 = v2_query_export_handle},
    {"GET", "/api/v2/usage/query/{executionId}/results", FOR_CALLERS, VIEW_ORGANIZATION, .v2 = v2_query_results_handle},
    {"DELETE", "/api/v2/usage/query/{executionId}/results", FOR_CALLERS, VIEW_ORGANIZATION, .v2 = v2_query_cancel_handle},
    {"POST", "/api/v2/usage/simplesearch", FOR_CALLERS, VIEW_SEARCH, .v2 = v2_search_post_handle},
    {"GET", "/api/v2/usage/simplesearch/{executionId}/results.{format}", FOR_CALLERS, VIEW_SEARCH, .v2 = v2_search_export_handle},
    {"GET", "/api/v2/usage/simplesearch/{executionId}/results", FOR_CALLERS, VIEW_SEARCH, .v2 = v2_search_results_handle},
    {"DELETE", "/api/v2/usage/simplesearch/{executionId}/results", FOR_CALLERS, VIEW_SEARCH, .v2 = v2_search_cancel_handle},
    {"POST", "/api/v2/oauth/clients/{clientId}/usage/query", FOR_CALLERS, VIEW_CLIENT, .v2 = v2_client_query_post_handle},
    {"GET", "/api/v2/oauth/clients/{clientId}/usage/query/results/{executionId}.{format}", FOR_CALLERS, VIEW_CLIENT,
     .v2 = v2_client_query_export_handle},
    {"GET", "/api/v2/oauth/clients/{clientId}/usage/query/results/{executionId}", FOR_CALLERS, VIEW_CLIENT,
     .v2 = v2_client_query_results_handle},
    {"DELETE", "/api/v2/oauth/clients/{clientId}/usage/query/results/{executionId}", FOR_CALLERS, VIEW_CLIENT,
     .v2 = v2_client_query_cancel_handle},
    {"GET", "/api/v2/oauth/clients/{clientId}/usage/summary", FOR_CALLERS, VIEW_CLIENT, .v2 = v2_summary_handle},
    {"POST", "/api/v2/usage/aggregates/query/jobs", FOR_CALLERS, PERMISSION_ORGANIZATION_VIEW, .v2 = v2_job_post_handle},
    {"GET", "/api/v2/usage/aggregates/query/jobs/{jobId}/results.{format}", FOR_CALLERS, PERMISSION_ORGANIZATION_VIEW,
     .v2 = v2_job_export_handle},
    {"GET", "/api/v2/usage/aggregates/query/jobs/{jobId}", FOR_CALLERS, PERMISSION_ORGANIZATION_VIEW, .v2 = v2_job_results_handle},
    {"DELETE", "/api/v2/usage/aggregates/query/jobs/{jobId}", FOR_CALLERS, PERMISSION_ORGANIZATION_VIEW,
     .v2 = v2_job_cancel_handle},
    {"POST", "/api/v2/usage/client/{clientId}/aggregates/query/jobs", FOR_CALLERS, PERMISSION_CLIENT_VIEW,
     .v2 = v2_client_job_post_handle},
    {"GET", "/api/v2/usage/client/{clientId}/aggregates/query/jobs/{jobId}/results.{format}", FOR_CALLERS, PERMISSION_CLIENT_VIEW,
     .v2 = v2_client_job_export_handle},
    {"GET", "/api/v2/usage/client/{clientId}/aggregates/query/jobs/{jobId}", FOR_CALLERS, PERMISSION_CLIENT_VIEW,
     .v2 = v2_client_job_results_handle},
    {"DELETE", "/api/v2/usage/client/{clientId}/aggregates/query/jobs/{jobId}", FOR_CALLERS, PERMISSION_CLIENT_VIEW,
     .v2 = v2_client_job_cancel_handle},
    {"GET", "/stats/services/{serviceId}/usage.{format}", FOR_CALLERS, 0, .service = STATS_USAGE, .query_token = true},
    {"GET", "/stats/services/{serviceId}/usage_response_code.{format}", FOR_CALLERS, 0, .service = STATS_CODES,
     .query_token = true},
    {"GET", "/stats/services/{serviceId}/top_applications.{format}", FOR_CALLERS, 0, .service = STATS_TOP, .query_token = true},
    {"GET", "/stats/services/{serviceId}/summary.{format}", FOR_CALLERS, 0, .service = STATS_SUMMARY, .query_token = true},
    {"GET", "/stats/services/{serviceId}/daily_averages.{format}", FOR_CALLERS, 0, .service = STATS_DAILY, .query_token = true},
    {"GET", "/stats/services/{serviceId}/hourly_averages.{format}", FOR_CALLERS, 0, .service = STATS_HOURLY, .query_token = true},
    {"GET", "/stats/applications/{applicationId}/usage.{format}", FOR_CALLERS, 0, .application = STATS_USAGE, .query_token = true},
    {"GET", "/stats/applications/{applicationId}/usage_response_code.{format}", FOR_CALLERS, 0, .application = STATS_CODES,
     .query_token = true},
    {"GET", "/stats/applications/{applicationId}/summary.{format}", FOR_CALLERS, 0, .application = STATS_SUMMARY,
     .query_token = true},
    {"POST", "/oauth/token", FOR_PEERS, 0, .handle = handle_oauth},
    {"POST", "/session", FOR_PEERS, 0, .handle = handle_session_begin},
    {"GET", "/session", FOR_CALLERS, 0, .handle = handle_session},
    {"DELETE", "/session", FOR_PEERS, 0, .handle = handle_session_end},
    {"GET", "/v1/developer/keys", FOR_CALLERS, PERMISSION_ADMIN, .admin = keys_route_handle},
    {"POST", "/v1/developer/keys", FOR_CALLERS, PERMISSION_ADMIN, .admin = keys_route_handle},
    {"DELETE", "/v1/developer/keys/{keyId}", FOR_CALLERS, PERMISSION_ADMIN, .admin = keys_route_handle},
    {"GET", "/api/v1/developer/keys", FOR_CALLERS, PERMISSION_ADMIN, .admin = keys_route_handle},
    {"POST", "/api/v1/developer/keys", FOR_CALLERS, PERMISSION_ADMIN, .admin = keys_route_handle},
    {"DELETE", "/api/v1/developer/keys/{keyId}", FOR_CALLERS, PERMISSION_ADMIN, .admin = keys_route_handle},
    {"GET", "/api/v2/admin/clients.csv", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_csv_route_handle},
    {"POST", "/api/v2/admin/clients.csv", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_csv_route_handle},
    {"GET", "/api/v2/admin/clients", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_items_route_handle},
    {"GET", "/api/v2/admin/clients/{clientId}", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_items_route_handle},
    {"PUT", "/api/v2/admin/clients/{clientId}", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_items_route_handle},
    {"DELETE", "/api/v2/admin/clients/{clientId}", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_items_route_handle},
    {"GET", "/api/v2/admin/methods", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_items_route_handle},
    {"GET", "/api/v2/admin/methods/{name}", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_items_route_handle},
    {"PUT", "/api/v2/admin/methods/{name}", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_items_route_handle},
    {"DELETE", "/api/v2/admin/methods/{name}", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_items_route_handle},
    {"GET", "/api/v2/admin/plans", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_items_route_handle},
    {"GET", "/api/v2/admin/plans/{name}", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_items_route_handle},
    {"PUT", "/api/v2/admin/plans/{name}", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_items_route_handle},
    {"DELETE", "/api/v2/admin/plans/{name}", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_items_route_handle},
    {"GET", "/api/v2/admin/organizations", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_items_route_handle},
    {"GET", "/api/v2/admin/organizations/{organizationId}", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_items_route_handle},
    {"PUT", "/api/v2/admin/organizations/{organizationId}", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_items_route_handle},
    {"DELETE", "/api/v2/admin/organizations/{organizationId}", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_items_route_handle},
    {"GET", "/api/v2/admin/limits.csv", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_csv_route_handle},
    {"POST", "/api/v2/admin/limits.csv", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_csv_route_handle},
    {"GET", "/api/v2/admin/limits", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_items_route_handle},
    {"GET", "/api/v2/admin/limits/{limitId}", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_items_route_handle},
    {"PUT", "/api/v2/admin/limits/{limitId}", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_items_route_handle},
    {"DELETE", "/api/v2/admin/limits/{limitId}", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_items_route_handle},
    {"GET", "/api/v2/admin/channels", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_items_route_handle},
    {"POST", "/api/v2/admin/channels", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_channels_create_handle},
    {"GET", "/api/v2/admin/channels/{channelId}", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_items_route_handle},
    {"PUT", "/api/v2/admin/channels/{channelId}", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_items_route_handle},
    {"DELETE", "/api/v2/admin/channels/{channelId}", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_items_route_handle},
    {"POST", "/api/v2/admin/channels/{channelId}/secret", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_channels_secret_handle},
    {"POST", "/api/v2/admin/channels/{channelId}/test", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_deliveries_test_handle},
    {"GET", "/api/v2/admin/deliveries", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_deliveries_route_handle},
    {"DELETE", "/api/v2/admin/deliveries/{deliveryId}", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_deliveries_route_handle},
    {"POST", "/api/v2/admin/deliveries/{deliveryId}/retry", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_deliveries_retry_handle},
    {"GET", "/api/v2/admin/tokens", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_tokens_route_handle},
    {"POST", "/api/v2/admin/tokens", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_tokens_route_handle},
    {"DELETE", "/api/v2/admin/tokens/{tokenId}", FOR_CALLERS, PERMISSION_ADMIN, .admin = admin_tokens_route_handle},
    {"POST", "/api/v2/admin/sign-in-links", FOR_CALLERS, PERMISSION_ADMIN, .handle = handle_sign_in_links},
    {"GET", "/api/v2/openapi.yaml", FOR_ALL, 0, .handle = handle_description},
    {"GET", "/api/v2/reference", FOR_ALL, 0, .handle = handle_reference},
    {"GET", "/healthz", FOR_ALL, 0, .handle = handle_health},
    {"GET", "/readyz", FOR_ALL, 0, .handle = handle_ready},
    {"GET", "/metrics", FOR_ALL, 0, .handle = handle_metrics},
    {"GET", "/", FOR_ALL, 0, .handle = handle_document},
    {"GET", "/assets/{asset}", FOR_ALL, 0, .handle = handle_asset, .has = dashboard_has_asset},
    {"GET", "/{page}", FOR_ALL, 0, .handle = handle_document, .has = dashboard_has_page},
};

void routes_list(GString *out)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_string_append_printf(out, "%s %s\n", rows[i].method, rows[i].path);
}

/* Takes a character of the pattern from a path as it was sent: encoded it is the same one, but an encoded slash separates nothing.
 */
static bool take_char(const char **path, char wanted)
{
    char sent[sizeof "%XX"];
    if (**path == wanted) {
        (*path)++;
        return true;
    }
    g_strlcpy(sent, *path, sizeof sent);
    if (wanted == '/' || sent[0] != '%' || http_unescape(sent) != 1 || sent[0] != wanted)
        return false;
    *path += sizeof "%XX" - 1;
    return true;
}

/* Takes one part of a path, decoded: up to the next '/', or to what the pattern has behind it. False: empty, or longer than any
 * that means something. */
static bool take_part(const char **path, char end, char part[CALL_PART_MAX])
{
    const char stops[] = {'/', end, '\0'};
    char sent[CALL_PART_MAX * (sizeof "%XX" - 1)];
    size_t size = strcspn(*path, stops);
    if (size == 0 || size >= sizeof sent)
        return false;
    memcpy(sent, *path, size);
    sent[size] = '\0';
    *path += size;
    return http_unescape(sent) < CALL_PART_MAX && g_strlcpy(part, sent, CALL_PART_MAX) > 0;
}

static bool matches(const struct row *row, const char *path, struct call *call)
{
    const char *pattern = row->path;
    for (size_t n = 0; n < CALL_PARTS_MAX; n++)
        call->parts[n][0] = '\0';
    for (size_t n = 0; *pattern != '\0'; pattern++) {
        if (*pattern != '{') {
            if (!take_char(&path, *pattern))
                return false;
            continue;
        }
        g_assert(n < CALL_PARTS_MAX);
        pattern += strcspn(pattern, "}");
        if (!take_part(&path, pattern[1], call->parts[n++]))
            return false;
    }
    return *path == '\0' && (row->has == NULL || row->has(call->parts[0]));
}

/* The route; else NULL, and in *found the path's pattern, NULL if there is none. The first one that matches is the path's. */
static const struct row *find(struct call *call, const char **found)
{
    const char *method = http_request_method(call->request), *path = http_request_raw_path(call->request);
    *found = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (*found != NULL ? strcmp(rows[i].path, *found) != 0 : !matches(&rows[i], path, call))
            continue;
        *found = rows[i].path;
        if (strcmp(rows[i].method, method) == 0)
            return &rows[i];
    }
    return NULL;
}

/* pattern: of a path that has other methods, or NULL. */
static void refuse_route(const struct routes *routes, struct call *call, const char *pattern)
{
    struct refusal refusal = {0};
    g_autoptr(GString) methods = g_string_new(NULL);
    for (size_t i = 0; pattern != NULL && i < G_N_ELEMENTS(rows); i++)
        if (strcmp(rows[i].path, pattern) == 0)
            g_string_append_printf(methods, "%s%s%s", methods->len > 0 ? ", " : "", rows[i].method,
                                   strcmp(rows[i].method, "GET") == 0 ? ", HEAD" : "");
    if (pattern != NULL) {
        http_response_header(call->request, "Allow", methods->str);
        refusal_set(&refusal, 405, "METHOD_NOT_ALLOWED", "Only %s are allowed here.", methods->str);
    } else {
        refusal_set(&refusal, 404, "NOT_FOUND",
                    "There is nothing at this path. Live usage is at /v1/developer/usage, statistics under /stats, reports at "
                    "/api/v2/usage/report, the ledger of closed days at /api/v2/usage/days; /api/v2/openapi.yaml describes all.");
    }
    answer_refusal(call->request, routes->metrics, &refusal);
}

static void run(struct routes *routes, const struct row *row, struct call *call)
{
    if (row->v2 != NULL)
        row->v2(&routes->v2, call);
    else if (row->admin != NULL)
        row->admin(&routes->admin, call);
    else if (row->service != STATS_NONE)
        stats_service_handle(&routes->stats, row->service, call);
    else if (row->application != STATS_NONE)
        stats_application_handle(&routes->stats, row->application, call);
    else
        row->handle(routes, call);
}

/* ---- may they ---- */

static bool check_permission(const struct caller *caller, uint32_t any_of, struct refusal *refusal)
{
    if (caller_may(caller, any_of))
        return true;
    g_autoptr(GString) names = g_string_new(NULL);
    for (uint32_t bit = 0; bit < PERMISSION_N; bit++)
        if (any_of & (1u << bit))
            g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "", caller_permission_name(1u << bit));
    return refusal_set(refusal, 403, "FORBIDDEN", "Forbidden: this needs one of these permissions: %s.", names->str);
}

/* ---- how often ---- */

/* A request that waits until Redis was asked who its caller is, or for their share. */
struct waiting {
    struct query query;
    struct routes *routes;
    const struct row *row;
    struct call call;
};

static void refuse_limit(const struct routes *routes, struct call *call, const struct limits_state *state)
{
    struct refusal refusal = {0};
    const char *window = state->window_s == 60 ? "minute" : "day";
    refusal_set(&refusal, 429, "RATE_LIMIT_EXCEEDED",
                "Rate limit exceeded the maximum. Retry the request in [%d] seconds. (%" G_GUINT64_FORMAT
                " requests a %s are allowed to this token.)",
                state->retry_after_s, state->limit, window);
    refusal.retry_after_s = state->retry_after_s;
    call_refuse(call, routes->metrics, &refusal);
}

/* False: their share is used up, and nothing was done. Else the call's caller is released. On an HTTP thread or a worker. */
static bool admit(struct routes *routes, const struct row *row, struct call *call)
{
    struct limits_state state;
    struct refusal refusal = {0};
    enum limits_outcome outcome = limits_take(routes->limits, call->caller, g_get_real_time() / G_TIME_SPAN_MILLISECOND, &state);
    if (outcome == LIMITS_ASK)
        return false;
    limits_headers(&state, call->request);
    if (outcome != LIMITS_ALLOWED)
        refuse_limit(routes, call, &state);
    else if (check_permission(call->caller, row->permissions, &refusal))
        run(routes, row, call);
    else
        call_refuse(call, routes->metrics, &refusal);
    caller_unref(call->caller);
    return true;
}

static void ask(struct limits *limits, const struct caller *caller, struct reader *reader)
{
    g_autoptr(GError) error = NULL;
    if (!limits_ask(limits, caller, reader, g_get_real_time() / G_TIME_SPAN_MILLISECOND, &error))
        log_warn("limits_alone", "caller=%s error=%s", caller->id, error->message);
}

static void ask_for_share(struct routes *routes, const struct row *row, struct call *call);

/* Others of the same caller may be quicker to use the share up: then once more, and in the end behind whoever waits. */
static void work_ask(struct reader *reader, struct query *query)
{
    struct waiting *waiting = (struct waiting *)(void *)query;
    bool done = false;
    waiting->call.reader = reader;
    for (int n = 0; n < ASK_MAX && !done; n++) {
        ask(waiting->routes->limits, query->caller, reader);
        done = admit(waiting->routes, waiting->row, &waiting->call);
    }
    if (!done)
        ask_for_share(waiting->routes, waiting->row, &waiting->call);
    query_clear(query);
    g_free(waiting);
}

static void ask_for_share(struct routes *routes, const struct row *row, struct call *call)
{
    struct waiting *waiting = g_new(struct waiting, 1);
    *waiting = (struct waiting){query_make(call, routes->queries, work_ask), routes, row, *call};
    waiting->query.reader = NULL; /* in its turn */
    if (query_submit(&waiting->query))
        return;
    query_clear(&waiting->query);
    caller_unref(call->caller);
    g_free(waiting);
}

/* ---- the request ---- */

static void go_on(struct routes *routes, const struct row *row, struct call *call, struct refusal *refusal)
{
    if (call->caller == NULL)
        call_refuse(call, routes->metrics, refusal);
    else if (!admit(routes, row, call))
        ask_for_share(routes, row, call);
}

static void work_look_again(struct reader *reader, struct query *query)
{
    struct waiting *waiting = (struct waiting *)(void *)query;
    g_autoptr(GError) error = NULL;
    struct refusal refusal = {0};
    (void)reader;
    if (!registry_refresh(waiting->routes->registry, &error))
        log_warn("registry_not_read", "error=%s", error->message);
    waiting->call.caller = auth_identify(waiting->routes->auth, waiting->call.request, waiting->row->query_token, &refusal);
    go_on(waiting->routes, waiting->row, &waiting->call, &refusal);
    query_clear(query);
    g_free(waiting);
}

/* Who has no token yet is known, and limited, by address. */
static struct caller *peer_caller(const struct http_request *request)
{
    g_autofree char *id = g_strconcat("peer:", http_request_peer(request), NULL);
    return caller_new(id, id, NULL, NULL, 0, TIER_STARTER);
}

/* The token may have been made on another replica a moment ago. */
static void look_again(struct routes *routes, const struct row *row, const struct call *call)
{
    struct waiting *waiting = g_new(struct waiting, 1);
    *waiting = (struct waiting){query_make(call, routes->queries, work_look_again), routes, row, *call};
    if (!query_submit(&waiting->query))
        g_free(waiting);
}

void routes_handle(struct http_request *request, void *opaque)
{
    struct routes *routes = opaque;
    struct call call = {.request = request};
    struct refusal refusal = {0};
    const char *pattern;
    const struct row *row = find(&call, &pattern);
    if (row == NULL) {
        refuse_route(routes, &call, pattern);
        return;
    }
    if (row->who == FOR_ALL) {
        run(routes, row, &call);
        return;
    }
    if (row->who == FOR_PEERS)
        call.caller = peer_caller(request);
    else
        call.caller = auth_identify(routes->auth, request, row->query_token, &refusal);
    if (call.caller == NULL && strcmp(refusal.code, "BAD_CREDENTIALS") == 0 && auth_may_be_new(request, row->query_token)) {
        refusal_clear(&refusal);
        look_again(routes, row, &call);
    } else {
        go_on(routes, row, &call, &refusal);
    }
}
