#include "api/window.h"

enum { MINUTE = 60000, SLOT = 15 * MINUTE, HOUR = 60 * MINUTE };

static struct window window;
static struct refusal refusal;

static int64_t at(int year, int month, int day, int hour, int minute)
{
    return civil_day((struct civil_date){year, month, day}) * CIVIL_DAY_MS + hour * HOUR + minute * MINUTE;
}

static bool init(int timeframe, int granularity, int64_t now_ms)
{
    const struct usage_params params = {.timeframe = timeframe, .granularity = granularity};
    return window_init(&window, &params, now_ms, (struct window_extent){0, 0}, &refusal);
}

static void test_begins_on_a_slot(void)
{
    int64_t now = at(2026, 11, 21, 10, 37) + 12345;
    g_assert_true(init(USAGE_1H, CIVIL_HOUR, now));
    g_assert_cmpint(window.from_ms, ==, at(2026, 11, 21, 9, 30));
    g_assert_cmpint(window.to_ms, ==, now);
    g_assert_cmpuint(window.n_slots, ==, 5);
    g_assert_cmpuint(window.n_points, ==, 2);
    g_assert_cmpint(window.points[0], ==, at(2026, 11, 21, 9, 0)); /* the hour, of which half is counted */
    g_assert_cmpuint(window_point(&window, window.first_slot + 1), ==, 0);
    g_assert_cmpuint(window_point(&window, window.first_slot + 2), ==, 1);
    window_clear(&window);
    g_assert_true(init(USAGE_1H, CIVIL_HOUR, at(2026, 11, 21, 10, 30))); /* just on a boundary */
    g_assert_cmpint(window.from_ms, ==, at(2026, 11, 21, 9, 30));
    g_assert_cmpuint(window.n_slots, ==, 5);
    window_clear(&window);
}

static void expect_points(int timeframe, int granularity, uint32_t points, int64_t first)
{
    g_assert_true(init(timeframe, granularity, at(2026, 11, 21, 10, 37)));
    g_assert_cmpuint(window.n_points, ==, points);
    g_assert_cmpint(window.points[0], ==, first);
    window_clear(&window);
}

static void test_points(void)
{
    expect_points(USAGE_1H, CIVIL_MINUTE, 75, at(2026, 11, 21, 9, 30));
    expect_points(USAGE_24H, CIVIL_HOUR, 25, at(2026, 11, 20, 10, 0));
    expect_points(USAGE_24H, CIVIL_DAY, 2, at(2026, 11, 20, 0, 0));
    expect_points(USAGE_7D, CIVIL_WEEK, 2, at(2026, 11, 9, 0, 0));
    expect_points(USAGE_30D, CIVIL_MONTH, 2, at(2026, 10, 1, 0, 0));
    expect_points(USAGE_90D, CIVIL_DAY, 91, at(2026, 8, 23, 0, 0));
    expect_points(USAGE_1Y, CIVIL_MONTH, 13, at(2025, 11, 1, 0, 0));
    expect_points(USAGE_1Y, CIVIL_HOUR, 8761, at(2025, 11, 21, 10, 0));
}

static void expect_refused(int timeframe, int granularity, const char *works)
{
    g_assert_false(init(timeframe, granularity, at(2026, 11, 21, 10, 37)));
    g_assert_cmpstr(refusal.code, ==, "INVALID_GRANULARITY");
    g_autofree char *allowed = g_strjoinv(" ", refusal.allowed);
    g_assert_cmpstr(allowed, ==, works);
    refusal_clear(&refusal);
}

static void test_refused(void)
{
    expect_refused(USAGE_7D, CIVIL_MINUTE, "hour day week month");
    expect_refused(USAGE_ALL, CIVIL_HOUR, "week month"); /* since 1970 */
    expect_refused(USAGE_ALL, CIVIL_DAY, "week month");
    const struct usage_params params = {.timeframe = USAGE_1H, .granularity = CIVIL_MINUTE, .endpoint = (char *)"GET /x"};
    g_assert_false(window_init(&window, &params, at(2026, 11, 21, 10, 37), (struct window_extent){0, 0}, &refusal));
    refusal_clear(&refusal);
}

static void test_all(void)
{
    const struct usage_params params = {.timeframe = USAGE_ALL, .granularity = CIVIL_MINUTE};
    int64_t now = at(2026, 11, 21, 10, 37), slot = window_slot(now);
    g_assert_true(window_init(&window, &params, now, (struct window_extent){slot - 8, slot}, &refusal));
    g_assert_cmpint(window.from_ms, ==, at(2026, 11, 21, 8, 30));
    g_assert_cmpint(window.to_ms, ==, now);
    window_clear(&window);
    g_assert_true(
        window_init(&window, &params, now, (struct window_extent){slot - 8, slot + 1}, &refusal)); /* ahead of the clock */
    g_assert_cmpint(window.to_ms, ==, at(2026, 11, 21, 11, 0));
    g_assert_cmpuint(window.n_slots, ==, 10);
    window_clear(&window);
    /* The slot that holds the moment 48 hours ago may be cut already; the next one is whole. */
    g_assert_true(window_init(&window, &params, now, (struct window_extent){slot - 191, slot}, &refusal));
    window_clear(&window);
    g_assert_false(window_init(&window, &params, now, (struct window_extent){slot - 192, slot}, &refusal));
    refusal_clear(&refusal);
}

/* At any moment: points are in order, without gap, and every slot lies in the point that counts it. */
static void test_random(void)
{
    for (int i = 0; i < 2000; i++) {
        int timeframe = g_test_rand_int_range(USAGE_1H, USAGE_ALL), unit = g_test_rand_int_range(CIVIL_HOUR, CIVIL_MONTH + 1);
        int64_t now = g_test_rand_int_range(365 * 86400, INT32_MAX) * INT64_C(1000) + g_test_rand_int_range(0, 1000);
        g_assert_true(init(timeframe, unit, now));
        g_assert_cmpint(window.from_ms % SLOT, ==, 0);
        g_assert_true(window.points[0] <= window.from_ms);
        g_assert_true(civil_next(window.points[window.n_points - 1], (enum civil_unit)unit) >= now);
        g_assert_cmpuint(window.n_points, <=, WINDOW_POINTS_MAX);
        for (int k = 0; k < 20; k++) {
            int64_t slot = window.first_slot + g_test_rand_int_range(0, (gint32)window.n_slots);
            uint32_t point = window_point(&window, slot);
            g_assert_cmpint(civil_floor(window_slot_ms(slot), (enum civil_unit)unit), ==, window.points[point]);
        }
        window_clear(&window);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/window/begins-on-a-slot", test_begins_on_a_slot);
    g_test_add_func("/window/points", test_points);
    g_test_add_func("/window/refused", test_refused);
    g_test_add_func("/window/all", test_all);
    g_test_add_func("/window/random", test_random);
    return g_test_run();
}
