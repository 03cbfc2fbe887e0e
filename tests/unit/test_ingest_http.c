/* POST /v1/events, end to end: what may be posted, what is answered, and what is in the journal then. */
#include "tests/unit/ingest_tools.h"
#include <zlib.h>

static void test_forms(struct fixture *f, gconstpointer sets)
{
    (void)sets;
    expect(f, JSON, GET, "{\"accepted\":1,\"rejected\":[]}");
    expect(f, JSON, "[" GET "," GET "]", "{\"accepted\":2,\"rejected\":[]}");
    expect(f, "Content-Type: APPLICATION/JSON; charset=\"UTF-8\"\r\n", "[]", "{\"accepted\":0,\"rejected\":[]}");
    expect(f, LINES, GET "\n\n" GET "\n", "{\"accepted\":2,\"rejected\":[]}");
    expect(f, LINES, "", "{\"accepted\":0,\"rejected\":[]}");
    expect(f, "Content-Type: application/cloudevents+json\r\n",
           "{\"specversion\":\"1.0\",\"id\":\"7\",\"source\":\"/s\",\"type\":\"t\",\"subject\":\"c-2\",\"data\":" GET "}",
           "{\"accepted\":1,\"rejected\":[]}");
    expect(f, "Content-Type: application/cloudevents-batch+json\r\n",
           "[{\"specversion\":\"1.0\",\"id\":\"8\",\"source\":\"/s\",\"type\":\"t\",\"data\":" GET "}]",
           "{\"accepted\":1,\"rejected\":[]}");
    expect(f, JSON "ce-specversion: 1.0\r\nCE-Id: 9\r\nce-source: /b%20b\r\nce-type: t\r\nce-subject: Z%C3%BCrich\r\n", GET,
           "{\"accepted\":1,\"rejected\":[]}");
    expect_books(f, 8, 0, 0);
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256,
                                                            "/b b\x1f"
                                                            "9",
                                                            -1);
    g_autofree char *wanted =
        g_strdup_printf("acme|-||GET /a|200|0|\nacme|-||GET /a|200|0|\nacme|-||GET /a|200|0|\nacme|-||GET /a|200|0|\n"
                        "acme|-||GET /a|200|0|\nacme|-||GET /a|200|0|/s 8\nacme|Zürich||GET /a|200|0|%s\n"
                        "acme|c-2||GET /a|200|0|/s 7",
                        digest);
    g_autofree char *found = journaled(f);
    g_assert_cmpstr(found, ==, wanted);
}

static void test_some_wrong(struct fixture *f, gconstpointer sets)
{
    (void)sets;
    expect(f, JSON,
           "[" GET ",{\"method\":\"GET\",\"path\":\"/b/7\",\"status\":99},{\"method\":\"GET\",\"path\":\"/b/7\",\"status\":201,"
           "\"latencyMs\":1.5},"
           "{\"x\\\"y\":1},{\"method\":\"GET\",\"status\":200},{\"client\":\"probe\",\"method\":\"GET\",\"route\":\"/a\","
           "\"status\":200}]",
           "{\"accepted\":2,\"excluded\":1,\"rejected\":["
           "{\"index\":1,\"reason\":\"out_of_range\",\"message\":\"status is '99'; allowed: an integer from 100 to 599.\"},"
           "{\"index\":3,\"reason\":\"unknown_field\",\"message\":\"'x\\\"y' is no field; allowed: time, organization, "
           "client, user, method, "
           "route, path, status, latencyMs, requestBytes, responseBytes, platform, userAgent, source, id.\"},"
           "{\"index\":4,\"reason\":\"missing_field\",\"message\":\"route is missing; needed: method, status, and route "
           "or path.\"}]}");
    expect(f, LINES, "{\n" GET "\n",
           "{\"accepted\":1,\"rejected\":[{\"index\":0,\"reason\":\"malformed\",\"message\":\"The line is not one JSON "
           "object: a name in "
           "quotes was expected, after 1 bytes of it.\"}]}");
    expect(f, JSON, "{\"client\":\"probe\",\"method\":\"GET\",\"route\":\"/a\",\"status\":200}",
           "{\"accepted\":0,\"excluded\":1,\"rejected\":[]}");
    expect_books(f, 3, 2, 4);
    g_autofree char *found = journaled(f);
    g_assert_cmpstr(found, ==, "acme|-||GET /a|200|0|\nacme|-||GET /a|200|0|\nacme|-||GET /b/{n}|201|1500|");
}

