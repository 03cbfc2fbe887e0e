#include "collector/ingest_body.h"
#include "collector/settings.h"
#include <jansson.h>

struct fixture {
    struct intake *intake;
    struct event_json *reader;
};

static void set_up(struct fixture *f, gconstpointer sets)
{
    GError *error = NULL;
    struct config *config = config_load(&collector_settings, NULL, sets, NULL, &error);
    g_assert_no_error(error);
    f->intake = intake_new(config, &error);
    g_assert_no_error(error);
    f->reader = event_json_new();
    config_free(config);
}

static void tear_down(struct fixture *f, gconstpointer sets)
{
    (void)sets;
    intake_free(f->intake);
    event_json_free(f->reader);
}

/* The books of every body that can be read must close, and the answer must be JSON that says the same. */
static enum ingest_body_result check_books(struct fixture *f, struct view data, enum event_json_form form, size_t *received)
{
    struct ingest_body body;
    uint64_t rejected = 0;
    ingest_body_init(&body, f->intake, 100, INT64_C(1763719200123));
    enum ingest_body_result result = ingest_body_read_json(&body, f->reader, data, form, NULL);
    for (int i = 0; i < INTAKE_N_REASONS; i++)
        rejected += body.tally.rejected[i];
    g_assert_cmpuint(body.tally.accepted, ==, body.submission->events->len);
    if (result == INGEST_BODY_READ) {
        GString *answer = ingest_body_answer(&body);
        json_t *document = json_loadb(answer->str, answer->len, 0, NULL);
        g_assert_nonnull(document);
        g_assert_cmpuint(body.tally.accepted + body.tally.excluded + rejected, ==, body.received);
        g_assert_cmpuint((uint64_t)json_integer_value(json_object_get(document, "accepted")), ==, body.tally.accepted);
        g_assert_cmpuint((uint64_t)json_integer_value(json_object_get(document, "excluded")), ==, body.tally.excluded);
        g_assert_cmpuint(json_array_size(json_object_get(document, "rejected")), ==, rejected);
        const struct rejections *listed = body.submission->rejections;
        g_assert_cmpuint(listed ? rejections_total(listed) : 0, ==, rejected);
        json_decref(document);
        g_string_free(answer, TRUE);
    }
    *received = body.received;
    ingest_body_clear(&body);
    return result;
}

static void test_books(struct fixture *f, gconstpointer sets)
{
    static const char text[] = "{\"method\":\"GET\",\"route\":\"/a\",\"status\":200,\"client\":\"a\\\"ü\"}\n"
                               "{\"method\":\"GET\",\"path\":\"/b/17\",\"status\":404,\"client\":\"probe\"}\n"
                               "{\"method\":\"PUT\",\"path\":\"/b/17\",\"status\":99,\"latencyMs\":1.5}\n";
    size_t size = sizeof text - 1, received;
    g_autofree char *damaged = g_memdup2(text, size);
    (void)sets;
    g_assert_cmpint(check_books(f, view_make(text, size), EVENT_JSON_LINES, &received), ==, INGEST_BODY_READ);
    g_assert_cmpuint(received, ==, 3);
    for (size_t at = 0; at < size; at++) {
        for (int byte = 0; byte < 256; byte++) {
            damaged[at] = (char)byte;
            g_assert_cmpint(check_books(f, view_make(damaged, size), EVENT_JSON_LINES, &received), ==, INGEST_BODY_READ);
            g_assert_cmpuint(received, >=, 2); /* a newline may be gone, or one more be there */
            g_assert_cmpuint(received, <=, 4);
        }
        damaged[at] = text[at];
        g_assert_cmpint(check_books(f, view_make(text, at), EVENT_JSON_LINES, &received), ==, INGEST_BODY_READ);
    }
}

static void test_too_many(struct fixture *f, gconstpointer sets)
{
    GString *text = g_string_new(NULL);
    size_t received;
    (void)sets;
    for (int i = 0; i < 100; i++)
        g_string_append(text, "{}\n");
    g_assert_cmpint(check_books(f, view_make(text->str, text->len), EVENT_JSON_LINES, &received), ==, INGEST_BODY_READ);
    g_string_append(text, "x");
    g_assert_cmpint(check_books(f, view_make(text->str, text->len), EVENT_JSON_LINES, &received), ==, INGEST_BODY_TOO_MANY);
    g_string_free(text, TRUE);
}

static void test_append_json(void)
{
    g_autoptr(GString) out = g_string_new(NULL);
    ingest_append_json(out, "a\"b\\c\n\x01ü");
    g_assert_cmpstr(out->str, ==, "\"a\\\"b\\\\c\\u000a\\u0001ü\"");
}

int main(int argc, char **argv)
{
    static const char *const sets[] = {"exclude.clients=probe", NULL};
    g_test_init(&argc, &argv, NULL);
    g_test_add("/ingest_body/books", struct fixture, sets, set_up, test_books, tear_down);
    g_test_add("/ingest_body/too_many", struct fixture, sets, set_up, test_too_many, tear_down);
    g_test_add_func("/ingest_body/append_json", test_append_json);
    return g_test_run();
}
