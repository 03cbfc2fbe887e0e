/* A request goes through here on its server thread: may it, is it readable, what is in it. If there is something to make durable,
 * it is held, and its submission goes to the batcher with the answer already written; done() sends it from the batcher's thread. */
#include "collector/ingest_http.h"
#include "collector/gunzip.h"
#include "collector/ingest_body.h"
#include "collector/meters.h"

enum {
    BUSY_RETRY_S = 1,
    FULL_RETRY_S = 10,
    READERS_KEPT_MAX = 16, /* more are made and freed as they are needed */
};

enum form { FORM_JSON, FORM_LINES, FORM_CLOUDEVENT, FORM_CLOUDEVENTS, FORM_PROTOBUF, N_FORMS };
static const char *const media_types[N_FORMS] = {
    [FORM_JSON] = "application/json",
    [FORM_LINES] = "application/x-ndjson",
    [FORM_CLOUDEVENT] = "application/cloudevents+json",
    [FORM_CLOUDEVENTS] = "application/cloudevents-batch+json",
    [FORM_PROTOBUF] = "application/x-protobuf",
};
#define MEDIA_TYPES                                                          \
    "application/json, application/x-ndjson, application/cloudevents+json, " \
    "application/cloudevents-batch+json, application/x-protobuf"

struct ingest_http {
    struct intake *intake;
    struct batcher *batcher;
    struct metrics *metrics; /* or NULL */
    const char *token;       /* "": none */
    size_t body_max_bytes, events_max;
    GMutex lock;
    GPtrArray *readers; /* guarded: of struct event_json, idle */
};

/* A request whose events are on their way to the disk. */
struct waiting {
    struct ingest_http *ingest;
    struct http_request *request;
    struct intake_tally tally;
    char *body_refused; /* the reason, if all of the body was; NULL */
    int status;
    GString *answer;
};

struct ingest_http *ingest_http_new(const struct config *config, struct intake *intake, struct batcher *batcher, GError **error)
{
    (void)error; /* nothing that the configuration's table lets through is wrong here */
    struct ingest_http *ingest = g_new0(struct ingest_http, 1);
    ingest->intake = intake;
    ingest->batcher = batcher;
    ingest->token = config_string(config, "listen.token");
    ingest->body_max_bytes = (size_t)config_int(config, "listen.body_max_bytes");
    ingest->events_max = (size_t)config_int(config, "input.max_events");
    ingest->readers = g_ptr_array_new();
    g_mutex_init(&ingest->lock);
    return ingest;
}

void ingest_http_free(struct ingest_http *ingest)
{
    if (!ingest)
        return;
    for (guint i = 0; i < ingest->readers->len; i++)
        event_json_free(g_ptr_array_index(ingest->readers, i));
    g_ptr_array_free(ingest->readers, TRUE);
    g_mutex_clear(&ingest->lock);
    g_free(ingest);
}

void ingest_http_set_metrics(struct ingest_http *ingest, struct metrics *metrics)
{
    ingest->metrics = metrics;
}

static struct event_json *borrow_reader(struct ingest_http *ingest)
{
    g_mutex_lock(&ingest->lock);
    guint n = ingest->readers->len;
    struct event_json *reader = n > 0 ? g_ptr_array_steal_index_fast(ingest->readers, n - 1) : NULL;
    g_mutex_unlock(&ingest->lock);
    return reader ? reader : event_json_new();
}

static void return_reader(struct ingest_http *ingest, struct event_json *reader)
{
    g_mutex_lock(&ingest->lock);
    bool kept = ingest->readers->len < READERS_KEPT_MAX;
    if (kept)
        g_ptr_array_add(ingest->readers, reader);
    g_mutex_unlock(&ingest->lock);
    if (!kept)
        event_json_free(reader);
}

/* ---- answers ---- */

static void count_answer(struct ingest_http *ingest, const char *code)
{
    if (ingest->metrics)
        metrics_add(ingest->metrics, METER_HTTP_REQUESTS, code, 1);
}

static void answer(struct ingest_http *ingest, struct http_request *request, int status, const GString *body)
{
    char code[8];
    g_snprintf(code, sizeof code, "%d", status);
    count_answer(ingest, code);
    http_respond(request, status, "application/json", body->str, body->len);
}

