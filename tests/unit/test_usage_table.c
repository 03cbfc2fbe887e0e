#include "api/usage_table.h"

enum { MINUTE_MS = 60000, SLOT_MINUTES = 15 };

static const int64_t now_ms = INT64_C(1795257421000); /* 2026-11-21T10:37:01Z */
static struct window window;

static struct usage_table *table_of(int timeframe, int granularity)
{
    const struct usage_params params = {.timeframe = timeframe, .granularity = granularity};
    struct refusal refusal = {0};
    g_assert_true(window_init(&window, &params, now_ms, (struct window_extent){0, 0}, &refusal));
    return usage_table_new(&window);
}

static void table_free(struct usage_table *table)
{
    usage_table_free(table);
    window_clear(&window);
}

static void add_random(struct measure *measure)
{
    static const uint32_t statuses[] = {200, 201, 304, 404, 429, 500};
    measure_add(measure, statuses[g_test_rand_int_range(0, G_N_ELEMENTS(statuses))], (uint64_t)g_test_rand_int_range(0, 1000000),
                (uint64_t)g_test_rand_int_range(0, 1000), (uint64_t)g_test_rand_int_range(0, 1000), true);
}

static void expect_equal(const struct measure *a, const struct measure *b)
{
    g_autoptr(GString) left = g_string_new(NULL);
    g_autoptr(GString) right = g_string_new(NULL);
    measure_format(a, left);
    measure_format(b, right);
    g_assert_cmpstr(left->str, ==, right->str);
}

static void test_sums(void)
{
    struct usage_table *table = table_of(USAGE_24H, CIVIL_HOUR);
    struct measure all, total;
    measure_init(&all);
    measure_init(&total);
    for (int i = 0; i < 500; i++) {
        struct measure one;
        measure_init(&one);
        add_random(&one);
        measure_merge(&all, &one);
        usage_table_add_slot(table, window.first_slot + g_test_rand_int_range(0, (gint32)window.n_slots), &one);
        measure_clear(&one);
    }
    usage_table_total(table, &total);
    expect_equal(&total, &all);
    g_assert_cmpuint(usage_table_peak_hour(table), >=, 500 / 25);
    measure_clear(&all);
    measure_clear(&total);
    table_free(table);
}

static void test_lines(void)
{
    struct usage_table *table = table_of(USAGE_1H, CIVIL_HOUR);
    struct measure one, none;
    measure_init(&one);
    measure_init(&none);
    add_random(&one);
    usage_table_add_route(table, "GET /x", &one, 7);
    usage_table_add_route(table, "GET /x", &one, 5);
    usage_table_add_route(table, "GET /never", &none, 9);
    usage_table_add_client(table,
                           "acme\x1f"
                           "c-1",
                           &one, 3);
    g_assert_cmpuint(g_hash_table_size(table->routes), ==, 1);
    const struct usage_line *line = g_hash_table_lookup(table->routes, "GET /x");
    g_assert_cmpuint(line->measure.requests, ==, 2);
    g_assert_cmpint(line->last_slot, ==, 7);
    g_assert_cmpuint(g_hash_table_size(table->clients), ==, 1);
    measure_clear(&one);
    table_free(table);
}

/* Hours of the zone: Kathmandu's begin at :15 of UTC's; New York had one o'clock twice. */
static uint64_t peak_hour_in(const char *zone, int64_t at_ms, int64_t first_ms)
{
    const struct usage_params params = {.timeframe = USAGE_24H, .granularity = CIVIL_HOUR, .tz = tz_shared(zone, NULL)};
    const struct window_extent extent = {0, 0};
    struct refusal refusal = {0};
    struct window local;
    struct measure one;
    measure_init(&one);
    add_random(&one);
    g_assert_true(window_init(&local, &params, at_ms, extent, &refusal));
    struct usage_table *table = usage_table_new(&local);
    for (int slot = 0; slot < 8; slot++)
        for (int n = 0; n <= slot; n++)
            usage_table_add_slot(table, window_slot(first_ms) + slot, &one);
    uint64_t peak = usage_table_peak_hour(table);
    usage_table_free(table);
    window_clear(&local);
    measure_clear(&one);
    return peak;
}

