#include "api/capacity.h"

#include "lib/civil.h"
#include "lib/keys.h"

#define NOW INT64_C(1793620080000) /* 2026-11-02T11:48:00Z: New York put its clock back the day before */

static struct window window;
static struct usage_table *table;

static void set_up(const char *zone, int timeframe, int64_t now_ms)
{
    const struct usage_params params = {.timeframe = timeframe, .granularity = CIVIL_MONTH, .tz = tz_shared(zone, NULL)};
    const struct window_extent extent = {window_slot(now_ms) - 96 * 1000, window_slot(now_ms) - 5};
    struct refusal refusal = {0};
    g_assert_nonnull(params.tz);
    g_assert_true(window_init(&window, &params, now_ms, extent, &refusal));
    table = usage_table_new(&window);
}

static void tear_down(void)
{
    usage_table_free(table);
    window_clear(&window);
}

static void add(int64_t time_ms, uint64_t requests)
{
    struct measure measure;
    measure_init(&measure);
    measure.requests = requests;
    usage_table_add_slot(table, window_slot(time_ms), &measure);
    usage_table_add_minute_requests(table, time_ms / KEYS_MINUTE_MS, requests);
}

static void add_random(int n)
{
    for (int i = 0; i < n; i++) {
        int64_t slot = window.first_slot + g_test_rand_int_range(0, (gint32)window.n_slots);
        add(window_slot_ms(slot) + g_test_rand_int_range(0, 15) * KEYS_MINUTE_MS, (uint64_t)g_test_rand_int_range(1, 50));
    }
}

/* ---- the same by another way: slot after slot, a new sum whenever the name of the period changes ---- */

typedef int64_t name_of_period(int64_t slot);

static int64_t offset_s(int64_t slot)
{
    return tz_at(window.tz, window_slot_ms(slot) / 1000).offset_s;
}

/* A change of the clock begins another hour. */
static int64_t name_of_hour(int64_t slot)
{
    return civil_divide(window_slot_ms(slot) / 1000 + offset_s(slot), 3600) * 100000 + offset_s(slot);
}

static int64_t name_of_day(int64_t slot)
{
    return civil_divide(window_slot_ms(slot) / 1000 + offset_s(slot), 86400);
}

static int64_t name_of_utc_week(int64_t slot)
{
    return civil_floor(window_slot_ms(slot), CIVIL_WEEK);
}

static int64_t name_of_utc_month(int64_t slot)
{
    return civil_floor(window_slot_ms(slot), CIVIL_MONTH);
}

static int64_t name_of_utc_day(int64_t slot)
{
    return civil_floor(window_slot_ms(slot), CIVIL_DAY);
}

static int64_t name_of_utc_hour(int64_t slot)
{
    return civil_floor(window_slot_ms(slot), CIVIL_HOUR);
}

static GArray *sums_of(name_of_period *name_of)
{
    GArray *sums = g_array_new(FALSE, FALSE, sizeof(struct capacity_peak));
    int64_t last = INT64_MIN;
    for (uint32_t i = 0; i < window.n_slots; i++) {
        const int64_t slot = window.first_slot + i;
        const struct capacity_peak begun = {0, window_slot_ms(slot)};
        if (name_of(slot) != last)
            g_array_append_val(sums, begun);
        last = name_of(slot);
        g_array_index(sums, struct capacity_peak, sums->len - 1).requests += table->slot_requests[i];
    }
    return sums;
}

static void check_peak(const struct capacity_peak *peak, name_of_period *name_of)
{
    g_autoptr(GArray) sums = sums_of(name_of);
    struct capacity_peak expected = {0};
    for (guint i = 0; i < sums->len; i++)
        if (g_array_index(sums, struct capacity_peak, i).requests > expected.requests)
            expected = g_array_index(sums, struct capacity_peak, i);
    g_assert_cmpuint(peak->requests, ==, expected.requests);
    if (expected.requests > 0)
        g_assert_cmpint(peak->at_ms, ==, expected.at_ms);
}

static gint by_requests(gconstpointer a, gconstpointer b)
{
    const struct capacity_peak *first = a, *second = b;
    if (first->requests != second->requests)
        return first->requests > second->requests ? -1 : 1;
    return first->at_ms < second->at_ms ? -1 : 1;
}

static void check_busiest(const struct capacity *capacity)
{
    g_autoptr(GArray) sums = sums_of(name_of_hour);
    g_array_sort(sums, by_requests);
    guint n = 0;
    for (; n < sums->len && n < CAPACITY_HOURS && g_array_index(sums, struct capacity_peak, n).requests > 0; n++) {
        g_assert_cmpuint(capacity->busiest[n].requests, ==, g_array_index(sums, struct capacity_peak, n).requests);
        g_assert_cmpint(capacity->busiest[n].at_ms, ==, g_array_index(sums, struct capacity_peak, n).at_ms);
    }
    g_assert_cmpuint(capacity->n_busiest, ==, n);
}

