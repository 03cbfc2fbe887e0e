/* Lines through the whole way to the intake: log_line, log_event and the field maps together. */
#include "collector/intake.h"
#include "collector/log_line.h"
#include "collector/settings.h"

#define TIME "[17/May/2015:10:05:03 +0000]"

struct world {
    struct config *config;
    struct intake *intake;
    struct submission *submission;
};

static void set_up(struct world *world)
{
    g_autoptr(GError) error = NULL;
    char *environment[] = {NULL};
    world->config = config_load(&collector_settings, NULL, NULL, environment, &error);
    g_assert_no_error(error);
    world->intake = intake_new(world->config, &error);
    g_assert_no_error(error);
    world->submission = submission_new();
}

static void tear_down(struct world *world)
{
    submission_free(world->submission);
    intake_free(world->intake);
    config_free(world->config);
}

static struct log_line_reader *reader_of(enum log_format format, const char *fields)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) items = fields ? g_strsplit(fields, ";", 0) : NULL;
    struct log_line_settings settings = {.format = format,
                                         .fields = (const char *const *)items,
                                         .organization = "acme",
                                         .platform = "edge",
                                         .max_line_bytes = LOG_LINE_MAX};
    struct log_line_reader *reader = log_line_reader_new(&settings, &error);
    g_assert_no_error(error);
    return reader;
}

/* "METHOD route status client user latency requestBytes responseBytes", or the reason of the refusal. */
static char *judge(struct world *world, struct log_line_reader *reader, struct view line)
{
    struct raw_event raw;
    struct intake_refusal refusal = {0};
    g_autofree char *padded = g_malloc0(line.size + LOG_LINE_PADDING);
    memcpy(padded, line.data, line.size);
    g_array_set_size(world->submission->events, 0);
    if (!log_line_read(reader, view_make(padded, line.size), &raw, &refusal) ||
        intake_judge(world->intake, &raw, 0, false, world->submission, &refusal) != INTAKE_ACCEPTED) {
        g_assert_true(g_utf8_validate(refusal.message, -1, NULL));
        return g_strdup(intake_reason_word(refusal.reason));
    }
    const struct event *event = &g_array_index(world->submission->events, struct event, 0);
    g_assert_true(view_is(event->organization, "acme") || view_is(event->organization, "other"));
    return g_strdup_printf("%.*s %.*s %u %.*s %.*s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT,
                           (int)event->method.size, event->method.data, (int)event->route.size, event->route.data, event->status,
                           (int)event->client.size, event->client.data, (int)event->user.size, event->user.data, event->latency_us,
                           event->request_bytes, event->response_bytes);
}

struct line_case {
    const char *line, *expected;
};

static void check_all(enum log_format format, const char *fields, const struct line_case *cases, size_t n)
{
    struct world world;
    set_up(&world);
    struct log_line_reader *reader = reader_of(format, fields);
    for (size_t i = 0; i < n; i++) {
        g_autofree char *found = judge(&world, reader, view_of(cases[i].line));
        g_test_message("%s", cases[i].line);
        g_assert_cmpstr(found, ==, cases[i].expected);
    }
    log_line_reader_free(reader);
    tear_down(&world);
}

#define CHECK_ALL(format, fields, cases) check_all(format, fields, cases, G_N_ELEMENTS(cases))

