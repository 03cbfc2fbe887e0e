#include "api/capacity.h"

#include "api/zone_days.h"
#include "lib/keys.h"

enum { DAYS_AT_ONCE = 366 /* so that periods never are too many, however long the window is */ };

/* Each period of the window, in order. */
typedef void take_period(struct capacity *capacity, enum civil_unit unit, struct capacity_peak period);

static void keep_larger(struct capacity_peak *peak, struct capacity_peak other)
{
    if (other.requests > peak->requests)
        *peak = other;
}

/* ---- by the clock of the zone ---- */

/* Behind those that are not smaller. */
static void rank(struct capacity *capacity, struct capacity_peak hour)
{
    size_t at = capacity->n_busiest;
    while (at > 0 && capacity->busiest[at - 1].requests < hour.requests)
        at--;
    if (at == CAPACITY_HOURS || hour.requests == 0)
        return;
    capacity->n_busiest = MIN(capacity->n_busiest + 1, CAPACITY_HOURS);
    for (size_t i = capacity->n_busiest - 1; i > at; i--)
        capacity->busiest[i] = capacity->busiest[i - 1];
    capacity->busiest[at] = hour;
}

static void take_local(struct capacity *capacity, enum civil_unit unit, struct capacity_peak period)
{
    keep_larger(unit == CIVIL_HOUR ? &capacity->hour : &capacity->day, period);
    if (unit == CIVIL_HOUR)
        rank(capacity, period);
}

/* ---- by the clock of limits ---- */

static void take_utc(struct capacity *capacity, enum civil_unit unit, struct capacity_peak period)
{
    static const enum limit_period periods[] = {[CIVIL_MINUTE] = LIMIT_MINUTE,
                                                [CIVIL_HOUR] = LIMIT_HOUR,
                                                [CIVIL_DAY] = LIMIT_DAY,
                                                [CIVIL_WEEK] = LIMIT_WEEK,
                                                [CIVIL_MONTH] = LIMIT_MONTH};
    keep_larger(&capacity->of_limits[periods[unit]], period);
}

/* ---- periods ---- */

static int64_t end_slot(const struct window *window)
{
    return window->first_slot + window->n_slots;
}

static uint64_t sum(const struct usage_table *table, int64_t from_slot, int64_t to_slot)
{
    uint64_t requests = 0;
    for (int64_t slot = from_slot; slot < to_slot; slot++)
        requests += table->slot_requests[slot - table->window->first_slot];
    return requests;
}

static void take_periods(struct capacity *capacity, const struct usage_table *table, const GArray *periods, enum civil_unit unit,
                         take_period *take)
{
    const struct window *window = table->window;
    for (guint i = 0; i < periods->len; i++) {
        const struct zone_period *period = &g_array_index(periods, struct zone_period, i);
        int64_t from_slot = MAX(period->from_slot, window->first_slot), to_slot = MIN(period->to_slot, end_slot(window));
        if (from_slot < to_slot)
            take(capacity, unit, (struct capacity_peak){sum(table, from_slot, to_slot), window_slot_ms(from_slot)});
    }
}

/* The dates of weeks and months lie in some of the chunks, so these are asked for by dates that hold whole ones. */
static void each_period(struct capacity *capacity, const struct usage_table *table, const struct tz *tz, enum civil_unit unit,
                        take_period *take)
{
    const struct window *window = table->window;
    const enum civil_unit dates = MAX(unit, CIVIL_DAY);
    const int64_t last = tz_day(tz, window_slot_ms(end_slot(window)) / 1000 - 1);
    int64_t day = civil_floor(tz_day(tz, window_slot_ms(window->first_slot) / 1000) * CIVIL_DAY_MS, dates) / CIVIL_DAY_MS;
    while (day <= last) {
        int64_t next = civil_next(civil_floor((day + DAYS_AT_ONCE) * CIVIL_DAY_MS, dates), dates) / CIVIL_DAY_MS;
        g_autoptr(GArray) periods = g_array_new(FALSE, FALSE, sizeof(struct zone_period));
        const bool ok = zone_periods(tz, day, next - 1, unit, periods, NULL);
        g_assert(ok);
        take_periods(capacity, table, periods, unit, take);
        day = next;
    }
}

static void find_minutes(struct capacity *capacity, const struct usage_table *table)
{
    capacity->has_minutes = table->window->has_minutes && table->n_minutes > 0;
    capacity->minutes_since_ms = table->first_minute * KEYS_MINUTE_MS;
    for (uint32_t i = 0; capacity->has_minutes && i < table->n_minutes; i++) {
        const int64_t minute = table->first_minute + i;
        const uint64_t requests = usage_table_minute(table, minute);
        capacity->minutes_requests += requests;
        keep_larger(&capacity->minute, (struct capacity_peak){requests, minute * KEYS_MINUTE_MS});
    }
    capacity->of_limits[LIMIT_MINUTE] = capacity->minute;
}

void capacity_find(struct capacity *capacity, const struct usage_table *table)
{
    const struct window *window = table->window;
    const struct tz *utc = tz_shared("UTC", NULL);
    g_assert(utc != NULL && window->n_slots > 0); /* the program does not start without the database */
    *capacity = (struct capacity){.from_ms = window->from_ms, .to_ms = window->to_ms};
    capacity->requests = sum(table, window->first_slot, end_slot(window));
    each_period(capacity, table, window->tz, CIVIL_HOUR, take_local);
    each_period(capacity, table, window->tz, CIVIL_DAY, take_local);
    for (int unit = CIVIL_HOUR; unit <= CIVIL_MONTH; unit++)
        each_period(capacity, table, utc, (enum civil_unit)unit, take_utc);
    find_minutes(capacity, table);
}
