/* interval: each end is a span of time: a date is its whole unit, a date-time a single moment. An interval goes from where the
 * first span begins to where the second one ends, and takes every day in that it touches. That one rule gives all the cases of the
 * header: a moment at midnight touches nothing of its day. */
#include "api/interval.h"

#include <glib.h>

enum { YEAR_MAX = 9999, COUNT_MAX = 9999999, MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS };

#define FORMS \
    "start/end with each a year, month, day or date-time (2026, 2026-11, 2026-11-20, 2026-11-20T10:00:00Z)|start/P1M|P7D/end"

struct span {
    int64_t begin_ms, end_ms;
};

/* What is still to be read. */
struct text {
    const char *at, *end;
};

static bool take_char(struct text *text, const char *any_of)
{
    if (text->at == text->end || strchr(any_of, *text->at) == NULL)
        return false;
    text->at++;
    return true;
}

/* Exactly n digits, and a number of the range. */
static bool take_number(struct text *text, int n, int low, int high, int *value)
{
    *value = 0;
    if (text->end - text->at < n)
        return false;
    for (int i = 0; i < n; i++) {
        if (!g_ascii_isdigit(text->at[i]))
            return false;
        *value = *value * 10 + (text->at[i] - '0');
    }
    text->at += n;
    return *value >= low && *value <= high;
}

/* ---- ends ---- */

/* ".250", to the millisecond, rounded down: what is finer is in the same day. */
static bool take_fraction(struct text *text, int64_t *ms)
{
    int64_t unit = 100;
    if (!take_char(text, ".,"))
        return true;
    if (text->at == text->end || !g_ascii_isdigit(*text->at))
        return false;
    for (; text->at < text->end && g_ascii_isdigit(*text->at); text->at++, unit /= 10)
        *ms += (*text->at - '0') * unit;
    return true;
}

/* "10", "10:00", "10:00:00", "10:00:00.250"; 24:00:00 is the end of the day (ISO 8601-1, 5.3.2). */
static bool take_clock(struct text *text, int64_t *ms)
{
    int hour, minute = 0, second = 0;
    int64_t fraction = 0;
    if (!take_number(text, 2, 0, 24, &hour))
        return false;
    if (take_char(text, ":")) {
        if (!take_number(text, 2, 0, 59, &minute))
            return false;
        if (take_char(text, ":") && (!take_number(text, 2, 0, 59, &second) || !take_fraction(text, &fraction)))
            return false;
    }
    *ms = hour * (int64_t)HOUR_MS + minute * (int64_t)MINUTE_MS + second * INT64_C(1000) + fraction;
    return *ms <= CIVIL_DAY_MS;
}

/* "Z", nothing, or an offset from UTC: "+02:00", "+0200", "+02". */
static bool take_offset(struct text *text, int64_t *ms)
{
    int hours, minutes = 0;
    if (text->at == text->end || take_char(text, "Zz"))
        return true;
    int64_t sign = *text->at == '-' ? 1 : -1; /* to UTC */
    if (!take_char(text, "+-") || !take_number(text, 2, 0, 23, &hours))
        return false;
    if (text->at < text->end) {
        take_char(text, ":");
        if (!take_number(text, 2, 0, 59, &minutes))
            return false;
    }
    *ms += sign * (hours * (int64_t)HOUR_MS + minutes * (int64_t)MINUTE_MS);
    return true;
}

static int64_t midnight(int year, int month, int day)
{
    return civil_day((struct civil_date){year, month, day}) * CIVIL_DAY_MS;
}

static bool read_end(struct text text, struct span *span)
{
    int year, month, day;
    if (!take_number(&text, 4, 0, YEAR_MAX, &year))
        return false;
    *span = (struct span){midnight(year, 1, 1), midnight(year + 1, 1, 1)};
    if (text.at == text.end)
        return true;
    if (!take_char(&text, "-") || !take_number(&text, 2, 1, 12, &month))
        return false;
    *span = (struct span){midnight(year, month, 1), midnight(year, month, civil_days_in_month(year, month) + 1)};
    if (text.at == text.end)
        return true;
    if (!take_char(&text, "-") || !take_number(&text, 2, 1, civil_days_in_month(year, month), &day))
        return false;
    *span = (struct span){midnight(year, month, day), midnight(year, month, day + 1)};
    if (text.at == text.end)
        return true;
    int64_t ms;
    if (!take_char(&text, "Tt") || !take_clock(&text, &ms) || !take_offset(&text, &ms))
        return false;
    span->begin_ms += ms;
    span->end_ms = span->begin_ms;
    return text.at == text.end;
}

/* ---- durations ---- */

struct duration {
    int months;
    int64_t ms;
};

