/* window: the stretch of time that an answer is about, in 15-minute slots and in the points of its series.
 *
 * A window ends now and begins on a slot boundary, so that totals, series and breakdowns are sums of whole slots: the slots
 * from first_slot on, n_slots of them, the last being the one that holds now. (For timeframe all it begins with the slot of the
 * first event, and goes on to the last one where events lie ahead of the clock.) Points are the aligned minutes, hours, days,
 * weeks or months that the window touches; a point at either end counts only what is inside the window. Read-only after
 * window_init. */
#ifndef DAYBOOK_WINDOW_H
#define DAYBOOK_WINDOW_H

#include "api/usage_params.h"

enum {
    WINDOW_POINTS_MAX = 10000,
    WINDOW_MINUTES_PER_SLOT = 15,
    WINDOW_MINUTES_KEPT_H = 48,
};

struct window {
    int64_t now_ms;
    int64_t from_ms, to_ms; /* [from, to) */
    int64_t first_slot;     /* slots since 1970: slot s begins at s · 15 min */
    uint32_t n_slots;
    int unit; /* enum civil_unit */
    uint32_t n_points;
    int64_t *points;            /* start of each, ms */
    int64_t minutes_first_slot; /* first slot of the window whose minutes are all kept */
};

/* The slots that hold the first and the last event of what is asked for; only timeframe all needs them. */
struct window_extent {
    int64_t first_slot, last_slot;
};

/* False: refused, with what would work. */
bool window_init(struct window *window, const struct usage_params *params, int64_t now_ms, struct window_extent extent,
                 struct refusal *refusal);
void window_clear(struct window *window);
/* Index of the point that counts a slot (not for minutes: a slot has fifteen). */
uint32_t window_point(const struct window *window, int64_t slot);
int64_t window_slot(int64_t ms);
int64_t window_slot_ms(int64_t slot);

#endif
