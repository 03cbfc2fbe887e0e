/* Known days of known zones, and, for every zone of the database and random dates, what holds for all: periods follow one another,
 * their slots are those that a walk from slot to slot finds, and sums over them are sums over slots. */
#include "api/zone_days.h"

#include <string.h>

enum { DAY_S = 86400, HOUR_S = 3600 };

static int64_t day_of(int year, int month, int day)
{
    return civil_day((struct civil_date){year, month, day});
}

static const struct tz *zone(const char *name)
{
    g_autoptr(GError) error = NULL;
    const struct tz *tz = tz_shared(name, &error);
    g_assert_no_error(error);
    return tz;
}

static GArray *periods_of(const struct tz *tz, int64_t first, int64_t last, enum civil_unit unit, GArray *skipped)
{
    GArray *periods = g_array_new(FALSE, FALSE, sizeof(struct zone_period));
    g_assert_true(zone_periods(tz, first, last, unit, periods, skipped));
    return periods;
}

static const struct zone_period *period_at(const GArray *periods, guint i)
{
    return &g_array_index(periods, struct zone_period, i);
}

/* ---- known days ---- */

static void test_lengths(void)
{
    static const struct {
        const char *zone;
        int year, month, day;
        const char *begin; /* of the day, in UTC */
        double hours;
    } cases[] = {
        {"UTC", 2026, 11, 20, "2026-11-20T00:00:00Z", 24},
        {"America/New_York", 2026, 3, 8, "2026-03-08T05:00:00Z", 23},
        {"America/New_York", 2026, 11, 1, "2026-11-01T04:00:00Z", 25},
        {"America/New_York", 2026, 11, 2, "2026-11-02T05:00:00Z", 24},
        {"Australia/Lord_Howe", 2026, 4, 5, "2026-04-04T13:00:00Z", 24.5},
        {"Australia/Lord_Howe", 2026, 10, 4, "2026-10-03T13:30:00Z", 23.5},
        {"Asia/Kathmandu", 2026, 11, 20, "2026-11-19T18:15:00Z", 24},
        {"Asia/Kathmandu", 1986, 1, 1, "1985-12-31T18:30:00Z", 23.75},
        {"Pacific/Apia", 2011, 12, 29, "2011-12-29T10:00:00Z", 24},
        {"Pacific/Apia", 2011, 12, 31, "2011-12-30T10:00:00Z", 24},
        {"Pacific/Chatham", 2026, 9, 27, "2026-09-26T11:15:00Z", 23},
        {"Pacific/Chatham", 2026, 4, 5, "2026-04-04T10:15:00Z", 25},
        {"America/St_Johns", 2026, 11, 1, "2026-11-01T02:30:00Z", 25},
        {"America/St_Johns", 2010, 11, 7, "2010-11-07T02:30:00Z", 25},
        {"Europe/Dublin", 2026, 3, 29, "2026-03-29T00:00:00Z", 23},
        {"Europe/Dublin", 2026, 10, 25, "2026-10-24T23:00:00Z", 25},
        {"Europe/Dublin", 2060, 10, 31, "2060-10-30T23:00:00Z", 25},
        {"Africa/Casablanca", 2026, 2, 15, "2026-02-14T23:00:00Z", 25},
        {"America/Sao_Paulo", 2018, 11, 4, "2018-11-04T03:00:00Z", 23}, /* it has no midnight */
        {"Pacific/Kiritimati", 1994, 12, 30, "1994-12-30T10:00:00Z", 24},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        int64_t day = day_of(cases[i].year, cases[i].month, cases[i].day);
        g_autoptr(GArray) periods = periods_of(zone(cases[i].zone), day, day, CIVIL_DAY, NULL);
        char begin[CIVIL_TEXT_MAX];
        g_assert_cmpuint(periods->len, ==, 1);
        const struct zone_period *period = period_at(periods, 0);
        civil_format(begin, period->begin_s * 1000);
        g_assert_cmpstr(begin, ==, cases[i].begin);
        g_assert_cmpint(period->day, ==, day);
        g_assert_cmpint(period->end_s - period->begin_s, ==, (int64_t)(cases[i].hours * HOUR_S));
        g_assert_cmpint(period->from_slot * ZONE_SLOT_S, ==, period->begin_s);
        g_assert_cmpint(period->to_slot - period->from_slot, ==, (int64_t)(cases[i].hours * 4));
    }
}