static GString *error_body(struct http_request *request, const char *code, const char *message)
{
    GString *body = g_string_new("{\"success\":false,\"error\":");
    ingest_append_json(body, code);
    g_string_append(body, ",\"message\":");
    ingest_append_json(body, message);
    g_string_append(body, ",\"requestId\":");
    ingest_append_json(body, http_request_id(request));
    return g_string_append(body, "}\n");
}

/* Always false, so that a check can end with it. */
G_GNUC_PRINTF(5, 6)
static bool refuse(struct ingest_http *ingest, struct http_request *request, int status, const char *code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_autofree char *message = g_utf8_make_valid(text, -1);
    g_autoptr(GString) body = error_body(request, code, message);
    answer(ingest, request, status, body);
    return false;
}

static void refuse_for_now(struct ingest_http *ingest, struct http_request *request, enum batcher_verdict verdict)
{
    char seconds[8];
    bool full = verdict == BATCHER_FULL;
    g_snprintf(seconds, sizeof seconds, "%d", full ? FULL_RETRY_S : BUSY_RETRY_S);
    http_response_header(request, "Retry-After", seconds);
    if (full)
        refuse(ingest, request, 503, "JOURNAL_FULL", "The journal has no room: send the same again in %s s.", seconds);
    else if (verdict == BATCHER_CLOSED)
        refuse(ingest, request, 503, "SERVICE_UNAVAILABLE", "The collector is shutting down: send the same again in %s s.",
               seconds);
    else
        refuse(ingest, request, 503, "BUSY", "The collector has as much to do as it can take: send the same again in %s s.",
               seconds);
}

/* ---- making it durable ---- */

static void waiting_free(struct waiting *waiting)
{
    g_string_free(waiting->answer, TRUE);
    g_free(waiting->body_refused);
    g_free(waiting);
}

/* On the batcher's thread. */
static void done(struct submission *submission, enum submission_outcome outcome)
{
    struct waiting *waiting = submission->opaque;
    if (outcome == SUBMISSION_DURABLE) {
        intake_count(waiting->ingest->intake, &waiting->tally);
        if (waiting->body_refused && waiting->ingest->metrics)
            metrics_add(waiting->ingest->metrics, METER_BODIES_REJECTED, waiting->body_refused, 1);
        answer(waiting->ingest, waiting->request, waiting->status, waiting->answer);
    } else {
        count_answer(waiting->ingest, "none");
        http_abandon(waiting->request);
    }
    waiting_free(waiting);
    submission_free(submission);
}

/* Takes both; the answer is sent when the submission is durable. */
static void submit(struct submission *submission, struct waiting *waiting)
{
    struct ingest_http *ingest = waiting->ingest;
    struct http_request *request = waiting->request;
    submission->done = done;
    submission->opaque = waiting;
    http_hold(request); /* before it is given away: it may be answered before batcher_submit returns */
    enum batcher_verdict verdict = batcher_submit(ingest->batcher, submission);
    if (verdict == BATCHER_TAKEN)
        return;
    submission_free(submission);
    waiting_free(waiting);
    refuse_for_now(ingest, request, verdict);
}

static struct waiting *waiting_new(struct ingest_http *ingest, struct http_request *request, int status, GString *answer)
{
    struct waiting *waiting = g_new0(struct waiting, 1);
    waiting->ingest = ingest;
    waiting->request = request;
    waiting->status = status;
    waiting->answer = answer;
    return waiting;
}

/* Refuses all of the body, and lists it: like the rejection of an event, its answer waits for the disk. Always false. */
static bool refuse_body(struct ingest_http *ingest, struct http_request *request, int status, const char *code,
                        const struct intake_refusal *refusal, struct view sample)
{
    g_autofree char *reason = g_ascii_strdown(code, -1);
    struct submission *submission = submission_new();
    intake_list(submission, reason, refusal, g_get_real_time() / 1000, sample);
    struct waiting *waiting = waiting_new(ingest, request, status, error_body(request, code, refusal->message));
    waiting->body_refused = g_steal_pointer(&reason);
    submit(submission, waiting);
    return false;
}

/* ---- may it ---- */

static bool note_parameter(const char *name, const char *value, void *opaque)
{
    (void)value;
    *(char **)opaque = g_strdup(name);
    return false;
}

