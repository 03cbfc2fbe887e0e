/* capacity_answer: capacity as JSON. Times are those of the zone with its offset. Pure but for the writing. */
#ifndef DAYBOOK_CAPACITY_ANSWER_H
#define DAYBOOK_CAPACITY_ANSWER_H

#include "api/capacity.h"
#include "api/usage_limits.h"
#include "api/writer.h"

/* What is answered; everything is borrowed. */
struct capacity_answer {
    const struct capacity *capacity;
    const struct tz *tz;
    const struct client_limits *limits; /* NULL: there are none for what was asked */
    int64_t finalized_through;          /* FINALITY_NONE: no day */
    int64_t now_ms;
};

void capacity_answer_write(GString *out, const struct capacity_answer *answer);
/* value · span / (total · unit), times 1000, rounded half up; 0 where there is nothing: how many times the average of a span a peak
 * of one unit of time is. UINT64_MAX where it would be more. */
uint64_t capacity_times(uint64_t peak, int64_t unit_ms, uint64_t total, int64_t span_ms);

#endif
