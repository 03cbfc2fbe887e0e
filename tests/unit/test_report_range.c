/* Which days a report shows, from days of the ledger that are made here. */
#include "api/report_range.h"

enum { DAY_S = 86400, TODAY = 20778 /* 2026-11-21 */ };

static int64_t day_of(int year, int month, int day)
{
    return civil_day((struct civil_date){year, month, day});
}

static struct report_params params_of(const char *zone, bool local)
{
    g_autoptr(GError) error = NULL;
    struct report_params params = {.tz = tz_shared(zone, &error), .local = local};
    g_assert_no_error(error);
    return params;
}

static struct report_params with_interval(const char *zone, bool local, int64_t first_day, int64_t last_day)
{
    struct report_params params = params_of(zone, local);
    params.has_interval = true;
    params.interval = (struct interval){first_day, last_day};
    return params;
}

static const struct report_known known = {
    .through = TODAY - 1, .has_first = true, .first_day = TODAY - 100, .now_s = TODAY * INT64_C(86400) + 3600};

/* All days closed in revision 1, but those that the text names by their place: '.' empty, '-' open, '2' revision 2, '!' incomplete.
 */
static struct closed_days *days_of(const struct report_range *range, const char *text)
{
    struct closed_days *days = g_new0(struct closed_days, 1);
    days->first_day = range->utc_first;
    days->days = g_array_new(FALSE, TRUE, sizeof(struct closed_day));
    for (int64_t i = 0; i <= range->utc_last - range->utc_first; i++) {
        struct closed_day day = {.day = range->utc_first + i, .state = DAY_CLOSED, .revision = 1, .complete = true};
        char kind = i < (int64_t)strlen(text) ? text[i] : '1';
        if (kind == '.')
            day = (struct closed_day){.day = day.day, .state = DAY_EMPTY};
        if (kind == '-' || day.day >= TODAY)
            day = (struct closed_day){.day = day.day, .state = DAY_NOT_CLOSED};
        day.revision += kind == '2';
        day.complete = kind != '!';
        g_array_append_val(days->days, day);
    }
    return days;
}

static void choose(struct report_range *range, const struct report_params *params, const char *text)
{
    report_range_init(range, params, &known);
    struct closed_days *days = range->utc_first <= range->utc_last ? days_of(range, text) : NULL;
    report_range_choose(range, days);
    closed_days_free(days);
}

/* Days that are shown, as "11-20 11-21", omitted as "11-20..11-21 reason". */
static char *describe(const struct report_range *range)
{
    char first[CIVIL_TEXT_MAX], last[CIVIL_TEXT_MAX];
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < range->days->len; i++) {
        civil_format_day(first, g_array_index(range->days, struct zone_period, i).day);
        g_string_append_printf(text, "%s ", first + 5);
    }
    for (guint i = 0; i < range->omitted->len; i++) {
        const struct report_omitted *omitted = &g_array_index(range->omitted, struct report_omitted, i);
        civil_format_day(first, omitted->first_day);
        civil_format_day(last, omitted->last_day);
        g_string_append_printf(text, "%s..%s %s ", first + 5, last + 5, report_omission_name(omitted->reason));
    }
    return g_string_free(text, FALSE);
}

static void check(const struct report_params *params, const char *days, const char *expected)
{
    struct report_range range;
    choose(&range, params, days);
    g_autofree char *found = describe(&range);
    g_assert_cmpstr(found, ==, expected);
    report_range_clear(&range);
}

static void test_utc(void)
{
    struct report_params params = with_interval("Asia/Kathmandu", false, day_of(2026, 11, 1), day_of(2026, 11, 5));
    check(&params, "", "11-01 11-02 11-03 11-04 11-05 ");
    check(&params, "1-.-1", "11-01 11-03 11-05 11-02..11-02 notClosed 11-04..11-04 notClosed ");
    check(&params, "--1--", "11-03 11-01..11-02 notClosed 11-04..11-05 notClosed ");
    params = with_interval("UTC", false, TODAY - 2, TODAY + 1000);
    check(&params, "1-", "11-19 11-20..11-20 notClosed 11-21..08-17 notEnded ");
    params = with_interval("UTC", false, TODAY + 5, TODAY + 6);
    check(&params, "", "11-26..11-27 notEnded ");
}

/* A date is shown when both UTC days that it touches are closed; one that has not ended is said to be that. */
static void test_local(void)
{
    struct report_params params = with_interval("Asia/Kathmandu", true, day_of(2026, 11, 2), day_of(2026, 11, 5));
    check(&params, "", "11-02 11-03 11-04 11-05 "); /* UTC days from the first on */
    check(&params, "1-111", "11-04 11-05 11-02..11-03 notClosed ");
    check(&params, "-1111", "11-03 11-04 11-05 11-02..11-02 notClosed ");
    params = with_interval("Asia/Kathmandu", true, TODAY - 1, TODAY);
    check(&params, "", "11-20 11-21..11-21 notEnded ");
    params = with_interval("America/New_York", true, TODAY - 2, TODAY);
    check(&params, "", "11-19 11-20..11-21 notEnded "); /* the 20th ends at 05:00 of the 21st */
    params = with_interval("UTC", true, TODAY - 1, TODAY);
    check(&params, "", "11-20 11-21..11-21 notEnded ");
}

