/* Ranges of known days, and, for zones and random times, what holds for all of them. */
#include "api/stats_range.h"

enum { HOUR = 3600, DAY = 24 * HOUR };

static struct stats_range range;
static struct refusal refusal;

static int64_t at(int year, int month, int day, int hour, int minute)
{
    return civil_day((struct civil_date){year, month, day}) * DAY + hour * HOUR + minute * 60;
}

static const struct tz *zone(const char *name)
{
    g_autoptr(GError) error = NULL;
    const struct tz *tz = tz_shared(name, &error);
    g_assert_no_error(error);
    return tz;
}

/* 2026-11-21, 10:37:01 UTC */
static bool init(const struct stats_params *params)
{
    return stats_range_init(&range, params, at(2026, 11, 21, 10, 37) * 1000 + 1250, &refusal);
}

static struct local_time date(int64_t local_s)
{
    return (struct local_time){.given = true, .local_s = local_s};
}

static struct local_time clock_time(int64_t local_s)
{
    return (struct local_time){.given = true, .has_clock = true, .local_s = local_s};
}

static struct stats_params usage(const char *name, enum stats_period period, int unit)
{
    return (struct stats_params){.kind = STATS_USAGE, .period = period, .unit = unit, .tz = zone(name)};
}

static void expect(const struct stats_params *params, int64_t from_s, int64_t to_s, int64_t before_s, int unit)
{
    g_assert_true(init(params));
    g_assert_cmpint(range.window.from_ms, ==, from_s * 1000);
    g_assert_cmpint(range.window.to_ms, ==, to_s * 1000);
    g_assert_cmpint(range.before_ms, ==, before_s * 1000);
    g_assert_cmpint(range.window.unit, ==, unit);
    g_assert_false(range.window.from_first);
}

static void test_periods(void)
{
    struct stats_params params = usage("UTC", STATS_DAY, STATS_NO_UNIT);
    expect(&params, at(2026, 11, 20, 10, 0), at(2026, 11, 21, 11, 0), at(2026, 11, 19, 9, 0), CIVIL_HOUR);
    params.since = date(at(2026, 3, 8, 0, 0));
    expect(&params, at(2026, 3, 8, 0, 0), at(2026, 3, 9, 0, 0), at(2026, 3, 7, 0, 0), CIVIL_HOUR);
    params.tz = zone("America/New_York"); /* the clock is put forward: a day of 23 hours after one of 24 */
    expect(&params, at(2026, 3, 8, 5, 0), at(2026, 3, 9, 4, 0), at(2026, 3, 7, 5, 0), CIVIL_HOUR);
    params.period = STATS_WEEK;
    expect(&params, at(2026, 3, 8, 5, 0), at(2026, 3, 15, 4, 0), at(2026, 3, 1, 5, 0), WINDOW_SIX_HOURS);
    params.period = STATS_MONTH;
    expect(&params, at(2026, 3, 8, 5, 0), at(2026, 4, 8, 4, 0), at(2026, 2, 5, 5, 0), CIVIL_DAY);
    params.period = STATS_YEAR; /* months, of which the first and the last are taken whole */
    expect(&params, at(2026, 3, 1, 5, 0), at(2027, 4, 1, 4, 0), at(2025, 2, 1, 5, 0), CIVIL_MONTH);
    params.since = date(at(2026, 1, 31, 0, 0));
    params.period = STATS_MONTH; /* up to the 28th of February */
    expect(&params, at(2026, 1, 31, 5, 0), at(2026, 2, 28, 5, 0), at(2026, 1, 3, 5, 0), CIVIL_DAY);
}