/* The answer lists so many, and counts all. */
static void test_many_wrong(struct fixture *f, gconstpointer sets)
{
    GString *body = g_string_new(NULL);
    (void)sets;
    for (int i = 0; i < 1200; i++)
        g_string_append(body, "{}\n");
    struct http_answer answer = ask(f, LINES, body->str, body->len);
    json_t *document = json_loads(answer.body->str, 0, NULL);
    g_assert_cmpint(answer.status, ==, 202);
    g_assert_cmpint(json_integer_value(json_object_get(document, "accepted")), ==, 0);
    g_assert_cmpuint(json_array_size(json_object_get(document, "rejected")), ==, 1000);
    g_assert_cmpint(json_integer_value(json_object_get(document, "rejectedTotal")), ==, 1200);
    json_decref(document);
    http_answer_clear(&answer);
    g_string_free(body, TRUE);
    expect_books(f, 0, 0, 1200);
}

static void test_unreadable(struct fixture *f, gconstpointer sets)
{
    (void)sets;
    expect_refused(f, JSON, "[" GET "," GET, "MALFORMED_BODY", "at byte 86: ',' or ']' was expected");
    expect_refused(f, JSON, "", "MALFORMED_BODY", "at byte 0: the body is empty");
    expect_refused(f, JSON, "17", "MALFORMED_BODY", "at byte 0");
    expect_refused(f, JSON "ce-id: 1\r\n", "[" GET "]", "MALFORMED_BODY", "at byte 0");
    expect_refused(f, PROTOBUF, "\xff\xff", "MALFORMED_BODY", "no UsageBatch");
    expect_refused(f, JSON "Content-Encoding: gzip\r\n", GET, "MALFORMED_BODY", "gzip");
    expect_books(f, 0, 0, 0);
    g_assert_cmpint(metrics_get(f->metrics, METER_HTTP_REQUESTS, "400"), ==, 6);
    g_autofree char *found = journaled(f);
    g_assert_cmpstr(found, ==, "");
}

