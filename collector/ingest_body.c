#include "collector/ingest_body.h"
#include "lib/record_foreign.h"

void ingest_body_init(struct ingest_body *body, const struct intake *intake, size_t events_max, int64_t now_ms)
{
    *body = (struct ingest_body){.intake = intake, .events_max = events_max, .now_ms = now_ms};
    body->submission = submission_new();
    body->rejected = g_string_new(NULL);
}

void ingest_body_clear(struct ingest_body *body)
{
    submission_free(body->submission);
    g_string_free(body->rejected, TRUE);
    g_free(body->why);
}

void ingest_append_json(GString *out, const char *text)
{
    g_string_append_c(out, '"');
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20) {
            g_string_append_printf(out, "\\u%04x", (unsigned)*text);
            continue;
        }
        if (*text == '"' || *text == '\\')
            g_string_append_c(out, '\\');
        g_string_append_c(out, *text);
    }
    g_string_append_c(out, '"');
}

static void reject(struct ingest_body *body, const struct intake_refusal *refusal, struct view text)
{
    intake_list(body->submission, intake_reason_word(refusal->reason), refusal, body->now_ms, text);
    body->tally.rejected[refusal->reason]++;
    if (body->n_rejected++ >= INGEST_LISTED_MAX)
        return;
    g_string_append_printf(body->rejected, "%s{\"index\":%zu,\"reason\":\"%s\",\"message\":", body->rejected->len > 0 ? "," : "",
                           body->received, intake_reason_word(refusal->reason));
    ingest_append_json(body->rejected, refusal->message);
    g_string_append_c(body->rejected, '}');
}

/* The event as a text for the list of refused ones, where it did not come as one. */
static char *text_of(const struct raw_event *raw)
{
    GString *text = g_string_new(NULL);
    const struct {
        const char *name;
        struct view value;
    } texts[] = {{"organization", raw->organization},
                 {"client", raw->client},
                 {"user", raw->user},
                 {"method", raw->method},
                 {"route", raw->route},
                 {"id", raw->id},
                 {"platform", raw->platform}};
    g_string_append_printf(text, "{\"time\":%" G_GINT64_FORMAT ",\"status\":%" G_GINT64_FORMAT, raw->time_ms, raw->status);
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *value = g_strndup(texts[i].value.data ? texts[i].value.data : "", texts[i].value.size);
        g_string_append_printf(text, ",\"%s\":", texts[i].name);
        ingest_append_json(text, value);
    }
    return g_string_free(g_string_append_c(text, '}'), FALSE);
}

/* text: the event as it came; NULL: see text_of. */
static void judge(struct ingest_body *body, const struct raw_event *raw, const struct view *text)
{
    struct intake_refusal refusal;
    enum intake_verdict verdict = intake_judge(body->intake, raw, body->now_ms, true, body->submission, &refusal);
    body->tally.accepted += verdict == INTAKE_ACCEPTED;
    body->tally.excluded += verdict == INTAKE_EXCLUDED;
    if (verdict == INTAKE_REJECTED) {
        g_autofree char *made = text ? NULL : text_of(raw);
        reject(body, &refusal, text ? *text : view_of(made));
    }
    body->received++;
}

/* Takes the next event; raw is NULL for one that is refused already. False: there are too many. */
static bool take(void *opaque, const struct raw_event *raw, const struct intake_refusal *refusal, struct view text)
{
    struct ingest_body *body = opaque;
    if (body->received == body->events_max)
        return false;
    if (raw) {
        judge(body, raw, &text);
    } else {
        reject(body, refusal, text);
        body->received++;
    }
    return true;
}

enum ingest_body_result ingest_body_read_json(struct ingest_body *body, struct event_json *reader, struct view data,
                                              enum event_json_form form, struct cloudevent *attributes)
{
    struct event_json_sink sink = {take, body};
    struct event_json_failure failure = {0};
    switch (event_json_read(reader, data, form, attributes, &sink, &failure)) {
    case EVENT_JSON_READ:
        return INGEST_BODY_READ;
    case EVENT_JSON_STOPPED:
        return INGEST_BODY_TOO_MANY;
    default:
        body->position = failure.position;
        body->why = g_strdup(failure.why);
        return INGEST_BODY_UNREADABLE;
    }
}

struct taker {
    struct ingest_body *body;
    bool has_times;
};

static bool take_row(void *opaque, const struct event *event)
{
    const struct taker *taker = opaque;
    struct raw_event raw = {
        .has_time = taker->has_times,
        .time_ms = event->time_ms,
        .organization = event->organization,
        .client = event->client,
        .user = event->user,
        .method = event->method,
        .route = event->route,
        .platform = event->platform,
        .id = event->id,
        .has_status = true,
        .status = event->status,
        .latency_us = event->latency_us,
        .request_bytes = event->request_bytes,
        .response_bytes = event->response_bytes,
    };
    judge(taker->body, &raw, NULL);
    return true;
}

enum ingest_body_result ingest_body_read_protobuf(struct ingest_body *body, struct view data)
{
    g_autoptr(GError) error = NULL;
    struct foreign_batch *batch = foreign_batch_parse(data, &error);
    if (!batch) {
        body->why = g_strdup(error->message);
        return INGEST_BODY_UNREADABLE;
    }
    bool too_many = foreign_batch_count(batch) > body->events_max;
    struct taker taker = {body, foreign_batch_has_times(batch)};
    if (!too_many)
        foreign_batch_each(batch, take_row, &taker);
    foreign_batch_free(batch);
    return too_many ? INGEST_BODY_TOO_MANY : INGEST_BODY_READ;
}

GString *ingest_body_answer(const struct ingest_body *body)
{
    GString *answer = g_string_sized_new(body->rejected->len + 128);
    g_string_append_printf(answer, "{\"accepted\":%" G_GUINT64_FORMAT, body->tally.accepted);
    if (body->tally.excluded > 0)
        g_string_append_printf(answer, ",\"excluded\":%" G_GUINT64_FORMAT, body->tally.excluded);
    g_string_append(answer, ",\"rejected\":[");
    g_string_append_len(answer, body->rejected->str, (gssize)body->rejected->len);
    g_string_append_c(answer, ']');
    if (body->n_rejected > INGEST_LISTED_MAX)
        g_string_append_printf(answer, ",\"rejectedTotal\":%zu", body->n_rejected);
    g_string_append(answer, "}\n");
    return answer;
}
