#include "api/routes.h"

#include "api/answer.h"
#include "api/writer.h"

static void handle_usage(struct routes *routes, struct http_request *request)
{
    usage_route_handle(&routes->usage, request);
}

static void handle_health(struct routes *routes, struct http_request *request)
{
    answer_text(request, routes->metrics, 200, "application/json", "{\"success\":true,\"status\":\"ok\"}");
}

static void handle_ready(struct routes *routes, struct http_request *request)
{
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

static void handle_metrics(struct routes *routes, struct http_request *request)
{
    g_autofree char *text = metrics_render(routes->metrics);
    answer_text(request, routes->metrics, 200, "text/plain; version=0.0.4; charset=utf-8", text);
}

/* All are GET, and HEAD with it. */
static const struct row {
    const char *path;
    bool needs_token;
    void (*handle)(struct routes *routes, struct http_request *request);
} rows[] = {
    {"/v1/developer/usage", true, handle_usage}, {"/api/v1/developer/usage", true, handle_usage},
    {"/healthz", false, handle_health},          {"/readyz", false, handle_ready},
    {"/metrics", false, handle_metrics},
};

void routes_list(GString *out)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_string_append_printf(out, "GET %s\n", rows[i].path);
}

static const struct row *find(const char *path)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (strcmp(rows[i].path, path) == 0)
            return &rows[i];
    return NULL;
}

/* False: refused, and what is wrong is in the refusal. */
static bool check(const struct routes *routes, struct http_request *request, const struct row *row, struct refusal *refusal)
{
    if (row == NULL)
        return refusal_set(refusal, 404, "NOT_FOUND", "There is nothing at this path. The usage API is at /v1/developer/usage.");
    if (strcmp(http_request_method(request), "GET") != 0) {
        http_response_header(request, "Allow", "GET, HEAD");
        return refusal_set(refusal, 405, "METHOD_NOT_ALLOWED", "Only GET and HEAD are allowed here.");
    }
    if (row->needs_token && !http_request_bearer_is(request, routes->token)) {
        http_response_header(request, "WWW-Authenticate", "Bearer realm=\"daybook\"");
        return refusal_set(refusal, 401, "UNAUTHORIZED",
                           "Unauthorized: send a valid token as 'Authorization: Bearer TOKEN' or 'X-API-Key: TOKEN'.");
    }
    return true;
}

void routes_handle(struct http_request *request, void *opaque)
{
    struct routes *routes = opaque;
    struct refusal refusal = {0};
    const struct row *row = find(http_request_path(request));
    if (check(routes, request, row, &refusal))
        row->handle(routes, request);
    else
        answer_refusal(request, routes->metrics, &refusal);
}