static void test_skipped(void)
{
    const struct tz *apia = zone("Pacific/Apia");
    g_autoptr(GArray) skipped = g_array_new(FALSE, FALSE, sizeof(int64_t));
    int64_t gone = day_of(2011, 12, 30);
    g_autoptr(GArray) days = periods_of(apia, gone - 1, gone + 1, CIVIL_DAY, skipped);
    g_assert_cmpuint(days->len, ==, 2);
    g_assert_cmpint(period_at(days, 0)->day, ==, gone - 1);
    g_assert_cmpint(period_at(days, 1)->day, ==, gone + 1);
    g_assert_cmpint(period_at(days, 0)->end_s, ==, period_at(days, 1)->begin_s);
    g_assert_cmpuint(skipped->len, ==, 1);
    g_assert_cmpint(g_array_index(skipped, int64_t, 0), ==, gone);

    g_autoptr(GArray) none = periods_of(apia, gone, gone, CIVIL_DAY, NULL);
    g_autoptr(GArray) none_either = periods_of(apia, gone, gone, CIVIL_HOUR, skipped);
    g_assert_cmpuint(none->len + none_either->len, ==, 0);
    g_assert_cmpuint(skipped->len, ==, 2);
    g_autoptr(GArray) months = periods_of(apia, day_of(2011, 12, 1), day_of(2011, 12, 31), CIVIL_MONTH, NULL);
    g_assert_cmpuint(months->len, ==, 1);
    g_assert_cmpint(period_at(months, 0)->to_slot - period_at(months, 0)->from_slot, ==, 30 * 96);
    g_autoptr(GArray) backwards = periods_of(apia, gone + 1, gone - 1, CIVIL_DAY, skipped);
    g_assert_cmpuint(backwards->len, ==, 0);
}

static void test_cut_units(void)
{
    const struct tz *tz = zone("Europe/Berlin");
    int64_t first = day_of(2026, 3, 25), last = day_of(2026, 4, 2); /* Wednesday to Thursday, the 29th has 23 hours */
    g_autoptr(GArray) weeks = periods_of(tz, first, last, CIVIL_WEEK, NULL);
    g_assert_cmpuint(weeks->len, ==, 2);
    g_assert_cmpint(period_at(weeks, 0)->day, ==, day_of(2026, 3, 23));
    g_assert_cmpint(period_at(weeks, 0)->end_s - period_at(weeks, 0)->begin_s, ==, 5 * DAY_S - HOUR_S);
    g_assert_cmpint(period_at(weeks, 1)->day, ==, day_of(2026, 3, 30));
    g_assert_cmpint(period_at(weeks, 1)->end_s - period_at(weeks, 1)->begin_s, ==, 4 * DAY_S);
    g_autoptr(GArray) months = periods_of(tz, first, last, CIVIL_MONTH, NULL);
    g_assert_cmpuint(months->len, ==, 2);
    g_assert_cmpint(period_at(months, 0)->day, ==, day_of(2026, 3, 1));
    g_assert_cmpint(period_at(months, 1)->end_s - period_at(months, 1)->begin_s, ==, 2 * DAY_S);
}

/* Beginning and minutes of each hour of a day. */
static void assert_hours(const char *name, int64_t day, const char *wanted)
{
    const struct tz *tz = zone(name);
    g_autoptr(GArray) hours = periods_of(tz, day, day, CIVIL_HOUR, NULL);
    g_autoptr(GString) seen = g_string_new(NULL);
    for (guint i = 0; i < 5; i++) {
        const struct zone_period *hour = period_at(hours, i);
        char text[ZONE_TEXT_MAX];
        zone_format(text, tz, hour->begin_s);
        g_string_append_printf(seen, "%s%s %d", i ? ", " : "", text + 11, (int)(hour->to_slot - hour->from_slot) * 15);
    }
    g_assert_cmpstr(seen->str, ==, wanted);
}

