#include "api/etag.h"

#include <glib.h>

static void test_same_bytes_same_tag(void)
{
    char one[ETAG_MAX], two[ETAG_MAX], packed[ETAG_MAX];
    etag_of(view_of("{}"), false, one);
    etag_of(view_of("{}"), false, two);
    g_assert_cmpstr(one, ==, two);
    etag_of(view_of("{ }"), false, two);
    g_assert_cmpstr(one, !=, two);
    etag_of(view_of("{}"), true, packed);
    g_assert_cmpstr(one, !=, packed);
    g_assert_cmpstr(one, ==, "\"44136fa355b3678a1146ad16f7e8649e94fb4fc2\""); /* sha256sum of {} */
    etag_of(view_make(NULL, 0), false, one);
    g_assert_true(etag_matches(one, one));
}

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
        if (etag_matches(cases[i].header, "\"a\"") != cases[i].matches)
            g_error("If-None-Match: %s", cases[i].header);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/etag/same-bytes", test_same_bytes_same_tag);
    g_test_add_func("/etag/matches", test_matches);
    return g_test_run();
}