static void check_minutes(const struct capacity *capacity)
{
    struct capacity_peak expected = {0};
    uint64_t sum = 0;
    for (uint32_t i = 0; i < table->n_minutes; i++) {
        sum += table->minute_requests[i];
        if (table->minute_requests[i] > expected.requests)
            expected = (struct capacity_peak){table->minute_requests[i], (table->first_minute + i) * KEYS_MINUTE_MS};
    }
    g_assert_true(capacity->has_minutes);
    g_assert_cmpuint(capacity->minutes_requests, ==, sum);
    g_assert_cmpuint(capacity->minute.requests, ==, expected.requests);
    g_assert_cmpint(capacity->minute.at_ms, ==, expected.at_ms);
    g_assert_cmpint(capacity->minutes_since_ms, ==, table->first_minute * KEYS_MINUTE_MS);
    g_assert_cmpint(capacity->to_ms - capacity->minutes_since_ms, <=, 48 * INT64_C(3600000));
}

/* ---- tests ---- */

static void test_random(void)
{
    static const char *const zones[] = {"UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"};
    static const int timeframes[] = {USAGE_1H, USAGE_24H, USAGE_7D, USAGE_30D, USAGE_90D, USAGE_1Y, USAGE_ALL};
    for (int i = 0; i < 140; i++) {
        struct capacity capacity;
        set_up(zones[i % 5], timeframes[i / 5 % 7], NOW - g_test_rand_int_range(0, 400 * 96) * (int64_t)KEYS_SLOT_MS);
        add_random(g_test_rand_int_range(0, 300));
        capacity_find(&capacity, table);
        check_peak(&capacity.hour, name_of_hour);
        check_peak(&capacity.day, name_of_day);
        check_peak(&capacity.of_limits[LIMIT_HOUR], name_of_utc_hour);
        check_peak(&capacity.of_limits[LIMIT_DAY], name_of_utc_day);
        check_peak(&capacity.of_limits[LIMIT_WEEK], name_of_utc_week);
        check_peak(&capacity.of_limits[LIMIT_MONTH], name_of_utc_month);
        check_busiest(&capacity);
        check_minutes(&capacity);
        tear_down();
    }
}

/* The hour from one to two comes twice when New York puts its clock back; it is two hours. */
static void test_hour_that_comes_twice(void)
{
    const int64_t first = INT64_C(1793509200000); /* 2026-11-01T05:00:00Z, 01:00 in New York; an hour later again */
    struct capacity capacity;
    set_up("America/New_York", USAGE_7D, NOW);
    add(first, 10);
    add(first + 3600000, 11);
    add(first + 2 * 3600000, 12);
    add(first + 86400000, 15);
    capacity_find(&capacity, table);
    g_assert_cmpuint(capacity.hour.requests, ==, 15);
    g_assert_cmpuint(capacity.n_busiest, ==, 4);
    g_assert_cmpint(capacity.busiest[2].at_ms, ==, first + 3600000);
    g_assert_cmpuint(capacity.day.requests, ==, 33);
    g_assert_cmpint(capacity.day.at_ms, ==, first - 3600000);
    tear_down();
}

/* Kathmandu's hours begin at :15 of UTC's. */
static void test_quarters(void)
{
    const int64_t at = INT64_C(1793602800000); /* 2026-11-02T07:00:00Z, 12:45 in Kathmandu */
    struct capacity capacity;
    set_up("Asia/Kathmandu", USAGE_7D, NOW);
    add(at, 5);
    add(at + 15 * KEYS_MINUTE_MS, 6);
    add(at + 60 * KEYS_MINUTE_MS, 7);
    capacity_find(&capacity, table);
    g_assert_cmpuint(capacity.hour.requests, ==, 13);
    g_assert_cmpint(capacity.hour.at_ms, ==, at + 15 * KEYS_MINUTE_MS);
    g_assert_cmpuint(capacity.of_limits[LIMIT_HOUR].requests, ==, 11);
    g_assert_cmpint(capacity.of_limits[LIMIT_HOUR].at_ms, ==, at);
    tear_down();
}

static void test_nothing(void)
{
    struct capacity capacity;
    set_up("UTC", USAGE_24H, NOW);
    capacity_find(&capacity, table);
    g_assert_cmpuint(capacity.requests, ==, 0);
    g_assert_cmpuint(capacity.n_busiest, ==, 0);
    g_assert_cmpuint(capacity.hour.requests, ==, 0);
    g_assert_cmpuint(capacity.minute.requests, ==, 0);
    tear_down();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/capacity/random", test_random);
    g_test_add_func("/capacity/hour_that_comes_twice", test_hour_that_comes_twice);
    g_test_add_func("/capacity/quarters", test_quarters);
    g_test_add_func("/capacity/nothing", test_nothing);
    return g_test_run();
}