static void test_combined(void)
{
    static const struct line_case cases[] = {
        {"h - - " TIME " \"GET /v1/orders/17?secret=1 HTTP/1.1\" 200 12 \"-\" \"curl\"", "GET /v1/orders/{n} 200 -  0 0 12"},
        {"h - c-1 " TIME " \"post /a HTTP/1.1\" 201 - \"-\" \"curl\"\r", "POST /a 201 c-1 c-1 0 0 0"},
        {"h - - " TIME " \"GET http://example.org:80/a#b HTTP/1.1\" 200 1", "GET /a 200 -  0 0 1"},
        {"h - - " TIME " \"GET https://example.org HTTP/1.1\" 200 1", "GET / 200 -  0 0 1"},
        /* requests that are none still were answered, and count */
        {"h - - " TIME " \"-\" 408 0 \"-\" \"-\"", "INVALID {unmatched} 408 -  0 0 0"},
        {"h - - " TIME " \"\" 400 0 \"-\" \"-\"", "INVALID {unmatched} 400 -  0 0 0"},
        {"h - - " TIME " \"\\x16\\x03\\x01\\x02 \\x00\" 400 166 \"-\" \"-\"", "INVALID {unmatched} 400 -  0 0 166"},
        {"h - - " TIME " \"G=T / HTTP/1.1\" 400 1", "INVALID {unmatched} 400 -  0 0 1"},
        {"h - - " TIME " \"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGH / HTTP/1.1\" 400 1", "INVALID {unmatched} 400 -  0 0 1"},
        {"h - - " TIME " \"OPTIONS * HTTP/1.1\" 200 1", "OPTIONS {unmatched} 200 -  0 0 1"},
        {"h - - " TIME " \"CONNECT a.b:443 HTTP/1.1\" 405 1", "CONNECT {unmatched} 405 -  0 0 1"},
        {"h - - " TIME " \"GET ?x HTTP/1.1\" 400 1", "GET {unmatched} 400 -  0 0 1"},
        /* bytes that are no text */
        {"h - - " TIME " \"GET /caf\\xe9/b HTTP/1.1\" 404 1 \"-\" \"\\xff\\xfe\"", "GET {unmatched} 404 -  0 0 1"},
        {"h - \\xff " TIME " \"GET /a HTTP/1.1\" 401 1", "GET /a 401 -  0 0 1"}, /* a user that is no name */
        {"h - a\\x00b " TIME " \"GET /a HTTP/1.1\" 401 1", "GET /a 401 -  0 0 1"},
        {"h - \\xc2\\x85 " TIME " \"GET /a HTTP/1.1\" 401 1", "GET /a 401 -  0 0 1"},
        /* what the server wrote wrongly */
        {"h - - [99/May/2015:10:05:03 +0000] \"GET /a HTTP/1.1\" 200 1", "invalid_time"},
        {"h - - " TIME " \"GET /a HTTP/1.1\" 000 1", "out_of_range"},
        {"h - - " TIME " \"GET /a HTTP/1.1\" - 1", "missing_field"},
        {"h - - " TIME " \"GET /a HTTP/1.1\" 99999999999999999999999 1", "wrong_type"},
        {"h - - " TIME " \"GET /a HTTP/1.1\" 200 99999999999999999999999", "wrong_type"},
        {"h - - " TIME " \"GET /a HTTP/1.1\" 200 99999999999999999", "out_of_range"},
        {"hello", "malformed"},
    };
    CHECK_ALL(LOG_FORMAT_COMBINED, NULL, cases);
    static const struct line_case mapped[] = {
        {"h - - " TIME " \"GET /a HTTP/1.1\" 200 1 \"-\" \"u\" \"c-9\" 1500", "GET /a 200 c-9  1500 0 1"},
        {"h - fred " TIME " \"GET /a HTTP/1.1\" 200 1 \"-\" \"u\" \"-\" -", "GET /a 200 fred  0 0 1"},
    };
    CHECK_ALL(LOG_FORMAT_COMBINED, "client=extra1|remote_user;user=;latency=extra2:us", mapped);
}

