/* Bodies as clients send them, and as they do not mean to. */
#include "collector/event_json.h"
#include <jansson.h>

/* What a body gave: a line of text for each event. */
struct found {
    GString *text;
    size_t events, refused, stop_at;
    struct event_json_failure failure;
    enum event_json_result result;
};

static void add(GString *text, const char *name, struct view value)
{
    if (value.size > 0)
        g_string_append_printf(text, "%s=%.*s ", name, (int)value.size, value.data);
}

static bool note(void *opaque, const struct raw_event *raw, const struct intake_refusal *refusal, struct view text)
{
    struct found *found = opaque;
    if (found->events == found->stop_at)
        return false;
    found->events++;
    g_assert_cmpuint(text.size, >, 0);
    if (!raw) {
        found->refused++;
        g_assert_true(g_utf8_validate(refusal->message, -1, NULL));
        g_assert_cmpuint(strlen(refusal->message), <, sizeof refusal->message);
        g_string_append_printf(found->text, "%s: %s\n", intake_reason_word(refusal->reason), refusal->message);
        return true;
    }
    if (raw->has_time)
        g_string_append_printf(found->text, "time=%" G_GINT64_FORMAT " ", raw->time_ms);
    add(found->text, "organization", raw->organization);
    add(found->text, "client", raw->client);
    add(found->text, "user", raw->user);
    add(found->text, "method", raw->method);
    add(found->text, "route", raw->route);
    add(found->text, "path", raw->path);
    if (raw->has_status)
        g_string_append_printf(found->text, "status=%" G_GINT64_FORMAT " ", raw->status);
    if (raw->latency_us || raw->request_bytes || raw->response_bytes)
        g_string_append_printf(found->text, "%" G_GUINT64_FORMAT "us %" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT " ", raw->latency_us,
                               raw->request_bytes, raw->response_bytes);
    add(found->text, "platform", raw->platform);
    add(found->text, "agent", raw->user_agent);
    add(found->text, "source", raw->source);
    add(found->text, "id", raw->id);
    if (found->text->len > 0 && found->text->str[found->text->len - 1] == ' ')
        found->text->str[found->text->len - 1] = '\n';
    else
        g_string_append(found->text, "nothing\n");
    return true;
}

static struct event_json *reader;

static void read_body(const char *data, size_t size, enum event_json_form form, struct found *found)
{
    g_autofree char *copy = g_memdup2(data, size); /* nothing readable behind it */
    struct event_json_sink sink = {note, found};
    struct cloudevent attributes = {0};
    attributes.attributes[CLOUDEVENT_SPECVERSION] = view_of("1.0");
    attributes.attributes[CLOUDEVENT_ID] = view_of("i");
    attributes.attributes[CLOUDEVENT_SOURCE] = view_of("/s");
    attributes.attributes[CLOUDEVENT_TYPE] = view_of("t");
    found->text = g_string_new(NULL);
    found->events = found->refused = 0;
    found->result =
        event_json_read(reader, view_make(copy, size), form, form == EVENT_JSON_DATA ? &attributes : NULL, &sink, &found->failure);
    if (found->result == EVENT_JSON_UNREADABLE) {
        g_assert_cmpuint(found->failure.position, <=, size);
        g_assert_nonnull(found->failure.why);
    }
}

static void expect(enum event_json_form form, const char *body, const char *wanted)
{
    struct found found = {.stop_at = SIZE_MAX};
    read_body(body, strlen(body), form, &found);
    g_test_message("%s", body);
    g_assert_cmpint(found.result, ==, EVENT_JSON_READ);
    g_assert_cmpstr(found.text->str, ==, wanted);
    g_string_free(found.text, TRUE);
}

static void expect_unreadable(enum event_json_form form, const char *body, size_t position, const char *words)
{
    struct found found = {.stop_at = SIZE_MAX};
    read_body(body, strlen(body), form, &found);
    g_test_message("%s", body);
    g_assert_cmpint(found.result, ==, EVENT_JSON_UNREADABLE);
    g_test_message("%zu: %s", found.failure.position, found.failure.why);
    g_assert_cmpuint(found.failure.position, ==, position);
    g_assert_nonnull(strstr(found.failure.why, words));
    g_string_free(found.text, TRUE);
}

