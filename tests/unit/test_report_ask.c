/* Days and groups over days of which one is left out, on a real redis-server; and the page and the exports that are made of them.
 */
#include "api/report_ask.h"

#include "api/meters.h"
#include "api/report_answer.h"
#include "api/report_export.h"
#include "api/report_search.h"
#include "tests/unit/ledger_world.h"

enum { FIRST = WORLD_DAY - 4, DAYS = 4 };

static struct ledger_world world;
static struct metrics *metrics;

struct fixture {
    struct reader *reader;
    struct sheets *sheets;
    struct closed_days *days;
    struct report_range range;
    struct report_place place;
    struct report_ask ask;
};

/* Day 1 is not closed, in day 3 nothing was counted. */
static void fill(void)
{
    world_rows(&world, "acme", 0, "", 5);
    world_rows(&world, "acme", 1, "", 3);
    world_rows(&world, "globex", 0, "", 2);
    world_close(&world, FIRST, 1, SEAL_DAY_END);
    world_rows(&world, "acme", 0, "", 1);
    world_rows(&world, "acme", 1, "", 9);
    world_rows(&world, "globex", 2, "", 7);
    world_close(&world, FIRST + 2, 1, SEAL_DAY_END);
    world_close(&world, FIRST + 3, 1, SEAL_DAY_END);
}

static void read_days(struct fixture *f)
{
    g_autoptr(GError) error = NULL;
    struct ledger_cache *cache = ledger_cache_new();
    struct ledger_place place = {.reader = f->reader, .index = ledger_cache_take(cache, f->reader, &error)};
    g_assert_no_error(error);
    const struct pin pin = {place.index->n, FIRST};
    f->days = closed_days_read(&place, pin, f->range.utc_first, f->range.utc_last, &error);
    g_assert_no_error(error);
    ledger_index_release(place.index);
    ledger_cache_free(cache);
}

static void set_up(struct fixture *f)
{
    g_autoptr(GError) error = NULL;
    const struct redis_settings settings = {world.server.url, 20000, 60000};
    struct report_params params = {.has_interval = true, .interval = {FIRST, FIRST + DAYS - 1}, .tz = tz_shared("UTC", &error)};
    const struct report_known known = {
        .through = FIRST, .has_first = true, .first_day = FIRST, .now_s = WORLD_DAY * INT64_C(86400)};
    g_assert_no_error(error);
    f->reader = reader_new(&settings, 1);
    reader_begin(f->reader, g_get_monotonic_time() + 600 * G_TIME_SPAN_SECOND, &error);
    g_assert_no_error(error);
    f->sheets = sheets_new(1 << 20, world.archive, metrics);
    report_range_init(&f->range, &params, &known);
    read_days(f);
    report_range_choose(&f->range, f->days);
    f->place = (struct report_place){.sheets = f->sheets, .reader = f->reader, .threads = 2};
    f->ask = (struct report_ask){.place = &f->place, .range = &f->range, .days = f->days, .groups_max = 1000};
}

static void tear_down(struct fixture *f)
{
    report_range_clear(&f->range);
    closed_days_free(f->days);
    sheets_free(f->sheets);
    reader_free(f->reader);
}

struct taken {
    GString *text;
    int rows, stop_after;
};

static bool take(const struct report_row *row, void *opaque)
{
    struct taken *taken = opaque;
    g_string_append_printf(taken->text, "%u", row->period);
    for (unsigned i = 0; i < REPORT_NAMES; i++)
        if (row->names[i].size > 0)
            g_string_append_printf(taken->text, " %.*s", (int)row->names[i].size, row->names[i].data);
    g_string_append_printf(taken->text, " %" G_GUINT64_FORMAT "|", row->counts.requests);
    return ++taken->rows != taken->stop_after;
}

