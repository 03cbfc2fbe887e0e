#include "api/report_range.h"

enum { DAY_S = 86400 };

/* ---- the interval ---- */

/* The date at whose beginning, or within which, a UTC day begins. */
static int64_t date_at(const struct report_range *range, int64_t utc_day)
{
    return range->local ? tz_day(range->tz, utc_day * DAY_S) : utc_day;
}

static struct interval default_interval(const struct report_range *range, const struct report_known *known)
{
    int64_t end = known->through != FINALITY_NONE ? known->through + 1 : civil_divide(known->now_s, DAY_S);
    int64_t last = date_at(range, end) - 1; /* it ended with that UTC day at the latest */
    return (struct interval){last - REPORT_DEFAULT_DAYS + 1, last};
}

static struct interval choose_interval(const struct report_range *range, const struct report_params *params,
                                       const struct report_known *known)
{
    struct interval interval = params->has_interval ? params->interval : default_interval(range, known);
    if (interval.last_day - interval.first_day < REPORT_RANGE_DAYS)
        return interval;
    int64_t first = known->has_first ? date_at(range, known->first_day) : civil_divide(known->now_s, DAY_S);
    interval.first_day = CLAMP(first, interval.first_day, interval.last_day);
    return interval;
}

/* ---- days that may be shown ---- */

/* What is closed lies between these dates: slots before 1970 are none, and tomorrow has not ended. */
static struct interval possible(const struct report_range *range)
{
    int64_t today = civil_divide(range->now_s, DAY_S);
    return (struct interval){MAX(range->interval.first_day, range->local ? 1 : 0), MIN(range->interval.last_day, today + 1)};
}

static void list_days(struct report_range *range, const struct interval *days)
{
    if (range->local) {
        /* At most from 1970 to 2200: fewer than zone_periods gives at most. */
        bool given = zone_periods(range->tz, days->first_day, days->last_day, CIVIL_DAY, range->days, range->skipped);
        g_assert(given);
        return;
    }
    for (int64_t day = days->first_day; day <= days->last_day; day++) {
        struct zone_period period = {day, day * DAY_S, (day + 1) * DAY_S, day * ZONE_SLOTS_PER_DAY, (day + 1) * ZONE_SLOTS_PER_DAY};
        g_array_append_val(range->days, period);
    }
}

static const struct zone_period *day_at(const struct report_range *range, guint i)
{
    return &g_array_index(range->days, struct zone_period, i);
}

void report_range_init(struct report_range *range, const struct report_params *params, const struct report_known *known)
{
    *range = (struct report_range){.tz = params->tz, .local = params->local, .now_s = known->now_s, .utc_last = -1};
    range->days = g_array_new(FALSE, FALSE, sizeof(struct zone_period));
    range->skipped = g_array_new(FALSE, FALSE, sizeof(int64_t));
    range->runs = g_array_new(FALSE, FALSE, sizeof(struct report_period));
    range->omitted = g_array_new(FALSE, FALSE, sizeof(struct report_omitted));
    range->revised = g_array_new(FALSE, FALSE, sizeof(struct report_revised));
    range->incomplete = g_array_new(FALSE, FALSE, sizeof(int64_t));
    range->interval = choose_interval(range, params, known);
    struct interval days = possible(range);
    if (days.first_day <= days.last_day)
        list_days(range, &days);
    if (range->days->len == 0)
        return;
    int64_t ignored;
    zone_utc_days(day_at(range, 0), &range->utc_first, &ignored);
    zone_utc_days(day_at(range, range->days->len - 1), &ignored, &range->utc_last);
    range->utc_last = MIN(range->utc_last, CLOSED_DAYS_MAX - 1);
}

void report_range_clear(struct report_range *range)
{
    g_clear_pointer(&range->days, g_array_unref);
    g_clear_pointer(&range->skipped, g_array_unref);
    g_clear_pointer(&range->runs, g_array_unref);
    g_clear_pointer(&range->omitted, g_array_unref);
    g_clear_pointer(&range->revised, g_array_unref);
    g_clear_pointer(&range->incomplete, g_array_unref);
}

/* ---- days that are shown ---- */

static bool is_closed(const struct zone_period *period, const struct closed_days *days)
{
    int64_t first, last;
    zone_utc_days(period, &first, &last);
    for (int64_t day = first; day <= last; day++) {
        const struct closed_day *closed = closed_days_get(days, day);
        if (closed == NULL || closed->state == DAY_NOT_CLOSED)
            return false;
    }
    return true;
}

static void omit(struct report_range *range, int64_t first_day, int64_t last_day, enum report_omission reason)
{
    GArray *omitted = range->omitted;
    struct report_omitted more = {first_day, last_day, reason};
    struct report_omitted *last = omitted->len > 0 ? &g_array_index(omitted, struct report_omitted, omitted->len - 1) : NULL;
    if (last != NULL && last->last_day + 1 == first_day && last->reason == reason)
        last->last_day = last_day;
    else
        g_array_append_val(omitted, more);
}

static void add_run(struct report_range *range, const struct zone_period *period)
{
    GArray *runs = range->runs;
    struct report_period more = {period->from_slot, period->to_slot};
    struct report_period *last = runs->len > 0 ? &g_array_index(runs, struct report_period, runs->len - 1) : NULL;
    if (last != NULL && last->to_slot == more.from_slot)
        last->to_slot = more.to_slot;
    else
        g_array_append_val(runs, more);
}

/* Of each UTC day, once, though two dates may touch it. */
static void note_utc_days(struct report_range *range, const struct zone_period *period, const struct closed_days *days,
                          int64_t *noted)
{
    int64_t first, last;
    zone_utc_days(period, &first, &last);
    for (int64_t day = MAX(first, *noted + 1); day <= last; day++) {
        const struct closed_day *closed = closed_days_get(days, day);
        struct report_revised revised = {day, closed->revision};
        if (closed->state == DAY_CLOSED && closed->revision > 1)
            g_array_append_val(range->revised, revised);
        if (closed->state == DAY_CLOSED && !closed->complete)
            g_array_append_val(range->incomplete, day);
    }
    *noted = last;
}

void report_range_choose(struct report_range *range, const struct closed_days *days)
{
    guint shown = 0;
    int64_t noted = -1;
    for (guint i = 0; i < range->days->len; i++) {
        const struct zone_period period = *day_at(range, i);
        if (!is_closed(&period, days)) {
            omit(range, period.day, period.day, period.end_s > range->now_s ? REPORT_NOT_ENDED : REPORT_NOT_CLOSED);
            continue;
        }
        add_run(range, &period);
        note_utc_days(range, &period, days, &noted);
        g_array_index(range->days, struct zone_period, shown++) = period;
    }
    g_array_set_size(range->days, shown);
    int64_t beyond = possible(range).last_day + 1;
    if (MAX(beyond, range->interval.first_day) <= range->interval.last_day)
        omit(range, MAX(beyond, range->interval.first_day), range->interval.last_day, REPORT_NOT_ENDED);
}

const char *report_omission_name(enum report_omission reason)
{
    return reason == REPORT_NOT_ENDED ? "notEnded" : "notClosed";
}
