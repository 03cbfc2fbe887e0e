#include "api/answer.h"

#include "api/meters.h"
#include "api/writer.h"

static void send_answer(struct http_request *request, struct metrics *metrics, int status, const char *type, struct view body)
{
    char label[16];
    g_snprintf(label, sizeof label, "%d", status);
    metrics_add(metrics, METER_REQUESTS, label, 1);
    http_response_header(request, "Cache-Control", "no-store");
    http_respond(request, status, type, body.data, body.size);
}

void answer_json(struct http_request *request, struct metrics *metrics, int status, const GString *body)
{
    send_answer(request, metrics, status, "application/json", view_make(body->str, body->len));
}

void answer_text(struct http_request *request, struct metrics *metrics, int status, const char *content_type, const char *text)
{
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

void answer_refusal(struct http_request *request, struct metrics *metrics, struct refusal *refusal)
{
    g_autoptr(GString) body = g_string_new(NULL);
    struct writer writer;
    writer_init(&writer, body);
    writer_begin(&writer, NULL, '{');
    writer_bool(&writer, "success", false);
    writer_text(&writer, "error", view_of(refusal->code));
    writer_text(&writer, "message", view_of(refusal->message));
    write_value(&writer, refusal);
    writer_text(&writer, "requestId", view_of(http_request_id(request)));
    writer_time_ms(&writer, "timestamp", g_get_real_time() / G_TIME_SPAN_MILLISECOND);
    writer_end(&writer, '}');
    if (refusal->retry_after_s > 0) {
        char seconds[16];
        g_snprintf(seconds, sizeof seconds, "%d", refusal->retry_after_s);
        http_response_header(request, "Retry-After", seconds);
    }
    answer_json(request, metrics, refusal->status, body);
    refusal_clear(refusal);
}
