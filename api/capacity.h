/* capacity: when most was asked for, and how much: what planning needs to know of a window. Pure: no I/O.
 *
 * Peaks are sums of the same slots as everything else that is said of the window. An hour is one by the clock of the zone, from one
 * full hour, or change of the clock, to the next (zone_days.h); of the first and the last one of the window only what lies inside
 * is counted. Minutes are kept for 48 hours only. Of equal peaks the first one is told. Limits have windows of UTC, so for them
 * there are peaks of UTC. */
#ifndef DAYBOOK_CAPACITY_H
#define DAYBOOK_CAPACITY_H

#include "api/limit_rule.h"
#include "api/usage_table.h"

enum { CAPACITY_HOURS = 10 };

struct capacity_peak {
    uint64_t requests; /* 0: there was none, and at_ms says nothing */
    int64_t at_ms;     /* where the minute, hour, … begins; not before the window */
};

struct capacity {
    uint64_t requests;         /* of the window */
    int64_t from_ms, to_ms;    /* the window */
    bool has_minutes;          /* if not, the next two say nothing */
    int64_t minutes_since_ms;  /* from when on minutes are kept, in the window */
    uint64_t minutes_requests; /* of the minutes from then on */
    struct capacity_peak minute, hour, day;
    struct capacity_peak busiest[CAPACITY_HOURS]; /* hours, those with the most requests first, then the earlier */
    size_t n_busiest;
    struct capacity_peak of_limits[LIMIT_PERIOD_N]; /* by the clock of UTC */
};

/* The table's window is one by timeframe, in its zone. */
void capacity_find(struct capacity *capacity, const struct usage_table *table);

#endif