static bool take_count(struct text *text, int64_t *count)
{
    const char *first = text->at;
    for (*count = 0; text->at < text->end && g_ascii_isdigit(*text->at) && *count <= COUNT_MAX; text->at++)
        *count = *count * 10 + (*text->at - '0');
    return text->at > first && *count <= COUNT_MAX;
}

/* "P1Y2M3W4DT5H6M7S": each unit at most once, in this order, at least one. */
static bool read_duration(struct text text, struct duration *duration)
{
    static const struct {
        const char *letters;
        bool is_time;
        int months;
        int64_t ms;
    } units[] = {{"Yy", false, 12, 0},           {"Mm", false, 1, 0},      {"Ww", false, 0, 7 * CIVIL_DAY_MS},
                 {"Dd", false, 0, CIVIL_DAY_MS}, {"Hh", true, 0, HOUR_MS}, {"Mm", true, 0, MINUTE_MS},
                 {"Ss", true, 0, 1000}};
    *duration = (struct duration){0};
    size_t unit = 0;
    bool in_time = false;
    if (!take_char(&text, "Pp"))
        return false;
    do {
        int64_t count;
        in_time = take_char(&text, "Tt") || in_time;
        if (!take_count(&text, &count))
            return false;
        while (unit < G_N_ELEMENTS(units) && (units[unit].is_time != in_time || !take_char(&text, units[unit].letters)))
            unit++;
        if (unit == G_N_ELEMENTS(units))
            return false;
        duration->months += (int)count * units[unit].months; /* below 2^31: once 12, once 1 times COUNT_MAX */
        duration->ms += count * units[unit].ms;
        unit++;
    } while (text.at < text.end);
    return true;
}

/* The moment so much later (sign 1) or before (-1). Months first, keeping the day of the month where it exists. */
static int64_t move(int64_t ms, const struct duration *duration, int sign)
{
    int64_t day = civil_divide(ms, CIVIL_DAY_MS);
    struct civil_date date = civil_date_of(day);
    int64_t months = date.year * INT64_C(12) + date.month - 1 + sign * (int64_t)duration->months;
    date.year = (int)civil_divide(months, 12);
    date.month = (int)(months - civil_align(months, 12)) + 1;
    date.day = MIN(date.day, civil_days_in_month(date.year, date.month));
    return civil_day(date) * CIVIL_DAY_MS + (ms - day * CIVIL_DAY_MS) + sign * duration->ms;
}

/* ---- the whole ---- */

/* reversed: the second end begins before the first one. */
static bool read_span(const char *text, const char *slash, struct span *span, bool *reversed)
{
    const struct text first = {text, slash}, second = {slash + 1, slash + 1 + strlen(slash + 1)};
    struct span ends[2];
    struct duration duration;
    *reversed = false;
    if (read_end(first, &ends[0])) {
        span->begin_ms = ends[0].begin_ms;
        if (read_duration(second, &duration)) {
            span->end_ms = move(span->begin_ms, &duration, 1);
            return true;
        }
        if (!read_end(second, &ends[1]))
            return false;
        span->end_ms = ends[1].end_ms;
        *reversed = ends[1].begin_ms < ends[0].begin_ms && span->end_ms <= span->begin_ms;
        return true;
    }
    if (!read_duration(first, &duration) || !read_end(second, &ends[1]))
        return false;
    span->end_ms = ends[1].end_ms;
    span->begin_ms = move(span->end_ms, &duration, -1);
    return true;
}

bool interval_parse(const char *text, const char *field, struct interval *interval, struct refusal *refusal)
{
    const char *slash = strchr(text, '/');
    struct span span;
    bool reversed;
    if (slash == NULL || !read_span(text, slash, &span, &reversed))
        return refusal_set_value(refusal, "INVALID_DATE", "Invalid interval", field, text, FORMS);
    if (reversed)
        return refusal_set_value(refusal, "INVALID_DATE", "The interval ends before it begins", field, text, FORMS);
    if (span.end_ms == span.begin_ms)
        return refusal_set_value(refusal, "INVALID_DATE", "The interval is of zero length", field, text, FORMS);
    interval->first_day = civil_divide(span.begin_ms, CIVIL_DAY_MS);
    interval->last_day = civil_divide(span.end_ms - 1, CIVIL_DAY_MS);
    if (interval->first_day < civil_day((struct civil_date){0, 1, 1}) ||
        interval->last_day > civil_day((struct civil_date){YEAR_MAX, 12, 31}))
        return refusal_set_value(refusal, "INVALID_DATE", "The interval leaves the years 0000 to 9999", field, text, FORMS);
    return true;
}

size_t interval_write(const struct interval *interval, char out[INTERVAL_TEXT_MAX])
{
    size_t size = civil_format_day(out, interval->first_day);
    out[size++] = '/';
    return size + civil_format_day(out + size, interval->last_day);
}
