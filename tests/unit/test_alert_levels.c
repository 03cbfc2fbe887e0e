/* Levels: reached with just the request that makes it so many percent, for every limit. */
#include "api/alert_levels.h"

static const char *const usual[] = {"50", "80", "90", "100", "120", "150", "200", "300", NULL};

static void test_parse(void)
{
    struct alert_levels levels;
    static const char *const wrong[][4] = {{NULL}, {"0"}, {"50", "50"}, {"80", "50"}, {"x"}, {"10001"}, {"50", "80 "}, {"-1"}};
    g_assert_true(alert_levels_parse(&levels, usual, NULL));
    g_assert_cmpuint(levels.n, ==, 8);
    g_assert_cmpuint(levels.list[7], ==, 300);
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(alert_levels_parse(&levels, wrong[i], &error));
        g_assert_nonnull(strstr(error->message, "alerts.levels"));
    }
    const char *many[LIMIT_LEVELS_MAX + 2] = {"1",  "2",  "3",  "4",  "5",  "6",  "7",  "8", "9",
                                              "10", "11", "12", "13", "14", "15", "16", "17"};
    g_assert_false(alert_levels_parse(&levels, many, NULL));
    many[LIMIT_LEVELS_MAX] = NULL;
    g_assert_true(alert_levels_parse(&levels, many, NULL));
}

/* The definition, by another way: count · 100 ≥ limit · level, in 128 bits' worth of halves. */
static bool is_reached(uint64_t limit, uint32_t level, uint64_t count)
{
    uint64_t whole = count / limit, rest = count % limit;
    if (whole * 100 >= level)
        return true;
    uint64_t missing = level - whole * 100; /* percent */
    return rest >= limit / 100 * missing + (limit % 100 * missing + 99) / 100;
}

static void test_count(void)
{
    static const uint64_t limits[] = {1, 2, 3, 7, 99, 100, 101, 1000, 12345, LIMIT_VALUE_MAX - 1, LIMIT_VALUE_MAX};
    static const uint32_t percents[] = {1, 33, 50, 80, 99, 100, 101, 300, LIMIT_LEVEL_MAX};
    for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
        for (size_t j = 0; j < G_N_ELEMENTS(percents); j++) {
            uint64_t count = alert_levels_count(limits[i], percents[j]);
            g_assert_cmpuint(count, >=, 1);
            g_assert_true(is_reached(limits[i], percents[j], count));
            g_assert_false(is_reached(limits[i], percents[j], count - 1));
        }
    }
}

static void test_reached_and_next(void)
{
    struct alert_levels levels;
    g_assert_true(alert_levels_parse(&levels, usual, NULL));
    uint32_t raised = 0;
    for (uint64_t count = 0; count <= 70; count++) {
        bool is_due = count >= alert_levels_next(&levels, 20, raised);
        uint32_t reached = alert_levels_reached(&levels, 20, count);
        g_assert_cmpint(is_due, ==, reached > raised);
        raised = reached;
    }
    g_assert_cmpuint(raised, ==, 300);
    g_assert_cmpuint(alert_levels_next(&levels, 20, 300), ==, UINT64_MAX);
    g_assert_cmpuint(alert_levels_reached(&levels, 1, 1), ==, 100);
    g_assert_cmpuint(alert_levels_reached(&levels, 3, 1), ==, 0);
    g_assert_cmpuint(alert_levels_reached(&levels, 3, 2), ==, 50);
}

static void test_own(void)
{
    struct alert_levels others, own;
    struct limit_rule rule = {.levels = {100, 400}, .n_levels = 2};
    g_assert_true(alert_levels_parse(&others, usual, NULL));
    own = alert_levels_of(&rule, &others);
    g_assert_cmpuint(own.n, ==, 2);
    g_assert_cmpuint(alert_levels_reached(&own, 10, 39), ==, 100);
    rule.n_levels = 0;
    own = alert_levels_of(&rule, &others);
    g_assert_cmpuint(own.n, ==, 8);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/alert_levels/parse", test_parse);
    g_test_add_func("/alert_levels/count", test_count);
    g_test_add_func("/alert_levels/reached-and-next", test_reached_and_next);
    g_test_add_func("/alert_levels/own", test_own);
    return g_test_run();
}
