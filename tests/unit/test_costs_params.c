#include "api/costs_params.h"

#include "lib/civil.h"
#include <glib.h>

#define NOW (INT64_C(20778) * CIVIL_DAY_MS + 5) /* 2026-11-21 */

static struct refusal refusal;

static bool parse(struct costs_params *params, bool paged, const struct usage_param *given, size_t n)
{
    refusal = (struct refusal){0};
    return costs_params_parse(params, paged, NOW, given, n, &refusal);
}

static void test_defaults(void)
{
    struct costs_params params;
    g_assert_true(parse(&params, true, NULL, 0));
    g_assert_cmpint(params.day, ==, 20758);
    g_assert_true(params.organization == NULL && params.client == NULL && params.plan == NULL && params.after == NULL);
    g_assert_cmpuint(params.page_size, ==, COSTS_PAGE_DEFAULT);
    g_assert_false(params.by_day);
    costs_params_clear(&params);
}

static void test_all(void)
{
    static const struct usage_param given[] = {{"month", "2026-02"}, {"organization", "acme"}, {"clientId", "c&1"},
                                               {"plan", "gold"},     {"granularity", "DAY"},   {"pageSize", "7"},
                                               {"after", "YQ"}};
    struct costs_params params;
    g_autoptr(GString) uri = g_string_new(NULL);
    g_assert_true(parse(&params, true, given, G_N_ELEMENTS(given)));
    g_assert_cmpint(params.day, ==, 20485);
    g_assert_cmpstr(params.after, ==, "a");
    g_assert_true(params.by_day);
    costs_params_next(&params,
                      "acme\x1f"
                      "c&1",
                      uri);
    g_assert_cmpstr(uri->str, ==,
                    "/api/v2/usage/costs?month=2026-02&organization=acme&clientId=c%261&plan=gold&granularity=day&pageSize=7&"
                    "after=YWNtZR9jJjE");
    costs_params_clear(&params);
}

static void refused(bool paged, const char *name, const char *value)
{
    const struct usage_param given = {name, value};
    struct costs_params params;
    g_assert_false(parse(&params, paged, &given, 1));
    g_assert_cmpint(refusal.status, ==, 400);
    g_assert_cmpstr(refusal.field, ==, name);
    g_assert_nonnull(refusal.allowed);
    refusal_clear(&refusal);
}

static void test_refused(void)
{
    static const struct usage_param bad[] = {
        {"month", "2026-12"}, {"month", "2026-13"},   {"month", "2026-00"},    {"month", "1969-12"}, {"month", "26-11"},
        {"month", NULL},      {"month", "2026-11-0"}, {"granularity", "hour"}, {"pageSize", "0"},    {"pageSize", "1001"},
        {"pageSize", "-1"},   {"after", "a"},         {"after", ""},           {"after", "AA"},      {"after", "gA"},
        {"organization", ""}, {"plan", "a\x01"},      {"clientId", "\xff"},    {"interval", "x"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        refused(true, bad[i].name, bad[i].value);
    refused(false, "pageSize", "5");
    refused(false, "after", "YQ");
}

static void test_twice(void)
{
    static const struct usage_param given[] = {{"plan", "a"}, {"organization", "b"}, {"plan", "a"}};
    struct costs_params params;
    g_assert_false(parse(&params, true, given, G_N_ELEMENTS(given)));
    g_assert_cmpstr(refusal.field, ==, "plan");
    refusal_clear(&refusal);
}

/* This month is none of the future, up to its last moment and from its first. */
static void test_edges(void)
{
    static const struct usage_param december = {"month", "2026-12"};
    const int64_t begin = INT64_C(20788) * CIVIL_DAY_MS;
    struct costs_params params;
    g_assert_false(costs_params_parse(&params, true, begin - 1, &december, 1, &refusal));
    refusal_clear(&refusal);
    g_assert_true(costs_params_parse(&params, true, begin, &december, 1, &refusal));
    g_assert_cmpint(params.day, ==, 20788);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/costs_params/defaults", test_defaults);
    g_test_add_func("/costs_params/all", test_all);
    g_test_add_func("/costs_params/refused", test_refused);
    g_test_add_func("/costs_params/twice", test_twice);
    g_test_add_func("/costs_params/edges", test_edges);
    return g_test_run();
}
