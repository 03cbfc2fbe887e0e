/* dates: see dates.h. */
#include "cli/dates.h"

#include "lib/civil.h"
#include "lib/number.h"
#include "lib/sheet.h"

G_DEFINE_QUARK(daybook - date - error - quark, date_error)

/* So many digits at the place, nothing else. */
static bool read_digits(struct view text, size_t at, size_t n, int *value)
{
    uint64_t number;

    if (!number_read(view_make(text.data + at, n), &number))
        return false;
    *value = (int)number;
    return true;
}

static bool read_year_and_month(struct view text, struct civil_date *date)
{
    return text.size >= 7 && text.data[4] == '-' && read_digits(text, 0, 4, &date->year) && read_digits(text, 5, 2, &date->month) &&
           date->year >= 1970 && date->year < 2200 && date->month >= 1 && date->month <= 12;
}

bool date_read(struct view text, int64_t *day)
{
    struct civil_date date;

    if (text.size != 10 || text.data[7] != '-' || !read_year_and_month(text, &date) || !read_digits(text, 8, 2, &date.day) ||
        date.day < 1 || date.day > civil_days_in_month(date.year, date.month))
        return false;
    *day = civil_day(date);
    return true;
}

bool date_read_month(struct view text, struct date_range *month)
{
    struct civil_date date = {.day = 1};

    if (text.size != 7 || !read_year_and_month(text, &date))
        return false;
    month->first = civil_day(date);
    month->last = month->first + civil_days_in_month(date.year, date.month) - 1;
    return true;
}

struct date_range date_range_all(void)
{
    return (struct date_range){0, SHEET_DAY_END};
}

bool date_range_has(const struct date_range *range, int64_t day)
{
    return day >= range->first && day <= range->last;
}

/* An empty text leaves the day as it is. */
static bool read_end(struct view text, int64_t *day, GError **error)
{
    if (text.size == 0 || date_read(text, day))
        return true;
    g_set_error(error, DATE_ERROR, DATE_ERROR_TEXT, "'%.*s' is no day: it must be a date such as 2026-10-05", (int)text.size,
                text.data);
    return false;
}

bool date_range_read(const char *text, struct date_range *range, GError **error)
{
    const char *dots = strstr(text, "..");

    *range = date_range_all();
    if (!dots) {
        bool ok = *text && read_end(view_of(text), &range->first, error);
        range->last = range->first;
        if (!*text)
            g_set_error(error, DATE_ERROR, DATE_ERROR_TEXT,
                        "the range of days is empty: write FROM..TO, such as 2026-10-01..2026-10-31");
        return ok;
    }
    if (!read_end(view_make(text, (size_t)(dots - text)), &range->first, error) ||
        !read_end(view_of(dots + 2), &range->last, error))
        return false;
    if (range->first <= range->last)
        return true;
    g_set_error(error, DATE_ERROR, DATE_ERROR_TEXT, "the range %s ends before it begins", text);
    return false;
}
