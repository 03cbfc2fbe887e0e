/* What the tests of POST /v1/events share: a raw client, the real server, intake, batcher and journal. What is read at the end are
 * the records that the journal holds. Faults come from the journal's own table of them. */
#ifndef DAYBOOK_TESTS_INGEST_TOOLS_H
#define DAYBOOK_TESTS_INGEST_TOOLS_H

#include "collector/ingest_http.h"
#include "collector/meters.h"
#include "collector/settings.h"
#include "lib/record.h"
#include "tests/unit/http_client.h"
#include "tests/unit/journal_tools.h"
#include <jansson.h>
#include <stdatomic.h>

enum { BODY_MAX = 20000, EVENTS_MAX = 50 };

struct fixture {
    struct tools tools;
    struct journal_faults faults;
    atomic_int failing; /* errno that every fdatasync fails with, 0: none */
    struct config *config;
    struct intake *intake;
    struct batcher *batcher;
    struct metrics *metrics;
    struct ingest_http *ingest;
    struct http_server *server;
    char *socket;
    int port;
};

static inline int fail(void *opaque, enum journal_op op, const char *name, size_t *size)
{
    struct fixture *f = opaque;
    (void)name;
    (void)size;
    return op == JOURNAL_OP_SYNC ? atomic_load(&f->failing) : 0;
}

static inline void ship(void *opaque, struct journal_group *group)
{
    (void)opaque;
    journal_group_free(group);
}

static inline void failed(void *opaque)
{
    (void)opaque;
}

static inline void handle(struct http_request *request, void *opaque)
{
    ingest_http_handle(((struct fixture *)opaque)->ingest, request);
}

static inline void set_up(struct fixture *f, gconstpointer sets)
{
    g_autoptr(GError) error = NULL;
    struct batcher_settings batching = {
        .commit_ms = 5, .collector = "edge", .partition_count = 2, .ship = ship, .failed = failed, .opaque = f};
    f->tools.dir = tools_directory();
    f->faults = (struct journal_faults){fail, f};
    f->tools.settings = (struct journal_settings){.dir = f->tools.dir, .topic = "t", .max_bytes = 64 << 20, .faults = &f->faults};
    f->tools.journal = journal_open(&f->tools.settings, &error);
    g_assert_no_error(error);
    f->batcher = batcher_start(&batching, f->tools.journal);
    f->config = config_load(&collector_settings, NULL, sets, NULL, &error);
    g_assert_no_error(error);
    f->intake = intake_new(f->config, &error);
    g_assert_no_error(error);
    f->metrics = metrics_new(collector_meters, METER_N);
    f->ingest = ingest_http_new(f->config, f->intake, f->batcher, &error);
    g_assert_no_error(error);
    ingest_http_set_metrics(f->ingest, f->metrics);
    f->socket = g_build_filename(f->tools.dir, "http", NULL);
    struct http_settings settings = {.address = "127.0.0.1",
                                     .unix_path = f->socket,
                                     .body_max_bytes = BODY_MAX,
                                     .threads = 2,
                                     .connections_max = 100,
                                     .idle_timeout_s = 30};
    f->server = http_server_start(&settings, handle, f, &error);
    g_assert_no_error(error);
    f->port = http_server_port(f->server);
}

static inline void stop_server(struct fixture *f)
{
    g_clear_pointer(&f->server, http_server_stop);
}

static inline void stop_batcher(struct fixture *f)
{
    if (f->batcher)
        batcher_stop(f->batcher);
    g_clear_pointer(&f->batcher, batcher_free);
}

static inline void tear_down(struct fixture *f, gconstpointer sets)
{
    (void)sets;
    stop_server(f);
    stop_batcher(f);
    ingest_http_free(f->ingest);
    intake_free(f->intake);
    metrics_free(f->metrics);
    config_free(f->config);
    tools_close(&f->tools);
    tools_remove(f->tools.dir);
    g_free(f->tools.dir);
    g_free(f->socket);
}

/* ---- asking ---- */

static inline void send_request(struct http_client *client, const char *headers, const void *body, size_t size)
{
    g_autofree char *head = g_strdup_printf("POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n%s\r\n", size, headers);
    http_client_send(client, head);
    http_client_write(client, body, size);
}

static inline struct http_answer ask(struct fixture *f, const char *headers, const void *body, size_t size)
{
    struct http_client client;
    struct http_answer answer;
    http_client_init(&client, f->port);
    send_request(&client, headers, body, size);
    http_client_receive(&client, TRUE, &answer);
    http_client_clear(&client);
    return answer;
}

#define JSON "Content-Type: application/json\r\n"
#define LINES "Content-Type: application/x-ndjson\r\n"
#define PROTOBUF "Content-Type: application/x-protobuf\r\n"
#define GET "{\"method\":\"GET\",\"route\":\"/a\",\"status\":200}"

