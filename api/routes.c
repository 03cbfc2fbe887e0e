#include "api/routes.h"

#include "api/answer.h"
#include "api/writer.h"

enum { PARTS_MAX = 2, PART_MAX = 64 };

/* What stands in a path where its pattern has a name in braces; "" where there is none. */
struct parts {
    char text[PARTS_MAX][PART_MAX];
};

static void handle_usage(struct routes *routes, struct http_request *request, const struct parts *parts)
{
    (void)parts;
    usage_route_handle(&routes->usage, request);
}

static void handle_health(struct routes *routes, struct http_request *request, const struct parts *parts)
{
    (void)parts;
    answer_text(request, routes->metrics, 200, "application/json", "{\"success\":true,\"status\":\"ok\"}");
}

static void handle_ready(struct routes *routes, struct http_request *request, const struct parts *parts)
{
    (void)parts;
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

static void handle_metrics(struct routes *routes, struct http_request *request, const struct parts *parts)
{
    (void)parts;
    g_autofree char *text = metrics_render(routes->metrics);
    answer_text(request, routes->metrics, 200, "text/plain; version=0.0.4; charset=utf-8", text);
}

static void handle_days(struct routes *routes, struct http_request *request, const struct parts *parts)
{
    const char *day = parts->text[0], *revision = parts->text[1];
    days_route_handle(&routes->days, request, day[0] ? day : NULL, revision[0] ? revision : NULL);
}

/* All are GET, and HEAD with it. */
static const struct row {
    const char *path;
    bool needs_token;
    void (*handle)(struct routes *routes, struct http_request *request, const struct parts *parts);
} rows[] = {
    {"/v1/developer/usage", true, handle_usage},
    {"/api/v1/developer/usage", true, handle_usage},
    {"/api/v2/usage/days", true, handle_days},
    {"/api/v2/usage/days/{day}", true, handle_days},
    {"/api/v2/usage/days/{day}/revisions/{revision}", true, handle_days},
    {"/healthz", false, handle_health},
    {"/readyz", false, handle_ready},
    {"/metrics", false, handle_metrics},
};

void routes_list(GString *out)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_string_append_printf(out, "GET %s\n", rows[i].path);
}

/* Takes one part of a path: up to the next '/'. False: empty, or longer than any that means something. */
static bool take_part(const char **path, char part[PART_MAX])
{
    size_t size = strcspn(*path, "/");
    if (size == 0 || size >= PART_MAX)
        return false;
    memcpy(part, *path, size);
    part[size] = '\0';
    *path += size;
    return true;
}

static bool matches(const char *pattern, const char *path, struct parts *parts)
{
    *parts = (struct parts){{{0}}};
    for (size_t n = 0; *pattern != '\0'; pattern++) {
        if (*pattern != '{') {
            if (*path++ != *pattern)
                return false;
            continue;
        }
        g_assert(n < PARTS_MAX);
        if (!take_part(&path, parts->text[n++]))
            return false;
        pattern += strcspn(pattern, "}");
    }
    return *path == '\0';
}

static const struct row *find(const char *path, struct parts *parts)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (matches(rows[i].path, path, parts))
            return &rows[i];
    return NULL;
}

/* False: refused, and what is wrong is in the refusal. */
static bool check(const struct routes *routes, struct http_request *request, const struct row *row, struct refusal *refusal)
{
    if (row == NULL)
        return refusal_set(
            refusal, 404, "NOT_FOUND",
            "There is nothing at this path. Usage is at /v1/developer/usage, the ledger of closed days at /api/v2/usage/days.");
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
    struct parts parts;
    const struct row *row = find(http_request_path(request), &parts);
    if (check(routes, request, row, &refusal))
        row->handle(routes, request, &parts);
    else
        answer_refusal(request, routes->metrics, &refusal);
}
