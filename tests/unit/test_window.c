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

/* ---- zones ---- */

static const struct tz *zone(const char *name)
{
    g_autoptr(GError) error = NULL;
    const struct tz *tz = tz_shared(name, &error);
    g_assert_no_error(error);
    return tz;
}

static void expect_zone(const char *name, int timeframe, int granularity, int64_t now_ms, uint32_t points, int64_t first)
{
    const struct usage_params params = {.timeframe = timeframe, .granularity = granularity, .tz = zone(name)};
    g_assert_true(window_init(&window, &params, now_ms, (struct window_extent){0, 0}, &refusal));
    g_assert_cmpuint(window.n_points, ==, points);
    g_assert_cmpint(window.points[0], ==, first);
    g_assert_cmpint(window.from_ms % SLOT, ==, 0);
    window_clear(&window);
}

static void test_zones(void)
{
    int64_t now = at(2026, 11, 21, 10, 37);
    expect_zone("Asia/Kathmandu", USAGE_24H, CIVIL_HOUR, now, 25, at(2026, 11, 20, 10, 15)); /* 16:00 there */
    expect_zone("Asia/Kathmandu", USAGE_24H, CIVIL_DAY, now, 2, at(2026, 11, 19, 18, 15));
    expect_zone("Asia/Kathmandu", USAGE_24H, CIVIL_MINUTE, now, 97 * 15, at(2026, 11, 20, 10, 30));
    expect_zone("America/New_York", USAGE_30D, CIVIL_DAY, now, 31, at(2026, 10, 22, 4, 0));
    expect_zone("America/New_York", USAGE_7D, CIVIL_WEEK, now, 2, at(2026, 11, 9, 5, 0));
    expect_zone("America/New_York", USAGE_30D, CIVIL_MONTH, now, 2, at(2026, 10, 1, 4, 0));
}

/* ---- ranges ---- */

static bool init_range(const char *name, int64_t from_ms, int64_t to_ms, int unit)
{
    const struct window_range range = {.from_ms = from_ms, .to_ms = to_ms, .unit = unit, .tz = name ? zone(name) : NULL};
    return window_init_range(&window, &range, at(2026, 11, 21, 10, 37), (struct window_extent){0, 0}, &refusal);
}

static void expect_range(const char *name, int64_t from_ms, int64_t to_ms, int unit, uint32_t points)
{
    g_assert_true(init_range(name, from_ms, to_ms, unit));
    g_assert_cmpuint(window.n_points, ==, points);
    g_assert_false(window.has_minutes);
    for (uint32_t i = 0; i < points; i++) {
        int64_t from, to;
        window_point_span(&window, i, &from, &to);
        g_assert_cmpint(from, ==, i == 0 ? window.from_ms : window.points[i]);
        g_assert_cmpint(to, ==, i + 1 < points ? window.points[i + 1] : window.to_ms);
    }
    uint32_t point = 0;
    for (uint32_t i = 0; i < window.n_slots; i++) { /* each slot counts for the point in which it begins */
        int64_t slot = window.first_slot + i;
        while (point + 1 < points && window.points[point + 1] <= window_slot_ms(slot))
            point++;
        g_assert_cmpuint(window_point(&window, slot), ==, point);
    }
    window_clear(&window);
}

static void test_ranges(void)
{
    int64_t spring = at(2026, 3, 8, 5, 0), autumn = at(2026, 11, 1, 4, 0); /* midnights of New York */
    expect_range(NULL, at(2026, 11, 1, 0, 0), at(2026, 11, 3, 0, 0), CIVIL_HOUR, 48);
    expect_range("America/New_York", spring, spring + 23 * HOUR, CIVIL_HOUR, 23);
    expect_range("America/New_York", autumn, autumn + 25 * HOUR, CIVIL_HOUR, 25);
    expect_range("America/New_York", spring, spring + 23 * HOUR, CIVIL_DAY, 1);
    expect_range("America/New_York", autumn - 24 * HOUR, autumn + 49 * HOUR, CIVIL_DAY, 3);
    expect_range("America/New_York", spring, spring + 23 * HOUR, WINDOW_SIX_HOURS, 4);
    expect_range("America/New_York", autumn, autumn + 25 * HOUR, WINDOW_SIX_HOURS, 4);
    expect_range("Asia/Kathmandu", at(2026, 11, 1, 18, 15), at(2026, 11, 8, 18, 15), WINDOW_SIX_HOURS, 28);
    expect_range(NULL, at(2025, 11, 1, 0, 0), at(2026, 11, 1, 0, 0), CIVIL_MONTH, 12);
    expect_range(NULL, at(2025, 11, 1, 0, 0), at(2026, 11, 1, 0, 0), WINDOW_WHOLE, 1);
    g_assert_true(init_range(NULL, at(2026, 11, 1, 0, 7), at(2026, 11, 1, 0, 16), WINDOW_WHOLE));
    g_assert_cmpint(window.from_ms, ==, at(2026, 11, 1, 0, 0));
    g_assert_cmpint(window.to_ms, ==, at(2026, 11, 1, 0, 30));
    g_assert_cmpuint(window.n_slots, ==, 2);
    window_clear(&window);
}

