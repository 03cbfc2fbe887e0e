/* Bodies of native events. The first byte chooses between a document and lines. Whatever comes: the books close, another reader of
 * JSON agrees on what can be read, and every event that is accepted makes a Record that a reader of the topic takes. */
#include "collector/ingest_body.h"
#include "collector/settings.h"
#include "lib/record.h"
#include <jansson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EVENTS_MAX = 1000 };
#define NOW INT64_C(1763719200123)

static struct intake *intake;
static struct event_json *reader;
static struct batch_builder *builder;
static struct record_parser *parser;

static void begin(void)
{
    static const char *const sets[] = {"route.templates=GET /v1/orders/{id};/files/{path...};GET /v1/x/{uuid}",
                                       "exclude.clients=probe*", "client.fields=client;user", NULL};
    struct config *config = config_load(&collector_settings, NULL, sets, NULL, NULL);
    intake = intake_new(config, NULL);
    reader = event_json_new();
    builder = batch_builder_new();
    parser = record_parser_new();
    config_free(config);
}

static size_t count_lines(const char *data, size_t size)
{
    size_t lines = 0;
    bool blank = true;
    for (size_t i = 0; i < size; i++) {
        lines += data[i] == '\n' && !blank;
        blank = data[i] == '\n' || (blank && (data[i] == ' ' || data[i] == '\t' || data[i] == '\r'));
    }
    return lines + !blank;
}

static void check_records(const struct submission *submission)
{
    struct batch_header header = {.partition_count = 1, .sequence = 1, .created_ms = NOW};
    struct record record;
    g_autoptr(GError) error = NULL;
    for (guint i = 0; i < submission->events->len; i++)
        batch_builder_add(builder, &g_array_index(submission->events, struct event, i));
    g_autoptr(GBytes) bytes = batch_builder_seal(builder, &header);
    if (!record_parse(parser, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), &record, &error))
        g_error("%s", error->message);
    g_assert(record.batch.n_events == submission->events->len);
}

static void check_books(const struct ingest_body *body)
{
    uint64_t sum = body->tally.accepted + body->tally.excluded;
    GString *answer = ingest_body_answer(body);
    json_t *document = json_loadb(answer->str, answer->len, 0, NULL);
    for (int i = 0; i < INTAKE_N_REASONS; i++)
        sum += body->tally.rejected[i];
    g_assert(document != NULL && sum == body->received && body->tally.accepted == body->submission->events->len);
    json_decref(document);
    g_string_free(answer, TRUE);
}

/* jansson reads less in some places (lone surrogates, numbers that overflow), and more in one (NUL), but never other events. */
static void compare(const struct ingest_body *body, enum ingest_body_result result, const char *data, size_t size)
{
    json_t *value = memchr(data, '\0', size) ? NULL : json_loadb(data, size, 0, NULL);
    size_t events = json_is_array(value) ? json_array_size(value) : 1;
    bool deep = body->why && strstr(body->why, "nested");
    if (value && !deep && events <= EVENTS_MAX)
        g_assert(result == INGEST_BODY_READ && body->received == events);
    json_decref(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ingest_body body;
    if (!intake)
        begin();
    if (size == 0)
        return 0;
    enum event_json_form form = data[0] % 2 ? EVENT_JSON_LINES : EVENT_JSON_DOCUMENT;
    g_autofree char *text = g_memdup2(data + 1, size - 1);
    ingest_body_init(&body, intake, EVENTS_MAX, NOW);
    enum ingest_body_result result = ingest_body_read_json(&body, reader, view_make(text, size - 1), form, NULL);
    if (result == INGEST_BODY_READ) {
        check_books(&body);
        check_records(body.submission);
    }
    if (form == EVENT_JSON_DOCUMENT && text)
        compare(&body, result, text, size - 1);
    if (form == EVENT_JSON_LINES)
        g_assert(result == INGEST_BODY_TOO_MANY || (result == INGEST_BODY_READ && body.received == count_lines(text, size - 1)));
    ingest_body_clear(&body);
    return 0;
}