static void test_since_and_until(void)
{
    struct stats_params params = usage("Asia/Kathmandu", STATS_NO_PERIOD, CIVIL_DAY);
    params.since = date(at(2026, 11, 2, 0, 0));
    params.until = date(at(2026, 11, 3, 0, 0));
    expect(&params, at(2026, 11, 1, 18, 15), at(2026, 11, 3, 18, 15), at(2026, 10, 30, 18, 15), CIVIL_DAY);
    params.until = clock_time(at(2026, 11, 3, 0, 0)); /* a moment of the 3rd */
    expect(&params, at(2026, 11, 1, 18, 15), at(2026, 11, 3, 18, 15), at(2026, 10, 30, 18, 15), CIVIL_DAY);
    params.unit = CIVIL_HOUR;
    expect(&params, at(2026, 11, 1, 18, 15), at(2026, 11, 2, 19, 15), at(2026, 10, 31, 17, 15), CIVIL_HOUR);
    params.unit = WINDOW_WHOLE;
    expect(&params, at(2026, 11, 1, 18, 15), at(2026, 11, 2, 18, 30), at(2026, 10, 31, 18, 0), WINDOW_WHOLE);
    params.until = clock_time(at(2026, 11, 1, 23, 59));
    g_assert_false(init(&params));
    g_assert_cmpstr(refusal.field, ==, "until");
    refusal_clear(&refusal);
}

static void test_where_clocks_change(void)
{
    struct stats_params params = usage("America/New_York", STATS_NO_PERIOD, CIVIL_HOUR);
    params.since = clock_time(at(2026, 3, 8, 2, 30)); /* never shown: three o'clock it is */
    params.until = clock_time(at(2026, 3, 8, 2, 30)); /* the last moment before */
    g_assert_false(init(&params));
    refusal_clear(&refusal);
    params.until = clock_time(at(2026, 3, 8, 3, 30));
    expect(&params, at(2026, 3, 8, 7, 0), at(2026, 3, 8, 8, 0), at(2026, 3, 8, 6, 0), CIVIL_HOUR);
    params.since = params.until = clock_time(at(2026, 11, 1, 1, 30)); /* shown twice: from the first to the second */
    expect(&params, at(2026, 11, 1, 5, 0), at(2026, 11, 1, 7, 0), at(2026, 11, 1, 3, 0), CIVIL_HOUR);
}

static void test_top(void)
{
    struct stats_params params = {.kind = STATS_TOP, .unit = STATS_NO_UNIT, .tz = zone("America/New_York")};
    expect(&params, at(2026, 11, 1, 4, 0), at(2026, 12, 1, 5, 0), at(2026, 10, 2, 4, 0), WINDOW_WHOLE);
    params.period = STATS_WEEK;
    params.since = date(at(2026, 11, 21, 0, 0));
    expect(&params, at(2026, 11, 16, 5, 0), at(2026, 11, 23, 5, 0), at(2026, 11, 9, 5, 0), WINDOW_WHOLE);
    params.period = STATS_YEAR;
    g_assert_true(init(&params));
    g_assert_cmpint(range.window.from_ms, ==, at(2026, 1, 1, 5, 0) * 1000);
    g_assert_cmpint(range.window.to_ms, ==, at(2027, 1, 1, 5, 0) * 1000);
    params.period = STATS_NO_PERIOD;
    params.until = clock_time(at(2026, 11, 21, 9, 59));
    expect(&params, at(2026, 11, 21, 5, 0), at(2026, 11, 21, 15, 0), at(2026, 11, 20, 19, 0), WINDOW_WHOLE);
}

static void test_averages_end_now(void)
{
    struct stats_params params = {.kind = STATS_DAILY, .unit = STATS_NO_UNIT, .tz = zone("UTC")};
    params.since = date(at(2026, 11, 1, 0, 0));
    params.until = date(at(2026, 11, 30, 0, 0));
    expect(&params, at(2026, 11, 1, 0, 0), at(2026, 11, 22, 0, 0), at(2026, 10, 11, 0, 0), CIVIL_DAY);
    params.kind = STATS_HOURLY;
    g_assert_true(init(&params));
    g_assert_cmpint(range.window.to_ms, ==, at(2026, 11, 21, 11, 0) * 1000);
    params.since = date(at(2026, 11, 25, 0, 0)); /* all of it is to come */
    g_assert_true(init(&params));
    g_assert_cmpint(range.window.to_ms, ==, at(2026, 12, 1, 0, 0) * 1000);
}