/* The event that the contract shows. */
static const char full[] =
    "{\"time\":\"2025-11-21T10:00:00.123Z\", \"organization\":\"acme\", \"client\":\"c-17\", \"user\":\"u-9\","
    "\"method\":\"GET\", \"route\":\"/v1/orders/{id}\", \"path\":\"/v1/orders/17\", \"status\":200, \"latencyMs\":12.4,"
    "\"requestBytes\":412, \"responseBytes\":1830, \"platform\":\"ios\", \"userAgent\":\"curl/8\", "
    "\"source\":\"10.0.0.1\", \"id\":\"e-1\"}";
#define FULL_TEXT                                                                                                    \
    "time=1763719200123 organization=acme client=c-17 user=u-9 method=GET route=/v1/orders/{id} path=/v1/orders/17 " \
    "status=200 12400us 412/1830 platform=ios agent=curl/8 source=10.0.0.1 id=e-1\n"

static void test_forms(void)
{
    g_autofree char *array = g_strdup_printf("[%s, %s ]\n", full, full), *lines = g_strdup_printf("%s\r\n\n  \n%s", full, full);
    expect(EVENT_JSON_DOCUMENT, full, FULL_TEXT);
    expect(EVENT_JSON_DOCUMENT, array, FULL_TEXT FULL_TEXT);
    expect(EVENT_JSON_LINES, lines, FULL_TEXT FULL_TEXT);
    expect(EVENT_JSON_DOCUMENT, "[]", "");
    expect(EVENT_JSON_DOCUMENT, " [ ] ", "");
    expect(EVENT_JSON_LINES, "", "");
    expect(EVENT_JSON_LINES, "\n \r\n\t\n", "");
    expect(EVENT_JSON_DOCUMENT, "{}", "nothing\n");
    expect(EVENT_JSON_LINES, "{}\n{}", "nothing\nnothing\n");
    expect(EVENT_JSON_CLOUDEVENTS, "[]", "");
}

