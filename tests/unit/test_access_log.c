#include "collector/access_log.h"
#include <glib.h>

#define TIME "[17/May/2015:10:05:03 +0000]"

static char *field(struct view fields[ACCESS_N_FIELDS], enum access_field which)
{
    return fields[which].data ? g_strndup(fields[which].data, fields[which].size) : NULL;
}

static void check(struct view fields[ACCESS_N_FIELDS], enum access_field which, const char *expected)
{
    g_autofree char *text = field(fields, which);
    g_assert_cmpstr(text, ==, expected);
}

static void test_combined(void)
{
    struct view fields[ACCESS_N_FIELDS];
    const char *line = "83.149.9.216 - frank " TIME " \"GET /a/b?c=d HTTP/1.1\" 200 203023 \"http://x/\" \"Mozilla/5.0 (X)\"";
    g_assert_cmpstr(access_log_cut(view_of(line), fields), ==, NULL);
    check(fields, ACCESS_REMOTE_ADDR, "83.149.9.216");
    check(fields, ACCESS_REMOTE_USER, "frank");
    check(fields, ACCESS_TIME_LOCAL, "17/May/2015:10:05:03 +0000");
    check(fields, ACCESS_REQUEST, "GET /a/b?c=d HTTP/1.1");
    check(fields, ACCESS_STATUS, "200");
    check(fields, ACCESS_BODY_BYTES_SENT, "203023");
    check(fields, ACCESS_HTTP_REFERER, "http://x/");
    check(fields, ACCESS_HTTP_USER_AGENT, "Mozilla/5.0 (X)");
    check(fields, ACCESS_EXTRA, NULL);
}

static void test_shapes(void)
{
    struct view fields[ACCESS_N_FIELDS];
    /* the common format */
    g_assert_cmpstr(access_log_cut(view_of("::1 - - " TIME " \"GET / HTTP/1.0\" 304 -"), fields), ==, NULL);
    check(fields, ACCESS_BODY_BYTES_SENT, "-");
    check(fields, ACCESS_HTTP_REFERER, NULL);
    /* a user with blanks, brackets and escaped quotes */
    g_assert_cmpstr(access_log_cut(view_of("h - john [x] \\\"y " TIME " \"GET / HTTP/1.0\" 304 5"), fields), ==, NULL);
    check(fields, ACCESS_REMOTE_USER, "john [x] \\\"y");
    /* a user that looks like a line: its quotes are escaped, so it is only a user */
    const char *forged = "h - x " TIME " \\x22GET /free HTTP/1.0\\x22 200 1 " TIME " \"GET /paid HTTP/1.0\" 200 1";
    g_assert_cmpstr(access_log_cut(view_of(forged), fields), ==, NULL);
    check(fields, ACCESS_REQUEST, "GET /paid HTTP/1.0");
    /* an empty user, an empty request, quotes in the request */
    g_assert_cmpstr(access_log_cut(view_of("h -  " TIME " \"\" 400 0 \"-\" \"-\""), fields), ==, NULL);
    check(fields, ACCESS_REMOTE_USER, "");
    check(fields, ACCESS_REQUEST, "");
    g_assert_cmpstr(access_log_cut(view_of("h - - " TIME " \"GET /\\\"a\\\\\" 200 1 \"\\\"\" \"u\\\\\""), fields), ==, NULL);
    check(fields, ACCESS_REQUEST, "GET /\\\"a\\\\");
    check(fields, ACCESS_HTTP_REFERER, "\\\"");
    check(fields, ACCESS_HTTP_USER_AGENT, "u\\\\");
    /* fields that were added behind, and a line that its writer cut */
    g_assert_cmpstr(access_log_cut(view_of("h - - " TIME " \"GET /\" 200 1 \"-\" \"u\" \"10.1.1.1\" 0.012 .34 \"x y\""), fields),
                    ==, NULL);
    check(fields, ACCESS_EXTRA, "10.1.1.1");
    check(fields, ACCESS_EXTRA + 1, "0.012");
    check(fields, ACCESS_EXTRA + 2, ".34");
    check(fields, ACCESS_EXTRA + 3, "x y");
    check(fields, ACCESS_EXTRA + 4, NULL);
    g_assert_cmpstr(access_log_cut(view_of("h - - " TIME " \"GET /\" 200 1 \"-\" \"Mozilla (comp"), fields), ==, NULL);
    check(fields, ACCESS_HTTP_USER_AGENT, "Mozilla (comp");
    g_assert_cmpstr(access_log_cut(view_of("h - - " TIME " \"GET /\" 200 1 "), fields), ==, NULL);
    g_assert_cmpstr(access_log_cut(view_of("h - - " TIME " \"GET /\" 200 1 \""), fields), ==, NULL);
}

