/* live: answers what was used from the live buckets in Redis.
 *
 * live_read goes through the generations of the window in groups of bounded size; for each: who (members), when (members_see),
 * how much (buckets_read), and minutes (minutes_read). Each step is pipelined, so one client over a day costs a handful of
 * round trips. There is no snapshot: what is counted while it is read may or may not be in, but every number of the answer is a
 * sum of the same slots. */
#ifndef DAYBOOK_LIVE_H
#define DAYBOOK_LIVE_H

#include "api/reader.h"
#include "api/refusal.h"
#include "api/usage_table.h"

struct live {
    struct window window;
    struct usage_table *table;
    uint32_t settled; /* slots whose minutes had to be settled */
};

enum live_outcome { LIVE_ANSWERED, LIVE_REFUSED, LIVE_FAILED };

/* LIVE_ANSWERED: live is filled, live_clear it. LIVE_REFUSED: the refusal says why (no such key, granularity). LIVE_FAILED:
 * error. */
enum live_outcome live_read(struct live *live, struct reader *reader, const struct usage_params *params, int64_t now_ms,
                            struct refusal *refusal, GError **error);
void live_clear(struct live *live);

#endif
