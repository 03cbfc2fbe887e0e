#include "api/breakdown.h"

static const int64_t now_ms = INT64_C(1795257421000);
static struct window window;
static struct usage_table *table;
static struct measure total;

static void count(const char *route, const char *client, uint32_t status, uint64_t latency_us, int64_t slots_ago)
{
    struct measure one;
    int64_t slot = window_slot(now_ms) - slots_ago;
    measure_init(&one);
    measure_add(&one, status, latency_us, 1, 1, true);
    usage_table_add_slot(table, slot, &one);
    usage_table_add_route(table, route, &one, slot);
    usage_table_add_client(table, client, &one, slot);
    measure_merge(&total, &one);
    measure_clear(&one);
}

static void begin(void)
{
    const struct usage_params params = {.timeframe = USAGE_24H, .granularity = CIVIL_HOUR};
    struct refusal refusal = {0};
    g_assert_true(window_init(&window, &params, now_ms, (struct window_extent){0, 0}, &refusal));
    table = usage_table_new(&window);
    measure_init(&total);
    count("GET /a",
          "acme\x1f"
          "c-1",
          200, 10, 9);
    count("GET /a",
          "acme\x1f"
          "c-1",
          500, 20, 8);
    count("GET /a",
          "acme\x1f"
          "c-2",
          200, 30, 7);
    count("POST /b",
          "acme\x1f"
          "c-2",
          404, 500, 2);
    count("POST /b",
          "acme\x1f"
          "c-2",
          404, 500, 1);
    count("GET /c",
          "globex\x1f"
          "c-1",
          200, 40, 0);
    count("{other}", "\x1f{other}", 301, 5, 20);
}

static void end(void)
{
    measure_clear(&total);
    usage_table_free(table);
    window_clear(&window);
}

static char *names_of(const GArray *list)
{
    GString *names = g_string_new(NULL);
    for (guint i = 0; i < list->len; i++) {
        const struct entry *entry = &g_array_index(list, struct entry, i);
        if (names->len > 0)
            g_string_append_c(names, ',');
        if (entry->name != NULL)
            g_string_append(names, entry->name);
        else
            g_string_append_printf(names, "%u", entry->status);
    }
    return g_string_free(names, FALSE);
}

static void expect(const GArray *list, const char *names)
{
    g_autofree char *seen = names_of(list);
    g_assert_cmpstr(seen, ==, names);
}

static void expect_order(int sort, bool ascending, const char *endpoints, const char *methods, const char *statuses)
{
    const struct usage_params params = {.sort = sort, .ascending = ascending, .limit = 100};
    begin();
    struct breakdown *breakdown = breakdown_new(table, &total, &params);
    expect(breakdown->endpoints, endpoints);
    expect(breakdown->methods, methods);
    expect(breakdown->statuses, statuses);
    breakdown_free(breakdown);
    end();
}

static void test_orders(void)
{
    expect_order(USAGE_BY_REQUESTS, false, "GET /a,POST /b,GET /c,{other}", "GET,POST,{other}", "200,404,301,500");
    expect_order(USAGE_BY_REQUESTS, true, "GET /c,{other},POST /b,GET /a", "{other},POST,GET", "301,500,404,200");
    expect_order(USAGE_BY_ERRORS, false, "POST /b,GET /a,GET /c,{other}", "POST,GET,{other}", "404,500,200,301");
    expect_order(USAGE_BY_LATENCY, false, "POST /b,GET /c,GET /a,{other}", "POST,GET,{other}", "200,301,404,500");
    expect_order(USAGE_BY_LATENCY, true, "{other},GET /a,GET /c,POST /b", "{other},GET,POST", "200,301,404,500");
    expect_order(USAGE_BY_TIMESTAMP, false, "GET /c,POST /b,GET /a,{other}", "GET,POST,{other}", "200,404,500,301");
}

static void test_sums_agree(void)
{
    const struct usage_params params = {.limit = 100};
    begin();
    struct breakdown *breakdown = breakdown_new(table, &total, &params);
    const GArray *const lists[] = {breakdown->endpoints, breakdown->methods, breakdown->statuses, breakdown->keys};
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        uint64_t requests = 0, errors = 0;
        for (guint k = 0; k < lists[i]->len; k++) {
            requests += g_array_index(lists[i], struct entry, k).requests;
            errors += g_array_index(lists[i], struct entry, k).errors;
        }
        g_assert_cmpuint(requests, ==, 7);
        g_assert_cmpuint(errors, ==, 3);
    }
    const struct entry *get = &g_array_index(breakdown->methods, struct entry, 0);
    g_assert_cmpuint(get->measure->requests, ==, 4);
    g_assert_cmpuint(get->measure->latency_sum_us, ==, 100);
    g_assert_cmpint(get->last_slot, ==, window_slot(now_ms));
    expect(breakdown->failing_endpoints, "POST /b,GET /a");
    expect(breakdown->failing_statuses, "404,500");
    breakdown_free(breakdown);
    end();
}

static void test_pages(void)
{
    struct usage_params params = {.limit = 3, .offset = 2};
    begin();
    struct breakdown *breakdown = breakdown_new(table, &total, &params);
    guint first;
    g_assert_cmpuint(breakdown_page(breakdown->endpoints, &params, &first), ==, 4);
    g_assert_cmpuint(first, ==, 2);
    params.offset = 100;
    g_assert_cmpuint(breakdown_page(breakdown->endpoints, &params, &first), ==, 4);
    g_assert_cmpuint(first, ==, 4);
    g_assert_cmpuint(breakdown_longest(breakdown, &params), ==, 4);
    breakdown_free(breakdown);
    end();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/breakdown/orders", test_orders);
    g_test_add_func("/breakdown/sums", test_sums_agree);
    g_test_add_func("/breakdown/pages", test_pages);
    return g_test_run();
}