static void test_malformed(void)
{
    static const char *const lines[] = {
        "",
        " ",
        "h",
        "h - -",
        "h - - [17/May/2015:10:05:03 +0000 \"GET /\" 200 1",
        "h - - " TIME,
        "h - - " TIME " GET / 200 1",
        "h - - " TIME " \"GET /",
        "h - - " TIME " \"GET /\\\" 200 1",
        "h - - " TIME " \"GET /\"",
        "h - - " TIME " \"GET /\" ",
        "h - - " TIME " \"GET /\" 200",
        "h - - " TIME " \"GET /\" 200 ",
        "h - - " TIME " \"GET /\"200 1",
        "h - - " TIME " \"GET /\" 2x0 1",
        "h - - " TIME " \"GET /\" 200 1x",
        "h - - " TIME " \"GET /\" 200  1",
        "{\"method\":\"GET\"}",
    };
    struct view fields[ACCESS_N_FIELDS];
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_test_message("%s", lines[i]);
        g_assert_nonnull(access_log_cut(view_of(lines[i]), fields));
    }
}

static void test_unescape(void)
{
    static const struct {
        const char *escaped, *plain;
    } cases[] = {
        {"plain", "plain"},         {"\\x22a\\x5C\\x5c", "\"a\\\\"}, {"\\\"\\\\", "\"\\"}, {"\\b\\n\\r\\t\\v\\f", "\b\n\r\t\v\f"},
        {"\\xe4\\xFF", "\xe4\xff"}, {"\\xg1\\x1", "\\xg1\\x1"}, /* no escapes */
        {"\\q\\", "\\q\\"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        char out[64];
        struct view field_text = view_of(cases[i].escaped);
        size_t n = access_log_unescape(field_text, out);
        g_assert_true(view_is(view_make(out, n), cases[i].plain));
        g_assert_cmpint(access_log_escaped(field_text), ==, i > 0);
    }
}

static void test_request(void)
{
    static const struct {
        const char *request, *method, *target; /* method NULL: none */
    } cases[] = {
        {"GET /a HTTP/1.1", "GET", "/a"},
        {"GET /a", "GET", "/a"},
        {"GET /a b c HTTP/2.0", "GET", "/a b c"},
        {"GET  /a  HTTP/1.1", "GET", "/a"},
        {"GET /a HTTP", "GET", "/a HTTP"},
        {"OPTIONS * HTTP/1.1", "OPTIONS", "*"},
        {"-", NULL, NULL},
        {"", NULL, NULL},
        {"GET", NULL, NULL},
        {"GET ", NULL, NULL},
        {"GET  HTTP/1.1", NULL, NULL},
        {" /a HTTP/1.1", NULL, NULL},
        {"\x16\x03\x01", NULL, NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct view method, target;
        g_test_message("%s", cases[i].request);
        bool right = access_log_request(view_of(cases[i].request), &method, &target);
        g_assert_cmpint(right, ==, cases[i].method != NULL);
        if (!right)
            continue;
        g_assert_true(view_is(method, cases[i].method));
        g_assert_true(view_is(target, cases[i].target));
    }
}

/* Each of the real lines is cut, and put together again gives the line. */
static void test_real_lines(void)
{
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents("tests/data/apache_logs", &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", 0);
    int n = 0;
    for (char **line = lines; **line; line++, n++) {
        struct view fields[ACCESS_N_FIELDS];
        char *parts[ACCESS_N_FIELDS];
        g_assert_cmpstr(access_log_cut(view_of(*line), fields), ==, NULL);
        for (int i = 0; i < ACCESS_N_FIELDS; i++)
            parts[i] = field(fields, (enum access_field)i);
        g_autofree char *again = g_strdup_printf("%s - %s [%s] \"%s\" %s %s \"%s\" \"%s", parts[0], parts[1], parts[2], parts[3],
                                                 parts[4], parts[5], parts[6], parts[7]);
        g_assert_true(g_str_has_prefix(*line, again));
        g_assert_cmpuint(strlen(*line) - strlen(again), <=, 1); /* one line has no closing quote */
        for (int i = 0; i < ACCESS_N_FIELDS; i++)
            g_free(parts[i]);
    }
    g_assert_cmpint(n, ==, 10000);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/access_log/combined", test_combined);
    g_test_add_func("/access_log/shapes", test_shapes);
    g_test_add_func("/access_log/malformed", test_malformed);
    g_test_add_func("/access_log/unescape", test_unescape);
    g_test_add_func("/access_log/request", test_request);
    g_test_add_func("/access_log/real_lines", test_real_lines);
    return g_test_run();
}
