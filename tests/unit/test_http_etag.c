#include "lib/http_etag.h"

#include <glib.h>

static void test_matches(void)
{
    static const struct {
        const char *header;
        bool matches;
    } cases[] = {{NULL, false},
                 {"", false},
                 {"*", true},
                 {" * ", true},
                 {"*x", false},
                 {"*, \"a\"", false},
                 {"\"a\"", true},
                 {"W/\"a\"", true},
                 {"w/\"a\"", false},
                 {"\"b\"", false},
                 {"\"b\", \"a\"", true},
                 {"\"b\" ,\t,W/\"a\"", true},
                 {"\"b,\\\", \"a\"", true},
                 {"\"b,\"a\"", false},
                 {"a", false},
                 {"\"a", false},
                 {"\"b\"x\"a\"", false},
                 {"\"aa\"", false},
                 {"\"\"", false}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        if (http_etag_matches(cases[i].header, "\"a\"") != cases[i].matches)
            g_error("If-None-Match: %s", cases[i].header);
}

static void test_is(void)
{
    static const struct {
        const char *header;
        bool is;
    } cases[] = {{NULL, false},
                 {"", false},
                 {"\"a\"", true},
                 {" \"a\"\t", true},
                 {"W/\"a\"", false},
                 {"\"a\", \"b\"", false},
                 {"\"a\"b", false},
                 {"*", false},
                 {"\"b\"", false},
                 {"\"a", false},
                 {"Sat, 21 Nov 2026 10:00:00 GMT", false}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        if (http_etag_is(cases[i].header, "\"a\"") != cases[i].is)
            g_error("If-Range: %s", cases[i].header);
    g_assert_false(http_etag_is("W/\"a\"", "W/\"a\""));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http_etag/matches", test_matches);
    g_test_add_func("/http_etag/is", test_is);
    return g_test_run();
}