static void test_nginx_json(void)
{
    static const struct line_case cases[] = {
        {"{\"time\":\"1431857103.123\",\"method\":\"GET\",\"uri\":\"/v1/orders/17\",\"status\":\"200\",\"request_time\":\"0.012\","
         "\"request_length\":\"412\",\"bytes_sent\":\"1830\",\"client\":\"c-1\",\"user\":\"\",\"remote_user\":\"fred\","
         "\"remote_addr\":\"::1\",\"http_user_agent\":\"x\"}",
         "GET /v1/orders/{n} 200 c-1 fred 12000 412 1830"},
        {"{\"time\":1431857103.123,\"method\":\"GET\",\"uri\":\"/a b\",\"status\":200,\"request_time\":0.012}",
         "GET /a b 200 -  12000 0 0"},
        {"{\"time\":\"2015-05-17T10:05:03+00:00\",\"method\":\"GET\",\"uri\":\"/a\",\"status\":200}", "GET /a 200 -  0 0 0"},
        {"{\"time\":\"17/May/2015:10:05:03 +0000\",\"method\":\"GET\",\"uri\":\"/a\",\"status\":200}", "GET /a 200 -  0 0 0"},
        {"{\"time\":1,\"method\":\"\",\"uri\":\"\",\"status\":400}",
         "INVALID {unmatched} 400 -  0 0 0"}, /* so nginx logs garbage */
        {"{\"time\":1,\"method\":\"GET\",\"uri\":\"\",\"status\":400}", "GET {unmatched} 400 -  0 0 0"},
        {"{\"time\":1,\"method\":\"GET\",\"uri\":\"/a\\u0000b\",\"status\":200}", "GET /a%00b 200 -  0 0 0"},
        {"{\"time\":1,\"method\":\"GET\",\"uri\":\"/a\",\"status\":200,\"request_time\":-1}", "GET /a 200 -  0 0 0"},
        {"{\"time\":1,\"method\":\"GET\",\"uri\":\"/a\",\"status\":200,\"request_time\":\"-\"}", "GET /a 200 -  0 0 0"},
        {"{\"time\":1,\"method\":\"GET\",\"uri\":\"/a\",\"status\":200,\"organization\":\"other\",\"route\":\"/r/{x}\"}",
         "GET /r/{x} 200 -  0 0 0"},
        {"{\"time\":1,\"method\":\"GET\",\"uri\":\"/a\",\"status\":200,\"unknown\":[{\"x\":1}]}", "GET /a 200 -  0 0 0"},
        {"{\"time\":1,\"method\":\"GET\",\"uri\":\"/a\",\"status\":200,\"user\":null,\"client\":true}", "GET /a 200 true  0 0 0"},
        {"{\"time\":1,\"uri\":\"/a\",\"status\":200}", "missing_field"},
        {"{\"time\":1,\"method\":\"GET\",\"status\":200}", "missing_field"},
        {"{\"time\":1,\"method\":\"GET\",\"uri\":\"/a\"}", "missing_field"},
        {"{\"time\":1,\"method\":\"GET\",\"uri\":\"/a\",\"status\":\"2xx\"}", "wrong_type"},
        {"{\"time\":1,\"method\":\"GET\",\"uri\":\"/a\",\"status\":200.5}", "wrong_type"},
        {"{\"time\":1,\"method\":\"GET\",\"uri\":\"/a\",\"status\":200,\"request_time\":\"0.1, 0.2\"}", "wrong_type"},
        {"{\"time\":1,\"method\":\"GET\",\"uri\":\"/a\",\"status\":200,\"request_time\":99999}", "out_of_range"},
        {"{\"time\":\"yesterday\",\"method\":\"GET\",\"uri\":\"/a\",\"status\":200}", "invalid_time"},
        {"{\"time\":99999999999999,\"method\":\"GET\",\"uri\":\"/a\",\"status\":200}", "invalid_time"},
        {"{\"time\":1,\"method\":\"GET\",\"uri\":\"/a\",\"status\":,\"x\":1}", "malformed"}, /* an empty variable without quotes */
        {"{\"time\":1,\"method\":\"GET\",\"uri\":\"/\\xe9\",\"status\":200}", "malformed"},  /* Apache's escapes are no JSON */
        {"[]", "malformed"},
        /* nginx does not escape what is no UTF-8 */
        {"{\"time\":1,\"method\":\"GET\",\"uri\":\"/a\xff\xc3\",\"status\":200,\"http_user_agent\":\"\xe9\"}",
         "GET /a%FF%C3 200 -  0 0 0"},
        {"{\"time\":1,\"method\":\"GET\",\"uri\":\"/a\",\"status\":404,\xff}", "malformed"},
    };
    CHECK_ALL(LOG_FORMAT_NGINX_JSON, NULL, cases);
    static const struct line_case caddy[] = {
        {"{\"ts\":1646861401.5241024,\"request\":{\"method\":\"GET\",\"uri\":\"/v1/x?y=1\","
         "\"headers\":{\"X-Client\":[\"c-7\",\"c-8\"]}},"
         "\"duration\":0.000929675,\"size\":10900,\"status\":200}",
         "GET /v1/x 200 c-7  929 0 10900"},
        {"{\"ts\":1646861401.5241024,\"request\":{\"method\":\"GET\",\"uri\":\"/v1/x\"},\"duration\":9.29675e-04,\"status\":200}",
         "GET /v1/x 200 -  929 0 0"},
    };
    CHECK_ALL(LOG_FORMAT_NGINX_JSON,
              "time=ts;method=request.method;path=request.uri;latency=duration;response_bytes=size;client=request.headers.X-Client",
              caddy);
    static const struct line_case whole[] = {
        {"{\"time\":1,\"request\":\"GET /a?b HTTP/1.1\",\"status\":200}", "GET /a 200 -  0 0 0"},
        {"{\"time\":1,\"request\":\"-\",\"status\":400}", "INVALID {unmatched} 400 -  0 0 0"},
    };
    CHECK_ALL(LOG_FORMAT_NGINX_JSON, "request=request", whole);
}

