#include "api/stats_range.h"

#include "api/zone_days.h"

enum { DAY_S = 86400 };

/* ---- the zone's clock ---- */

static int64_t local_of(const struct tz *tz, int64_t utc_s)
{
    return utc_s + tz_at(tz, utc_s).offset_s;
}

/* So many months earlier (later: negative); the 31st becomes the last of a shorter month. */
static int64_t months_before(int64_t local_s, int months)
{
    struct civil_date date = civil_date_of(civil_divide(local_s, DAY_S));
    int count = date.year * 12 + date.month - 1 - months;
    date.year = (int)civil_divide(count, 12);
    date.month = (int)(count - civil_divide(count, 12) * 12) + 1;
    date.day = MIN(date.day, civil_days_in_month(date.year, date.month));
    return civil_day(date) * DAY_S + local_s - civil_align(local_s, DAY_S);
}

/* The time that a period later (times: 1) or earlier (-1) is. */
static int64_t step(enum stats_period period, int64_t local_s, int times)
{
    switch (period) {
    case STATS_YEAR:
        return months_before(local_s, -12 * times);
    case STATS_MONTH:
        return months_before(local_s, -times);
    case STATS_WEEK:
        return local_s + times * 7 * DAY_S;
    default:
        return local_s + times * DAY_S;
    }
}

/* ---- what is asked for ---- */

/* What the range is widened to: the granularity of the series of the same range, so that all have the same total. */
static int unit_of(const struct stats_params *params)
{
    static const int of_period[] = {
        [STATS_NO_PERIOD] = CIVIL_DAY, [STATS_ETERNITY] = WINDOW_WHOLE, [STATS_YEAR] = CIVIL_MONTH,
        [STATS_MONTH] = CIVIL_DAY,     [STATS_WEEK] = WINDOW_SIX_HOURS, [STATS_DAY] = CIVIL_HOUR,
    };
    bool has_clock = params->since.has_clock || params->until.has_clock;
    if (params->kind == STATS_DAILY)
        return CIVIL_DAY;
    if (params->kind == STATS_HOURLY || (params->period == STATS_NO_PERIOD && params->unit == STATS_NO_UNIT && has_clock))
        return CIVIL_HOUR;
    return params->unit != STATS_NO_UNIT ? params->unit : of_period[params->period];
}

/* Of top applications: the calendar's day, week, month or year. */
static void take_calendar(const struct stats_params *params, int64_t local_s, int64_t *from_s, int64_t *to_s)
{
    struct civil_date date = civil_date_of(civil_divide(local_s, DAY_S));
    int64_t first = civil_day((struct civil_date){date.year, 1, 1}) * DAY_S;
    if (params->period != STATS_YEAR) {
        enum civil_unit unit = params->period == STATS_WEEK ? CIVIL_WEEK : params->period == STATS_DAY ? CIVIL_DAY : CIVIL_MONTH;
        first = civil_floor(local_s * 1000, unit) / 1000;
    }
    *from_s = local_time_first(params->tz, first);
    *to_s = local_time_first(params->tz, step(params->period, first, 1));
}

/* [*from_s, *to_s), not widened yet. */
static void take_ends(const struct stats_params *params, enum stats_period period, int64_t now_s, int64_t *from_s, int64_t *to_s)
{
    const struct tz *tz = params->tz;
    const struct local_time *since = &params->since, *until = &params->until;
    *to_s = until->given ? local_time_end(tz, until) : now_s + 1;
    if (since->given) {
        *from_s = local_time_first(tz, since->local_s);
        if (!until->given && period != STATS_ETERNITY)
            *to_s = local_time_first(tz, step(period, since->local_s, 1));
        return;
    }
    *from_s = local_time_first(tz, step(period, local_of(tz, *to_s), -1));
}

static bool is_midnight(const struct tz *tz, int64_t ms)
{
    int64_t start_s;
    tz_day_start(tz, tz_day(tz, ms / 1000), &start_s);
    return start_s * 1000 == ms;
}

static int64_t date_ms(const struct tz *tz, int64_t day)
{
    int64_t start_s;
    tz_day_start(tz, day, &start_s);
    return start_s * 1000;
}

/* Where the range before begins. */
static int64_t begin_before(const struct window_range *window)
{
    const struct tz *tz = window->tz;
    int64_t from = tz_day(tz, window->from_ms / 1000), to = tz_day(tz, window->to_ms / 1000);
    if (window->unit == CIVIL_MONTH) {
        struct civil_date first = civil_date_of(from), end = civil_date_of(to);
        int months = (end.year - first.year) * 12 + end.month - first.month;
        return date_ms(tz, months_before(from * DAY_S, months) / DAY_S);
    }
    if (is_midnight(tz, window->from_ms) && is_midnight(tz, window->to_ms))
        return date_ms(tz, from - (to - from));
    return window->from_ms - (window->to_ms - window->from_ms);
}

/* What is to come is left out, if there is anything before it. */
static void end_with_now(struct window_range *window, int64_t now_ms)
{
    int64_t begin = now_ms, end = now_ms + 1;
    window_align(window->tz, window->unit, &begin, &end);
    if (window->from_ms < end)
        window->to_ms = MIN(window->to_ms, end);
}

bool stats_range_init(struct stats_range *range, const struct stats_params *params, int64_t now_ms, struct refusal *refusal)
{
    enum stats_period period = params->period != STATS_NO_PERIOD ? params->period : STATS_MONTH;
    int64_t now_s = civil_divide(now_ms, 1000), from_s, to_s;
    bool from_first = period == STATS_ETERNITY && !params->since.given;
    if (params->kind == STATS_TOP && period != STATS_ETERNITY && !params->until.given) {
        struct stats_params calendar = *params;
        calendar.period = period;
        take_calendar(&calendar, params->since.given ? params->since.local_s : local_of(params->tz, now_s), &from_s, &to_s);
    } else {
        take_ends(params, period, now_s, &from_s, &to_s);
    }
    if (from_s >= to_s && !from_first)
        return local_time_refuse_order(&params->until, refusal);
    struct window_range *window = &range->window;
    *window = (struct window_range){.from_ms = from_s * 1000, .to_ms = to_s * 1000, .unit = unit_of(params), .tz = params->tz};
    window->from_first = from_first;
    window->to_last = from_first && !params->until.given;
    if (from_first)
        window->from_ms = window->to_ms - 1000;
    window_align(window->tz, window->unit, &window->from_ms, &window->to_ms);
    if (params->kind == STATS_DAILY || params->kind == STATS_HOURLY) {
        end_with_now(window, now_ms);
        window->points_max = WINDOW_POINTS_LIMIT;
    }
    range->before_ms = from_first ? window->from_ms : begin_before(window);
    if (params->kind == STATS_TOP || params->kind == STATS_SUMMARY)
        window->unit = WINDOW_WHOLE;
    return true;
}
