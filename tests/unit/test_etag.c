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
    g_assert_cmpuint(strlen(one), ==, 42);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/etag/same-bytes", test_same_bytes_same_tag);
    return g_test_run();
}