static bool check_method(struct ingest_http *ingest, struct http_request *request)
{
    const char *method = http_request_method(request);
    if (strcmp(method, "POST") == 0)
        return true;
    http_response_header(request, "Allow", "POST");
    return refuse(ingest, request, 405, "METHOD_NOT_ALLOWED", "The method is %s; allowed: POST.", method);
}

static bool check_token(struct ingest_http *ingest, struct http_request *request)
{
    bool right = ingest->token[0] ? http_request_bearer_is(request, ingest->token) : http_request_is_local(request);
    if (right)
        return true;
    http_response_header(request, "WWW-Authenticate", "Bearer");
    return refuse(ingest, request, 401, "UNAUTHORIZED", "%s",
                  ingest->token[0] ? "The header Authorization: Bearer with the collector's token is missing or wrong."
                                   : "Without a token (listen.token) only clients on this machine are served.");
}

static bool check_parameters(struct ingest_http *ingest, struct http_request *request)
{
    g_autofree char *name = NULL;
    http_request_each_query(request, note_parameter, &name);
    return !name ||
           refuse(ingest, request, 400, "INVALID_PARAMETER", "The query parameter '%.100s' is unknown; allowed: none.", name);
}

/* ---- is it readable ---- */

static bool is_utf8(const char *parameters)
{
    g_autofree char *lower = g_ascii_strdown(parameters, -1);
    const char *charset = strstr(lower, "charset=");
    if (!charset)
        return true;
    charset += strlen("charset=");
    charset += *charset == '"';
    return g_str_has_prefix(charset, "utf-8") || g_str_has_prefix(charset, "utf8") || g_str_has_prefix(charset, "us-ascii");
}

static bool find_form(struct ingest_http *ingest, struct http_request *request, enum form *form)
{
    const char *type = http_request_header(request, "Content-Type");
    size_t size = type ? strcspn(type, "; \t") : 0;
    for (int i = 0; i < N_FORMS; i++) {
        *form = (enum form)i;
        if (size == strlen(media_types[i]) && g_ascii_strncasecmp(type, media_types[i], size) == 0 && is_utf8(type + size))
            return true;
    }
    struct intake_refusal refusal;
    intake_refuse(&refusal, INTAKE_WRONG_TYPE, "Content-Type", view_of(type), MEDIA_TYPES ", in UTF-8");
    return refuse_body(ingest, request, 415, "UNSUPPORTED_MEDIA_TYPE", &refusal, view_of(""));
}

static bool refuse_large(struct ingest_http *ingest, struct http_request *request)
{
    struct intake_refusal refusal;
    intake_refuse_plain(&refusal, INTAKE_TOO_LONG, "The body is larger than the limit of %zu bytes when it is unpacked.",
                        ingest->body_max_bytes);
    return refuse_body(ingest, request, 413, "PAYLOAD_TOO_LARGE", &refusal, view_of(""));
}

/* The body without its Content-Encoding; unpacked is where it lives, if it had one. */
static bool find_data(struct ingest_http *ingest, struct http_request *request, GByteArray *unpacked, struct view *data)
{
    struct intake_refusal refusal;
    const char *encoding = http_request_header(request, "Content-Encoding");
    *data = http_request_body(request);
    if (!encoding || g_ascii_strcasecmp(encoding, "identity") == 0)
        return true;
    if (g_ascii_strcasecmp(encoding, "gzip") != 0 && g_ascii_strcasecmp(encoding, "x-gzip") != 0) {
        http_response_header(request, "Accept-Encoding", "gzip, identity");
        intake_refuse(&refusal, INTAKE_WRONG_TYPE, "Content-Encoding", view_of(encoding), "gzip, identity");
        return refuse_body(ingest, request, 415, "UNSUPPORTED_ENCODING", &refusal, view_of(""));
    }
    enum gunzip_result result = gunzip(*data, ingest->body_max_bytes, unpacked);
    if (result == GUNZIP_TOO_LARGE)
        return refuse_large(ingest, request);
    if (result == GUNZIP_MALFORMED) {
        intake_refuse_plain(&refusal, INTAKE_MALFORMED, "The body is not valid gzip, or not all of it is there.");
        return refuse_body(ingest, request, 400, "MALFORMED_BODY", &refusal, view_of(""));
    }
    *data = view_make(unpacked->data, unpacked->len);
    return true;
}

