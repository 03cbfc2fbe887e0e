#include "api/forecast.h"

#include <glib.h>

enum { HOUR_MS = 3600000 };
#define DAY_MS (INT64_C(24) * HOUR_MS)
#define MONTH_MS (30 * DAY_MS)

static void test_end(void)
{
    g_assert_cmpuint(forecast_end(100, 10 * DAY_MS, MONTH_MS), ==, 300);
    g_assert_cmpuint(forecast_end(0, 10 * DAY_MS, MONTH_MS), ==, 0);
    g_assert_cmpuint(forecast_end(7, 0, MONTH_MS), ==, 7);
    g_assert_cmpuint(forecast_end(7, -5, MONTH_MS), ==, 7);
    g_assert_cmpuint(forecast_end(7, MONTH_MS, MONTH_MS), ==, 7);
    g_assert_cmpuint(forecast_end(7, 2 * MONTH_MS, MONTH_MS), ==, 7);
    g_assert_cmpuint(forecast_end(UINT64_MAX, 1, MONTH_MS), ==, UINT64_MAX);
    g_assert_cmpuint(forecast_end(UINT64_MAX / 2, 10, 20), ==, UINT64_MAX - 1);
    g_assert_cmpuint(forecast_end(UINT64_MAX / 2 + 1, 10, 20), ==, UINT64_MAX);
}

/* At the half it goes up. */
static void test_rounding(void)
{
    g_assert_cmpuint(forecast_end(1, 2, 3), ==, 2);  /* 1.5 */
    g_assert_cmpuint(forecast_end(1, 3, 4), ==, 1);  /* 1.33 */
    g_assert_cmpuint(forecast_end(1, 3, 5), ==, 2);  /* 1.67 */
    g_assert_cmpuint(forecast_end(1, 4, 9), ==, 2);  /* 2.25 */
    g_assert_cmpuint(forecast_end(1, 4, 10), ==, 3); /* 2.5 */
    g_assert_cmpuint(forecast_end(1, 7, 10), ==, 1); /* 1.43 */
    g_assert_cmpuint(forecast_end(1, 7, 11), ==, 2); /* 1.57 */
}

static uint64_t random_number(void)
{
    uint64_t number = (uint64_t)g_test_rand_int() << 32 | (uint32_t)g_test_rand_int();
    return number >> (g_test_rand_int_range(0, 64));
}

/* Never less than what was used; and within half of the exact quotient: 2 · end · elapsed is within elapsed of 2 · used · length.
 */
static void test_random_ends(void)
{
    for (int i = 0; i < 20000; i++) {
        uint64_t used = random_number() >> 24;
        int64_t length = 2 + (int64_t)(random_number() >> 44), elapsed = 1 + (int64_t)(random_number() % (uint64_t)(length - 1));
        uint64_t end = forecast_end(used, elapsed, length);
        g_assert_cmpuint(end, >=, used);
        int64_t apart = (int64_t)(2 * end * (uint64_t)elapsed - 2 * used * (uint64_t)length); /* both below 2^63 */
        g_assert_cmpint(apart, <=, elapsed);
        g_assert_cmpint(apart, >=, -elapsed + 1);
    }
}

static void test_reach(void)
{
    int64_t after = -1;
    g_assert_false(forecast_reach(0, DAY_MS, 100, &after));
    g_assert_false(forecast_reach(5, 0, 100, &after));
    g_assert_true(forecast_reach(50, DAY_MS, 100, &after));
    g_assert_cmpint(after, ==, 2 * DAY_MS);
    g_assert_true(forecast_reach(3, 10, 10, &after));
    g_assert_cmpint(after, ==, 34); /* 33.3 */
    g_assert_true(forecast_reach(200, DAY_MS, 100, &after));
    g_assert_cmpint(after, ==, DAY_MS / 2);
    g_assert_true(forecast_reach(UINT64_MAX, INT64_MAX, UINT64_MAX, &after));
    g_assert_cmpint(after, ==, INT64_MAX);
    g_assert_false(forecast_reach(1, DAY_MS, UINT64_MAX, &after));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/forecast/end", test_end);
    g_test_add_func("/forecast/rounding", test_rounding);
    g_test_add_func("/forecast/random_ends", test_random_ends);
    g_test_add_func("/forecast/reach", test_reach);
    return g_test_run();
}