static void test_ndjson(void)
{
    static const struct line_case cases[] = {
        {"{\"time\":\"2026-11-21T10:00:00.123Z\",\"organization\":\"other\",\"client\":\"c-17\","
         "\"user\":\"u-9\",\"method\":\"GET\","
         "\"route\":\"/v1/orders/{id}\",\"status\":200,\"latencyMs\":12.4,\"requestBytes\":412,\"responseBytes\":1830}",
         "GET /v1/orders/{id} 200 c-17 u-9 12400 412 1830"},
        {"{\"time\":1431857103123,\"method\":\"GET\",\"path\":\"/v1/orders/17\",\"status\":200}",
         "GET /v1/orders/{n} 200 -  0 0 0"},
    };
    CHECK_ALL(LOG_FORMAT_NDJSON, NULL, cases);
}

static void test_times(void)
{
    static const struct {
        const char *fields, *line;
        int64_t ms;
    } cases[] = {
        {"time=t:s", "{\"t\":1431857103.9999}", INT64_C(1431857103999)},
        {"time=t:ms", "{\"t\":\"1431857103123\"}", INT64_C(1431857103123)},
        {"time=t:us", "{\"t\":1431857103123456}", INT64_C(1431857103123)},
        {"time=t:ns", "{\"t\":1431857103123456789}", INT64_C(1431857103123)},
        {"time=t:ns", "{\"t\":\"2015-05-17T10:05:03.123Z\"}", INT64_C(1431857103123)},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct log_line_reader *reader = reader_of(LOG_FORMAT_NDJSON, cases[i].fields);
        struct raw_event raw;
        struct intake_refusal refusal;
        char padded[256] = {0};
        g_strlcpy(padded, cases[i].line, sizeof padded);
        g_assert_true(log_line_read(reader, view_of(padded), &raw, &refusal));
        g_assert_true(raw.has_time);
        g_assert_cmpint(raw.time_ms, ==, cases[i].ms);
        log_line_reader_free(reader);
    }
}

/* The longest line there may be, and all of it bytes that take three: the scratch must do. */
static void test_longest(void)
{
    struct world world;
    set_up(&world);
    struct log_line_reader *reader = reader_of(LOG_FORMAT_COMBINED, "source=http_user_agent;user_agent=http_user_agent");
    GString *line = g_string_new("h - - " TIME " \"GET /");
    while (line->len < LOG_LINE_MAX - 64)
        g_string_append_c(line, '\xff');
    g_string_append(line, "\" 200 1 \"-\" \"\xff\"");
    g_autofree char *found = judge(&world, reader, view_make(line->str, line->len));
    g_assert_cmpstr(found, ==, "GET {unmatched} 200 -  0 0 1"); /* no path is that long */
    g_string_assign(line, "h - - " TIME " \"GET / HTTP/1.1\" 200 1 \"-\" \"");
    while (line->len < LOG_LINE_MAX - 64)
        g_string_append_c(line, '\xff');
    g_autofree char *agent = judge(&world, reader, view_make(line->str, line->len));
    g_assert_cmpstr(agent, ==, "GET / 200 -  0 0 1");
    g_string_free(line, TRUE);
    log_line_reader_free(reader);
    tear_down(&world);
}

static void test_blank(void)
{
    g_assert_true(log_line_is_blank(view_of("")));
    g_assert_true(log_line_is_blank(view_of(" \t\r")));
    g_assert_false(log_line_is_blank(view_of(" x")));
}

/* All 10,000 lines are taken, and fall into the days that awk found. */
static void test_real_lines(void)
{
    static const int per_day[] = {1632, 2893, 2896, 2579};
    int found[4] = {0};
    struct world world;
    set_up(&world);
    struct log_line_reader *reader = reader_of(LOG_FORMAT_COMBINED, NULL);
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents("tests/data/apache_logs", &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", 0);
    for (char **line = lines; **line; line++) {
        struct raw_event raw;
        struct intake_refusal refusal;
        g_assert_true(log_line_read(reader, view_of(*line), &raw, &refusal));
        g_assert_cmpint(intake_judge(world.intake, &raw, 0, false, world.submission, &refusal), ==, INTAKE_ACCEPTED);
        int64_t day = raw.time_ms / 86400000 - 16572; /* 2015-05-17 */
        g_assert_true(day >= 0 && day < 4);
        found[day]++;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(found); i++)
        g_assert_cmpint(found[i], ==, per_day[i]);
    log_line_reader_free(reader);
    tear_down(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/log_line/combined", test_combined);
    g_test_add_func("/log_line/nginx_json", test_nginx_json);
    g_test_add_func("/log_line/ndjson", test_ndjson);
    g_test_add_func("/log_line/times", test_times);
    g_test_add_func("/log_line/longest", test_longest);
    g_test_add_func("/log_line/blank", test_blank);
    g_test_add_func("/log_line/real_lines", test_real_lines);
    return g_test_run();
}
