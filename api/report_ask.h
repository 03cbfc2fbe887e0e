/* report_ask: what a report asks: its days one by one, and groups over all of them together.
 *
 * Each is a question of report.h about the same days at the same pin, with the same filter, so all agree. Where days between are
 * left out, groups of the runs of days are added up here. Owned by one thread; everything in it is borrowed. */
#ifndef DAYBOOK_REPORT_ASK_H
#define DAYBOOK_REPORT_ASK_H

#include "api/report_range.h"

struct report_ask {
    const struct report_place *place;
    const struct report_range *range; /* after report_range_choose */
    struct closed_days *days;         /* NULL if the range has no UTC days */
    struct report_filter filter;      /* its lists are borrowed */
    uint32_t groups_max;
};

/* Rows of sheets that one question looks at. */
uint64_t report_ask_cost(const struct report_ask *ask);
/* One row for each day that is shown, in order, also if it has no requests; row->period is its index in range->days. */
bool report_ask_days(const struct report_ask *ask, struct report_sink sink, GError **error);
/* The groups (enum report_group) of all days together, sorted, the first `top` of them, or all if it is 0; row->period is 0. n: how
 * many there are. */
bool report_ask_groups(const struct report_ask *ask, uint32_t group, uint32_t top, struct report_sink sink, uint64_t *n,
                       GError **error);

#endif
