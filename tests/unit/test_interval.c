#include "api/interval.h"

#include "lib/civil.h"

/* "" where it is refused. */
static char *parsed(const char *text)
{
    struct refusal refusal = {0};
    struct interval interval;
    char out[INTERVAL_TEXT_MAX] = "";
    if (interval_parse(text, "interval", &interval, &refusal)) {
        g_assert_cmpint(interval.first_day, <=, interval.last_day);
        g_assert_cmpuint(interval_write(&interval, out), ==, strlen(out));
        return g_strdup(out);
    }
    g_assert_cmpint(refusal.status, ==, 400);
    g_assert_cmpstr(refusal.code, ==, "INVALID_DATE");
    g_assert_cmpstr(refusal.field, ==, "interval");
    g_assert_nonnull(refusal.allowed);
    refusal_clear(&refusal);
    return g_strdup("");
}

static void check(const char *text, const char *expected)
{
    g_autofree char *got = parsed(text);
    if (strcmp(got, expected) != 0)
        g_error("'%s' is '%s', not '%s'", text, got, expected);
    g_autofree char *again = *got ? parsed(got) : g_strdup("");
    g_assert_cmpstr(again, ==, got);
}

static void test_partial(void)
{
    check("2020-01/2020-06", "2020-01-01/2020-06-30");
    check("2020/2021", "2020-01-01/2021-12-31");
    check("2020/2020", "2020-01-01/2020-12-31");
    check("2020-02-01/2020-02-28", "2020-02-01/2020-02-28");
    check("2020-02/2020-02", "2020-02-01/2020-02-29");
    check("1900-02/1900-02", "1900-02-01/1900-02-28");
    check("2020-02-29/2020-02-29", "2020-02-29/2020-02-29");
    check("2020/2020-03", "2020-01-01/2020-03-31");
    check("2020-03-15/2020", "2020-03-15/2020-12-31");
    check("2020-12/2021-01-05", "2020-12-01/2021-01-05");
    check("1000/1999", "1000-01-01/1999-12-31");
    check("0000/9999", "0000-01-01/9999-12-31");
}

static void test_moments(void)
{
    check("2020-02-01T00:00:00Z/2020-02-29T00:00:00Z", "2020-02-01/2020-02-28");
    check("2020-02-01T00:00:00.000Z/2020-02-29T00:00:00.001Z", "2020-02-01/2020-02-29");
    check("2020-02-01T10:15:00Z/2020-02-02T10:15:00Z", "2020-02-01/2020-02-02");
    check("2020-02-01T10/2020-02-01T11", "2020-02-01/2020-02-01");
    check("2020-02-01T10:00/2020-02-01T10:01", "2020-02-01/2020-02-01");
    check("2020-02-01T23:59:59.999999999/2020-02-02T00:00Z", "2020-02-01/2020-02-01");
    check("2020-02-01/2020-02-01T24:00:00Z", "2020-02-01/2020-02-01");
    check("2020-02-01T24:00Z/2020-02-02", "2020-02-02/2020-02-02");
    check("2020-02-01/2020-03-01T00:00:00Z", "2020-02-01/2020-02-29");
    check("2020-02-01T10:00Z/2020-02-01", "2020-02-01/2020-02-01");
    check("2020-02-01T10:00Z/2020", "2020-02-01/2020-12-31");
    check("2020-02-01t10:00z/2020-02-03t10:00z", "2020-02-01/2020-02-03");
    check("2020-02-01T01:00:00+02:00/2020-02-01T23:00:00-02:00", "2020-01-31/2020-02-02");
    check("2020-02-01T02:00:00+0200/2020-02-01T22:00:00-02", "2020-02-01/2020-02-01");
    check("2020-02-01T00:00:00,5Z/2020-02-02T00:00:00Z", "2020-02-01/2020-02-01");
}

static void test_durations(void)
{
    check("2020-02-01/P1M", "2020-02-01/2020-02-29");
    check("2020-02/P1M", "2020-02-01/2020-02-29");
    check("2020/P2Y", "2020-01-01/2021-12-31");
    check("2020-01-31/P1M", "2020-01-31/2020-02-28");
    check("2020-01-31T12:00Z/P1M", "2020-01-31/2020-02-29");
    check("P7D/2020-03-05", "2020-02-28/2020-03-05");
    check("P7D/2020-03-05T00:00:00Z", "2020-02-27/2020-03-04");
    check("P1W/2020-03-05", "2020-02-28/2020-03-05");
    check("P1M/2020-02", "2020-02-01/2020-02-29");
    check("P1M/2020-03-30", "2020-02-29/2020-03-30");
    check("P1Y/2020", "2020-01-01/2020-12-31");
    check("2020-01-01/PT24H", "2020-01-01/2020-01-01");
    check("2020-01-01/PT25H", "2020-01-01/2020-01-02");
    check("2020-01-01T23:00Z/PT90M", "2020-01-01/2020-01-02");
    check("2020-01-01T23:59:59Z/PT1S", "2020-01-01/2020-01-01");
    check("2020-01-01/P1Y2M3W4DT5H6M7S", "2020-01-01/2021-03-26");
    check("2020-01-01/p1dt1h", "2020-01-01/2020-01-02");
    check("9998/P2Y", "9998-01-01/9999-12-31");
    check("0001/P9999Y", "0001-01-01/9999-12-31");
    check("P10000Y/9999", "0000-01-01/9999-12-31");
}