static void test_peaks_of_zones(void)
{
    const int64_t now = INT64_C(1793548800000), first = INT64_C(1793509200000); /* 2026-11-01T16:00Z, 05:00Z: 01:00 in New York */
    g_assert_cmpuint(peak_hour_in("UTC", now, first), ==, 5 + 6 + 7 + 8);
    g_assert_cmpuint(peak_hour_in("America/New_York", now, first), ==, 5 + 6 + 7 + 8);
    g_assert_cmpuint(peak_hour_in("Asia/Kathmandu", now, first), ==, 6 + 7 + 8);
    g_assert_cmpuint(peak_hour_in("Asia/Kolkata", now, first), ==, 3 + 4 + 5 + 6);
}

static void test_peaks(void)
{
    struct usage_table *table = table_of(USAGE_7D, CIVIL_DAY);
    struct measure three;
    measure_init(&three);
    for (int i = 0; i < 3; i++)
        add_random(&three);
    int64_t last = window.first_slot + window.n_slots - 1;
    usage_table_add_slot(table, last, &three);     /* 10:30 */
    usage_table_add_slot(table, last - 2, &three); /* 10:00: the same hour */
    usage_table_add_slot(table, last - 3, &three); /* 09:45: another */
    g_assert_cmpuint(usage_table_peak_hour(table), ==, 6);
    g_assert_cmpint(table->first_minute, ==, (last - 191) * SLOT_MINUTES);
    usage_table_add_minute_requests(table, last * SLOT_MINUTES + 1, 2);
    usage_table_add_minute_requests(table, table->first_minute - 1, 50);   /* not kept: ignored */
    usage_table_add_minute_requests(table, (last + 1) * SLOT_MINUTES, 50); /* after the window */
    g_assert_cmpuint(usage_table_peak_minute(table), ==, 2);
    usage_table_add_minute_requests(table, last * SLOT_MINUTES + 2, 50); /* ahead of its slot by a moment */
    g_assert_cmpuint(usage_table_peak_minute(table), ==, 3);
    measure_clear(&three);
    table_free(table);
}

static void test_between(void)
{
    struct usage_table *table = table_of(USAGE_24H, CIVIL_MONTH); /* the cells are coarse, the slots are not */
    struct measure two;
    uint64_t errors;
    int64_t last = window.first_slot + window.n_slots - 1, last_ms = window_slot_ms(last);
    measure_init(&two);
    measure_add(&two, 399, 1, 1, 1, true);
    measure_add(&two, 400, 1, 1, 1, true);
    usage_table_add_slot(table, last, &two);
    usage_table_add_slot(table, last - 4, &two);
    g_assert_cmpuint(usage_table_between(table, window.from_ms, last_ms + 1, &errors), ==, 4);
    g_assert_cmpuint(errors, ==, 2);
    g_assert_cmpuint(usage_table_between(table, last_ms - 3600000, last_ms, &errors), ==, 2);
    g_assert_cmpuint(errors, ==, 1);
    g_assert_cmpuint(usage_table_between(table, last_ms - 3600000 + 1, last_ms, NULL), ==, 0);
    measure_clear(&two);
    table_free(table);
}

static void test_windows_without_kept_minutes(void)
{
    struct usage_table *table = table_of(USAGE_7D, CIVIL_DAY);
    g_assert_cmpuint(table->n_minutes, ==, 192 * SLOT_MINUTES);
    g_assert_null(table->minutes);
    table_free(table);
    table = table_of(USAGE_1H, CIVIL_MINUTE);
    g_assert_cmpuint(table->n_minutes, ==, 5 * SLOT_MINUTES);
    g_assert_nonnull(table->minutes);
    table_free(table);
}

/* ---- settling ---- */

static void expect_settled(const struct usage_table *table)
{
    for (uint32_t slot = 0; slot < table->n_cells; slot++) {
        struct measure sum;
        measure_init(&sum);
        for (uint32_t i = 0; i < SLOT_MINUTES; i++)
            measure_merge(&sum, &table->minutes[slot * SLOT_MINUTES + i]);
        expect_equal(&sum, &table->cells[slot]);
        measure_clear(&sum);
    }
}

