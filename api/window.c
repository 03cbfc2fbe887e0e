#include "api/window.h"

#include "api/zone_days.h"
#include "lib/keys.h"
#include <glib.h>

enum { HOUR_MS = 3600 * 1000, SIX_HOURS_S = 6 * 3600, SLOTS_KEPT = WINDOW_MINUTES_KEPT_H * 4 };

int64_t window_slot(int64_t ms)
{
    return civil_divide(ms, KEYS_SLOT_MS);
}

int64_t window_slot_ms(int64_t slot)
{
    return slot * KEYS_SLOT_MS;
}

/* Where the timeframe begins, before it is moved back to a slot boundary. */
static int64_t begin(int timeframe, int64_t now_ms, struct window_extent extent)
{
    static const int hours[] = {
        [USAGE_1H] = 1, [USAGE_24H] = 24, [USAGE_7D] = 7 * 24, [USAGE_30D] = 30 * 24, [USAGE_90D] = 90 * 24};
    if (timeframe == USAGE_ALL)
        return MIN(window_slot_ms(extent.first_slot), now_ms);
    if (timeframe == USAGE_1Y)
        return civil_years_before(now_ms, 1);
    return now_ms - (int64_t)hours[timeframe] * HOUR_MS;
}

/* ---- points ---- */

static int64_t date_of(const struct tz *tz, int64_t ms)
{
    return tz_day(tz, civil_divide(ms, 1000));
}

/* Joins hours to stretches of six by the clock: where it is put back over the beginning of one, none begins anew. */
static void join_hours(const struct tz *tz, GArray *periods)
{
    guint kept = 0;
    int64_t last = INT64_MIN;
    for (guint i = 0; i < periods->len; i++) {
        const struct zone_period hour = g_array_index(periods, struct zone_period, i);
        int64_t stretch = civil_divide(hour.begin_s + tz_at(tz, hour.begin_s).offset_s, SIX_HOURS_S);
        if (stretch > last)
            g_array_index(periods, struct zone_period, kept++) = hour;
        g_array_index(periods, struct zone_period, kept - 1).end_s = hour.end_s;
        last = MAX(last, stretch);
    }
    g_array_set_size(periods, kept);
}

/* Whole periods of the zone, among them all that [from_ms, to_ms) touches. False: too many. */
static bool periods_of(const struct tz *tz, int unit, int64_t from_ms, int64_t to_ms, GArray *periods)
{
    enum civil_unit civil = unit == WINDOW_SIX_HOURS ? CIVIL_HOUR : (enum civil_unit)unit;
    enum civil_unit dates = MAX(civil, CIVIL_DAY);
    int64_t first = civil_floor((date_of(tz, from_ms) - 1) * CIVIL_DAY_MS, dates) / CIVIL_DAY_MS;
    int64_t last = civil_floor((date_of(tz, to_ms - 1) + 1) * CIVIL_DAY_MS, dates);
    if (!zone_periods(tz, first, civil_next(last, dates) / CIVIL_DAY_MS - 1, civil, periods, NULL))
        return false;
    if (unit == WINDOW_SIX_HOURS)
        join_hours(tz, periods);
    return true;
}

static void append_periods(const struct window *window, const GArray *periods, GArray *points)
{
    for (guint i = 0; i < periods->len; i++) {
        const struct zone_period *period = &g_array_index(periods, struct zone_period, i);
        int64_t begin_ms = period->begin_s * 1000;
        if (period->end_s * 1000 > window->from_ms && begin_ms < window->to_ms)
            g_array_append_val(points, begin_ms);
    }
}

/* Minutes go on to the end of the last slot: its sum may hold events from ahead of the clock. */
static void append_minutes(const struct window *window, GArray *points)
{
    for (uint32_t i = 0; i < window->n_slots * KEYS_SLOT_MINUTES && i <= WINDOW_POINTS_MAX; i++) {
        int64_t minute_ms = window->from_ms + i * KEYS_MINUTE_MS;
        g_array_append_val(points, minute_ms);
    }
}

