#include "collector/log_time.h"
#include <glib.h>

enum { MINUTES_PER_DAY = 24 * 60, DIGITS_MAX = 19 };

/* Days since 1970-01-01 of a date in the Gregorian calendar: years counted from March, so that the leap day is the last one. */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t era = y / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

bool log_time_civil(const struct log_civil *civil, int64_t *time_ms)
{
    if (civil->year < 1970 || civil->year > 9999 || civil->month < 1 || civil->month > 12 || civil->day < 1 ||
        civil->day > days_in_month(civil->year, civil->month)) {
        return false;
    }
    if (civil->hour < 0 || civil->hour > 23 || civil->minute < 0 || civil->minute > 59 || civil->second < 0 || civil->second > 60)
        return false;
    int second = MIN(civil->second, 59);
    int64_t minutes = days_of(civil->year, civil->month, civil->day) * MINUTES_PER_DAY + civil->hour * 60 + civil->minute;
    *time_ms = (minutes * 60 + second) * 1000;
    return true;
}

/* n digits at text as a number, or -1. */
static int digits(const char *text, size_t n)
{
    int value = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

static int month_of(const char *name)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int i = 0; i < 12; i++) {
        if (memcmp(names + i * 3, name, 3) == 0)
            return i + 1;
    }
    return 0;
}

/* "+hh:mm" (with_colon) or "+hhmm"; minutes east of Greenwich. */
static bool offset_minutes(const char *text, bool with_colon, int *minutes)
{
    int hours = digits(text + 1, 2);
    int rest = digits(text + (with_colon ? 4 : 3), 2);
    if ((text[0] != '+' && text[0] != '-') || hours < 0 || hours > 23 || rest < 0 || rest > 59)
        return false;
    *minutes = (hours * 60 + rest) * (text[0] == '-' ? -1 : 1);
    return true;
}

static bool shift(int64_t *time_ms, int minutes_east)
{
    *time_ms -= (int64_t)minutes_east * 60000;
    return *time_ms >= 0;
}

bool log_time_clf(struct view text, int64_t *time_ms)
{
    const char *t = text.data;
    if (text.size != LOG_TIME_CLF_SIZE || t[2] != '/' || t[6] != '/' || t[11] != ':' || t[14] != ':' || t[17] != ':' ||
        t[20] != ' ')
        return false;
    struct log_civil civil = {.year = digits(t + 7, 4),
                              .month = month_of(t + 3),
                              .day = digits(t, 2),
                              .hour = digits(t + 12, 2),
                              .minute = digits(t + 15, 2),
                              .second = digits(t + 18, 2)};
    int east = 0;
    return log_time_civil(&civil, time_ms) && offset_minutes(t + 21, false, &east) && shift(time_ms, east);
}

/* Milliseconds of a fraction ".123456…" at *cursor, which moves behind it. */
static bool fraction(const char **cursor, const char *end, int *ms)
{
    const char *c = *cursor;
    *ms = 0;
    if (c == end || (*c != '.' && *c != ','))
        return true;
    int weight = 100;
    const char *first = ++c;
    for (; c < end && *c >= '0' && *c <= '9'; c++) {
        *ms += (*c - '0') * weight;
        weight /= 10;
    }
    *cursor = c;
    return c > first;
}

static bool zone(struct view text, int *east)
{
    *east = 0;
    if (text.size == 1)
        return text.data[0] == 'Z' || text.data[0] == 'z';
    if (text.size == 6 && text.data[3] == ':')
        return offset_minutes(text.data, true, east);
    return text.size == 5 && offset_minutes(text.data, false, east);
}

bool log_time_iso(struct view text, int64_t *time_ms)
{
    enum { DATE_TIME_SIZE = 19 };
    const char *t = text.data;
    if (text.size <= DATE_TIME_SIZE || t[4] != '-' || t[7] != '-' || t[13] != ':' || t[16] != ':')
        return false;
    if (t[10] != 'T' && t[10] != 't' && t[10] != ' ')
        return false;
    struct log_civil civil = {.year = digits(t, 4),
                              .month = digits(t + 5, 2),
                              .day = digits(t + 8, 2),
                              .hour = digits(t + 11, 2),
                              .minute = digits(t + 14, 2),
                              .second = digits(t + 17, 2)};
    const char *cursor = t + DATE_TIME_SIZE;
    const char *end = t + text.size;
    int ms = 0;
    int east = 0;
    if (!log_time_civil(&civil, time_ms) || !fraction(&cursor, end, &ms))
        return false;
    if (!zone(view_make(cursor, (size_t)(end - cursor)), &east))
        return false;
    *time_ms += ms;
    return shift(time_ms, east);
}

/* The digits of a number and where its decimal point is: value = mantissa × 10^exponent. Digits beyond the 19th are dropped. */
struct decimal {
    uint64_t mantissa;
    int exponent;
    int n_digits; /* significant ones taken */
    bool cut;     /* some were dropped */
};

static void take_digit(struct decimal *decimal, char digit, bool behind_point)
{
    if (decimal->n_digits == DIGITS_MAX) {
        decimal->cut = true;
        decimal->exponent += behind_point ? 0 : 1;
        return;
    }
    decimal->mantissa = decimal->mantissa * 10 + (uint64_t)(digit - '0');
    decimal->n_digits += decimal->mantissa ? 1 : 0;
    decimal->exponent -= behind_point ? 1 : 0;
}

static const char *take_digits(struct decimal *decimal, const char *c, const char *end, bool behind_point)
{
    for (; c < end && *c >= '0' && *c <= '9'; c++)
        take_digit(decimal, *c, behind_point);
    return c;
}

static bool take_exponent(struct decimal *decimal, const char *c, const char *end)
{
    bool negative = c < end && *c == '-';
    if (c < end && (*c == '-' || *c == '+'))
        c++;
    size_t n = (size_t)(end - c);
    if (n < 1 || n > 3)
        return false;
    int exponent = digits(c, n);
    if (exponent < 0)
        return false;
    decimal->exponent += negative ? -exponent : exponent;
    return true;
}

static bool read_decimal(struct view text, struct decimal *decimal)
{
    const char *end = text.data + text.size;
    const char *c = take_digits(decimal, text.data, end, false);
    if (c == text.data)
        return false;
    if (c < end && *c == '.') {
        const char *first = ++c;
        c = take_digits(decimal, c, end, true);
        if (c == first)
            return false;
    }
    if (c == end)
        return true;
    return (*c == 'e' || *c == 'E') && take_exponent(decimal, c + 1, end);
}

bool log_decimal(struct view text, int scale, uint64_t *value)
{
    struct decimal decimal = {0};
    g_assert(scale >= -18 && scale <= 18);
    if (text.size == 0 || text.size > 4096 || !read_decimal(text, &decimal))
        return false;
    int exponent = decimal.exponent + scale;
    for (; exponent > 0 && decimal.mantissa != 0; exponent--) {
        if (decimal.cut || decimal.mantissa > UINT64_MAX / 10)
            return false;
        decimal.mantissa *= 10;
    }
    for (; exponent < 0 && decimal.mantissa != 0; exponent++)
        decimal.mantissa /= 10;
    *value = decimal.mantissa;
    return true;
}
