/* civil: the arithmetic counts days from a fictitious 1 January of year 1 by the rule itself (365 a year, one more every 4, not
 * every 100, but every 400), and goes back from a day to its date by guessing the year and correcting the guess, which is off
 * by one at most. */
#include "lib/civil.h"

#include <glib.h>

enum { EPOCH_YEAR = 1970, HOUR_MS = 3600 * 1000, MINUTE_MS = 60 * 1000 };

/* Days before the first of each month in a common year; the thirteenth entry is the year's length. */
static const int days_before[13] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};

int64_t civil_divide(int64_t value, int64_t by)
{
    int64_t quotient = value / by;
    return value % by < 0 ? quotient - 1 : quotient;
}

static int is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int civil_days_in_month(int year, int month)
{
    g_assert(month >= 1 && month <= 12);
    return days_before[month] - days_before[month - 1] + (month == 2 ? is_leap(year) : 0);
}

/* Days from 1 January of year 1 to 1 January of `year`. */
static int64_t days_to_year(int64_t year)
{
    int64_t past = year - 1;
    return 365 * past + civil_divide(past, 4) - civil_divide(past, 100) + civil_divide(past, 400);
}

int64_t civil_day(struct civil_date date)
{
    g_assert(date.month >= 1 && date.month <= 12);
    int64_t before = days_before[date.month - 1] + (date.month > 2 ? is_leap(date.year) : 0);
    return days_to_year(date.year) - days_to_year(EPOCH_YEAR) + before + date.day - 1;
}

struct civil_date civil_date_of(int64_t day)
{
    int64_t since = day + days_to_year(EPOCH_YEAR);       /* days since 0001-01-01 */
    int64_t year = civil_divide(since * 400, 146097) + 1; /* 146,097 days in 400 years */
    while (days_to_year(year) > since)
        year--;
    while (days_to_year(year + 1) <= since)
        year++;
    int rest = (int)(since - days_to_year(year));
    int month = 1;
    while (month < 12 && rest >= civil_days_in_month((int)year, month))
        rest -= civil_days_in_month((int)year, month++);
    return (struct civil_date){.year = (int)year, .month = month, .day = rest + 1};
}

int civil_weekday(int64_t day)
{
    int64_t since_monday = day + 3; /* 1970-01-01 was a Thursday */
    return (int)(since_monday - civil_align(since_monday, 7));
}

int64_t civil_floor(int64_t ms, enum civil_unit unit)
{
    int64_t day = civil_divide(ms, CIVIL_DAY_MS);
    switch (unit) {
    case CIVIL_MINUTE:
        return civil_align(ms, MINUTE_MS);
    case CIVIL_HOUR:
        return civil_align(ms, HOUR_MS);
    case CIVIL_DAY:
        return day * CIVIL_DAY_MS;
    case CIVIL_WEEK:
        return (day - civil_weekday(day)) * CIVIL_DAY_MS;
    case CIVIL_MONTH:
        return (day - civil_date_of(day).day + 1) * CIVIL_DAY_MS;
    }
    g_assert_not_reached();
}

int64_t civil_next(int64_t start_ms, enum civil_unit unit)
{
    int64_t day = civil_divide(start_ms, CIVIL_DAY_MS);
    struct civil_date date;
    switch (unit) {
    case CIVIL_MINUTE:
        return start_ms + MINUTE_MS;
    case CIVIL_HOUR:
        return start_ms + HOUR_MS;
    case CIVIL_DAY:
        return start_ms + CIVIL_DAY_MS;
    case CIVIL_WEEK:
        return start_ms + 7 * CIVIL_DAY_MS;
    case CIVIL_MONTH:
        date = civil_date_of(day);
        return start_ms + civil_days_in_month(date.year, date.month) * CIVIL_DAY_MS;
    }
    g_assert_not_reached();
}

int64_t civil_years_before(int64_t ms, int years)
{
    int64_t day = civil_divide(ms, CIVIL_DAY_MS);
    struct civil_date date = civil_date_of(day);
    date.year -= years;
    date.day = MIN(date.day, civil_days_in_month(date.year, date.month));
    return civil_day(date) * CIVIL_DAY_MS + (ms - day * CIVIL_DAY_MS);
}

size_t civil_format_day(char out[CIVIL_TEXT_MAX], int64_t day)
{
    struct civil_date date = civil_date_of(day);
    g_assert(date.year >= 0 && date.year <= 9999);
    return (size_t)g_snprintf(out, CIVIL_TEXT_MAX, "%04d-%02d-%02d", date.year, date.month, date.day);
}

static size_t format_clock(char out[CIVIL_TEXT_MAX], int64_t ms)
{
    int64_t day = civil_divide(ms, CIVIL_DAY_MS);
    size_t length = civil_format_day(out, day);
    int second = (int)((ms - day * CIVIL_DAY_MS) / 1000);
    return length + (size_t)g_snprintf(out + length, CIVIL_TEXT_MAX - length, "T%02d:%02d:%02d", second / 3600, second / 60 % 60,
                                       second % 60);
}

size_t civil_format(char out[CIVIL_TEXT_MAX], int64_t ms)
{
    size_t length = format_clock(out, ms);
    return length + (size_t)g_snprintf(out + length, CIVIL_TEXT_MAX - length, "Z");
}

size_t civil_format_ms(char out[CIVIL_TEXT_MAX], int64_t ms)
{
    size_t length = format_clock(out, ms);
    int fraction = (int)(ms - civil_align(ms, 1000));
    return length + (size_t)g_snprintf(out + length, CIVIL_TEXT_MAX - length, ".%03dZ", fraction);
}
