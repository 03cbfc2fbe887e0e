/* Walks every day of eight centuries beside a calendar that only ever adds one day, and checks the rest against known dates. */
#include "lib/civil.h"

#include <glib.h>
#include <stdbool.h>

static int64_t at(int year, int month, int day, int64_t ms)
{
    return civil_day((struct civil_date){year, month, day}) * CIVIL_DAY_MS + ms;
}

/* The naive calendar: the lengths of the months are written out once more, by hand. */
static void step(struct civil_date *date)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = date->year % 400 == 0 || (date->year % 4 == 0 && date->year % 100 != 0);
    int length = lengths[date->month - 1] + (date->month == 2 && leap);
    if (date->day < length) {
        date->day++;
        return;
    }
    date->day = 1;
    date->year += date->month == 12;
    date->month = date->month % 12 + 1;
}

static void test_every_day(void)
{
    struct civil_date date = {1600, 1, 1};
    int64_t day = civil_day(date);
    g_assert_cmpint(day, ==, -135140);
    int weekday = 5; /* a Saturday */
    for (; date.year < 2400; day++, weekday = (weekday + 1) % 7) {
        struct civil_date seen = civil_date_of(day);
        g_assert_cmpint(seen.year, ==, date.year);
        g_assert_cmpint(seen.month, ==, date.month);
        g_assert_cmpint(seen.day, ==, date.day);
        g_assert_cmpint(civil_day(date), ==, day);
        g_assert_cmpint(civil_weekday(day), ==, weekday);
        step(&date);
    }
}

static void test_known(void)
{
    g_assert_cmpint(civil_day((struct civil_date){1970, 1, 1}), ==, 0);
    g_assert_cmpint(civil_day((struct civil_date){2000, 3, 1}), ==, 11017);
    g_assert_cmpint(civil_day((struct civil_date){2026, 11, 21}), ==, 20778);
    g_assert_cmpint(civil_day((struct civil_date){2026, 3, 0}), ==, civil_day((struct civil_date){2026, 2, 28}));
    g_assert_cmpint(civil_weekday(20778), ==, 5);
    g_assert_cmpint(civil_days_in_month(2100, 2), ==, 28);
    g_assert_cmpint(civil_days_in_month(2000, 2), ==, 29);
}

static void test_floor(void)
{
    int64_t noon = at(2026, 11, 21, 12 * 3600000 + 34 * 60000 + 56789);
    g_assert_cmpint(civil_floor(noon, CIVIL_MINUTE), ==, at(2026, 11, 21, 12 * 3600000 + 34 * 60000));
    g_assert_cmpint(civil_floor(noon, CIVIL_HOUR), ==, at(2026, 11, 21, 12 * 3600000));
    g_assert_cmpint(civil_floor(noon, CIVIL_DAY), ==, at(2026, 11, 21, 0));
    g_assert_cmpint(civil_floor(noon, CIVIL_WEEK), ==, at(2026, 11, 16, 0));
    g_assert_cmpint(civil_floor(noon, CIVIL_MONTH), ==, at(2026, 11, 1, 0));
    g_assert_cmpint(civil_floor(-1, CIVIL_MINUTE), ==, -60000);
    g_assert_cmpint(civil_floor(-1, CIVIL_WEEK), ==, at(1969, 12, 29, 0));
    g_assert_cmpint(civil_floor(-1, CIVIL_MONTH), ==, at(1969, 12, 1, 0));
    g_assert_cmpint(civil_floor(at(2026, 11, 16, 0), CIVIL_WEEK), ==, at(2026, 11, 16, 0));
    g_assert_cmpint(civil_floor(at(2026, 11, 16, -1), CIVIL_WEEK), ==, at(2026, 11, 9, 0));
}

/* Units follow one another without gap or overlap: next(floor(t)) is the floor of itself and after t. */
static void test_next(void)
{
    for (int unit = CIVIL_MINUTE; unit <= CIVIL_MONTH; unit++) {
        for (int i = 0; i < 20000; i++) {
            int64_t time = g_random_int_range(-2000000000, 2000000000) * INT64_C(1000) + g_random_int_range(0, 1000);
            int64_t start = civil_floor(time, (enum civil_unit)unit), next = civil_next(start, (enum civil_unit)unit);
            g_assert_true(start <= time && time < next);
            g_assert_cmpint(civil_floor(next - 1, (enum civil_unit)unit), ==, start);
            g_assert_cmpint(civil_floor(next, (enum civil_unit)unit), ==, next);
        }
    }
    g_assert_cmpint(civil_next(at(2024, 2, 1, 0), CIVIL_MONTH), ==, at(2024, 3, 1, 0));
    g_assert_cmpint(civil_next(at(2026, 12, 1, 0), CIVIL_MONTH), ==, at(2027, 1, 1, 0));
}

static void test_years_before(void)
{
    g_assert_cmpint(civil_years_before(at(2026, 11, 21, 5), 1), ==, at(2025, 11, 21, 5));
    g_assert_cmpint(civil_years_before(at(2024, 2, 29, 7), 1), ==, at(2023, 2, 28, 7));
    g_assert_cmpint(civil_years_before(at(2024, 2, 29, 7), 4), ==, at(2020, 2, 29, 7));
}

static void test_format(void)
{
    char text[CIVIL_TEXT_MAX];
    g_assert_cmpuint(civil_format(text, 0), ==, 20);
    g_assert_cmpstr(text, ==, "1970-01-01T00:00:00Z");
    civil_format(text, at(2026, 11, 20, 86399999));
    g_assert_cmpstr(text, ==, "2026-11-20T23:59:59Z");
    g_assert_cmpuint(civil_format_ms(text, at(2026, 11, 20, 86399999)), ==, 24);
    g_assert_cmpstr(text, ==, "2026-11-20T23:59:59.999Z");
    civil_format_ms(text, -1);
    g_assert_cmpstr(text, ==, "1969-12-31T23:59:59.999Z");
    g_assert_cmpuint(civil_format_day(text, 20778), ==, 10);
    g_assert_cmpstr(text, ==, "2026-11-21");
    civil_format(text, at(9999, 12, 31, 0));
    g_assert_cmpstr(text, ==, "9999-12-31T00:00:00Z");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/civil/every-day", test_every_day);
    g_test_add_func("/civil/known", test_known);
    g_test_add_func("/civil/floor", test_floor);
    g_test_add_func("/civil/next", test_next);
    g_test_add_func("/civil/years-before", test_years_before);
    g_test_add_func("/civil/format", test_format);
    return g_test_run();
}