static void test_values(void)
{
    static const char *const rows[][2] = {
        {"\"time\":1763719200123", "time=1763719200123"},
        {"\"time\":1763719200123.9", "time=1763719200123"},
        {"\"time\":1.763719200123e12", "time=1763719200123"},
        {"\"time\":0", "time=0"},
        {"\"time\":\"2025-11-21T11:00:00.1239+01:00\"", "time=1763719200123"},
        {"\"time\":\"2025-11-21t10:00:00z\"", "time=1763719200000"},
        {"\"time\":\"2016-12-31T23:59:60Z\"", "time=1483228799000"},
        {"\"status\":200.0", "status=200"},
        {"\"status\":2e2", "status=200"},
        {"\"latencyMs\":0.0005", "1us 0/0"},
        {"\"latencyMs\":0.00049", "nothing"},
        {"\"latencyMs\":1.0005", "1001us 0/0"},
        {"\"latencyMs\":86400000", "86400000000us 0/0"},
        {"\"latencyMs\":-0", "nothing"},
        {"\"requestBytes\":17592186044416", "0us 17592186044416/0"},
        {"\"client\":\"\"", "nothing"},
        {"\"client\":\"a\\\"b\\\\c\\/\\u00e9\\ud83d\\ude00\"", "client=a\"b\\c/é😀"},
        {"\"\\u0063lient\":\"c\"", "client=c"}, /* a key may be escaped, too */
        {"\"client\":\"日本\"", "client=日本"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *body = g_strdup_printf("{%s}", rows[i][0]), *wanted = g_strdup_printf("%s\n", rows[i][1]);
        g_autofree char *three = g_strdup_printf("{}\n{%s}\n{}\n", rows[i][0]);
        g_autofree char *wanted_three = g_strdup_printf("nothing\n%s\nnothing\n", rows[i][1]);
        expect(EVENT_JSON_DOCUMENT, body, wanted);
        expect(EVENT_JSON_LINES, three, wanted_three);
    }
}

/* Every field with every value that it does not take. */
static void test_wrong_types(void)
{
    static const char *const texts[] = {"organization", "client",   "user",      "method", "route",
                                        "path",         "platform", "userAgent", "source", "id"};
    static const char *const numbers[] = {"status", "latencyMs", "requestBytes", "responseBytes"};
    static const char *const never[] = {"null", "true", "false", "[]", "{}", "[\"a\"]", "{\"a\":[1,{}]}"};
    GString *body = g_string_new(NULL), *wanted = g_string_new(NULL);
    for (size_t f = 0; f < G_N_ELEMENTS(texts) + G_N_ELEMENTS(numbers) + 1; f++) {
        bool is_text = f < G_N_ELEMENTS(texts), is_time = f == G_N_ELEMENTS(texts) + G_N_ELEMENTS(numbers);
        const char *field = is_text ? texts[f] : is_time ? "time" : numbers[f - G_N_ELEMENTS(texts)];
        for (size_t v = 0; v < G_N_ELEMENTS(never) + (is_time ? 0 : 1); v++) {
            const char *value = v < G_N_ELEMENTS(never) ? never[v] : is_text ? "17" : "\"17\"";
            struct found found = {.stop_at = SIZE_MAX};
            g_string_printf(body, "[{},{\"%s\":%s},{}]", field, value);
            read_body(body->str, body->len, EVENT_JSON_DOCUMENT, &found);
            g_assert_cmpint(found.result, ==, EVENT_JSON_READ);
            g_assert_cmpuint(found.events, ==, 3);
            g_assert_cmpuint(found.refused, ==, 1);
            g_string_printf(wanted, "nothing\nwrong_type: %s is '", field);
            g_assert_true(g_str_has_prefix(found.text->str, wanted->str));
            g_string_free(found.text, TRUE);
        }
    }
    g_string_free(body, TRUE);
    g_string_free(wanted, TRUE);
}

static void test_refusals(void)
{
    static const char *const rows[][2] = {
        {"\"status\":200.5", "wrong_type: status is '200.5'; allowed: an integer from 100 to 599."},
        {"\"status\":600", "out_of_range: status is '600'; allowed: an integer from 100 to 599."},
        {"\"status\":-200", "out_of_range: status is '-200'; allowed: an integer from 100 to 599."},
        {"\"status\":1e300", "out_of_range: status is '1e300'; allowed: an integer from 100 to 599."},
        {"\"latencyMs\":-1", "out_of_range: latencyMs is '-1'; allowed: a number from 0 to 86400000, a day."},
        {"\"latencyMs\":1e99", "out_of_range: latencyMs is '1e99'; allowed: a number from 0 to 86400000, a day."},
        {"\"requestBytes\":0.5", "wrong_type: requestBytes is '0.5'; allowed: an integer from 0 to 17592186044416."},
        {"\"responseBytes\":99999999999999999999",
         "out_of_range: responseBytes is '99999999999999999999'; allowed: an integer from 0 to "
         "17592186044416."},
        {"\"time\":-1",
         "invalid_time: time is '-1'; allowed: an RFC 3339 time with its offset (2026-11-21T10:00:00.123Z), or milliseconds "
         "since 1970."},
        {"\"time\":1e30", "invalid_time: time is '1e30'; allowed: an RFC 3339 time with its offset (2026-11-21T10:00:00.123Z), or "
                          "milliseconds since 1970."},
        {"\"time\":\"2025-02-29T00:00:00Z\"",
         "invalid_time: time is '2025-02-29T00:00:00Z'; allowed: an RFC 3339 time with its offset "
         "(2026-11-21T10:00:00.123Z), or milliseconds since 1970."},
        {"\"time\":\"\"",
         "invalid_time: time is ''; allowed: an RFC 3339 time with its offset (2026-11-21T10:00:00.123Z), or milliseconds "
         "since 1970."},
        {"\"time\":\"2025-11-21T10:00:00\"",
         "invalid_time: time is '2025-11-21T10:00:00'; allowed: an RFC 3339 time with its offset "
         "(2026-11-21T10:00:00.123Z), or milliseconds since 1970."},
        {"\"colour\":\"red\"",
         "unknown_field: 'colour' is no field; allowed: time, organization, client, user, method, route, path, status, "
         "latencyMs, requestBytes, responseBytes, platform, userAgent, source, id."},
        {"\"Status\":200",
         "unknown_field: 'Status' is no field; allowed: time, organization, client, user, method, route, path, status, "
         "latencyMs, requestBytes, responseBytes, platform, userAgent, source, id."},
        {"\"\":[{\"x\":{}}]",
         "unknown_field: '' is no field; allowed: time, organization, client, user, method, route, path, status, "
         "latencyMs, requestBytes, responseBytes, platform, userAgent, source, id."},
        {"\"status\":200,\"status\":200", "malformed: a field given twice is 'status'; allowed: each field once."},
        {"\"client\":\"a\",\"\\u0063lient\":\"b\"", "malformed: a field given twice is 'client'; allowed: each field once."},
        {"\"client\":\"\\ud800\"", "invalid_text: client is '\\ud800'; allowed: text, without half of a surrogate pair."},
        {"\"status\":1,\"colour\":2,\"x\":3",
         "unknown_field: 'colour' is no field; allowed: time, organization, client, user, method, "
         "route, path, status, latencyMs, requestBytes, responseBytes, platform, userAgent, source, id."},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *wanted = g_strdup_printf("nothing\n%s\nclient=c\n", rows[i][1]);
        g_autofree char *array = g_strdup_printf("[{},{%s},{\"client\":\"c\"}]", rows[i][0]);
        g_autofree char *lines = g_strdup_printf("{}\n{%s}\n{\"client\":\"c\"}", rows[i][0]);
        expect(EVENT_JSON_DOCUMENT, array, wanted);
        expect(EVENT_JSON_LINES, lines, wanted);
    }
    expect(EVENT_JSON_DOCUMENT, "[1,\"a\",null,[],{}]",
           "malformed: an event is '1'; allowed: an object.\nmalformed: an event is '\"a\"'; allowed: an object.\n"
           "malformed: an event is 'null'; allowed: an object.\nmalformed: an event is '[]'; allowed: an object.\nnothing\n");
}

static void test_unreadable(void)
{
    expect_unreadable(EVENT_JSON_DOCUMENT, "", 0, "empty");
    expect_unreadable(EVENT_JSON_DOCUMENT, "  \n", 3, "empty");
    expect_unreadable(EVENT_JSON_DOCUMENT, "17", 0, "an object or an array");
    expect_unreadable(EVENT_JSON_DOCUMENT, "\"a\"", 0, "an object or an array");
    expect_unreadable(EVENT_JSON_DOCUMENT, "[{\"status\":NaN}]", 11, "a value was expected");
    expect_unreadable(EVENT_JSON_DOCUMENT, "[{\"status\":200},{\"status\":}]", 26, "a value was expected");
    expect_unreadable(EVENT_JSON_DOCUMENT, "[{\"status\":200}{}]", 15, "',' or ']'");
    expect_unreadable(EVENT_JSON_DOCUMENT, "{\"status\":200}\n{\"status\":200}\n", 15, "something follows");
    expect_unreadable(EVENT_JSON_DOCUMENT, "[{\"client\":\"a\nb\"}]", 13, "control character");
    expect_unreadable(EVENT_JSON_DOCUMENT, "[{\"client\":\"a\\x\"}]", 16, "wrong escape");
    expect_unreadable(EVENT_JSON_DOCUMENT, "[{\"client\":\"a}]", 11, "does not end");
    expect_unreadable(EVENT_JSON_DOCUMENT, "{\"x\":[1 2]}", 8, "',' or ']'"); /* also in what nobody asked for */
    expect_unreadable(EVENT_JSON_CLOUDEVENTS, "{}", 0, "'['");
    expect_unreadable(EVENT_JSON_CLOUDEVENT, "[]", 0, "an object was expected");
    expect_unreadable(EVENT_JSON_DATA, "[]", 0, "'{'");
    expect_unreadable(EVENT_JSON_DATA, "", 0, "empty");
}

/* A wrong line costs itself and nothing else. */
static void test_lines(void)
{
    static const char *const wrong[] = {"{",
                                        "}",
                                        "{\"status\":}",
                                        "[]",
                                        "17",
                                        "x",
                                        "{} {}",
                                        "{}{}",
                                        "{\"a\":\"",
                                        "\"",
                                        "\\",
                                        "\\\"",
                                        "{\"client\":\"a\\",
                                        "{\"client\":\"\\q\"}",
                                        "[{}]",
                                        "{\"status\":200",
                                        "\x01",
                                        "{},",
                                        "{\"client\":\"a\tb\"}"};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autofree char *body = g_strdup_printf("{\"client\":\"a\"}\n%s\n{\"client\":\"b\"}\n", wrong[i]);
        struct found found = {.stop_at = SIZE_MAX};
        read_body(body, strlen(body), EVENT_JSON_LINES, &found);
        g_test_message("%s -> %s", body, found.text->str);
        g_assert_cmpuint(found.events, ==, 3);
        g_assert_cmpuint(found.refused, ==, 1);
        g_assert_true(g_str_has_prefix(found.text->str, "client=a\nmalformed: The line is not one JSON object: "));
        g_assert_true(g_str_has_suffix(found.text->str, " bytes of it.\nclient=b\n"));
        g_string_free(found.text, TRUE);
    }
    /* An event over two lines is two wrong lines. */
    expect(EVENT_JSON_LINES, "{\"client\":\n\"a\"}",
           "malformed: The line is not one JSON object: a value was expected, after 10 bytes of it.\n"
           "malformed: The line is not one JSON object: '{' was expected, after 0 bytes of it.\n");
}

