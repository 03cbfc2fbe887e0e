/* Sums, averages and top clients of tables that are filled by hand; and the text of an answer made of one. */
#include "api/stats_sums.h"

#include "api/stats_answer.h"

enum { HOUR_MS = 3600 * 1000 };

static struct window window;
static struct refusal refusal;

static const struct tz *zone(const char *name)
{
    g_autoptr(GError) error = NULL;
    const struct tz *tz = tz_shared(name, &error);
    g_assert_no_error(error);
    return tz;
}

static int64_t day_ms(int year, int month, int day)
{
    return civil_day((struct civil_date){year, month, day}) * CIVIL_DAY_MS;
}

static struct usage_table *table_of(const char *name, int64_t from_ms, int64_t to_ms, int unit)
{
    const struct window_range range = {.from_ms = from_ms, .to_ms = to_ms, .unit = unit, .tz = zone(name)};
    g_assert_true(window_init_range(&window, &range, day_ms(2026, 12, 31), (struct window_extent){0, 0}, &refusal));
    return usage_table_new(&window);
}

static void table_free(struct usage_table *table)
{
    usage_table_free(table);
    window_clear(&window);
}

/* So many requests in each slot of the window, of which the first one is a failure. */
static void fill(struct usage_table *table, int requests)
{
    struct measure measure;
    measure_init(&measure);
    for (int i = 0; i < requests; i++)
        measure_add(&measure, i == 0 ? 404 : 200, 1, 1, 1, false);
    for (uint32_t i = 0; i < window.n_slots; i++)
        usage_table_add_slot(table, window.first_slot + i, &measure);
    measure_clear(&measure);
}

static void test_values(void)
{
    struct usage_table *table = table_of("UTC", day_ms(2026, 11, 1), day_ms(2026, 11, 1) + 3 * HOUR_MS, CIVIL_HOUR);
    fill(table, 3);
    g_autofree uint64_t *all = stats_values(table, 0, 0), *failed = stats_values(table, 400, 499),
                        *fine = stats_values(table, 200, 200);
    g_assert_cmpuint(window.n_points, ==, 3);
    for (int i = 0; i < 3; i++) {
        g_assert_cmpuint(all[i], ==, 12);
        g_assert_cmpuint(failed[i], ==, 4);
        g_assert_cmpuint(fine[i], ==, 8);
    }
    g_assert_cmpuint(stats_total(all, 3), ==, 36);
    table_free(table);
}

/* The same number in each hour is the average of each hour, whatever the clock does. */
static void expect_hours(const char *name, int64_t from_ms, int64_t to_ms, int odd_hour, uint64_t odd_quarters, uint64_t quarters)
{
    struct stats_averages averages;
    struct usage_table *table = table_of(name, from_ms, to_ms, CIVIL_HOUR);
    fill(table, 1); /* four an hour */
    stats_averages_fill(&averages, table);
    g_assert_cmpuint(averages.n, ==, 24);
    for (int hour = 0; hour < 24; hour++) {
        g_assert_cmpuint(averages.divisors[hour], ==, hour == odd_hour ? odd_quarters : quarters);
        g_assert_cmpuint(averages.sums[hour], ==, averages.divisors[hour]);
    }
    table_free(table);
}

static void test_hours(void)
{
    expect_hours("UTC", day_ms(2026, 3, 8), day_ms(2026, 3, 10), -1, 0, 8);
    expect_hours("America/New_York", day_ms(2026, 3, 8) + 5 * HOUR_MS, day_ms(2026, 3, 9) + 4 * HOUR_MS, 2, 0, 4);
    expect_hours("America/New_York", day_ms(2026, 11, 1) + 4 * HOUR_MS, day_ms(2026, 11, 2) + 5 * HOUR_MS, 1, 8, 4);
    expect_hours("Australia/Lord_Howe", day_ms(2026, 4, 4) + 13 * HOUR_MS, day_ms(2026, 4, 5) + 13 * HOUR_MS + HOUR_MS / 2, 1, 6,
                 4);
    expect_hours("Asia/Kathmandu", day_ms(2026, 3, 8) + HOUR_MS / 4, day_ms(2026, 3, 9) + HOUR_MS / 4, -1, 0, 4);
}

static void test_weekdays(void)
{
    struct stats_averages averages;
    int64_t from = day_ms(2026, 10, 25) + 4 * HOUR_MS, to = day_ms(2026, 11, 4) + 5 * HOUR_MS; /* Sunday to Tuesday, ten days */
    struct usage_table *table = table_of("America/New_York", from, to, CIVIL_DAY);
    static const uint64_t days[] = {2, 2, 2, 1, 1, 1, 1};
    fill(table, 1);
    stats_averages_fill(&averages, table);
    g_assert_cmpuint(averages.n, ==, 7);
    for (int weekday = 0; weekday < 7; weekday++) {
        g_assert_cmpuint(averages.divisors[weekday], ==, days[weekday] * STATS_DIVISOR_UNIT);
        g_assert_cmpuint(averages.sums[weekday], ==, days[weekday] * 96 + (weekday == 0 ? 4 : 0)); /* a day of 25 hours */
    }
    table_free(table);
}

