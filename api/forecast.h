/* forecast: what will have been used at the end of a period, if it goes on as it did so far.
 *
 * The forecast is linear: what was used, divided by the time that has passed of the period, times the period's length, or times
 * whatever else is asked about. Integers only; each result is rounded once, as said below. Pure functions. */
#ifndef DAYBOOK_FORECAST_H
#define DAYBOOK_FORECAST_H

#include <stdbool.h>
#include <stdint.h>

/* used · length / elapsed, rounded half up, UINT64_MAX where it would be more. A period of which nothing has passed yet, or that is
 * over (elapsed_ms >= length_ms), has just what was used. length_ms is positive. */
uint64_t forecast_end(uint64_t used, int64_t elapsed_ms, int64_t length_ms);
/* After how many ms from the period's begin `limit` is reached: elapsed · limit / used, rounded up; it can lie beyond the period's
 * end. False: it is not to be foreseen, because nothing was used, no time has passed, or the time does not fit. A limit that was
 * reached already gives a time that is not later than elapsed_ms. */
bool forecast_reach(uint64_t used, int64_t elapsed_ms, uint64_t limit, int64_t *after_ms);

#endif
