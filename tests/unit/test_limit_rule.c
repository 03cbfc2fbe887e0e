#include "api/limit_rule.h"

#include "lib/civil.h"

static void test_periods(void)
{
    static const char *const names[] = {"minute", "hour", "day", "week", "month"};
    enum limit_period period;
    for (int i = 0; i < LIMIT_PERIOD_N; i++) {
        g_assert_cmpstr(limit_period_name((enum limit_period)i), ==, names[i]);
        g_assert_true(limit_period_parse(names[i], &period));
        g_assert_cmpint((int)period, ==, i);
    }
    g_assert_true(limit_period_parse("Week", &period));
    g_assert_cmpint((int)period, ==, LIMIT_WEEK);
    g_assert_false(limit_period_parse("year", &period));
    g_assert_false(limit_period_parse("", &period));
}

static void expect_window(enum limit_period period, int64_t now_ms, const char *from, const char *to)
{
    int64_t from_ms, to_ms;
    char text[CIVIL_TEXT_MAX];
    limit_window(period, now_ms, &from_ms, &to_ms);
    civil_format(text, from_ms);
    g_assert_cmpstr(text, ==, from);
    civil_format(text, to_ms);
    g_assert_cmpstr(text, ==, to);
    g_assert_true(from_ms <= now_ms && now_ms < to_ms);
}

static void test_windows(void)
{
    const int64_t now_ms = INT64_C(1709205296789); /* 2024-02-29T11:14:56.789Z, a Thursday */
    expect_window(LIMIT_MINUTE, now_ms, "2024-02-29T11:14:00Z", "2024-02-29T11:15:00Z");
    expect_window(LIMIT_HOUR, now_ms, "2024-02-29T11:00:00Z", "2024-02-29T12:00:00Z");
    expect_window(LIMIT_DAY, now_ms, "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z");
    expect_window(LIMIT_WEEK, now_ms, "2024-02-26T00:00:00Z", "2024-03-04T00:00:00Z");
    expect_window(LIMIT_MONTH, now_ms, "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z");
}

/* The end of a window is the first moment of the next. */
static void test_edges(void)
{
    for (int period = 0; period < LIMIT_PERIOD_N; period++) {
        int64_t at_ms = INT64_C(1767225600000); /* 2026-01-01 */
        for (int n = 0; n < 40; n++) {
            int64_t from_ms, to_ms, next_ms, beyond_ms;
            limit_window((enum limit_period)period, at_ms, &from_ms, &to_ms);
            limit_window((enum limit_period)period, to_ms - 1, &next_ms, &beyond_ms);
            g_assert_true(next_ms == from_ms && beyond_ms == to_ms);
            limit_window((enum limit_period)period, to_ms, &next_ms, &beyond_ms);
            g_assert_cmpint(next_ms, ==, to_ms);
            at_ms = to_ms;
        }
    }
}

static void expect_blame(const char *client, const char *plan, const char *organization, const char *metric,
                         enum limit_period period, const char *field)
{
    struct limit_rule rule = {.id = (char[]){"r"}, .period = period, .value = 1};
    const char *allowed = NULL;
    rule.client = (char *)(uintptr_t)client;
    rule.plan = (char *)(uintptr_t)plan;
    rule.organization = (char *)(uintptr_t)organization;
    rule.metric = (char *)(uintptr_t)metric;
    const struct item_field *blame = limit_rule_shape.check(&rule, &allowed);
    g_assert_cmpstr(blame != NULL ? blame->name : NULL, ==, field);
    g_assert_true((allowed != NULL) == (field != NULL));
}

static void test_what_goes_together(void)
{
    expect_blame("c", NULL, "acme", "hits", LIMIT_MINUTE, NULL);
    expect_blame("c", NULL, "", "read", LIMIT_HOUR, NULL);
    expect_blame(NULL, "gold", NULL, "hits", LIMIT_MINUTE, NULL);
    expect_blame(NULL, "gold", "acme", "read", LIMIT_MONTH, NULL);
    expect_blame("c", "gold", "acme", "hits", LIMIT_DAY, "plan");
    expect_blame(NULL, NULL, "acme", "hits", LIMIT_DAY, "client");
    expect_blame("c", NULL, NULL, "hits", LIMIT_DAY, "organization");
    expect_blame("c", NULL, "acme", "read", LIMIT_MINUTE, "metric");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/limit_rule/periods", test_periods);
    g_test_add_func("/limit_rule/windows", test_windows);
    g_test_add_func("/limit_rule/edges", test_edges);
    g_test_add_func("/limit_rule/what_goes_together", test_what_goes_together);
    return g_test_run();
}
