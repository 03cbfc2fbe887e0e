#include "lib/high_water.h"

#include <glib.h>

static void test_round_trip(void)
{
    static const struct high_water waters[] = {
        {1, 0, 0, false},
        {7, 12345, 1795000000000, true},
        {UINT64_MAX, UINT64_MAX, INT64_MAX / 2, false},
    };
    char text[HIGH_WATER_MAX];
    struct high_water again;
    for (size_t i = 0; i < G_N_ELEMENTS(waters); i++) {
        high_water_write(text, &waters[i]);
        g_assert_true(high_water_read(text, &again));
        g_assert_true(again.sequence == waters[i].sequence && again.crc == waters[i].crc);
        g_assert_true(again.created_ms == waters[i].created_ms && again.import == waters[i].import);
    }
    high_water_write(text, &waters[1]);
    g_assert_cmpstr(text, ==, "7 12345 1795000000000 i");
}

static void test_damaged(void)
{
    static const char *const texts[] = {NULL,      "", "7", "7 ", "7 5", "7 5 ", "7 5 9", "x 5 9 -", "7 5 9223372036854775807 -",
                                        "7  5 9 -"};
    struct high_water water;
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        g_assert_false(high_water_read(texts[i], &water));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/high-water/round-trip", test_round_trip);
    g_test_add_func("/high-water/damaged", test_damaged);
    return g_test_run();
}
