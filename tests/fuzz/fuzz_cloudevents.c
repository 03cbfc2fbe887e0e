/* CloudEvents: the first byte chooses between one, an array, and data whose attributes come in headers (each up to a NUL, then the
 * data). An event that is accepted has an id that is a name, and its source and id make the same one again. */
#include "collector/event_text.h"
#include "collector/ingest_body.h"
#include "collector/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW INT64_C(1763719200123)

static struct intake *intake;
static struct event_json *reader;

static void begin(void)
{
    static const char *const sets[] = {NULL};
    struct config *config = config_load(&collector_settings, NULL, sets, NULL, NULL);
    intake = intake_new(config, NULL);
    reader = event_json_new();
    config_free(config);
}

/* Takes headers off the front of the text: their values, decoded in place. */
static char *take_headers(char *text, const char *end, struct cloudevent *attributes)
{
    for (int i = 0; i < CLOUDEVENT_N_ATTRIBUTES; i++) {
        char *nul = memchr(text, '\0', (size_t)(end - text));
        if (!nul)
            return text;
        cloudevent_decode_header(text);
        attributes->attributes[i] = view_of(text);
        text = nul + 1;
    }
    return text;
}

static void check_events(const struct submission *submission)
{
    for (guint i = 0; i < submission->events->len; i++) {
        const struct event *event = &g_array_index(submission->events, struct event, i);
        g_assert(event->id.size > 0 && event->id.size <= EVENT_NAME_MAX && event_text_is_clean(event->id));
        g_assert(event->client.size > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum event_json_form forms[] = {EVENT_JSON_CLOUDEVENT, EVENT_JSON_CLOUDEVENTS, EVENT_JSON_DATA};
    struct cloudevent attributes = {0};
    struct ingest_body body;
    if (!intake)
        begin();
    if (size == 0)
        return 0;
    enum event_json_form form = forms[data[0] % G_N_ELEMENTS(forms)];
    g_autofree char *text = g_malloc(size);
    memcpy(text, data + 1, size - 1);
    char *rest = form == EVENT_JSON_DATA ? take_headers(text, text + size - 1, &attributes) : text;
    ingest_body_init(&body, intake, 1000, NOW);
    enum ingest_body_result result = ingest_body_read_json(&body, reader, view_make(rest, (size_t)(text + size - 1 - rest)), form,
                                                           form == EVENT_JSON_DATA ? &attributes : NULL);
    if (result == INGEST_BODY_READ)
        check_events(body.submission);
    if (result == INGEST_BODY_READ && form == EVENT_JSON_DATA && body.tally.accepted > 0) {
        char id[EVENT_NAME_MAX];
        size_t n = cloudevent_compose_id(attributes.attributes[CLOUDEVENT_SOURCE], attributes.attributes[CLOUDEVENT_ID], id);
        g_assert(view_equal(g_array_index(body.submission->events, struct event, 0).id, view_make(id, n)));
    }
    ingest_body_clear(&body);
    return 0;
}