/* Where the points of a unit begin; NULL: they are too many. */
static GArray *points_of(const struct window *window, int unit, uint32_t max)
{
    GArray *points = g_array_new(FALSE, FALSE, sizeof(int64_t));
    bool ok = true;
    if (unit == WINDOW_WHOLE) {
        g_array_append_val(points, window->from_ms);
    } else if (unit == CIVIL_MINUTE) {
        append_minutes(window, points);
    } else {
        g_autoptr(GArray) periods = g_array_new(FALSE, FALSE, sizeof(struct zone_period));
        ok = periods_of(window->tz, unit, window->from_ms, window->to_ms, periods);
        append_periods(window, periods, points);
    }
    if (ok && points->len <= max)
        return points;
    g_array_free(points, TRUE);
    return NULL;
}

static void take_points(struct window *window, GArray *points)
{
    window->n_points = points->len;
    window->points = (int64_t *)(void *)g_array_free(points, FALSE);
}

static const struct tz *zone_or_utc(const struct tz *tz)
{
    const struct tz *zone = tz != NULL ? tz : tz_shared("UTC", NULL);
    g_assert(zone != NULL); /* the program does not start without the database */
    return zone;
}

/* ---- by timeframe ---- */

/* NULL: minutes are not kept for it, or there are too many. */
static GArray *points_kept(const struct window *window, int unit)
{
    bool kept = unit != CIVIL_MINUTE || (window->has_minutes && window->first_slot >= window->minutes_first_slot);
    return kept ? points_of(window, unit, WINDOW_POINTS_MAX) : NULL;
}

static bool refuse_unit(const struct window *window, const struct usage_params *params, struct refusal *refusal)
{
    g_autoptr(GString) works = g_string_new(NULL);
    for (int unit = CIVIL_MINUTE; unit <= CIVIL_MONTH; unit++) {
        g_autoptr(GArray) points = points_kept(window, unit);
        if (points != NULL)
            g_string_append_printf(works, "%s%s", works->len ? "|" : "", usage_granularity_name(unit));
    }
    const char *why = "more than 10,000 points";
    if (params->granularity == CIVIL_MINUTE && params->endpoint != NULL)
        why = "minutes are not kept for each endpoint";
    else if (params->granularity == CIVIL_MINUTE)
        why = "minutes are kept for 48 hours, which serves the timeframes 1h and 24h";
    g_autofree char *words =
        params->timeframe == USAGE_CUSTOM
            ? g_strdup_printf("Invalid granularity for since and until (%s)", why)
            : g_strdup_printf("Invalid granularity for timeframe %s (%s)", usage_timeframe_name(params->timeframe), why);
    return refusal_set_value(refusal, "INVALID_GRANULARITY", words, "granularity", usage_granularity_name(params->granularity),
                             works->len > 0 ? works->str : "any, of a shorter range");
}

/* The slot that is cut by "48 hours ago" may have lost minutes already. */
static int64_t first_kept(const struct window *window)
{
    return window_slot(window->now_ms) - SLOTS_KEPT + 1;
}

static void set_timeframe(struct window *window, const struct usage_params *params, struct window_extent extent)
{
    int64_t last = window_slot(window->now_ms);
    window->first_slot = window_slot(begin(params->timeframe, window->now_ms, extent));
    window->from_ms = window_slot_ms(window->first_slot);
    window->to_ms = MAX(window->now_ms, window->from_ms + 1);
    if (params->timeframe == USAGE_ALL && extent.last_slot > last) {
        last = extent.last_slot;
        window->to_ms = window_slot_ms(last + 1);
    }
    window->n_slots = (uint32_t)(last - window->first_slot + 1);
}

/* [first, end): slots are only those that can hold events. */
static void set_slots(struct window *window, int64_t first, int64_t end)
{
    int64_t limit = (window->now_ms / CIVIL_DAY_MS + 1 + WINDOW_DAYS_AHEAD) * KEYS_SLOTS_PER_DAY;
    window->from_ms = window_slot_ms(first);
    window->to_ms = window_slot_ms(end);
    window->first_slot = CLAMP(first, 0, limit);
    window->n_slots = (uint32_t)(CLAMP(end, 0, limit) - window->first_slot);
}