static void test_refused(struct fixture *f, gconstpointer sets)
{
    struct http_client client;
    struct http_answer answer;
    (void)sets;
    expect_refused(f, "", GET, "UNSUPPORTED_MEDIA_TYPE", "allowed: application/json, application/x-ndjson,");
    expect_refused(f, "Content-Type: text/plain\r\n", GET, "UNSUPPORTED_MEDIA_TYPE", "'text/plain'");
    expect_refused(f, "Content-Type: application/jsonx\r\n", GET, "UNSUPPORTED_MEDIA_TYPE", "'application/jsonx'");
    expect_refused(f, "Content-Type: application/json; charset=latin1\r\n", GET, "UNSUPPORTED_MEDIA_TYPE", "UTF-8");
    expect_refused(f, JSON "Content-Encoding: br\r\n", GET, "UNSUPPORTED_ENCODING", "'br'; allowed: gzip");
    http_client_init(&client, f->port);
    http_client_send(&client, "GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
    http_client_receive(&client, TRUE, &answer);
    g_assert_nonnull(strstr(answer.head, "\r\nallow: post\r\n"));
    check_refusal(&answer, 405, "METHOD_NOT_ALLOWED", "GET; allowed: POST");
    http_client_send(&client, "POST /v1/events?dry=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    http_client_receive(&client, TRUE, &answer);
    check_refusal(&answer, 400, "INVALID_PARAMETER", "'dry'");
    http_client_clear(&client);
    expect_books(f, 0, 0, 0);
}

static void test_limits(struct fixture *f, gconstpointer sets)
{
    GString *body = g_string_new("[" GET);
    (void)sets;
    for (int i = 1; i < EVENTS_MAX; i++)
        g_string_append(body, "," GET);
    g_string_append_c(body, ']');
    expect(f, JSON, body->str, "{\"accepted\":50,\"rejected\":[]}");
    g_string_insert(body, 1, "{},");
    expect_refused(f, JSON, body->str, "TOO_MANY_EVENTS", "limit of 50 events");
    g_string_set_size(body, 0);
    for (int i = 0; i <= EVENTS_MAX; i++)
        g_string_append(body, GET "\n");
    expect_refused(f, LINES, body->str, "TOO_MANY_EVENTS", "limit of 50 events");
    g_autofree char *large = g_strnfill(BODY_MAX + 1, ' ');
    expect_refused(f, JSON, large, "PAYLOAD_TOO_LARGE", "20000 bytes");
    large[BODY_MAX] = '\0';
    memcpy(large + 100, "{}", 2);
    expect(f, LINES, large,
           "{\"accepted\":0,\"rejected\":[{\"index\":0,\"reason\":\"missing_field\",\"message\":\"method is missing; "
           "needed: method, status, and route or path.\"}]}");
    g_string_free(body, TRUE);
    expect_books(f, 50, 0, 1);
}

static struct http_answer ask_packed(struct fixture *f, const char *body, size_t size)
{
    uLong packed_size = compressBound((uLong)size) + 64;
    g_autofree Bytef *packed = g_malloc(packed_size);
    z_stream stream = {0};
    g_assert_cmpint(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), ==, Z_OK);
    stream.next_in = (Bytef *)(uintptr_t)body;
    stream.avail_in = (uInt)size;
    stream.next_out = packed;
    stream.avail_out = (uInt)packed_size;
    g_assert_cmpint(deflate(&stream, Z_FINISH), ==, Z_STREAM_END);
    deflateEnd(&stream);
    return ask(f, LINES "Content-Encoding: gzip\r\n", packed, stream.total_out);
}

static void test_gzip(struct fixture *f, gconstpointer sets)
{
    (void)sets;
    struct http_answer answer = ask_packed(f, GET "\n" GET, sizeof GET "\n" GET - 1);
    g_assert_cmpint(answer.status, ==, 202);
    g_assert_cmpstr(answer.body->str, ==, "{\"accepted\":2,\"rejected\":[]}\n");
    http_answer_clear(&answer);
    g_autofree char *blanks = g_strnfill(BODY_MAX + 1, ' ');
    answer = ask_packed(f, blanks, BODY_MAX);
    g_assert_cmpint(answer.status, ==, 202);
    http_answer_clear(&answer);
    answer = ask_packed(f, blanks, BODY_MAX + 1);
    check_refusal(&answer, 413, "PAYLOAD_TOO_LARGE", "20000 bytes when it is unpacked");
    g_autofree char *bomb = g_strnfill(10 << 20, ' ');
    answer = ask_packed(f, bomb, 10 << 20);
    check_refusal(&answer, 413, "PAYLOAD_TOO_LARGE", "20000 bytes");
    expect_books(f, 2, 0, 0);
}

static GBytes *make_batch(struct batch_builder *builder)
{
    struct batch_header header = {.partition_count = 1, .sequence = 1, .created_ms = 1};
    return batch_builder_seal(builder, &header);
}

/* The Record without the tag and length in front of its batch. */
static struct view inner_batch(GBytes *record)
{
    gsize size;
    const char *data = g_bytes_get_data(record, &size);
    size_t head = 1;
    while (data[head] & 0x80)
        head++;
    return view_make(data + head + 1, size - head - 1);
}

static void test_protobuf(struct fixture *f, gconstpointer sets)
{
    struct batch_builder *builder = batch_builder_new();
    int64_t now_ms = g_get_real_time() / 1000;
    (void)sets;
    struct event event = {.time_ms = now_ms,
                          .organization = view_of("o"),
                          .client = view_of("c"),
                          .user = view_of("u"),
                          .method = view_of("PUT"),
                          .route = view_of("/p"),
                          .status = 204,
                          .latency_us = 77,
                          .id = view_of("id")};
    batch_builder_add(builder, &event);
    event.time_ms = 1; /* too old */
    batch_builder_add(builder, &event);
    event.time_ms = now_ms;
    event.organization = event.client = event.user = event.id = view_of("");
    batch_builder_add(builder, &event);
    g_autoptr(GBytes) record = make_batch(builder);
    struct view batch = inner_batch(record);
    for (int i = 0; i < 2; i++) {
        struct http_answer answer = i == 0 ? ask(f, PROTOBUF, batch.data, batch.size)
                                           : ask(f, PROTOBUF, g_bytes_get_data(record, NULL), g_bytes_get_size(record));
        g_test_message("%s", answer.body->str);
        g_assert_cmpint(answer.status, ==, 202);
        g_assert_true(g_str_has_prefix(answer.body->str, "{\"accepted\":2,\"rejected\":[{\"index\":1,\"reason\":\"too_old\","));
        http_answer_clear(&answer);
    }
    expect(f, PROTOBUF, "", "{\"accepted\":0,\"rejected\":[]}");
    /* Cut at every byte, and with every byte changed: refused as a whole, or event by event, and always answered. */
    g_autofree char *damaged = g_memdup2(batch.data, batch.size);
    for (size_t at = 0; at < batch.size; at++) {
        struct http_answer answer = ask(f, PROTOBUF, batch.data, at);
        g_assert_true(answer.status == 400 || answer.status == 202);
        http_answer_clear(&answer);
        damaged[at] = (char)(damaged[at] ^ 0x81);
        answer = ask(f, PROTOBUF, damaged, batch.size);
        g_assert_true(answer.status == 400 || answer.status == 202);
        http_answer_clear(&answer);
        damaged[at] = batch.data[at];
    }
    batch_builder_free(builder);
}

static void test_token(struct fixture *f, gconstpointer sets)
{
    (void)sets;
    expect_refused(f, JSON, GET, "UNAUTHORIZED", "Authorization: Bearer");
    expect_refused(f, JSON "Authorization: Bearer s3cre\r\n", GET, "UNAUTHORIZED", "Bearer");
    expect_refused(f, JSON "Authorization: Basic s3cret\r\n", GET, "UNAUTHORIZED", "Bearer");
    struct http_answer answer = ask(f, JSON, GET, strlen(GET));
    g_assert_nonnull(strstr(answer.head, "\r\nwww-authenticate: bearer\r\n"));
    g_assert_null(strstr(answer.body->str, "s3cret"));
    http_answer_clear(&answer);
    expect(f, JSON "Authorization: Bearer s3cret\r\n", GET, "{\"accepted\":1,\"rejected\":[]}");
    g_assert_cmpint(metrics_get(f->metrics, METER_HTTP_REQUESTS, "401"), ==, 4);
    g_assert_cmpint(metrics_get(f->metrics, METER_HTTP_REQUESTS, "202"), ==, 1);
}

static void test_unix_socket(struct fixture *f, gconstpointer sets)
{
    struct http_client client;
    struct http_answer answer;
    (void)sets;
    http_client_init_unix(&client, f->socket);
    for (int i = 0; i < 3; i++) {
        send_request(&client, JSON, GET, strlen(GET));
        http_client_receive(&client, TRUE, &answer);
        g_assert_cmpint(answer.status, ==, 202);
        http_answer_clear(&answer);
    }
    http_client_clear(&client);
}

int main(int argc, char **argv)
{
    static const char *const plain[] = {"input.organization=acme", "input.max_events=50", "listen.body_max_bytes=20000",
                                        "exclude.clients=probe", NULL};
    static const char *const many[] = {"input.max_events=2000", "listen.body_max_bytes=20000", NULL};
    static const char *const token[] = {"listen.token=s3cret", NULL};
    static const struct ingest_test tests[] = {
        {"/ingest_http/forms", plain, test_forms},
        {"/ingest_http/some_wrong", plain, test_some_wrong},
        {"/ingest_http/many_wrong", many, test_many_wrong},
        {"/ingest_http/unreadable", plain, test_unreadable},
        {"/ingest_http/refused", plain, test_refused},
        {"/ingest_http/limits", plain, test_limits},
        {"/ingest_http/gzip", plain, test_gzip},
        {"/ingest_http/protobuf", plain, test_protobuf},
        {"/ingest_http/token", token, test_token},
        {"/ingest_http/unix_socket", plain, test_unix_socket},
    };
    return run_ingest_tests(argc, argv, tests, G_N_ELEMENTS(tests));
}
