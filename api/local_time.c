#include "api/local_time.h"

#include "lib/civil.h"
#include "lib/number.h"

enum { YEAR_MIN = 3, YEAR_MAX = 9990 /* so that a period more or less has a year, too */ };
enum { DAY_S = 86400, HOUR_S = 3600, MINUTE_S = 60, DATE_SIZE = 10, TIME_SIZE = LOCAL_TIME_MAX - 1 };

/* A number of n digits at the text, which has them or a NUL. */
static bool read_part(const char *text, size_t n, int low, int high, int *number)
{
    uint64_t wide;
    if (strnlen(text, n) != n || !number_read(view_make(text, n), &wide))
        return false;
    *number = (int)wide;
    return *number >= low && *number <= high;
}

static bool read_date(const char *text, int64_t *local_s)
{
    struct civil_date date;
    if (!read_part(text, 4, YEAR_MIN, YEAR_MAX, &date.year) || text[4] != '-' || !read_part(text + 5, 2, 1, 12, &date.month) ||
        text[7] != '-' || !read_part(text + 8, 2, 1, 31, &date.day) || date.day > civil_days_in_month(date.year, date.month))
        return false;
    *local_s = civil_day(date) * DAY_S;
    return true;
}

bool local_time_read(struct local_time *time, const char *text)
{
    int hour, minute, second;
    size_t size = strlen(text);
    *time = (struct local_time){.given = true, .has_clock = size == TIME_SIZE};
    if ((size != DATE_SIZE && size != TIME_SIZE) || !read_date(text, &time->local_s))
        return false;
    g_strlcpy(time->text, text, sizeof time->text);
    if (size == DATE_SIZE)
        return true;
    if (strchr(" T", text[10]) == NULL || !read_part(text + 11, 2, 0, 23, &hour) || text[13] != ':' ||
        !read_part(text + 14, 2, 0, 59, &minute) || text[16] != ':' || !read_part(text + 17, 2, 0, 59, &second))
        return false;
    time->local_s += hour * HOUR_S + minute * MINUTE_S + second;
    return true;
}

/* The first moment at which the clock shows that time or a later one; with `last` the last at which it shows that or, where it is
 * put forward over it, an earlier one. */
static int64_t utc_of(const struct tz *tz, int64_t local_s, bool last)
{
    int64_t found[2];
    if (tz_from_local(tz, local_s, found) > 0)
        return found[last ? 1 : 0];
    int64_t change = local_s - TZ_OFFSET_MAX_S;
    do
        change = tz_next_change(tz, change);
    while (change != TZ_NEVER && change + tz_at(tz, change).offset_s <= local_s);
    return last ? change - 1 : change;
}

int64_t local_time_first(const struct tz *tz, int64_t local_s)
{
    return utc_of(tz, local_s, false);
}

int64_t local_time_end(const struct tz *tz, const struct local_time *until)
{
    return utc_of(tz, until->has_clock ? until->local_s : until->local_s + DAY_S - 1, true) + 1;
}

bool local_time_refuse_order(const struct local_time *until, struct refusal *refusal)
{
    return refusal_set_value(refusal, "INVALID_PARAMETER", "The range ends before it begins", "until", until->text,
                             "a time after since");
}
