/* stats_range: the stretch of time that a statistic is about, and the one before it.
 *
 * Ends lie where the zone's clock shows them, and are widened to whole hours, stretches of six, days or months, as the granularity
 * is. A period without a beginning ends now. Averages of a range that reaches beyond now go to the end of the running day or hour:
 * what is still to come is no day without requests. The range before has as many months, or dates, or as much time, and ends where
 * this one begins. Pure. */
#ifndef DAYBOOK_STATS_RANGE_H
#define DAYBOOK_STATS_RANGE_H

#include "api/stats_params.h"

struct stats_range {
    struct window_range window; /* may begin with the first event */
    int64_t before_ms;          /* where the range before begins; that of a range from the first event is empty */
};

/* False: refused. now_ms: Unix time. */
bool stats_range_init(struct stats_range *range, const struct stats_params *params, int64_t now_ms, struct refusal *refusal);

#endif