/* Bytes that are no UTF-8 spoil the event that they stand in. What they become is for the intake to refuse. */
static void test_invalid_utf8(void)
{
    expect(EVENT_JSON_DOCUMENT, "[{\"client\":\"a\xff\"},{\"client\":\"b\"}]", "client=a\x7f\nclient=b\n");
    expect(EVENT_JSON_LINES, "{\"client\":\"a\xc3\"}\n{\"client\":\"b\"}", "client=a\x7f\nclient=b\n");
    expect(EVENT_JSON_DOCUMENT, "{\"client\":\"\xed\xa0\x80ü\xf8\"}", "client=\x7f\x7f\x7fü\x7f\n");
    expect_unreadable(EVENT_JSON_DOCUMENT, "[{}\xff,{}]", 3, "',' or ']'");
    struct found found = {.stop_at = SIZE_MAX};
    static const char nul[] = "[{\"client\":\"a\0b\"},{\"client\":\"b\"}]";
    read_body(nul, sizeof nul - 1, EVENT_JSON_DOCUMENT, &found);
    g_assert_cmpstr(found.text->str, ==,
                    "client=a\x7f"
                    "b\nclient=b\n");
    g_string_free(found.text, TRUE);
}

static void test_cloudevents(void)
{
#define ATTRIBUTES "\"specversion\":\"1.0\",\"id\":\"7\",\"source\":\"/s\",\"type\":\"t\""
    expect(EVENT_JSON_CLOUDEVENT,
           "{" ATTRIBUTES
           ",\"subject\":\"c\",\"time\":\"2025-11-21T10:00:00Z\",\"datacontenttype\":\"application/json\",\"traceparent\":\"x\","
           "\"sampledrate\":3,\"dataschema\":null,\"data\":{\"method\":\"GET\",\"status\":200,\"latencyMs\":1.5}}",
           "time=1763719200000 client=c method=GET status=200 1500us 0/0 source=/s id=/s 7\n");
    expect(EVENT_JSON_CLOUDEVENT, "{\"data\":{\"id\":\"own\",\"client\":\"d\",\"time\":5}," ATTRIBUTES "}",
           "time=5 client=d source=/s id=/s 7\n");
    expect(EVENT_JSON_CLOUDEVENTS, "[{" ATTRIBUTES ",\"subject\":\"a\"},{\"data\":{}},7,{" ATTRIBUTES ",\"subject\":\"b\\n\"}]",
           "client=a source=/s id=/s 7\n"
           "missing_field: specversion is missing; needed: specversion, id, source and type of a CloudEvent.\n"
           "malformed: an event is '7'; allowed: an object.\nclient=b\n source=/s id=/s 7\n");
    expect(EVENT_JSON_DATA, "{\"method\":\"GET\"}", "method=GET source=/s id=/s i\n");
    static const char *const refused[][2] = {
        {"\"data\":[]", "wrong_type: data is '[]'"},
        {"\"data\":\"{}\"", "wrong_type: data is '\"{}\"'"},
        {"\"data\":null", "wrong_type: data is 'null'"},
        {"\"data_base64\":\"e30=\"", "unknown_field: a field is 'data_base64'"},
        {"\"data\":{\"colour\":1}", "unknown_field: 'colour'"},
        {"\"data\":{},\"data\":{}", "malformed: a field given twice is 'data'"},
        {"\"id\":\"8\"", "malformed: an attribute given twice is 'id'"},
        {"\"subject\":7", "wrong_type: subject is '7'"},
        {"\"latencyMs\":7", "unknown_field: an attribute is 'latencyMs'"},
        {"\"ext\":{}", "wrong_type: an extension attribute is '{}'"},
        {"\"time\":\"now\"", "invalid_time: time is 'now'"},
        {"\"data\":{\"status\":\"200\"}", "wrong_type: status is '200'; allowed: an integer from 100 to 599, without quotes."},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autofree char *body = g_strdup_printf("[{" ATTRIBUTES ",%s}]", refused[i][0]);
        struct found found = {.stop_at = SIZE_MAX};
        read_body(body, strlen(body), EVENT_JSON_CLOUDEVENTS, &found);
        g_test_message("%s -> %s", body, found.text->str);
        g_assert_cmpuint(found.refused, ==, 1);
        g_assert_true(g_str_has_prefix(found.text->str, refused[i][1]));
        g_string_free(found.text, TRUE);
    }
}

