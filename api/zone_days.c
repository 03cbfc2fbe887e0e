#include "api/zone_days.h"

#include <glib.h>

enum { DAY_S = 86400, HOUR_S = 3600 };

/* The first slot that begins at or after the instant. */
static int64_t slot_from(int64_t utc_s)
{
    return civil_divide(utc_s + ZONE_SLOT_S - 1, ZONE_SLOT_S);
}

static void append(GArray *periods, int64_t day, int64_t begin_s, int64_t end_s)
{
    struct zone_period period = {day, begin_s, end_s, slot_from(begin_s), slot_from(end_s)};
    g_array_append_val(periods, period);
}

/* The next change to another offset, or TZ_NEVER. */
static int64_t next_offset(const struct tz *tz, int64_t utc_s, int32_t offset_s)
{
    do
        utc_s = tz_next_change(tz, utc_s);
    while (utc_s != TZ_NEVER && tz_at(tz, utc_s).offset_s == offset_s);
    return utc_s;
}

/* From begin_s up to end_s, while there is room. */
static void append_hours(GArray *periods, guint room, const struct tz *tz, int64_t begin_s, int64_t end_s)
{
    int32_t offset_s = 0;
    int64_t until = begin_s; /* offset_s holds so long */
    for (int64_t t = begin_s; t < end_s && periods->len < room;) {
        if (t == until) {
            offset_s = tz_at(tz, t).offset_s;
            until = next_offset(tz, t, offset_s);
        }
        int64_t full_hour = civil_align(t + offset_s, HOUR_S) + HOUR_S - offset_s;
        int64_t next = MIN(MIN(full_hour, until), end_s);
        append(periods, civil_divide(t + offset_s, DAY_S), t, next);
        t = next;
    }
}

static void append_dates(GArray *periods, guint room, const struct tz *tz, int64_t first_day, int64_t last_day,
                         enum civil_unit unit)
{
    int64_t begin_s, end_s;
    tz_day_start(tz, first_day, &begin_s);
    for (int64_t day = first_day; day <= last_day && periods->len < room; begin_s = end_s) {
        int64_t start_ms = civil_floor(day * CIVIL_DAY_MS, unit);
        day = MIN(civil_next(start_ms, unit) / CIVIL_DAY_MS, last_day + 1);
        tz_day_start(tz, day, &end_s);
        if (begin_s < end_s)
            append(periods, start_ms / CIVIL_DAY_MS, begin_s, end_s);
    }
}

static void append_skipped(GArray *skipped, const struct tz *tz, int64_t first_day, int64_t last_day)
{
    int64_t start_s;
    for (int64_t day = first_day; day <= last_day; day++) {
        if (!tz_day_start(tz, day, &start_s))
            g_array_append_val(skipped, day);
    }
}

bool zone_periods(const struct tz *tz, int64_t first_day, int64_t last_day, enum civil_unit unit, GArray *periods, GArray *skipped)
{
    g_assert(unit != CIVIL_MINUTE);
    first_day = MAX(first_day, civil_divide(TZ_TIME_MIN_S, DAY_S));
    last_day = MIN(last_day, civil_divide(TZ_TIME_MAX_S, DAY_S) - 1);
    guint before = periods->len, room = before + ZONE_PERIODS_MAX + 1;
    if (unit == CIVIL_HOUR && first_day <= last_day) {
        int64_t begin_s, end_s;
        tz_day_start(tz, first_day, &begin_s);
        tz_day_start(tz, last_day + 1, &end_s);
        append_hours(periods, room, tz, begin_s, end_s);
    } else {
        append_dates(periods, room, tz, first_day, last_day, unit);
    }
    if (periods->len == room) {
        g_array_set_size(periods, before);
        return false;
    }
    if (skipped != NULL)
        append_skipped(skipped, tz, first_day, last_day);
    return true;
}

void zone_utc_days(const struct zone_period *period, int64_t *first, int64_t *last)
{
    *first = civil_divide(period->from_slot, ZONE_SLOTS_PER_DAY);
    *last = civil_divide(period->to_slot - 1, ZONE_SLOTS_PER_DAY);
}

size_t zone_format(char out[ZONE_TEXT_MAX], const struct tz *tz, int64_t utc_s)
{
    struct tz_offset at = tz_at(tz, utc_s);
    int64_t local_s = CLAMP(utc_s, TZ_TIME_MIN_S - DAY_S, TZ_TIME_MAX_S + DAY_S) + at.offset_s;
    size_t length = civil_format(out, CLAMP(local_s, TZ_TIME_MIN_S, TZ_TIME_MAX_S - 1) * 1000);
    if (g_str_equal(at.abbreviation, "UTC"))
        return length;
    int distance_s = ABS(at.offset_s);
    length--; /* over the Z */
    length += (size_t)g_snprintf(out + length, ZONE_TEXT_MAX - length, "%c%02d:%02d", at.offset_s < 0 ? '-' : '+',
                                 distance_s / HOUR_S, distance_s / 60 % 60);
    if (distance_s % 60 != 0)
        length += (size_t)g_snprintf(out + length, ZONE_TEXT_MAX - length, ":%02d", distance_s % 60);
    return length;
}

void zone_write(struct writer *writer, const char *key, const struct tz *tz, int64_t time_ms)
{
    char text[ZONE_TEXT_MAX];
    writer_text(writer, key, view_make(text, zone_format(text, tz, civil_divide(time_ms, 1000))));
}

void zone_format_utc_day(char begin[ZONE_TEXT_MAX], char end[ZONE_TEXT_MAX], const struct tz *tz, int64_t utc_day)
{
    int64_t day = CLAMP(utc_day, civil_divide(TZ_TIME_MIN_S, DAY_S), civil_divide(TZ_TIME_MAX_S, DAY_S));
    zone_format(begin, tz, day * DAY_S);
    zone_format(end, tz, (day + 1) * DAY_S);
}
