#include "lib/http_range.h"

#include <glib.h>

static void test_parts(void)
{
    static const struct {
        const char *header;
        int64_t size, first, length; /* length 0: unsatisfiable, -1: the whole */
    } cases[] = {
        {NULL, 10, 0, -1},
        {"", 10, 0, -1},
        {"bytes=0-0", 10, 0, 1},
        {"bytes=0-9", 10, 0, 10},
        {"bytes=0-10", 10, 0, 10},
        {"bytes=3-", 10, 3, 7},
        {"bytes=9-", 10, 9, 1},
        {"bytes=10-", 10, 0, 0},
        {"bytes=-3", 10, 7, 3},
        {"bytes=-10", 10, 0, 10},
        {"bytes=-11", 10, 0, 10},
        {"bytes=-0", 10, 0, 0},
        {"BYTES=1-2", 10, 1, 2},
        {" bytes=1-2 ", 10, 1, 2},
        {"bytes= ,1-2,", 10, 1, 2},
        {"bytes=2-1", 10, 0, -1},
        {"bytes=0-1,3-4", 10, 0, -1},
        {"bytes=0-1 3", 10, 0, -1},
        {"bytes=1 - 2", 10, 0, -1},
        {"bytes=-", 10, 0, -1},
        {"bytes=", 10, 0, -1},
        {"bytes=x-2", 10, 0, -1},
        {"bytes=1-x", 10, 0, -1},
        {"bytes=1--2", 10, 0, -1},
        {"bytes=0x1-2", 10, 0, -1},
        {"bytes", 10, 0, -1},
        {"bytes 1-2", 10, 0, -1},
        {"items=0-1", 10, 0, -1},
        {"bytes=0-99999999999999999999999", 10, 0, 10},
        {"bytes=99999999999999999999999-", 10, 0, 0},
        {"bytes=-99999999999999999999999", 10, 0, 10},
        {"bytes=5000000000-5000000001", 6000000000, 5000000000, 2},
        {"bytes=0-", 0, 0, 0},
        {"bytes=-1", 0, 0, -1},
        {"bytes=-0", 0, 0, 0},
        {"bytes=9223372036854775806-", INT64_MAX, INT64_MAX - 1, 1},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        int64_t first = 0, length = 0;
        enum http_range range = http_range_parse(cases[i].header, cases[i].size, &first, &length);
        enum http_range wanted = cases[i].length > 0    ? HTTP_RANGE_PART
                                 : cases[i].length == 0 ? HTTP_RANGE_UNSATISFIABLE
                                                        : HTTP_RANGE_WHOLE;
        if (range != wanted || (range == HTTP_RANGE_PART && (first != cases[i].first || length != cases[i].length)))
            g_error("%s of %" G_GINT64_FORMAT, cases[i].header, cases[i].size);
    }
}

/* Whatever is asked for, a part lies within the body. */
static void test_random(void)
{
    static const char letters[] = "0123456789-,= bytes";
    for (int round = 0; round < 200000; round++) {
        char header[24] = "bytes=";
        int n = g_random_int_range(6, (int)sizeof header);
        for (int i = 6; i < n; i++)
            header[i] = letters[g_random_int_range(0, round % 2 ? 11 : (int)sizeof letters - 1)];
        header[n] = '\0';
        int64_t size = g_random_int_range(0, 30), first = -1, length = -1;
        if (n < (int)sizeof header && http_range_parse(header, size, &first, &length) == HTTP_RANGE_PART)
            g_assert_true(first >= 0 && length >= 1 && first + length <= size);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http_range/parts", test_parts);
    g_test_add_func("/http_range/random", test_random);
    return g_test_run();
}