/* Six hours by the clock of New York, where an hour is left out, or comes twice. */
static void test_six_hours(void)
{
    int64_t spring = at(2026, 3, 8, 5, 0), autumn = at(2026, 11, 1, 4, 0);
    g_assert_true(init_range("America/New_York", spring, spring + 23 * HOUR, WINDOW_SIX_HOURS));
    g_assert_cmpint(window.points[1] - window.points[0], ==, 5 * HOUR);
    g_assert_cmpint(window.points[2] - window.points[1], ==, 6 * HOUR);
    window_clear(&window);
    g_assert_true(init_range("America/New_York", autumn, autumn + 25 * HOUR, WINDOW_SIX_HOURS));
    g_assert_cmpint(window.points[1] - window.points[0], ==, 7 * HOUR);
    window_clear(&window);
}

/* Points are there for all of a range, slots only for what can have been counted. */
static void test_ranges_without_events(void)
{
    g_assert_true(init_range(NULL, at(150, 12, 1, 0, 0), at(151, 1, 1, 0, 0), CIVIL_DAY));
    g_assert_cmpuint(window.n_points, ==, 31);
    g_assert_cmpuint(window.n_slots, ==, 0);
    g_assert_cmpint(window.first_slot, ==, 0);
    window_clear(&window);
    g_assert_true(init_range(NULL, at(2026, 11, 21, 0, 0), at(2500, 1, 1, 0, 0), CIVIL_MONTH));
    g_assert_cmpuint(window.n_slots, ==, 2 * 96);
    window_clear(&window);
    g_assert_true(init_range(NULL, at(2999, 1, 1, 0, 0), at(2999, 1, 2, 0, 0), CIVIL_HOUR));
    g_assert_cmpuint(window.n_slots, ==, 0);
    g_assert_cmpuint(window.n_points, ==, 24);
    window_clear(&window);
    g_assert_false(init_range(NULL, at(2020, 1, 1, 0, 0), at(2026, 1, 1, 0, 0), CIVIL_HOUR));
    g_assert_cmpstr(refusal.code, ==, "INVALID_GRANULARITY");
    g_autofree char *allowed = g_strjoinv(" ", refusal.allowed);
    g_assert_cmpstr(allowed, ==, "day week month 21600 eternity");
    refusal_clear(&refusal);
}

static void test_range_from_first(void)
{
    int64_t now = at(2026, 11, 21, 10, 37), slot = window_slot(now);
    const struct window_range range = {.to_ms = now, .from_first = true, .to_last = true, .unit = CIVIL_DAY};
    g_assert_true(window_init_range(&window, &range, now, (struct window_extent){slot - 200, slot + 1}, &refusal));
    g_assert_cmpint(window.first_slot, ==, slot - 200);
    g_assert_cmpuint(window.n_slots, ==, 202);
    g_assert_cmpuint(window.n_points, ==, 3);
    window_clear(&window);
}

/* ---- since, until ---- */

static bool init_custom(const char *name, const char *since, const char *until, int unit, int64_t now_ms)
{
    struct usage_params params = {.timeframe = USAGE_CUSTOM, .granularity = unit, .tz = zone(name)};
    g_assert_true(local_time_read(&params.since, since));
    g_assert_true(until == NULL || local_time_read(&params.until, until));
    return window_init(&window, &params, now_ms, (struct window_extent){0, 0}, &refusal);
}

static void expect_custom(const char *name, const char *since, const char *until, int64_t from_ms, int64_t to_ms)
{
    g_assert_true(init_custom(name, since, until, CIVIL_DAY, at(2026, 11, 21, 10, 37)));
    g_assert_cmpint(window.from_ms, ==, from_ms);
    g_assert_cmpint(window.to_ms, ==, to_ms);
    window_clear(&window);
}

static void test_custom(void)
{
    int64_t now = at(2026, 11, 21, 10, 37);
    expect_custom("UTC", "2026-11-01", "2026-11-02", at(2026, 11, 1, 0, 0), at(2026, 11, 3, 0, 0));
    expect_custom("UTC", "2026-11-01 00:07:00", "2026-11-02 23:44:59", at(2026, 11, 1, 0, 0), at(2026, 11, 2, 23, 45));
    expect_custom("UTC", "2026-11-01 00:07:00", "2026-11-02 23:45:00", at(2026, 11, 1, 0, 0), at(2026, 11, 3, 0, 0));
    expect_custom("Asia/Kathmandu", "2026-11-01", "2026-11-01", at(2026, 10, 31, 18, 15), at(2026, 11, 1, 18, 15));
    expect_custom("America/New_York", "2026-11-01", "2026-11-01", at(2026, 11, 1, 4, 0), at(2026, 11, 2, 5, 0));
    expect_custom("UTC", "2026-11-20", NULL, at(2026, 11, 20, 0, 0), now);
    expect_custom("UTC", "2026-11-20", "2026-11-21", at(2026, 11, 20, 0, 0), now);
    expect_custom("UTC", "2026-11-21 10:30:00", "2026-11-21 10:31:00", at(2026, 11, 21, 10, 30), now);
    expect_custom("UTC", "2026-11-21 10:45:00", "2026-11-21", at(2026, 11, 21, 10, 45), at(2026, 11, 22, 0, 0));
    expect_custom("UTC", "1960-01-01", "1960-01-31", at(1960, 1, 1, 0, 0), at(1960, 2, 1, 0, 0));
}