/* ---- what is in it ---- */

/* A CloudEvent in binary mode has its attributes in ce-… headers. Fills them; values are owned by the list. */
static bool read_attributes(struct http_request *request, struct cloudevent *attributes, GPtrArray *values)
{
    if (!http_request_header(request, "ce-specversion") && !http_request_header(request, "ce-id"))
        return false;
    for (int i = 0; i < CLOUDEVENT_N_ATTRIBUTES; i++) {
        g_autofree char *name = g_strconcat("ce-", cloudevent_attribute_name((enum cloudevent_attribute)i), NULL);
        char *value = g_strdup(http_request_header(request, name));
        if (!value)
            continue;
        g_ptr_array_add(values, value);
        cloudevent_decode_header(value);
        attributes->attributes[i] = view_of(value);
    }
    return true;
}

static enum ingest_body_result read_json(struct ingest_http *ingest, struct http_request *request, enum form form, struct view data,
                                         struct ingest_body *body)
{
    static const enum event_json_form forms[] = {
        [FORM_JSON] = EVENT_JSON_DOCUMENT,
        [FORM_LINES] = EVENT_JSON_LINES,
        [FORM_CLOUDEVENT] = EVENT_JSON_CLOUDEVENT,
        [FORM_CLOUDEVENTS] = EVENT_JSON_CLOUDEVENTS,
    };
    struct cloudevent attributes = {0};
    g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func(g_free);
    bool binary = form == FORM_JSON && read_attributes(request, &attributes, values);
    struct event_json *reader = borrow_reader(ingest);
    enum ingest_body_result result =
        ingest_body_read_json(body, reader, data, binary ? EVENT_JSON_DATA : forms[form], binary ? &attributes : NULL);
    return_reader(ingest, reader);
    return result;
}

static bool read_body(struct ingest_http *ingest, struct http_request *request, enum form form, struct view data,
                      struct ingest_body *body)
{
    enum ingest_body_result result =
        form == FORM_PROTOBUF ? ingest_body_read_protobuf(body, data) : read_json(ingest, request, form, data, body);
    if (result == INGEST_BODY_READ)
        return true;
    struct intake_refusal refusal;
    if (result == INGEST_BODY_TOO_MANY) {
        intake_refuse_plain(&refusal, INTAKE_TOO_LONG, "The body holds more than the limit of %zu events.", ingest->events_max);
        return refuse_body(ingest, request, 413, "TOO_MANY_EVENTS", &refusal, view_of(""));
    }
    if (form == FORM_PROTOBUF)
        intake_refuse_plain(&refusal, INTAKE_MALFORMED, "The body is not valid protobuf: %s.", body->why);
    else
        intake_refuse_plain(&refusal, INTAKE_MALFORMED, "The body is not valid JSON at byte %zu: %s.", body->position, body->why);
    return refuse_body(ingest, request, 400, "MALFORMED_BODY", &refusal, form == FORM_PROTOBUF ? view_of("") : data);
}

static void take(struct ingest_http *ingest, struct http_request *request, enum form form, struct view data)
{
    struct ingest_body body;
    ingest_body_init(&body, ingest->intake, ingest->events_max, g_get_real_time() / 1000);
    if (!read_body(ingest, request, form, data, &body)) {
        ingest_body_clear(&body);
        return;
    }
    if (body.tally.accepted == 0 && !body.submission->rejections) { /* nothing that needs the disk */
        g_autoptr(GString) text = ingest_body_answer(&body);
        intake_count(ingest->intake, &body.tally);
        answer(ingest, request, 202, text);
        ingest_body_clear(&body);
        return;
    }
    struct waiting *waiting = waiting_new(ingest, request, 202, ingest_body_answer(&body));
    waiting->tally = body.tally;
    submit(g_steal_pointer(&body.submission), waiting);
    ingest_body_clear(&body);
}

void ingest_http_handle(struct ingest_http *ingest, struct http_request *request)
{
    enum form form;
    struct view data;
    g_autoptr(GByteArray) unpacked = g_byte_array_new();
    if (check_method(ingest, request) && check_token(ingest, request) && check_parameters(ingest, request) &&
        find_form(ingest, request, &form) && find_data(ingest, request, unpacked, &data))
        take(ingest, request, form, data);
}
