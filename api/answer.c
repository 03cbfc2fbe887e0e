#include "api/answer.h"

#include "api/etag.h"
#include "api/meters.h"
#include "api/writer.h"
#include "lib/http_etag.h"
#include "lib/http_gzip.h"

enum { RETRY_AFTER_S = 2 }; /* with a 503 that says nothing else */

static void send_answer(struct http_request *request, struct metrics *metrics, int status, const char *type, struct view body)
{
    char label[16];
    g_snprintf(label, sizeof label, "%d", status);
    metrics_add(metrics, METER_REQUESTS, label, 1);
    http_respond(request, status, type, body.data, body.size);
}

void answer_json(struct http_request *request, struct metrics *metrics, int status, const GString *body)
{
    http_response_header(request, "Cache-Control", "no-store");
    send_answer(request, metrics, status, "application/json", view_make(body->str, body->len));
}

static bool is_packed(const struct http_request *request, size_t size)
{
    return size > HTTP_GZIP_MIN_BYTES && http_gzip_accepted(http_request_header(request, "Accept-Encoding"));
}

/* May be stored, but is asked for each time: a day can get another revision. A 304 has the headers of the whole, also its length.
 */
static void send_tagged(struct http_request *request, struct metrics *metrics, struct view body, const char *etag)
{
    http_response_header(request, "ETag", etag);
    http_response_header(request, "Cache-Control", "private, no-cache");
    bool known = http_etag_matches(http_request_header(request, "If-None-Match"), etag);
    send_answer(request, metrics, known ? 304 : 200, "application/json", body);
}

void answer_tagged(struct http_request *request, struct metrics *metrics, const GString *body)
{
    char etag[ETAG_MAX];
    etag_of(view_make(body->str, body->len), is_packed(request, body->len), etag);
    send_tagged(request, metrics, view_make(body->str, body->len), etag);
}

void answer_hot_json(struct http_request *request, struct metrics *metrics, struct hot_answer *answer)
{
    metrics_add(metrics, METER_QUERIES, NULL, 1);
    http_response_header(request, "Cache-Control", "no-store");
    send_answer(request, metrics, 200, "application/json", answer->body);
    hot_answer_release(answer);
}

void answer_hot_tagged(struct http_request *request, struct metrics *metrics, struct hot_answer *answer)
{
    metrics_add(metrics, METER_QUERIES, NULL, 1);
    send_tagged(request, metrics, answer->body, is_packed(request, answer->body.size) ? answer->gzip_etag : answer->etag);
    hot_answer_release(answer);
}

void answer_text(struct http_request *request, struct metrics *metrics, int status, const char *content_type, const char *text)
{
    http_response_header(request, "Cache-Control", "no-store");
    send_answer(request, metrics, status, content_type, view_of(text));
}

static void write_value(struct writer *writer, const struct refusal *refusal)
{
    if (refusal->field == NULL)
        return;
    writer_text(writer, "field", view_of(refusal->field));
    writer_text(writer, "value", view_of(refusal->value));
    writer_begin(writer, "allowed", '[');
    for (char **allowed = refusal->allowed; *allowed != NULL; allowed++)
        writer_text(writer, NULL, view_of(*allowed));
    writer_end(writer, ']');
}

/* The usage API's word for it: by our code, else by status. */
static const char *v2_code(const struct refusal *refusal)
{
    static const struct {
        int status; /* 0: any */
        const char *code, *v2;
    } rows[] = {
        {0, "INVALID_DATE", "invalid.date"},
        {0, "UNKNOWN_PARAMETER", "bad.request"},
        {0, "BAD_REQUEST", "bad.request"},
        {0, "BAD_CREDENTIALS", "bad.credentials"},
        {0, "CREDENTIALS_EXPIRED", "credentials.expired"},
        {400, NULL, "invalid.value"},
        {401, NULL, "authentication.required"},
        {403, NULL, "missing.any.permissions"},
        {404, NULL, "not.found"},
        {405, NULL, "method.not.allowed"},
        {409, NULL, "conflict"},
        {413, NULL, "payload.too.large"},
        {415, NULL, "unsupported.media.type"},
        {429, NULL, "too.many.requests.retry.after"},
        {500, NULL, "internal.server.error"},
        {503, NULL, "service.unavailable"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (rows[i].code != NULL ? strcmp(rows[i].code, refusal->code) == 0 : rows[i].status == refusal->status)
            return rows[i].v2;
    return "bad.request";
}

/* Other routes know one word for whatever is wrong with a token. */
static const char *v1_code(const struct refusal *refusal)
{
    return refusal->status == 401 ? "UNAUTHORIZED" : refusal->code;
}

static void write_v2(struct writer *writer, const struct http_request *request, const struct refusal *refusal)
{
    writer_text(writer, "code", view_of(v2_code(refusal)));
    writer_count(writer, "status", (uint64_t)refusal->status);
    writer_text(writer, "contextId", view_of(http_request_id(request)));
    writer_begin(writer, "details", '[');
    if (refusal->field != NULL) {
        writer_begin(writer, NULL, '{');
        writer_text(writer, "errorCode", view_of(v2_code(refusal)));
        writer_text(writer, "fieldName", view_of(refusal->field));
        writer_end(writer, '}');
    }
    writer_end(writer, ']');
    writer_begin(writer, "errors", '[');
    writer_end(writer, ']');
}

/* Under /stats/ the sentence stands where other routes have their code. */
static bool is_of_statistics(const struct http_request *request)
{
    return g_str_has_prefix(http_request_path(request), "/stats/");
}

void answer_refusal(struct http_request *request, struct metrics *metrics, struct refusal *refusal)
{
    g_autoptr(GString) body = g_string_new(NULL);
    struct writer writer;
    writer_init(&writer, body);
    writer_begin(&writer, NULL, '{');
    if (is_of_statistics(request)) {
        writer_text(&writer, "error", view_of(refusal->message));
    } else {
        writer_bool(&writer, "success", false);
        writer_text(&writer, "error", view_of(v1_code(refusal)));
        writer_text(&writer, "message", view_of(refusal->message));
    }
    write_value(&writer, refusal);
    if (g_str_has_prefix(http_request_path(request), "/api/v2/")) {
        write_v2(&writer, request, refusal);
        http_response_header(request, "ININ-Correlation-Id", http_request_id(request));
    }
    writer_text(&writer, "requestId", view_of(http_request_id(request)));
    writer_time_ms(&writer, "timestamp", g_get_real_time() / G_TIME_SPAN_MILLISECOND);
    writer_end(&writer, '}');
    int retry_after_s = refusal->status == 503 && refusal->retry_after_s == 0 ? RETRY_AFTER_S : refusal->retry_after_s;
    if (retry_after_s > 0) {
        char seconds[16];
        g_snprintf(seconds, sizeof seconds, "%d", retry_after_s);
        http_response_header(request, "Retry-After", seconds);
    }
    answer_json(request, metrics, refusal->status, body);
    refusal_clear(refusal);
}