/* Points, and slots, go on to its end; what is over when it ends is told from what is to come. */
static void test_custom_holds_now(void)
{
    int64_t now = at(2026, 11, 21, 10, 37);
    g_assert_true(init_custom("UTC", "2026-11-21", "2026-11-21", CIVIL_HOUR, now));
    g_assert_true(window_holds_now(&window));
    g_assert_cmpuint(window.n_points, ==, 24);
    g_assert_cmpuint(window.n_slots, ==, 96);
    g_assert_cmpint(window_end_slot(&window), ==, window_slot(now) + 1);
    window_clear(&window);
    g_assert_true(init_custom("UTC", "2026-11-19", "2026-11-20", CIVIL_HOUR, now));
    g_assert_false(window_holds_now(&window));
    g_assert_cmpint(window_end_slot(&window), ==, window.first_slot + 2 * 96);
    window_clear(&window);
    g_assert_true(init(USAGE_24H, CIVIL_HOUR, now));
    g_assert_true(window_holds_now(&window));
    g_assert_cmpint(window_end_slot(&window), ==, window.first_slot + window.n_slots);
    window_clear(&window);
}

static void test_custom_minutes(void)
{
    int64_t now = at(2026, 11, 21, 10, 37);
    g_assert_true(init_custom("UTC", "2026-11-20 01:00:00", "2026-11-20 01:59:59", CIVIL_MINUTE, now));
    g_assert_true(window.has_minutes);
    g_assert_cmpuint(window.n_points, ==, 60);
    window_clear(&window);
    g_assert_true(init_custom("UTC", "2026-11-19", "2026-11-20", CIVIL_DAY, now)); /* of some of it */
    g_assert_true(window.has_minutes);
    g_assert_cmpint(window.minutes_first_slot, ==, window_slot(at(2026, 11, 19, 10, 45)));
    window_clear(&window);
    static const char *const not_kept[][2] = {{"2026-11-18", "2026-11-19 10:00:00"},
                                              {"1960-01-01", "1960-01-01"},
                                              {"2026-11-21 10:45:00", "2026-11-21"},
                                              {"2999-01-01", "2999-01-01"}};
    for (size_t i = 0; i < G_N_ELEMENTS(not_kept); i++) {
        g_assert_true(init_custom("UTC", not_kept[i][0], not_kept[i][1], CIVIL_HOUR, now));
        g_assert_false(window.has_minutes);
        window_clear(&window);
        g_assert_false(init_custom("UTC", not_kept[i][0], not_kept[i][1], CIVIL_MINUTE, now));
        g_assert_cmpstr(refusal.field, ==, "granularity");
        g_assert_cmpstr(refusal.allowed[0], ==, "hour");
        refusal_clear(&refusal);
    }
}

static void expect_custom_refused(const char *since, const char *until, int unit, const char *field, const char *value)
{
    g_assert_false(init_custom("UTC", since, until, unit, at(2026, 11, 21, 10, 37)));
    g_assert_cmpint(refusal.status, ==, 400);
    g_assert_cmpstr(refusal.field, ==, field);
    g_assert_cmpstr(refusal.value, ==, value);
    g_assert_cmpuint(g_strv_length(refusal.allowed), >, 0);
    refusal_clear(&refusal);
}

static void test_custom_refused(void)
{
    expect_custom_refused("2026-11-02", "2026-11-01", CIVIL_DAY, "until", "2026-11-01");
    expect_custom_refused("2026-11-02 10:00:01", "2026-11-02 10:00:00", CIVIL_DAY, "until", "2026-11-02 10:00:00");
    expect_custom_refused("2026-11-22", NULL, CIVIL_DAY, "since", "2026-11-22");
    expect_custom_refused("2025-01-01", "2026-11-01", CIVIL_HOUR, "granularity", "hour");
    expect_custom_refused("0003-01-01", "9990-12-31", CIVIL_DAY, "granularity", "day");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/window/begins-on-a-slot", test_begins_on_a_slot);
    g_test_add_func("/window/points", test_points);
    g_test_add_func("/window/refused", test_refused);
    g_test_add_func("/window/all", test_all);
    g_test_add_func("/window/random", test_random);
    g_test_add_func("/window/zones", test_zones);
    g_test_add_func("/window/ranges", test_ranges);
    g_test_add_func("/window/six-hours", test_six_hours);
    g_test_add_func("/window/ranges-without-events", test_ranges_without_events);
    g_test_add_func("/window/range-from-first", test_range_from_first);
    g_test_add_func("/window/custom", test_custom);
    g_test_add_func("/window/custom-holds-now", test_custom_holds_now);
    g_test_add_func("/window/custom-minutes", test_custom_minutes);
    g_test_add_func("/window/custom-refused", test_custom_refused);
    return g_test_run();
}