static void test_eternity(void)
{
    struct stats_params params = usage("UTC", STATS_ETERNITY, STATS_NO_UNIT);
    g_assert_true(init(&params));
    g_assert_true(range.window.from_first && range.window.to_last);
    g_assert_cmpint(range.window.unit, ==, WINDOW_WHOLE);
    g_assert_cmpint(range.before_ms, ==, range.window.from_ms);
    params.until = date(at(2026, 11, 1, 0, 0));
    g_assert_true(init(&params));
    g_assert_true(range.window.from_first && !range.window.to_last);
    g_assert_cmpint(range.window.to_ms, ==, at(2026, 11, 2, 0, 0) * 1000);
    params.since = date(at(2026, 10, 1, 0, 0));
    g_assert_true(init(&params));
    g_assert_false(range.window.from_first);
}

/* What was asked for is in the range, which is no wider than a unit on each side, and the range before ends where it begins. */
static void test_random(void)
{
    static const char *const zones[] = {"UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"};
    static const int units[] = {CIVIL_HOUR, WINDOW_SIX_HOURS, CIVIL_DAY, CIVIL_MONTH, WINDOW_WHOLE};
    static const int64_t lengths_s[] = {2 * HOUR, 8 * HOUR, 50 * HOUR, 31 * DAY + HOUR, 15 * 60};
    for (int n = 0; n < 3000; n++) {
        size_t unit = (size_t)g_test_rand_int_range(0, G_N_ELEMENTS(units));
        struct stats_params params = usage(zones[g_test_rand_int_range(0, G_N_ELEMENTS(zones))], STATS_NO_PERIOD, units[unit]);
        int64_t since = at(2008, 1, 1, 0, 0) + g_test_rand_int_range(0, 20 * 365 * DAY / 60) * INT64_C(60);
        params.since = clock_time(since);
        params.until = clock_time(since + g_test_rand_int_range(2 * HOUR, 400 * DAY));
        if (!init(&params)) { /* both of a day that was skipped */
            refusal_clear(&refusal);
            continue;
        }
        int64_t from_s = range.window.from_ms / 1000, to_s = range.window.to_ms / 1000;
        int64_t begin = from_s + tz_at(params.tz, from_s).offset_s, end = to_s + tz_at(params.tz, to_s - 1).offset_s;
        g_assert_cmpint(from_s % 900, ==, 0);
        g_assert_cmpint(to_s % 900, ==, 0);
        g_assert_cmpint(begin, <=, params.since.local_s + 24 * HOUR); /* Apia left out a day */
        g_assert_cmpint(begin, >, params.since.local_s - lengths_s[unit]);
        g_assert_cmpint(end, >, params.until.local_s - 24 * HOUR);
        g_assert_cmpint(end, <=, params.until.local_s + lengths_s[unit] + 2 * HOUR);
        g_assert_cmpint(range.before_ms, <, range.window.from_ms);
        int64_t again_from = range.window.from_ms, again_to = range.window.to_ms;
        window_align(params.tz, units[unit], &again_from, &again_to);
        g_assert_cmpint(again_from, ==, range.window.from_ms);
        g_assert_cmpint(again_to, ==, range.window.to_ms);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stats_range/periods", test_periods);
    g_test_add_func("/stats_range/since-and-until", test_since_and_until);
    g_test_add_func("/stats_range/where-clocks-change", test_where_clocks_change);
    g_test_add_func("/stats_range/top", test_top);
    g_test_add_func("/stats_range/averages-end-now", test_averages_end_now);
    g_test_add_func("/stats_range/eternity", test_eternity);
    g_test_add_func("/stats_range/random", test_random);
    return g_test_run();
}