static void test_top(void)
{
    struct usage_table *table = table_of("UTC", day_ms(2026, 11, 1), day_ms(2026, 11, 2), WINDOW_WHOLE);
    static const struct {
        const char *name;
        int requests;
    } clients[] = {{"a\x1f"
                    "c-2",
                    3},
                   {"a\x1f"
                    "c-1",
                    3},
                   {"a\x1f"
                    "c-3",
                    9},
                   {"a\x1f"
                    "c-4",
                    1}};
    static const char *const wanted[] = {"a\x1f"
                                         "c-3",
                                         "a\x1f"
                                         "c-1",
                                         "a\x1f"
                                         "c-2"};
    for (size_t i = 0; i < G_N_ELEMENTS(clients); i++) {
        struct measure measure;
        measure_init(&measure);
        for (int n = 0; n < clients[i].requests; n++)
            measure_add(&measure, 200, 1, 1, 1, false);
        usage_table_add_client(table, clients[i].name, &measure, window.first_slot);
        measure_clear(&measure);
    }
    g_autoptr(GPtrArray) lines = stats_top(table, 3);
    g_assert_cmpuint(lines->len, ==, 3);
    for (guint i = 0; i < 3; i++)
        g_assert_cmpstr(((const struct usage_line *)g_ptr_array_index(lines, i))->name, ==, wanted[i]);
    table_free(table);
}

/* ---- the text ---- */

static void expect_text(const struct stats_params *params, struct live *live, const char *json, const char *csv)
{
    struct registry_snapshot *registry = registry_snapshot_new(1);
    const struct stats_answer answer = {
        .params = params, .live = live, .registry = registry, .organization = "acme", .before = NULL};
    g_autoptr(GString) text = g_string_new(NULL), lines = g_string_new(NULL);
    stats_answer_json(text, &answer);
    stats_answer_csv(lines, &answer);
    g_assert_cmpstr(text->str, ==, json);
    g_assert_cmpstr(lines->str, ==, csv);
    registry_snapshot_unref(registry);
}

static void test_text(void)
{
    struct stats_params params = {.kind = STATS_USAGE, .tz = zone("Asia/Kathmandu"), .with_change = true};
    int64_t from = day_ms(2026, 11, 20) + HOUR_MS / 4;
    struct live live = {.table = table_of("Asia/Kathmandu", from, from + 2 * HOUR_MS, CIVIL_HOUR),
                        .finality.through = FINALITY_NONE};
    live.window = window;
    fill(live.table, 1);
    expect_text(
        &params, &live,
        "{\"metric\":{\"id\":\"hits\",\"name\":\"Hits\",\"system_name\":\"hits\",\"unit\":\"hit\"},\"period\":{\"name\":null,"
        "\"since\":\"2026-11-20T06:00:00+05:45\",\"until\":\"2026-11-20T07:59:59+05:45\",\"timezone\":\"Asia/Kathmandu\","
        "\"granularity\":\"hour\"},\"total\":8,\"values\":[4,4],\"previous_total\":0,\"change\":100,\"provisional\":true,"
        "\"finalized_through\":null}",
        "Metric System Name,Metric Name,Date,Value\r\nhits,Hits,2026-11-20T06:00:00+05:45,4\r\n"
        "hits,Hits,2026-11-20T07:00:00+05:45,4\r\n");
    params = (struct stats_params){.kind = STATS_CODES, .code = "4XX", .code_first = 400, .code_last = 499, .tz = params.tz};
    live.finality.through = 20777;
    expect_text(&params, &live,
                "{\"response_code\":{\"code\":\"4XX\"},\"period\":{\"name\":null,\"since\":\"2026-11-20T06:00:00+05:45\","
                "\"until\":\"2026-11-20T07:59:59+05:45\",\"timezone\":\"Asia/Kathmandu\",\"granularity\":\"hour\"},\"total\":8,"
                "\"values\":[4,4],\"provisional\":true,\"finalized_through\":\"2026-11-20\"}",
                "Response Code,Date,Value\r\n4XX,2026-11-20T06:00:00+05:45,4\r\n4XX,2026-11-20T07:00:00+05:45,4\r\n");
    table_free(live.table);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stats_sums/values", test_values);
    g_test_add_func("/stats_sums/hours", test_hours);
    g_test_add_func("/stats_sums/weekdays", test_weekdays);
    g_test_add_func("/stats_sums/top", test_top);
    g_test_add_func("/stats_answer/text", test_text);
    return g_test_run();
}