static void test_stop(void)
{
    static const enum event_json_form forms[] = {EVENT_JSON_DOCUMENT, EVENT_JSON_LINES};
    static const char *const bodies[] = {"[{},{},{}]", "{}\n{}\n{}"};
    for (size_t i = 0; i < 2; i++) {
        struct found found = {.stop_at = 2};
        read_body(bodies[i], strlen(bodies[i]), forms[i], &found);
        g_assert_cmpint(found.result, ==, EVENT_JSON_STOPPED);
        g_assert_cmpuint(found.events, ==, 2);
        g_string_free(found.text, TRUE);
        found.stop_at = 3;
        read_body(bodies[i], strlen(bodies[i]), forms[i], &found);
        g_assert_cmpint(found.result, ==, EVENT_JSON_READ);
        g_string_free(found.text, TRUE);
    }
}

/* A reader is used for one body after the other, large and small. */
static void test_large(void)
{
    GString *body = g_string_new("[");
    for (int i = 0; i < 20000; i++)
        g_string_append_printf(body, "%s{\"client\":\"c\\u0041%d\",\"status\":%d}", i ? "," : "", i, 100 + i % 500);
    g_string_append_c(body, ']');
    for (int round = 0; round < 2; round++) {
        struct found found = {.stop_at = SIZE_MAX};
        read_body(body->str, body->len, EVENT_JSON_DOCUMENT, &found);
        g_assert_cmpuint(found.events, ==, 20000);
        g_assert_cmpuint(found.refused, ==, 0);
        g_assert_true(g_str_has_suffix(found.text->str, "client=cA19999 status=599\n"));
        g_string_free(found.text, TRUE);
        expect(EVENT_JSON_DOCUMENT, full, FULL_TEXT);
    }
    g_string_free(body, TRUE);
}