static bool set_custom(struct window *window, const struct usage_params *params, struct refusal *refusal)
{
    const struct local_time *since = &params->since, *until = &params->until;
    int64_t from_ms = local_time_first(window->tz, since->local_s) * 1000;
    int64_t end_ms = until->given ? local_time_end(window->tz, until) * 1000 : window->now_ms + 1;
    if (from_ms >= end_ms)
        return until->given ? local_time_refuse_order(until, refusal)
                            : refusal_set_value(refusal, "INVALID_PARAMETER", "The range begins after now", "since", since->text,
                                                "a time before now, or until beside it");
    set_slots(window, window_slot(from_ms), window_slot(end_ms + KEYS_SLOT_MS - 1));
    return true;
}

bool window_init(struct window *window, const struct usage_params *params, int64_t now_ms, struct window_extent extent,
                 struct refusal *refusal)
{
    *window = (struct window){.now_ms = now_ms, .unit = params->granularity, .tz = zone_or_utc(params->tz)};
    if (params->timeframe != USAGE_CUSTOM)
        set_timeframe(window, params, extent);
    else if (!set_custom(window, params, refusal))
        return false;
    window->minutes_first_slot = first_kept(window);
    window->has_minutes = params->endpoint == NULL && window->first_slot <= window_slot(now_ms) &&
                          window->first_slot + window->n_slots > window->minutes_first_slot;
    GArray *points = points_kept(window, window->unit);
    if (points == NULL)
        return refuse_unit(window, params, refusal);
    take_points(window, points);
    if (params->timeframe == USAGE_CUSTOM && window_holds_now(window))
        window->to_ms = MAX(now_ms, window->from_ms + 1);
    return true;
}

/* ---- by range ---- */

static bool refuse_points(const struct window *window, uint32_t max, struct refusal *refusal)
{
    g_autoptr(GString) works = g_string_new(NULL);
    for (int unit = CIVIL_HOUR; unit < WINDOW_UNIT_N; unit++) {
        g_autoptr(GArray) points = points_of(window, unit, max);
        if (points != NULL)
            g_string_append_printf(works, "%s%s", works->len ? "|" : "", window_unit_name(unit));
    }
    g_autofree char *words = g_strdup_printf("Invalid granularity (more than %u points in this range)", max);
    return refusal_set_value(refusal, "INVALID_GRANULARITY", words, "granularity", window_unit_name(window->unit), works->str);
}

bool window_init_range(struct window *window, const struct window_range *range, int64_t now_ms, struct window_extent extent,
                       struct refusal *refusal)
{
    int64_t first = window_slot(range->from_ms), end = window_slot(range->to_ms + KEYS_SLOT_MS - 1);
    g_assert(range->unit != CIVIL_MINUTE);
    if (range->from_first && range->to_last)
        end = MAX(end, extent.last_slot + 1);
    if (range->from_first)
        first = MIN(extent.first_slot, end - 1);
    end = MAX(end, first + 1);
    *window = (struct window){.now_ms = now_ms, .unit = range->unit, .tz = zone_or_utc(range->tz)};
    set_slots(window, first, end);
    window->has_minutes = range->minutes;
    window->minutes_first_slot = range->minutes ? first_kept(window) : INT64_MAX;
    uint32_t max = range->points_max != 0 ? range->points_max : WINDOW_POINTS_MAX;
    GArray *points = points_of(window, window->unit, max);
    if (points == NULL)
        return refuse_points(window, max, refusal);
    take_points(window, points);
    return true;
}