static void check_days(const struct report_ask *ask, int stop_after, const char *expected)
{
    g_autoptr(GError) error = NULL;
    struct taken taken = {g_string_new(NULL), 0, stop_after};
    g_assert_true(report_ask_days(ask, (struct report_sink){take, &taken}, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(taken.text->str, ==, expected);
    g_string_free(taken.text, TRUE);
}

static void check_groups(const struct report_ask *ask, uint32_t group, uint32_t top, const char *expected, uint64_t n_expected)
{
    g_autoptr(GError) error = NULL;
    struct taken taken = {g_string_new(NULL), 0, -1};
    uint64_t n;
    g_assert_true(report_ask_groups(ask, group, top, (struct report_sink){take, &taken}, &n, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(taken.text->str, ==, expected);
    g_assert_cmpuint(n, ==, n_expected);
    g_string_free(taken.text, TRUE);
}

static void test_days(void)
{
    struct fixture f;
    set_up(&f);
    g_assert_cmpuint(f.range.days->len, ==, 3);
    g_assert_cmpuint(f.range.runs->len, ==, 2);
    g_assert_cmpuint(report_ask_cost(&f.ask), ==, 6);
    check_days(&f.ask, -1, "0 10|1 17|2 0|");
    check_days(&f.ask, 1, "0 10|");
    f.ask.filter.names[0] = g_ptr_array_new();
    check_days(&f.ask, -1, "0 0|1 0|2 0|"); /* an empty list lets nothing pass */
    check_days(&f.ask, 2, "0 0|1 0|");
    g_ptr_array_add(f.ask.filter.names[0], (char[]){"c-2"});
    check_days(&f.ask, -1, "0 0|1 7|2 0|");
    g_ptr_array_unref(f.ask.filter.names[0]);
    tear_down(&f);
}

/* Groups of both runs together, as if there were no gap. */
static void test_groups(void)
{
    enum { CLIENTS = REPORT_CLIENT | REPORT_ORGANIZATION };
    struct fixture f;
    set_up(&f);
    check_groups(&f.ask, CLIENTS, 0, "0 c-1 acme 12|0 c-2 globex 7|0 c-0 acme 6|0 c-0 globex 2|", 4);
    check_groups(&f.ask, CLIENTS, 2, "0 c-1 acme 12|0 c-2 globex 7|", 4);
    check_groups(&f.ask, REPORT_CLIENT, 0, "0 c-1 12|0 c-0 8|0 c-2 7|", 3);
    check_groups(&f.ask, REPORT_TEMPLATE, 0, "0 v1/orders/{id} 27|", 1);
    f.ask.groups_max = 3; /* no more in either run, but in both */
    g_autoptr(GError) error = NULL;
    struct taken taken = {g_string_new(NULL), 0, -1};
    uint64_t n;
    g_assert_false(report_ask_groups(&f.ask, CLIENTS, 0, (struct report_sink){take, &taken}, &n, &error));
    g_assert_error(error, REPORT_ERROR, REPORT_ERROR_LIMIT);
    g_string_free(taken.text, TRUE);
    g_array_set_size(f.range.runs, 1);
    check_groups(&f.ask, CLIENTS, 1, "0 c-0 acme 5|", 3);
    g_array_set_size(f.range.runs, 0);
    check_groups(&f.ask, CLIENTS, 1, "", 0);
    tear_down(&f);
}

static void test_page(void)
{
    static const char expected[] =
        "{\"totalRequests\":27,\"totalClients\":4,\"totalUrls\":1,\"statuses\":{\"status200\":27,\"status300\":0,\"status400\":0,"
        "\"status500\":0,\"status429\":0,\"requests\":27},\"clients\":[{\"clientId\":\"c-1\",\"clientName\":\"Eins\","
        "\"organizationId\":\"acme\",\"status200\":12,\"status300\":0,\"status400\":0,\"status500\":0,\"status429\":0,"
        "\"requests\":12,\"totalUrls\":1,\"urls\":[{\"templateUri\":\"v1/orders/{id}\",\"status200\":12,\"status300\":0,"
        "\"status400\":0,\"status500\":0,\"status429\":0,\"requests\":12}]}],\"urls\":[{\"templateUri\":\"v1/orders/{id}\","
        "\"status200\":27,\"status300\":0,\"status400\":0,\"status500\":0,\"status429\":0,\"requests\":27}],\"days\":[{\"date\":"
        "\"2026-11-17\",\"begin\":\"2026-11-17T00:00:00Z\",\"end\":\"2026-11-18T00:00:00Z\",\"status200\":10,";
    struct fixture f;
    struct report_page page;
    struct writer writer;
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    set_up(&f);
    struct registry_snapshot *registry = registry_snapshot_new(1);
    struct registry_client *client = g_new0(struct registry_client, 1);
    *client = (struct registry_client){g_strdup("c-1"), g_strdup("Eins"), g_strdup("acme"), g_strdup(""), g_strdup(""), TIER_FREE};
    registry_snapshot_add(registry, REGISTRY_CLIENTS, client);
    registry_snapshot_seal(registry, NULL);
    g_assert_true(report_page_fill(&page, &f.ask, 1, &error));
    g_assert_no_error(error);
    writer_init(&writer, text);
    writer_begin(&writer, NULL, '{');
    report_answer_page(&writer, &page, &f.range, registry);
    writer_end(&writer, '}');
    g_string_truncate(text, sizeof expected - 1);
    g_assert_cmpstr(text->str, ==, expected);
    report_page_clear(&page);
    registry_snapshot_unref(registry);
    tear_down(&f);
}

static void assert_export(const struct report_ask *ask, enum report_section section, const struct report_wanted *wanted,
                          const char *expected)
{
    g_autoptr(GError) error = NULL;
    struct taken taken = {g_string_new(NULL), 0, -1};
    struct report_row row;
    struct result *result = result_new(g_get_tmp_dir(), 1 << 20, &error);
    g_assert_no_error(error);
    g_assert_true(report_export_fill(result, ask, section, wanted, &error));
    g_assert_true(result_finish(result, &error));
    struct result_cursor *cursor = result_cursor_new(result, 0);
    while (result_cursor_next(cursor, &row, NULL))
        take(&row, &taken);
    result_cursor_free(cursor);
    result_unref(result);
    g_assert_cmpstr(taken.text->str, ==, expected);
    g_string_free(taken.text, TRUE);
}

static void test_export(void)
{
    static const char *const expected[] = {
        [REPORT_DAYS] = "0 10|1 17|2 0|",
        [REPORT_CLIENTS] = "3 c-1 acme 12|3 c-2 globex 7|",
        [REPORT_URLS] = "4 v1/orders/{id} 27|",
        [REPORT_CLIENT_URLS] = "5 c-1 acme v1/orders/{id} 12|5 c-2 globex v1/orders/{id} 7|",
        [REPORT_ALL] = ("0 10|1 17|2 0|3 c-1 acme 12|3 c-2 globex 7|4 v1/orders/{id} 27|5 c-1 acme v1/orders/{id} 12|"
                        "5 c-2 globex v1/orders/{id} 7|"),
    };
    const struct report_wanted wanted = {.top = 2};
    struct fixture f;
    set_up(&f);
    for (int section = 0; section < REPORT_SECTION_N; section++)
        assert_export(&f.ask, (enum report_section)section, &wanted, expected[section]);
    tear_down(&f);
}

static void test_search(void)
{
    static const struct {
        const char *text, *expected;
        uint32_t top;
        enum report_section section;
    } cases[] = {
        {"C-0", "3 c-0 acme 6|3 c-0 globex 2|", 0, REPORT_CLIENTS},
        {"c-0", "3 c-0 acme 6|", 1, REPORT_CLIENTS},
        {"c-", "3 c-1 acme 12|3 c-2 globex 7|3 c-0 acme 6|", 3, REPORT_CLIENTS},
        {"night", "3 c-0 globex 2|", 1, REPORT_CLIENTS}, /* by name: the last of all, although only one is wanted */
        {"c-1 night", "", 0, REPORT_CLIENTS},
        {"/V1/orders", "4 v1/orders/{id} 27|", 5, REPORT_URLS},
        {"users", "", 5, REPORT_URLS},
        {"orders c-2", "5 c-2 globex v1/orders/{id} 7|", 5, REPORT_CLIENT_URLS},
        {"night", "0 10|1 17|2 0|3 c-0 globex 2|5 c-0 globex v1/orders/{id} 2|", 0, REPORT_ALL},
    };
    struct registry_snapshot *registry = registry_snapshot_new(1);
    struct registry_client *client = g_new0(struct registry_client, 1);
    *client = (struct registry_client){.id = g_strdup("c-0"), .name = g_strdup("Nightly"), .organization = g_strdup("globex")};
    client->platform = g_strdup("");
    client->plan = g_strdup("");
    g_assert_true(registry_snapshot_add(registry, REGISTRY_CLIENTS, client));
    registry_snapshot_seal(registry, NULL);
    struct fixture f;
    set_up(&f);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(GStrv) words = report_search_words(cases[i].text);
        const struct report_wanted wanted = {.top = cases[i].top, .words = words, .registry = registry};
        assert_export(&f.ask, cases[i].section, &wanted, cases[i].expected);
    }
    tear_down(&f);
    registry_snapshot_unref(registry);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    metrics = metrics_new(api_meters, METER_N);
    world_set_up(&world);
    fill();
    g_test_add_func("/report-ask/days", test_days);
    g_test_add_func("/report-ask/groups", test_groups);
    g_test_add_func("/report-ask/page", test_page);
    g_test_add_func("/report-ask/export", test_export);
    g_test_add_func("/report-ask/search", test_search);
    int failed = g_test_run();
    world_tear_down(&world);
    metrics_free(metrics);
    tz_shared_clear();
    return failed;
}
