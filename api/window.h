/* window: the stretch of time that an answer is about, in 15-minute slots and in the points of its series.
 *
 * A window begins on a slot boundary, so that totals, series and breakdowns are sums of whole slots: the slots from first_slot on,
 * n_slots of them. Points are the minutes, hours, days, weeks or months of a time zone that the window touches, its stretches of
 * six hours (from midnight by the zone's clock), or one for the whole; a point at either end counts only what is inside the window.
 * A slot counts for the point in which it begins (zone_days.h), so it is in one point.
 *
 * There are two kinds. One by its timeframe ends now: its last slot is the one that holds now. (For timeframe all it begins with
 * the slot of the first event, and goes on to the last one where events lie ahead of the clock.) One by its range has any beginning
 * and end; slots are only those that can hold events, while points cover all of it. What Get Usage is asked for by since and until
 * has such slots and points, but where it holds now it ends now, as one by its timeframe: what is still to come counts only where
 * there are events. Read-only once made; the zone is borrowed. */
#ifndef DAYBOOK_WINDOW_H
#define DAYBOOK_WINDOW_H

#include "api/usage_params.h"

enum {
    WINDOW_POINTS_MAX = 10000,    /* that an answer shows */
    WINDOW_POINTS_LIMIT = 100000, /* that are summed up */
    WINDOW_MINUTES_KEPT_H = 48,
    WINDOW_DAYS_AHEAD = 1, /* how far beyond today events from ahead of the clock are looked for */
};

/* Units of points besides those of enum civil_unit. */
enum window_unit { WINDOW_SIX_HOURS = CIVIL_MONTH + 1, WINDOW_WHOLE, WINDOW_UNIT_N, WINDOW_SLOTS /* nobody can ask for it */ };

struct window {
    int64_t now_ms;
    int64_t from_ms, to_ms; /* [from, to) */
    int64_t first_slot;     /* slots since 1970: slot s begins at s · 15 min */
    uint32_t n_slots;       /* 0 only of a range in which there cannot be events */
    int unit;               /* enum civil_unit or window_unit */
    const struct tz *tz;
    uint32_t n_points;
    int64_t *points;            /* start of each, ms */
    bool has_minutes;           /* minutes are read, for the peak or the series */
    int64_t minutes_first_slot; /* first slot of the window whose minutes are all kept */
};

/* The slots that hold the first and the last event of what is asked for; only windows from the first event on need them. */
struct window_extent {
    int64_t first_slot, last_slot;
};

struct window_range {
    int64_t from_ms, to_ms; /* [from, to), widened to slots */
    bool from_first;        /* it begins with the first event instead */
    bool to_last;           /* with from_first: it goes on to the last event, if that is later than to_ms */
    int unit;
    const struct tz *tz; /* NULL: UTC */
    uint32_t points_max; /* 0: WINDOW_POINTS_MAX; at most WINDOW_POINTS_LIMIT */
    bool minutes;        /* those of its slots that are kept are read, for the peak */
};

/* By its timeframe, or since and until. False: refused, with what would work. */
bool window_init(struct window *window, const struct usage_params *params, int64_t now_ms, struct window_extent extent,
                 struct refusal *refusal);
/* By its range; not in minutes, which are not kept for long. False: refused, it has too many points. */
bool window_init_range(struct window *window, const struct window_range *range, int64_t now_ms, struct window_extent extent,
                       struct refusal *refusal);
/* Widens [*from_ms, *to_ms), which is not empty, to whole points of a unit, and to slots. */
void window_align(const struct tz *tz, int unit, int64_t *from_ms, int64_t *to_ms);
/* Some slots, each a point by itself; with their minutes, or without any. */
void window_init_slots(struct window *window, int64_t first_slot, uint32_t n_slots, bool has_minutes);
/* Slots [first_slot, first_slot + n_slots) of a window that is not in minutes, in its points; without minutes. */
void window_init_part(struct window *part, const struct window *window, int64_t first_slot, uint32_t n_slots);
void window_clear(struct window *window);
bool window_holds_now(const struct window *window);
/* After the last slot of those that have begun when it ends. */
int64_t window_end_slot(const struct window *window);
/* Index of the point that counts a slot (not for minutes: a slot has fifteen). */
uint32_t window_point(const struct window *window, int64_t slot);
/* The part of a point that is inside the window: [*from_ms, *to_ms). */
void window_point_span(const struct window *window, uint32_t point, int64_t *from_ms, int64_t *to_ms);
int64_t window_slot(int64_t ms);
int64_t window_slot_ms(int64_t slot);
const char *window_unit_name(int unit); /* "hour", "21600", "eternity" */

#endif