static void test_nothing_to_settle(void)
{
    struct usage_table *table = table_of(USAGE_1H, CIVIL_MINUTE);
    for (int i = 0; i < 300; i++) {
        struct measure one;
        measure_init(&one);
        add_random(&one);
        int64_t minute = table->first_minute + g_test_rand_int_range(0, (gint32)table->n_minutes);
        usage_table_add_minute(table, minute, &one);
        usage_table_add_slot(table, minute / SLOT_MINUTES, &one);
        measure_clear(&one);
    }
    g_assert_cmpuint(usage_table_settle(table), ==, 0);
    expect_settled(table);
    table_free(table);
}

/* Minutes and slots are any two prefixes of the same events: what is shown is the slot's, and older minutes are left alone if
 * they can be. */
static void test_settle_random(void)
{
    for (int round = 0; round < 500; round++) {
        struct usage_table *table = table_of(USAGE_1H, CIVIL_MINUTE);
        int n = g_test_rand_int_range(0, 200), minutes_until = g_test_rand_int_range(0, n + 1),
            slots_until = g_test_rand_int_range(0, n + 1);
        for (int i = 0; i < n; i++) {
            struct measure one;
            measure_init(&one);
            add_random(&one);
            int64_t minute = table->first_minute + g_test_rand_int_range(0, (gint32)table->n_minutes);
            if (i < minutes_until)
                usage_table_add_minute(table, minute, &one);
            if (i < slots_until)
                usage_table_add_slot(table, minute / SLOT_MINUTES, &one);
            measure_clear(&one);
        }
        uint32_t settled = usage_table_settle(table);
        g_assert_true(minutes_until != slots_until || settled == 0);
        expect_settled(table);
        g_assert_cmpuint(usage_table_settle(table), ==, 0);
        table_free(table);
    }
}

static void test_only_the_newest_minute_moves(void)
{
    struct usage_table *table = table_of(USAGE_1H, CIVIL_MINUTE);
    struct measure one;
    measure_init(&one);
    measure_add(&one, 200, 100, 1, 1, true);
    int64_t slot = window.first_slot + 1;
    for (int i = 0; i < 3; i++) {
        usage_table_add_minute(table, slot * SLOT_MINUTES + i, &one);
        usage_table_add_slot(table, slot, &one);
    }
    usage_table_add_slot(table, slot, &one); /* counted after its minutes were read */
    g_assert_cmpuint(usage_table_settle(table), ==, 1);
    const struct measure *minutes = &table->minutes[SLOT_MINUTES];
    g_assert_cmpuint(minutes[0].requests, ==, 1);
    g_assert_cmpuint(minutes[1].requests, ==, 1);
    g_assert_cmpuint(minutes[2].requests, ==, 2);
    g_assert_cmpuint(minutes[3].requests, ==, 0);
    measure_clear(&one);
    table_free(table);
}

/* The slot has its first events, its minutes are not there yet: they are shown in the minute that has begun last. */
static void test_a_slot_before_its_minutes(void)
{
    struct usage_table *table = table_of(USAGE_1H, CIVIL_MINUTE);
    struct measure one;
    measure_init(&one);
    measure_add(&one, 200, 100, 1, 1, true);
    usage_table_add_slot(table, window_slot(now_ms), &one);
    g_assert_cmpuint(usage_table_settle(table), ==, 1);
    g_assert_cmpuint(table->minutes[now_ms / MINUTE_MS - table->first_minute].requests, ==, 1);
    measure_clear(&one);
    table_free(table);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/usage_table/sums", test_sums);
    g_test_add_func("/usage_table/lines", test_lines);
    g_test_add_func("/usage_table/peaks", test_peaks);
    g_test_add_func("/usage_table/peaks_of_zones", test_peaks_of_zones);
    g_test_add_func("/usage_table/between", test_between);
    g_test_add_func("/usage_table/kept-minutes", test_windows_without_kept_minutes);
    g_test_add_func("/usage_table/nothing-to-settle", test_nothing_to_settle);
    g_test_add_func("/usage_table/settle-random", test_settle_random);
    g_test_add_func("/usage_table/only-the-newest-minute", test_only_the_newest_minute_moves);
    g_test_add_func("/usage_table/slot-before-minutes", test_a_slot_before_its_minutes);
    return g_test_run();
}
