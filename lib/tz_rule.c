/* tz_rule: the POSIX TZ string of a footer, "IST-1GMT0,M10.5.0,M3.5.0/1".
 *
 * Daylight saving is a set of stretches, one from each year's change to it to the next change from it; whatever the two are called,
 * which is ahead of the other and in which order they come, an instant has it when it lies in one. So where a stretch ends as the
 * next begins (all-year daylight saving, RFC 9636 section 3.3.1) there is no change, without a special case. */
#include "lib/tz_internal.h"

#include "lib/civil.h"
#include "lib/number.h"

enum { OFFSET_HOURS_MAX = 24, CHANGE_HOURS_MAX = 167, CHANGE_DEFAULT_S = 2 * 3600, YEARS_PER_CYCLE = 400, MARCH_1 = 60 };

/* ---- reading: each takes what it knows off the front of the text ---- */

static bool take(struct view *text, char letter)
{
    if (text->size == 0 || text->data[0] != letter)
        return false;
    *text = view_make(text->data + 1, text->size - 1);
    return true;
}

static bool take_number(struct view *text, int min, int max, int *value)
{
    const char *cursor = text->data, *end = text->data + text->size;
    uint64_t number;
    if (text->size == 0 || !number_scan(&cursor, end, &number) || number > (uint64_t)max || (int)number < min)
        return false;
    *value = (int)number;
    *text = view_make(cursor, (size_t)(end - cursor));
    return true;
}

/* "EST" or "<+0330>". */
static bool take_name(struct view *text, char name[TZ_ABBREVIATION_MAX + 1])
{
    bool quoted = take(text, '<');
    size_t n = 0;
    while (n < text->size && (g_ascii_isalpha(text->data[n]) || (quoted && strchr("0123456789+-", text->data[n]) && text->data[n])))
        n++;
    if (n < 3 || n > TZ_ABBREVIATION_MAX)
        return false;
    memcpy(name, text->data, n);
    name[n] = '\0';
    *text = view_make(text->data + n, text->size - n);
    return !quoted || take(text, '>');
}

/* [+-]hh[:mm[:ss]] */
static bool take_clock(struct view *text, int hours_max, int32_t *seconds)
{
    int hours, minutes = 0, rest = 0;
    int sign = take(text, '-') ? -1 : 1;
    if (sign > 0)
        take(text, '+');
    if (!take_number(text, 0, hours_max, &hours))
        return false;
    if (take(text, ':') && (!take_number(text, 0, 59, &minutes) || (take(text, ':') && !take_number(text, 0, 59, &rest))))
        return false;
    *seconds = sign * (hours * 3600 + minutes * 60 + rest);
    return true;
}

static bool take_offset(struct view *text, int32_t *offset_s)
{
    int32_t west_s;
    if (!take_clock(text, OFFSET_HOURS_MAX, &west_s))
        return false;
    *offset_s = -west_s;
    return true;
}

static bool take_day(struct view *text, struct tz_rule_change *change)
{
    if (take(text, 'J')) {
        change->kind = TZ_COMMON_YEAR_DAY;
        return take_number(text, 1, 365, &change->day);
    }
    if (take(text, 'M')) {
        change->kind = TZ_MONTH_WEEKDAY;
        return take_number(text, 1, 12, &change->month) && take(text, '.') && take_number(text, 1, 5, &change->week) &&
               take(text, '.') && take_number(text, 0, 6, &change->day);
    }
    change->kind = TZ_YEAR_DAY;
    return take_number(text, 0, 365, &change->day);
}

static bool take_change(struct view *text, struct tz_rule_change *change)
{
    change->s = CHANGE_DEFAULT_S;
    return take(text, ',') && take_day(text, change) && (!take(text, '/') || take_clock(text, CHANGE_HOURS_MAX, &change->s));
}

const char *tz_rule_parse(struct tz_rule *rule, struct view text)
{
    *rule = (struct tz_rule){0};
    if (!take_name(&text, rule->standard.name) || !take_offset(&text, &rule->standard.offset_s))
        return "the footer's standard time is malformed";
    if (text.size == 0)
        return NULL;
    rule->has_dst = true;
    rule->dst.offset_s = rule->standard.offset_s + 3600;
    if (!take_name(&text, rule->dst.name))
        return "the footer's daylight saving time is malformed";
    if (text.size > 0 && text.data[0] != ',' && !take_offset(&text, &rule->dst.offset_s))
        return "the footer's offset of daylight saving time is malformed";
    if (!take_change(&text, &rule->to_dst) || !take_change(&text, &rule->to_standard) || text.size > 0)
        return "the footer's rule of changes is malformed";
    return NULL;
}

/* ---- asking ---- */

/* By the clock that shows until then. */
static int64_t change_local(const struct tz_rule_change *change, int year)
{
    int64_t new_year = civil_day((struct civil_date){year, 1, 1});
    int64_t day = new_year + change->day;
    if (change->kind == TZ_COMMON_YEAR_DAY) {
        day -= change->day >= MARCH_1 && civil_days_in_month(year, 2) == 29 ? 0 : 1;
    } else if (change->kind == TZ_MONTH_WEEKDAY) {
        int64_t first = civil_day((struct civil_date){year, change->month, 1});
        int64_t end = first + civil_days_in_month(year, change->month);
        day = first + (change->day + 6 - civil_weekday(first)) % 7 + 7 * (int64_t)(change->week - 1);
        day -= day >= end ? 7 : 0;
    }
    return day * TZ_DAY_S + change->s;
}

static int64_t dst_begin(const struct tz_rule *rule, int year)
{
    return change_local(&rule->to_dst, year) - rule->standard.offset_s;
}

static int64_t dst_end(const struct tz_rule *rule, int year)
{
    return change_local(&rule->to_standard, year) - rule->dst.offset_s;
}

static int year_of(int64_t utc_s)
{
    return civil_date_of(civil_divide(utc_s, TZ_DAY_S)).year;
}

/* A change can be a week and a day outside of its year, a stretch end a year after it begins. */
bool tz_rule_is_dst(const struct tz_rule *rule, int64_t utc_s)
{
    if (!rule->has_dst)
        return false;
    int now = year_of(utc_s);
    for (int year = now - 2; year <= now + 1; year++) {
        int64_t begin = dst_begin(rule, year), end = dst_end(rule, year);
        if (end < begin)
            end = dst_end(rule, year + 1);
        if (utc_s >= begin && utc_s < end)
            return true;
    }
    return false;
}

static int compare_times(gconstpointer a, gconstpointer b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

void tz_rule_changes(const struct tz_rule *rule, int64_t after_s, GArray *times)
{
    if (!rule->has_dst)
        return;
    g_autoptr(GArray) candidates = g_array_new(FALSE, FALSE, sizeof(int64_t));
    int first = year_of(after_s) - 1;
    for (int year = first; year <= first + YEARS_PER_CYCLE + 2; year++) {
        int64_t both[2] = {dst_begin(rule, year), dst_end(rule, year)};
        g_array_append_vals(candidates, both, 2);
    }
    g_array_sort(candidates, compare_times);
    int64_t last = after_s;
    for (guint i = 0; i < candidates->len; i++) {
        int64_t time = g_array_index(candidates, int64_t, i);
        if (time <= last || time > after_s + TZ_CYCLE_S || tz_rule_is_dst(rule, time) == tz_rule_is_dst(rule, time - 1))
            continue;
        g_array_append_val(times, time);
        last = time;
    }
}