void window_init_slots(struct window *window, int64_t first_slot, uint32_t n_slots, bool has_minutes)
{
    *window = (struct window){.unit = WINDOW_SLOTS, .tz = zone_or_utc(NULL), .first_slot = first_slot, .n_slots = n_slots};
    window->from_ms = window_slot_ms(first_slot);
    window->to_ms = window->now_ms = window_slot_ms(first_slot + n_slots);
    window->has_minutes = has_minutes;
    window->minutes_first_slot = has_minutes ? first_slot : INT64_MAX;
    window->n_points = n_slots;
    window->points = g_new(int64_t, n_slots);
    for (uint32_t i = 0; i < n_slots; i++)
        window->points[i] = window_slot_ms(first_slot + i);
}

void window_init_part(struct window *part, const struct window *window, int64_t first_slot, uint32_t n_slots)
{
    const int64_t last_slot = first_slot + n_slots - 1;
    g_assert(n_slots > 0 && window->unit != CIVIL_MINUTE);
    const uint32_t first = window_point(window, first_slot), last = window_point(window, last_slot);
    *part = *window;
    part->from_ms = window_slot_ms(first_slot);
    part->to_ms = window_slot_ms(last_slot + 1);
    part->first_slot = first_slot;
    part->n_slots = n_slots;
    part->n_points = last - first + 1;
    part->points = g_memdup2(window->points + first, part->n_points * sizeof *window->points);
    part->has_minutes = false;
    part->minutes_first_slot = INT64_MAX;
}

void window_align(const struct tz *tz, int unit, int64_t *from_ms, int64_t *to_ms)
{
    const int64_t instants[] = {*from_ms, *to_ms - 1};
    g_assert(unit != CIVIL_MINUTE && *from_ms < *to_ms);
    for (size_t i = 0; i < G_N_ELEMENTS(instants) && unit != WINDOW_WHOLE; i++) {
        g_autoptr(GArray) periods = g_array_new(FALSE, FALSE, sizeof(struct zone_period));
        bool ok = periods_of(tz, unit, instants[i], instants[i] + 1, periods);
        g_assert(ok); /* at most three units of a month */
        for (guint k = 0; k < periods->len; k++) {
            const struct zone_period *period = &g_array_index(periods, struct zone_period, k);
            if (period->begin_s * 1000 > instants[i] || period->end_s * 1000 <= instants[i])
                continue;
            *from_ms = i == 0 ? period->begin_s * 1000 : *from_ms;
            *to_ms = i == 1 ? period->end_s * 1000 : *to_ms;
        }
    }
    *from_ms = window_slot_ms(window_slot(*from_ms));
    *to_ms = window_slot_ms(window_slot(*to_ms + KEYS_SLOT_MS - 1));
}

/* ---- reading it ---- */

void window_clear(struct window *window)
{
    g_free(window->points);
    *window = (struct window){0};
}

bool window_holds_now(const struct window *window)
{
    int64_t now = window_slot(window->now_ms);
    return window->first_slot <= now && now < window->first_slot + window->n_slots;
}

int64_t window_end_slot(const struct window *window)
{
    return MIN(window->first_slot + window->n_slots, window_slot(window->to_ms) + 1);
}

uint32_t window_point(const struct window *window, int64_t slot)
{
    g_assert(slot >= window->first_slot && slot < window->first_slot + window->n_slots);
    int64_t time = window_slot_ms(slot);
    uint32_t low = 0, high = window->n_points;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (window->points[middle] <= time)
            low = middle;
        else
            high = middle;
    }
    return low;
}

void window_point_span(const struct window *window, uint32_t point, int64_t *from_ms, int64_t *to_ms)
{
    int64_t end_ms = MAX(window->to_ms, window_slot_ms(window->first_slot + window->n_slots));
    g_assert(point < window->n_points);
    *from_ms = MAX(window->points[point], window->from_ms);
    *to_ms = point + 1 < window->n_points ? MIN(window->points[point + 1], end_ms) : end_ms;
}

const char *window_unit_name(int unit)
{
    if (unit == WINDOW_SIX_HOURS)
        return "21600";
    return unit == WINDOW_WHOLE ? "eternity" : usage_granularity_name(unit);
}