static void test_hours(void)
{
    assert_hours("America/New_York", day_of(2026, 3, 8),
                 "00:00:00-05:00 60, 01:00:00-05:00 60, 03:00:00-04:00 60, 04:00:00-04:00 60, 05:00:00-04:00 60");
    assert_hours("America/New_York", day_of(2026, 11, 1),
                 "00:00:00-04:00 60, 01:00:00-04:00 60, 01:00:00-05:00 60, 02:00:00-05:00 60, 03:00:00-05:00 60");
    assert_hours("Australia/Lord_Howe", day_of(2026, 4, 5),
                 "00:00:00+11:00 60, 01:00:00+11:00 60, 01:30:00+10:30 30, 02:00:00+10:30 60, 03:00:00+10:30 60");
    assert_hours("Australia/Lord_Howe", day_of(2026, 10, 4),
                 "00:00:00+10:30 60, 01:00:00+10:30 60, 02:30:00+11:00 30, 03:00:00+11:00 60, 04:00:00+11:00 60");
    /* put back at 00:01: the slot that begins at midnight counts for the hour of one minute */
    assert_hours("America/St_Johns", day_of(2010, 11, 7),
                 "00:00:00-02:30 15, 23:01:00-03:30 45, 00:00:00-03:30 60, 01:00:00-03:30 60, 02:00:00-03:30 60");
    assert_hours("Asia/Kathmandu", day_of(2026, 11, 20),
                 "00:00:00+05:45 60, 01:00:00+05:45 60, 02:00:00+05:45 60, 03:00:00+05:45 60, 04:00:00+05:45 60");
}

static void test_too_many(void)
{
    g_autoptr(GArray) periods = g_array_new(FALSE, FALSE, sizeof(struct zone_period));
    struct zone_period other = {0};
    g_array_append_val(periods, other);
    for (int unit = CIVIL_HOUR; unit <= CIVIL_MONTH; unit++) {
        g_assert_cmpint(zone_periods(zone("Europe/Paris"), INT64_MIN, INT64_MAX, (enum civil_unit)unit, periods, NULL), ==, false);
        g_assert_cmpuint(periods->len, ==, 1);
    }
    g_assert_true(zone_periods(zone("Europe/Paris"), 0, ZONE_PERIODS_MAX - 1, CIVIL_DAY, periods, NULL));
    g_assert_cmpuint(periods->len, ==, 1 + ZONE_PERIODS_MAX);
    g_assert_false(zone_periods(zone("Europe/Paris"), 0, ZONE_PERIODS_MAX, CIVIL_DAY, periods, NULL));
}

static void test_utc_days(void)
{
    static const struct {
        const char *zone;
        int touched; /* of 2026-11-20 */
        int before;
    } cases[] = {
        {"UTC", 1, 0}, {"Asia/Kathmandu", 2, 1}, {"America/St_Johns", 2, 0}, {"Etc/GMT-14", 2, 1}, {"Africa/Abidjan", 1, 0}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        int64_t day = day_of(2026, 11, 20), first, last;
        g_autoptr(GArray) periods = periods_of(zone(cases[i].zone), day, day, CIVIL_DAY, NULL);
        zone_utc_days(period_at(periods, 0), &first, &last);
        g_assert_cmpint(first, ==, day - cases[i].before);
        g_assert_cmpint(last - first + 1, ==, cases[i].touched);
    }
}

/* ---- texts ---- */