static void test_runs(void)
{
    struct report_params params = with_interval("UTC", false, 20000, 20009);
    struct report_range range;
    choose(&range, &params, "1-.111-2!1");
    static const struct report_period expected[] = {{0, 96}, {2 * 96, 6 * 96}, {7 * 96, 10 * 96}};
    g_assert_cmpuint(range.runs->len, ==, G_N_ELEMENTS(expected));
    for (guint i = 0; i < range.runs->len; i++) {
        const struct report_period *run = &g_array_index(range.runs, struct report_period, i);
        g_assert_cmpint(run->from_slot - 20000 * 96, ==, expected[i].from_slot);
        g_assert_cmpint(run->to_slot - 20000 * 96, ==, expected[i].to_slot);
    }
    g_assert_cmpuint(range.revised->len, ==, 1);
    g_assert_cmpint(g_array_index(range.revised, struct report_revised, 0).day, ==, 20007);
    g_assert_cmpint(g_array_index(range.revised, struct report_revised, 0).revision, ==, 2);
    g_assert_cmpuint(range.incomplete->len, ==, 1);
    g_assert_cmpint(g_array_index(range.incomplete, int64_t, 0), ==, 20008);
    report_range_clear(&range);
}

/* A UTC day that two dates touch is noted once, one that no date on show touches is not. */
static void test_noted_once(void)
{
    struct report_params params = with_interval("Asia/Kathmandu", true, 20001, 20004);
    struct report_range range;
    choose(&range, &params, "2-2!2");
    g_assert_cmpuint(range.days->len, ==, 2); /* 20003, 20004 */
    g_assert_cmpuint(range.revised->len, ==, 2);
    g_assert_cmpint(g_array_index(range.revised, struct report_revised, 0).day, ==, 20002);
    g_assert_cmpint(g_array_index(range.revised, struct report_revised, 1).day, ==, 20004);
    g_assert_cmpuint(range.incomplete->len, ==, 1);
    report_range_clear(&range);
}

static void test_defaults(void)
{
    static const struct {
        const char *zone;
        bool local;
        int64_t last;
    } cases[] = {{"UTC", false, TODAY - 1},
                 {"UTC", true, TODAY - 1},
                 {"Asia/Kathmandu", true, TODAY - 1},
                 {"America/New_York", true, TODAY - 2},
                 {"America/New_York", false, TODAY - 1}};
    struct report_range range;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct report_params params = params_of(cases[i].zone, cases[i].local);
        choose(&range, &params, "");
        g_assert_cmpint(range.interval.last_day, ==, cases[i].last);
        g_assert_cmpint(range.interval.first_day, ==, cases[i].last - 6);
        g_assert_cmpuint(range.days->len, ==, 7);
        g_assert_cmpuint(range.omitted->len, ==, 0);
        report_range_clear(&range);
    }
    const struct report_known nothing = {.through = FINALITY_NONE, .now_s = known.now_s};
    struct report_params params = params_of("UTC", false);
    report_range_init(&range, &params, &nothing);
    g_assert_cmpint(range.interval.last_day, ==, TODAY - 1);
    report_range_clear(&range);
}

static void test_bounds(void)
{
    struct report_range range;
    struct report_params params = with_interval("UTC", false, day_of(1000, 1, 1), day_of(3000, 12, 31));
    choose(&range, &params, "");
    g_assert_cmpint(range.interval.first_day, ==, TODAY - 100);
    g_assert_cmpint(range.interval.last_day, ==, day_of(3000, 12, 31));
    g_assert_cmpuint(range.days->len, ==, 100);
    report_range_clear(&range);
    params = with_interval("UTC", false, -30, -1);
    choose(&range, &params, "");
    g_assert_cmpuint(range.days->len + range.omitted->len + range.runs->len, ==, 0);
    report_range_clear(&range);
    params = with_interval("Asia/Kathmandu", true, -3, 2);
    choose(&range, &params, "");
    g_assert_cmpuint(range.days->len, ==, 2);
    g_assert_cmpint(range.utc_first, ==, 0);
    report_range_clear(&range);
    params = with_interval("Pacific/Apia", true, day_of(2011, 12, 29), day_of(2011, 12, 31));
    choose(&range, &params, "");
    g_assert_cmpuint(range.days->len, ==, 2);
    g_assert_cmpuint(range.runs->len, ==, 1);
    g_assert_cmpuint(range.skipped->len, ==, 1);
    g_assert_cmpint(g_array_index(range.skipped, int64_t, 0), ==, day_of(2011, 12, 30));
    report_range_clear(&range);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/report-range/utc", test_utc);
    g_test_add_func("/report-range/local", test_local);
    g_test_add_func("/report-range/runs", test_runs);
    g_test_add_func("/report-range/noted-once", test_noted_once);
    g_test_add_func("/report-range/defaults", test_defaults);
    g_test_add_func("/report-range/bounds", test_bounds);
    int failed = g_test_run();
    tz_shared_clear();
    return failed;
}
