/* Days, months and ranges as people write them. */
#include "cli/dates.h"

static void test_days(void)
{
    static const char *const wrong[] = {"",           "2026",        "2026-10",     "2026-13-01", "2026-00-01", "2026-02-29",
                                        "2026-10-00", "2026-10-32",  "2026-1-1",    "26-10-01",   "2026/10/01", "1969-12-31",
                                        "2200-01-01", "2026-10-01 ", " 2026-10-01", "+026-10-01", "2026-10-0x"};
    int64_t day = -1;

    g_assert_true(date_read(view_of("1970-01-01"), &day));
    g_assert_cmpint(day, ==, 0);
    g_assert_true(date_read(view_of("2026-11-21"), &day));
    g_assert_cmpint(day, ==, 20778);
    g_assert_true(date_read(view_of("2024-02-29"), &day));
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        g_assert_false(date_read(view_of(wrong[i]), &day));
}

static void test_months(void)
{
    struct date_range month;

    g_assert_true(date_read_month(view_of("2026-11"), &month));
    g_assert_cmpint(month.first, ==, 20758);
    g_assert_cmpint(month.last, ==, 20787);
    g_assert_true(date_read_month(view_of("2024-02"), &month));
    g_assert_cmpint(month.last - month.first, ==, 28);
    g_assert_false(date_read_month(view_of("2026-11-01"), &month));
    g_assert_false(date_read_month(view_of("2026-13"), &month));
    g_assert_false(date_read_month(view_of("2026"), &month));
}

static void test_ranges(void)
{
    static const char *const wrong[] = {"",        "2026-10-01..2026-09-30", "2026-10-01...2026-10-02", "x..", "..x",
                                        "2026-10", "2026-10-01..2026"};
    struct date_range range;

    g_assert_true(date_range_read("2026-11-20..2026-11-21", &range, NULL));
    g_assert_cmpint(range.first, ==, 20777);
    g_assert_cmpint(range.last, ==, 20778);
    g_assert_true(date_range_read("2026-11-21", &range, NULL));
    g_assert_true(range.first == 20778 && range.last == 20778);
    g_assert_true(date_range_read("2026-11-21..", &range, NULL));
    g_assert_true(date_range_has(&range, 20778) && date_range_has(&range, 80000) && !date_range_has(&range, 20777));
    g_assert_true(date_range_read("..2026-11-21", &range, NULL));
    g_assert_true(date_range_has(&range, 0) && !date_range_has(&range, 20779));
    g_assert_true(date_range_read("..", &range, NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(date_range_read(wrong[i], &range, &error));
        g_assert_error(error, DATE_ERROR, DATE_ERROR_TEXT);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dates/days", test_days);
    g_test_add_func("/dates/months", test_months);
    g_test_add_func("/dates/ranges", test_ranges);
    return g_test_run();
}