/* ---- damage ---- */

static size_t count_lines(const char *data, size_t size)
{
    size_t lines = 0;
    bool blank = true;
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\n') {
            lines += !blank;
            blank = true;
        } else if (data[i] != ' ' && data[i] != '\t' && data[i] != '\r') {
            blank = false;
        }
    }
    return lines + !blank;
}

/* What another reader of JSON takes, we must take, event for event; what it does not take, we may take only where it is stricter.
 */
static void check_document(const char *data, size_t size)
{
    struct found found = {.stop_at = SIZE_MAX};
    read_body(data, size, EVENT_JSON_DOCUMENT, &found);
    json_t *value = json_loadb(data, size, JSON_ALLOW_NUL, NULL);
    bool stricter = memchr(data, '\0', size) || !g_utf8_validate_len(data, size, NULL);
    if (value && !memchr(data, '\0', size)) {
        g_assert_cmpint(found.result, ==, EVENT_JSON_READ);
        g_assert_cmpuint(found.events, ==, json_is_array(value) ? json_array_size(value) : 1);
    } else if (!stricter) {
        g_assert_cmpint(found.result, ==, EVENT_JSON_UNREADABLE);
    }
    json_decref(value);
    g_string_free(found.text, TRUE);
}

static void check_lines(const char *data, size_t size)
{
    struct found found = {.stop_at = SIZE_MAX};
    read_body(data, size, EVENT_JSON_LINES, &found);
    g_assert_cmpint(found.result, ==, EVENT_JSON_READ);
    g_assert_cmpuint(found.events, ==, count_lines(data, size));
    g_string_free(found.text, TRUE);
}

