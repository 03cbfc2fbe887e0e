#include "collector/redact.h"

static void assert_redacted(const char *text, const char *wanted)
{
    char out[REDACT_MAX + 1];
    size_t n = redact(view_of(text), out);
    g_assert_cmpstr(out, ==, wanted);
    g_assert_cmpuint(n, ==, strlen(wanted));
}

static void test_json(void)
{
    assert_redacted("{\"time\":1700000000000,\"client\":\"acme\",\"method\":\"GET\",\"route\":\"/v1/orders/{id}\",\"status\":999}",
                    "{\"time\":1700000000000,\"client\":\"(4)\",\"method\":\"GET\",\"route\":\"/v1/orders/{id}\",\"status\":999}");
    assert_redacted("{ \"path\" : \"/v2/users/42/0f8fad5b-d9cd-469f-a165-70867728950e?token=abc\" , \"latencyMs\": 1.5e3 }",
                    "{\"path\":\"/v2/users/{n}/{uuid}(10)\",\"latencyMs\":1.5e3}");
    assert_redacted("{\"methd\":\"POST\",\"x9s8d7f6a5\":[1,true,null,\"a\"],\"time\":\"2026-11-21T10:00:00\"}",
                    "{\"methd\":\"(4)\",\"(10)\":[(1),true,null,\"(1)\"],\"time\":\"2026-11-21T10:00:00\"}");
    assert_redacted("{\"specversion\":\"1.0\",\"data\":{\"status\":\"200\",\"user\":\"a@b.c\"}}",
                    "{\"specversion\":\"1.0\",\"data\":{\"status\":\"200\",\"user\":\"(5)\"}}");
    assert_redacted("{\"method\":\"GET /x\",\"status\":4111111111111111,\"time\":\"my secret\"}",
                    "{\"method\":\"(6)\",\"status\":(16),\"time\":\"(9)\"}");
    assert_redacted("{\"request\":\"GET /a/b?key=1 HTTP/2.0\",\"request_method\":\"PUT\"}",
                    "{\"request\":\"GET /a/b(6) HTTP/2.0\",\"request_method\":\"PUT\"}");
}

/* What is no JSON, or half of it, costs only beauty. */
static void test_broken(void)
{
    assert_redacted("", "");
    assert_redacted("{\"client\":\"acme", "{\"client\":\"(4)\"");
    assert_redacted("{\"a\\\"b\":hunter2}", "{\"(4)\":(7)}");
    assert_redacted("{{]]::,,\"\\", "{{]]::,,\"(1)\"");
    assert_redacted("\xff\xfe\x01 secret", "(3) (6)");
    assert_redacted("[\"time\",\"hunter2\",{\"time\":[\"hunter2\"]}]", "[\"(4)\",\"(7)\",{\"time\":[\"(7)\"]}]");
    char out[REDACT_MAX + 1];
    g_assert_cmpuint(redact(view_make("\0\0", 2), out), ==, 3);
    g_assert_cmpstr(out, ==, "(2)");
}

static void test_lines(void)
{
    assert_redacted("10.0.0.1 - alice [17/May/2015:10:05:03 +0000] \"GET /v1/orders/17?sig=ab HTTP/1.1\" 999 5120 \"-\" \"curl 8\"",
                    "(8) - (5) [17/May/2015:10:05:03 +0000] \"GET /v1/orders/{n}(7) HTTP/1.1\" 999 (4) \"-\" \"(6)\"");
    assert_redacted("- [yesterday] \"\\x16\\x03\" \"GET\" \"PUT *\" \"OPTIONS * HTTP/1.1\"",
                    "- [(9)] \"(8)\" \"(3)\" \"(5)\" \"OPTIONS (1) HTTP/1.1\"");
    assert_redacted("password is hunter2", "(8) (2) (7)");
}

static void test_bounded(void)
{
    g_autoptr(GString) text = g_string_new("{");
    char out[REDACT_MAX + 1];
    for (int i = 0; i < 1000; i++)
        g_string_append(text, "\"client\":\"x\",");
    g_assert_cmpuint(redact(view_make(text->str, text->len), out), <=, REDACT_MAX);
    g_assert_true(g_str_has_prefix(out, "{\"client\":\"(1)\","));
    g_assert_true(g_str_has_suffix(out, "..."));
}

/* Secrets of several shapes, at random places of random texts, are in no sample. */
static void test_secrets(void)
{
    static const char *const secrets[] = {"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP",
                                          "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
                                          "hunter2hunter2",
                                          "4f9a8b7c6d5e4f3a2b1c",
                                          "AKIAIOSFODNN7EXAMPLE",
                                          "jane.doe@example.com",
                                          "+49 170 1234567",
                                          "4111-1111-1111-1111"};
    static const char *const texts[] = {
        "{\"time\":1700000000000,\"client\":\"a\",\"method\":\"GET\",\"route\":\"/v1/orders/{id}\",\"status\":200,\"id\":\"x\"}",
        "10.0.0.1 - - [17/May/2015:10:05:03 +0000] \"GET /v1/orders?q=1 HTTP/1.1\" 200 512 \"http://a/b\" \"Mozilla/5.0\"",
        "{\"request\":\"GET /a HTTP/1.1\",\"request_uri\":\"/a?b=\",\"headers\":{\"authorization\":\"Bearer \"},\"list\":[1,2]}",
        "",
    };
    for (int i = 0; i < 200000; i++) {
        const char *secret = secrets[g_test_rand_int_range(0, G_N_ELEMENTS(secrets))];
        g_autoptr(GString) text = g_string_new(texts[g_test_rand_int_range(0, G_N_ELEMENTS(texts))]);
        char out[REDACT_MAX + 1];
        g_string_insert(text, g_test_rand_int_range(0, (gint32)text->len + 1), secret);
        redact(view_make(text->str, text->len), out);
        if (strstr(out, secret))
            g_error("%s\n%s", text->str, out);
        for (const char *c = out; *c; c++)
            g_assert_true(*c >= 0x20 && *c < 0x7f);
    }
}

static void test_kinds(void)
{
    static const struct {
        const char *value, *kind;
    } cases[] = {{"", "empty"},       {"12.5", "a number"}, {"-1e9", "a number"}, {"true", "true or false"}, {"null", "null"},
                 {"{}", "an object"}, {"[1]", "an array"},  {"12a", "a text"},    {"hello", "a text"}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpstr(redact_kind(view_of(cases[i].value)), ==, cases[i].kind);
    g_assert_true(redact_is_word(view_of("user_agent")));
    g_assert_false(redact_is_word(view_of("a1")));
    g_assert_false(redact_is_word(view_of("a b")));
    g_assert_false(redact_is_word(view_of("")));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/redact/json", test_json);
    g_test_add_func("/redact/broken", test_broken);
    g_test_add_func("/redact/lines", test_lines);
    g_test_add_func("/redact/bounded", test_bounded);
    g_test_add_func("/redact/secrets", test_secrets);
    g_test_add_func("/redact/kinds", test_kinds);
    return g_test_run();
}
