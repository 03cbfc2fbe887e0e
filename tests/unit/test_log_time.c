#include "collector/log_time.h"
#include <glib.h>

#define BAD INT64_MIN

static void test_clf(void)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"01/Jan/1970:00:00:00 +0000", 0},
        {"17/May/2015:10:05:03 +0000", INT64_C(1431857103000)},
        {"29/Feb/2024:23:59:59 -0000", INT64_C(1709251199000)},
        {"17/May/2015:10:05:03 +0530", INT64_C(1431837303000)},
        {"17/May/2015:10:05:03 -0930", INT64_C(1431891303000)},
        {"31/Dec/2016:23:59:60 +0000", INT64_C(1483228799000)}, /* a leap second stays in its day */
        {"31/Dec/9999:23:59:59 +0000", INT64_C(253402300799000)},
        {"29/Feb/2023:00:00:00 +0000", BAD},
        {"31/Apr/2023:00:00:00 +0000", BAD},
        {"00/Jan/2023:00:00:00 +0000", BAD},
        {"01/Foo/2023:00:00:00 +0000", BAD},
        {"01/Jan/1969:00:00:00 +0000", BAD},
        {"01/Jan/1970:00:00:00 +0100", BAD}, /* before 1970 in UTC */
        {"01/Jan/2023:24:00:00 +0000", BAD},
        {"01/Jan/2023:00:60:00 +0000", BAD},
        {"01/Jan/2023:00:00:61 +0000", BAD},
        {"01/Jan/2023:00:00:00 +2400", BAD},
        {"01/Jan/2023:00:00:00 0000 ", BAD},
        {"01/Jan/2023:00:00:00 +00", BAD},
        {"01/Jan/2023 00:00:00 +0000", BAD},
        {"1/Jan/2023:00:00:00 +00000", BAD},
        {"", BAD},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        int64_t ms = BAD;
        g_test_message("%s", cases[i].text);
        g_assert_cmpint(log_time_clf(view_of(cases[i].text), &ms), ==, cases[i].ms != BAD);
        if (cases[i].ms != BAD)
            g_assert_cmpint(ms, ==, cases[i].ms);
    }
}

static void test_iso(void)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"2015-05-17T10:05:03Z", INT64_C(1431857103000)},
        {"2015-05-17t10:05:03z", INT64_C(1431857103000)},
        {"2015-05-17 10:05:03+00:00", INT64_C(1431857103000)},
        {"2015-05-17T12:05:03.1+02:00", INT64_C(1431857103100)},
        {"2015-05-17T12:05:03.1239999+0200", INT64_C(1431857103123)}, /* cut, so that no event moves into the next day */
        {"2015-05-17T10:05:03,5Z", INT64_C(1431857103500)},
        {"2015-05-17T10:05:03.Z", BAD},
        {"2015-05-17T10:05:03", BAD}, /* of which zone? */
        {"2015-05-17T10:05Z", BAD},
        {"2015-05-17", BAD},
        {"2015-5-17T10:05:03Z", BAD},
        {"2015-02-30T10:05:03Z", BAD},
        {"2015-05-17T10:05:03+2", BAD},
        {"2015-05-17T10:05:03+02:0", BAD},
        {"2015-05-17T10:05:03ZZ", BAD},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        int64_t ms = BAD;
        g_test_message("%s", cases[i].text);
        g_assert_cmpint(log_time_iso(view_of(cases[i].text), &ms), ==, cases[i].ms != BAD);
        if (cases[i].ms != BAD)
            g_assert_cmpint(ms, ==, cases[i].ms);
    }
}

/* Every day from 1970 to 2100, against GLib's calendar. */
static void test_every_day(void)
{
    GDate date;
    g_date_clear(&date, 1);
    g_date_set_dmy(&date, 1, G_DATE_JANUARY, 1970);
    for (int64_t day = 0; day < 47482; day++) {
        struct log_civil civil = {g_date_get_year(&date), (int)g_date_get_month(&date), g_date_get_day(&date), 1, 2, 3};
        int64_t ms = BAD;
        g_assert_true(log_time_civil(&civil, &ms));
        g_assert_cmpint(ms, ==, (day * 86400 + 3723) * 1000);
        g_date_add_days(&date, 1);
    }
}

static void test_decimal(void)
{
    static const struct {
        const char *text;
        int scale;
        bool right;
        uint64_t value;
    } cases[] = {
        {"0", 0, true, 0},
        {"1431857103.123", 3, true, UINT64_C(1431857103123)},
        {"1431857103.1239", 3, true, UINT64_C(1431857103123)},
        {"0.012", 6, true, 12000},
        {"12.4", 3, true, 12400},
        {"7", 6, true, 7000000},
        {"1234567", -3, true, 1234},
        {"0.000", 6, true, 0},
        {"1e3", 0, true, 1000},
        {"1.5E+2", 1, true, 1500},
        {"125e-3", 3, true, 125},
        {"1.23e-05", 6, true, 12},
        {"0e999", 18, true, 0},
        {"1e-999", 18, true, 0},
        {"18446744073709551615", 0, false, 0}, /* 20 digits: the last is cut, and 10 times that does not fit */
        {"1844674407370955161", 0, true, UINT64_C(1844674407370955161)},
        {"0.33333333333333333333333333333333", 6, true, 333333},
        {"1e20", 0, false, 0},
        {"99999999999999999999999", 0, false, 0},
        {"", 0, false, 0},
        {"-1", 0, false, 0},
        {"+1", 0, false, 0},
        {".5", 0, false, 0},
        {"5.", 0, false, 0},
        {"1e", 0, false, 0},
        {"1e+", 0, false, 0},
        {"1e1000", 0, false, 0},
        {"0x10", 0, false, 0},
        {"1 ", 0, false, 0},
        {"0.1, 0.2", 6, false, 0},
        {"nan", 0, false, 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        uint64_t value = 0;
        g_test_message("%s × 10^%d", cases[i].text, cases[i].scale);
        g_assert_cmpint(log_decimal(view_of(cases[i].text), cases[i].scale, &value), ==, cases[i].right);
        if (cases[i].right)
            g_assert_cmpuint(value, ==, cases[i].value);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/log_time/clf", test_clf);
    g_test_add_func("/log_time/iso", test_iso);
    g_test_add_func("/log_time/every_day", test_every_day);
    g_test_add_func("/log_time/decimal", test_decimal);
    return g_test_run();
}
