#include "api/window.h"

#include "lib/keys.h"
#include <glib.h>

enum { HOUR_MS = 3600 * 1000, SLOTS_KEPT = WINDOW_MINUTES_KEPT_H * 4 };

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

/* Points that a unit would need, counted no further than one over the limit. */
static uint32_t count_points(const struct window *window, int unit)
{
    int64_t start = civil_floor(window->from_ms, (enum civil_unit)unit);
    uint32_t n = 0;
    for (; start < window->to_ms && n <= WINDOW_POINTS_MAX; n++)
        start = civil_next(start, (enum civil_unit)unit);
    return n;
}

static bool minutes_are_kept(const struct window *window, const struct usage_params *params)
{
    return params->endpoint == NULL && window->first_slot >= window->minutes_first_slot;
}

static bool unit_works(const struct window *window, const struct usage_params *params, int unit)
{
    if (unit == CIVIL_MINUTE && !minutes_are_kept(window, params))
        return false;
    return count_points(window, unit) <= WINDOW_POINTS_MAX;
}

static bool check_unit(const struct window *window, const struct usage_params *params, struct refusal *refusal)
{
    if (unit_works(window, params, params->granularity))
        return true;
    g_autoptr(GString) works = g_string_new(NULL);
    for (int unit = CIVIL_MINUTE; unit <= CIVIL_MONTH; unit++)
        if (unit_works(window, params, unit))
            g_string_append_printf(works, "%s%s", works->len ? "|" : "", usage_granularity_name(unit));
    const char *why = "more than 10,000 points";
    if (params->granularity == CIVIL_MINUTE && params->endpoint != NULL)
        why = "minutes are not kept for each endpoint";
    else if (params->granularity == CIVIL_MINUTE && window->first_slot < window->minutes_first_slot)
        why = "minutes are kept for 48 hours, which serves the timeframes 1h and 24h";
    g_autofree char *words =
        g_strdup_printf("Invalid granularity for timeframe %s (%s)", usage_timeframe_name(params->timeframe), why);
    return refusal_set_value(refusal, "INVALID_GRANULARITY", words, "granularity", usage_granularity_name(params->granularity),
                             works->str);
}

static void set_slots(struct window *window, const struct usage_params *params, struct window_extent extent)
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
    /* The slot that is cut by "48 hours ago" may have lost minutes already. */
    int64_t kept = window_slot(window->now_ms) - SLOTS_KEPT + 1;
    window->minutes_first_slot = kept;
}

bool window_init(struct window *window, const struct usage_params *params, int64_t now_ms, struct window_extent extent,
                 struct refusal *refusal)
{
    *window = (struct window){.now_ms = now_ms, .unit = params->granularity};
    set_slots(window, params, extent);
    if (!check_unit(window, params, refusal))
        return false;
    window->n_points = count_points(window, window->unit);
    /* Minutes go on to the end of the last slot: its sum may hold events from ahead of the clock. */
    if (window->unit == CIVIL_MINUTE)
        window->n_points = window->n_slots * WINDOW_MINUTES_PER_SLOT;
    window->points = g_new(int64_t, window->n_points);
    int64_t start = civil_floor(window->from_ms, (enum civil_unit)window->unit);
    for (uint32_t i = 0; i < window->n_points; i++) {
        window->points[i] = start;
        start = civil_next(start, (enum civil_unit)window->unit);
    }
    return true;
}

void window_clear(struct window *window)
{
    g_free(window->points);
    *window = (struct window){0};
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
