/* civil: days, weeks and months of the calendar, in UTC, and times as text.
 *
 * Times are Unix times in milliseconds, days are numbered from 1970-01-01 = 0; the calendar is the proleptic Gregorian one without
 * leap seconds (POSIX). Pure functions of their arguments; no locale, no time zone, no C library calendar. Years 0 to 9999. */
#ifndef DAYBOOK_CIVIL_H
#define DAYBOOK_CIVIL_H

#include <stddef.h>
#include <stdint.h>

enum civil_unit { CIVIL_MINUTE, CIVIL_HOUR, CIVIL_DAY, CIVIL_WEEK, CIVIL_MONTH };

struct civil_date {
    int year;
    int month; /* 1 to 12 */
    int day;   /* 1 to 31 */
};

enum { CIVIL_TEXT_MAX = 32 }; /* bytes that the texts below need at most, with the NUL */
#define CIVIL_DAY_MS INT64_C(86400000)

/* Day number of a date; month 1 to 12, the day may lie outside its month (day 0 is the last one of the month before). */
int64_t civil_day(struct civil_date date);
struct civil_date civil_date_of(int64_t day);
/* 0 is Monday, 6 is Sunday. */
int civil_weekday(int64_t day);
int civil_days_in_month(int year, int month);

/* Quotient and product rounded towards minus infinity. */
int64_t civil_divide(int64_t value, int64_t by);
static inline int64_t civil_align(int64_t value, int64_t to)
{
    return civil_divide(value, to) * to;
}

/* Start of the minute, hour, day, ISO week (from Monday) or month that holds the time. */
int64_t civil_floor(int64_t ms, enum civil_unit unit);
/* Start of the unit after the one that begins at start_ms. */
int64_t civil_next(int64_t start_ms, enum civil_unit unit);
/* The same date and time so many years before; 29 February becomes the 28th where the year has none. */
int64_t civil_years_before(int64_t ms, int years);

/* RFC 3339: "2026-11-20T10:00:00Z", the same with milliseconds, and the date alone. Write a NUL, return the length. */
size_t civil_format(char out[CIVIL_TEXT_MAX], int64_t ms);
size_t civil_format_ms(char out[CIVIL_TEXT_MAX], int64_t ms);
size_t civil_format_day(char out[CIVIL_TEXT_MAX], int64_t day);

#endif