static const char *const wrong[] = {"",
                                    "/",
                                    "//",
                                    "2020",
                                    "2020-01-01",
                                    "2020-01/",
                                    "/2020-01",
                                    "2020/2021/2022",
                                    "2020 / 2021",
                                    "2020--2021",
                                    "2021/2020",
                                    "2020-06/2020-01",
                                    "2020-02-28/2020-02-01",
                                    "2020-02-02/2020-02-01T10:00Z",
                                    "2020-01-01T00:00Z/2020-01-01T00:00Z",
                                    "2020-01-01T10:00Z/2020-01-01T10:00Z",
                                    "2020-01-01T02:00+02:00/2020-01-01T00:00Z",
                                    "2020-01-01/2020-01-01T00:00Z",
                                    "2020-01-01/P0D",
                                    "P0D/2020",
                                    "2020-01-01/PT0H",
                                    "P1D/P1D",
                                    "P1D",
                                    "P/2020",
                                    "2020/P",
                                    "2020/PT",
                                    "2020/P1",
                                    "2020/P1H",
                                    "2020/PT1D",
                                    "2020/P1D1Y",
                                    "2020/P1Y1Y",
                                    "2020/P-1D",
                                    "2020/-P1D",
                                    "2020/P1.5D",
                                    "2020/P1DT",
                                    "2020/T1H",
                                    "2020/PT1M1M",
                                    "2020/P99999999D",
                                    "2020/P99999999999999999999D",
                                    "2020/P9999999Y",
                                    "P9999999W/2020",
                                    "9999/P2Y",
                                    "P2Y/0000",
                                    "2020-13/2021",
                                    "2020-00/2021",
                                    "2020-1/2021",
                                    "2020-02-30/2021",
                                    "1900-02-29/1901",
                                    "2020-01-00/2021",
                                    "2020-01-1/2021",
                                    "20200101/20200102",
                                    "20/21",
                                    "02020/2021",
                                    "+2020/2021",
                                    "-2020/2021",
                                    "2020-01-01T/2021",
                                    "2020-01-01T25/2021",
                                    "2020-01-01T24:01/2021",
                                    "2020-01-01T10:60/2021",
                                    "2020-01-01T10:00:60Z/2021",
                                    "2020-01-01T10:00:00.Z/2021",
                                    "2020-01-01T10:00:00.5.5Z/2021",
                                    "2020-01-01T10.5Z/2021",
                                    "2020-01-01T1000Z/2021",
                                    "2020-01-01T10:00Zx/2021",
                                    "2020-01-01T10:00+/2021",
                                    "2020-01-01T10:00+24:00/2021",
                                    "2020-01-01T10:00+02:60/2021",
                                    "2020-01-01T10:00+02:00Z/2021",
                                    "2020-01-01 10:00/2021",
                                    "2020-01Z/2021",
                                    "2020-W01/2020-W02",
                                    "2020-001/2020-002",
                                    "٢٠٢٠/2021",
                                    "yesterday/today",
                                    "2020/20x1",
                                    "0000-01-01T00:00+01:00/2020",
                                    "2020/9999-12-31T23:00:00-02:00"};

static void test_refused(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        check(wrong[i], "");
}

static void test_reasons(void)
{
    struct refusal refusal = {0};
    struct interval interval;
    g_assert_false(interval_parse("2021/2020", "interval", &interval, &refusal));
    g_assert_true(
        g_str_has_prefix(refusal.message, "The interval ends before it begins: interval is '2021/2020'; allowed: start/end"));
    g_assert_false(interval_parse("2021-01-01T00Z/2021-01-01T00Z", "interval", &interval, &refusal));
    g_assert_true(g_str_has_prefix(refusal.message, "The interval is of zero length"));
    g_assert_false(interval_parse("9999/P2Y", "span", &interval, &refusal));
    g_assert_true(g_str_has_prefix(refusal.message, "The interval leaves the years"));
    g_assert_cmpstr(refusal.field, ==, "span");
    g_assert_false(interval_parse("x", "interval", &interval, &refusal));
    g_assert_cmpstr(refusal.value, ==, "x");
    g_assert_cmpuint(g_strv_length(refusal.allowed), ==, 3);
    refusal_clear(&refusal);
}

/* Any two days, in any of the forms that mean just them. */
static void test_random(void)
{
    for (int n = 0; n < 20000; n++) {
        char first[CIVIL_TEXT_MAX], last[CIVIL_TEXT_MAX], after[CIVIL_TEXT_MAX];
        int64_t from = g_test_rand_int_range(-700000, 2900000), days = g_test_rand_int_range(1, 20000);
        civil_format_day(first, from);
        civil_format_day(last, from + days - 1);
        civil_format_day(after, from + days);
        int late = g_test_rand_int_range(0, 24), early = g_test_rand_int_range(1, 24);
        g_autofree char *expected = g_strdup_printf("%s/%s", first, last);
        g_autofree char *moments = g_strdup_printf("%sT%02d:59:59Z/%sT%02d:00:00Z", first, late, last, late == 23 ? 24 : early);
        g_autofree char *until = g_strdup_printf("%s/%sT00:00:00Z", first, after);
        g_autofree char *forward = g_strdup_printf("%s/P%dD", first, (int)days);
        g_autofree char *backward = g_strdup_printf("PT%dH/%s", (int)days * 24, last);
        check(expected, expected);
        if (days > 1 || late == 23)
            check(moments, expected);
        check(until, expected);
        check(forward, expected);
        check(backward, expected);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/interval/partial", test_partial);
    g_test_add_func("/interval/moments", test_moments);
    g_test_add_func("/interval/durations", test_durations);
    g_test_add_func("/interval/refused", test_refused);
    g_test_add_func("/interval/reasons", test_reasons);
    g_test_add_func("/interval/random", test_random);
    return g_test_run();
}