/* The answer must be exactly this (less the newline at its end). */
static inline void expect(struct fixture *f, const char *headers, const char *body, const char *wanted)
{
    struct http_answer answer = ask(f, headers, body, strlen(body));
    g_test_message("%s -> %d %s", body, answer.status, answer.body->str);
    g_assert_cmpint(answer.status, ==, 202);
    g_assert_cmpstr(g_strchomp(answer.body->str), ==, wanted);
    http_answer_clear(&answer);
}

/* An error with this code, and these words in its message. */
static inline void check_refusal(struct http_answer *answer, int status, const char *code, const char *words)
{
    json_t *document = json_loads(answer->body->str, 0, NULL);
    g_test_message("%d %s", answer->status, answer->body->str);
    g_assert_cmpint(answer->status, ==, status);
    g_assert_nonnull(document);
    g_assert_cmpstr(json_string_value(json_object_get(document, "error")), ==, code);
    g_assert_nonnull(strstr(json_string_value(json_object_get(document, "message")), words));
    const char *id = json_string_value(json_object_get(document, "requestId"));
    g_autofree char *header = g_strdup_printf("\r\nx-request-id: %s\r\n", id);
    g_assert_nonnull(strstr(answer->head, header));
    json_decref(document);
    http_answer_clear(answer);
}

static inline void expect_refused(struct fixture *f, const char *headers, const char *body, const char *code, const char *words)
{
    static const struct {
        const char *code;
        int status;
    } statuses[] = {{"MALFORMED_BODY", 400},         {"INVALID_PARAMETER", 400},
                    {"UNAUTHORIZED", 401},           {"METHOD_NOT_ALLOWED", 405},
                    {"PAYLOAD_TOO_LARGE", 413},      {"TOO_MANY_EVENTS", 413},
                    {"UNSUPPORTED_MEDIA_TYPE", 415}, {"UNSUPPORTED_ENCODING", 415},
                    {"JOURNAL_FULL", 503},           {"BUSY", 503}};
    struct http_answer answer = ask(f, headers, body, strlen(body));
    int status = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(statuses); i++)
        status = strcmp(code, statuses[i].code) == 0 ? statuses[i].status : status;
    check_refusal(&answer, status, code, words);
}

static inline int compare_lines(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All events that the journal holds, a line each, sorted; ends the server and the batcher. */
static inline char *journaled(struct fixture *f)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    stop_server(f);
    stop_batcher(f);
    struct journal_reader *reader = journal_reader_new(f->tools.journal);
    struct record_parser *parser = record_parser_new();
    for (struct journal_group *group = NULL; journal_reader_next(reader, &group) == JOURNAL_READ_GROUP; journal_group_free(group)) {
        for (guint b = 0; b < group->batches->len; b++) {
            gsize size;
            struct record record;
            struct event event;
            const void *data = g_bytes_get_data(g_array_index(group->batches, struct journal_batch, b).record, &size);
            g_assert_true(record_parse(parser, data, size, &record, NULL));
            for (size_t i = 0; i < record.batch.n_events; i++) {
                batch_event(&record.batch, i, &event);
                g_ptr_array_add(lines, g_strdup_printf("%.*s|%.*s|%.*s|%.*s %.*s|%u|%" PRIu64 "|%.*s", (int)event.organization.size,
                                                       event.organization.data, (int)event.client.size, event.client.data,
                                                       (int)event.user.size, event.user.data, (int)event.method.size,
                                                       event.method.data, (int)event.route.size, event.route.data, event.status,
                                                       event.latency_us, (int)event.id.size, event.id.data));
            }
        }
    }
    record_parser_free(parser);
    journal_reader_free(reader);
    g_ptr_array_sort(lines, compare_lines);
    g_ptr_array_add(lines, NULL);
    return g_strjoinv("\n", (char **)lines->pdata);
}

static inline void expect_books(struct fixture *f, uint64_t accepted, uint64_t excluded, uint64_t rejected)
{
    struct intake_tally totals;
    uint64_t all = 0;
    intake_totals(f->intake, &totals);
    for (int i = 0; i < INTAKE_N_REASONS; i++)
        all += totals.rejected[i];
    g_assert_cmpuint(totals.accepted, ==, accepted);
    g_assert_cmpuint(totals.excluded, ==, excluded);
    g_assert_cmpuint(all, ==, rejected);
}

/* A test and the settings that it runs with. */
struct ingest_test {
    const char *name;
    const char *const *sets;
    void (*run)(struct fixture *, gconstpointer);
};

static inline int run_ingest_tests(int argc, char **argv, const struct ingest_test *tests, size_t n)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < n; i++)
        g_test_add(tests[i].name, struct fixture, tests[i].sets, set_up, tests[i].run, tear_down);
    return g_test_run();
}

#endif