static void test_format(void)
{
    static const struct {
        const char *zone;
        int64_t utc_s;
        const char *text;
    } cases[] = {
        {"Asia/Kathmandu", INT64_C(1795132800), "2026-11-20T05:45:00+05:45"},
        {"UTC", INT64_C(1795132800), "2026-11-20T00:00:00Z"},
        {"Etc/UCT", INT64_C(1795132800), "2026-11-20T00:00:00Z"},
        {"Europe/London", INT64_C(1795132800), "2026-11-20T00:00:00+00:00"},
        {"America/St_Johns", INT64_C(1795132800), "2026-11-19T20:30:00-03:30"},
        {"Pacific/Chatham", INT64_C(1795132800), "2026-11-20T13:45:00+13:45"},
        {"Africa/Monrovia", 0, "1969-12-31T23:15:30-00:44:30"},
        {"Pacific/Kiritimati", INT64_MAX, "9999-12-31T23:59:59+14:00"},
        {"America/New_York", INT64_MIN, "0000-01-01T00:00:00-04:56:02"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        char text[ZONE_TEXT_MAX];
        g_assert_cmpuint(zone_format(text, zone(cases[i].zone), cases[i].utc_s), ==, strlen(cases[i].text));
        g_assert_cmpstr(text, ==, cases[i].text);
    }
    char begin[ZONE_TEXT_MAX], end[ZONE_TEXT_MAX];
    zone_format_utc_day(begin, end, zone("America/New_York"), day_of(2026, 3, 8));
    g_assert_cmpstr(begin, ==, "2026-03-07T19:00:00-05:00");
    g_assert_cmpstr(end, ==, "2026-03-08T20:00:00-04:00");
}

/* ---- for all zones ---- */

/* A number for each slot, the same each time. */
static uint64_t count_of(int64_t slot)
{
    uint64_t x = (uint64_t)slot * UINT64_C(0x9E3779B97F4A7C15);
    return (x ^ (x >> 31)) % 1000003;
}

static uint64_t sum_of(int64_t from, int64_t to)
{
    uint64_t sum = 0;
    for (int64_t slot = from; slot < to; slot++)
        sum += count_of(slot);
    return sum;
}

/* One after the other, from the first slot of the range to its last; the sum over them is the sum over the slots. */
static void check_row(const GArray *periods, int64_t from_slot, int64_t to_slot)
{
    int64_t next = from_slot, next_s = period_at(periods, 0)->begin_s;
    uint64_t sum = 0;
    for (guint i = 0; i < periods->len; i++) {
        const struct zone_period *period = period_at(periods, i);
        g_assert_cmpint(period->from_slot, ==, next);
        g_assert_cmpint(period->begin_s, ==, next_s);
        g_assert_cmpint(period->end_s, >, period->begin_s);
        g_assert_true(i == 0 || period->day >= period_at(periods, i - 1)->day - 1);
        sum += sum_of(period->from_slot, period->to_slot);
        next = period->to_slot;
        next_s = period->end_s;
    }
    g_assert_cmpint(next, ==, to_slot);
    g_assert_cmpuint(sum, ==, sum_of(from_slot, to_slot));
}

/* The latest date that the clock has shown at the beginning of any slot so far: a date ends when a later one begins. */
static void check_dates(const struct tz *tz, const GArray *days, const GArray *skipped, int64_t first, int64_t last)
{
    int64_t slot = (first - 3) * ZONE_SLOTS_PER_DAY, date = INT64_MIN;
    guint i = 0, n_skipped = 0;
    for (int64_t day = first; day <= last; day++) {
        for (; date < day; slot++)
            date = MAX(date, tz_day(tz, slot * ZONE_SLOT_S));
        bool is_skipped = n_skipped < skipped->len && g_array_index(skipped, int64_t, n_skipped) == day;
        g_assert_cmpint(is_skipped, ==, date > day);
        if (is_skipped) {
            n_skipped++;
            continue;
        }
        g_assert_cmpuint(i, <, days->len);
        g_assert_cmpint(period_at(days, i)->day, ==, day);
        g_assert_cmpint(period_at(days, i)->from_slot, ==, slot - 1);
        i++;
    }
    g_assert_cmpuint(i, ==, days->len);
    g_assert_cmpuint(n_skipped, ==, skipped->len);
}

static void check_range(const struct tz *tz, int64_t first, int64_t last)
{
    g_autoptr(GArray) skipped = g_array_new(FALSE, FALSE, sizeof(int64_t));
    g_autoptr(GArray) days = periods_of(tz, first, last, CIVIL_DAY, skipped);
    if (days->len == 0)
        return;
    int64_t from = period_at(days, 0)->from_slot, to = period_at(days, days->len - 1)->to_slot;
    check_row(days, from, to);
    check_dates(tz, days, skipped, first, last);
    for (int unit = CIVIL_HOUR; unit <= CIVIL_MONTH; unit++) {
        g_autoptr(GArray) periods = periods_of(tz, first, last, (enum civil_unit)unit, NULL);
        check_row(periods, from, to);
    }
}

static void test_all_zones(void)
{
    const char *const *names = tz_names();
    for (size_t i = 0; names[i] != NULL; i++) {
        const struct tz *tz = zone(names[i]);
        for (int k = 0; k < 6; k++) {
            int64_t first = g_test_rand_int_range(0, 47500); /* 1970 to 2100 */
            check_range(tz, first, first + g_test_rand_int_range(0, 40));
        }
        /* and around changes, where most of the days are that are not like others */
        int64_t change = tz_next_change(tz, g_test_rand_int_range(0, 47500) * INT64_C(86400));
        if (change != TZ_NEVER && change < 47500 * INT64_C(86400))
            check_range(tz, civil_divide(change, DAY_S) - 2, civil_divide(change, DAY_S) + 2);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/zone-days/lengths", test_lengths);
    g_test_add_func("/zone-days/skipped", test_skipped);
    g_test_add_func("/zone-days/cut-units", test_cut_units);
    g_test_add_func("/zone-days/hours", test_hours);
    g_test_add_func("/zone-days/too-many", test_too_many);
    g_test_add_func("/zone-days/utc-days", test_utc_days);
    g_test_add_func("/zone-days/format", test_format);
    g_test_add_func("/zone-days/all-zones", test_all_zones);
    int failed = g_test_run();
    tz_shared_clear();
    return failed;
}