static void check_cloudevents(const char *data, size_t size)
{
    struct found found = {.stop_at = SIZE_MAX};
    read_body(data, size, EVENT_JSON_CLOUDEVENTS, &found);
    g_assert_cmpuint(found.refused, <=, found.events);
    g_string_free(found.text, TRUE);
}

static void damage(const char *body, void (*check)(const char *, size_t))
{
    size_t size = strlen(body);
    g_autofree char *damaged = g_malloc(size + 1);
    damaged[size] = '\0';
    for (size_t cut = 0; cut <= size; cut++)
        check(body, cut);
    for (size_t at = 0; at < size; at++) {
        for (int byte = 0; byte < 256; byte++) {
            memcpy(damaged, body, size);
            damaged[at] = (char)byte;
            check(damaged, size);
        }
    }
}

static void test_damaged(void)
{
    static const char two[] = "{\"time\":\"2025-11-21T10:00:00.123Z\",\"method\":\"GET\",\"route\":\"/v1/{id}\",\"status\":200}%s"
                              "{\"client\":\"a\\\"\\u00e9ü\",\"latencyMs\":12.45,\"x\":[null,{}]}";
    g_autofree char *lines = g_strdup_printf(two, "\n"), *joined = g_strdup_printf(two, ","),
                    *array = g_strdup_printf("[%s]", joined);
    damage(array, check_document);
    damage(lines, check_lines);
    damage("[{" ATTRIBUTES ",\"subject\":\"a\",\"data\":{\"status\":200,\"method\":\"GET\"}}]", check_cloudevents);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    reader = event_json_new();
    g_test_add_func("/event_json/forms", test_forms);
    g_test_add_func("/event_json/values", test_values);
    g_test_add_func("/event_json/wrong_types", test_wrong_types);
    g_test_add_func("/event_json/refusals", test_refusals);
    g_test_add_func("/event_json/unreadable", test_unreadable);
    g_test_add_func("/event_json/lines", test_lines);
    g_test_add_func("/event_json/invalid_utf8", test_invalid_utf8);
    g_test_add_func("/event_json/cloudevents", test_cloudevents);
    g_test_add_func("/event_json/stop", test_stop);
    g_test_add_func("/event_json/large", test_large);
    g_test_add_func("/event_json/damaged", test_damaged);
    int failed = g_test_run();
    event_json_free(reader);
    return failed;
}
