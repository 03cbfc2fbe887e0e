/* warm: brings into memory what is asked first after a start: the last 24 hours of all keys, then the days of the last 90.
 *
 * Whoever opens the dashboard asks for them, and to read them from Redis takes a hundred times as long as to add up what was kept
 * of them (live_pieces.h, closed_pieces.h). So a thread with connections of its own asks, by the ordinary path, for one part of
 * them after the other, the newest first; what it reads is kept for all. It rests as long as it works, so that neither Redis nor
 * this process has less than half of its time for others. Every five minutes it asks for the last 24 hours again, which costs next
 * to nothing for what is there, and reads what was lost, because another aggregator took over a partition, say; and for the days
 * when one of them was closed. It does nothing where the pieces are not kept (LIVE_MEMBERS_MAX), and stops where others fill the
 * cache. */
#ifndef DAYBOOK_WARM_H
#define DAYBOOK_WARM_H

#include "api/live.h"
#include "lib/metrics.h"

struct warm_settings {
    struct redis_settings redis; /* its url is borrowed, like the next */
    int partitions_fallback;
    const struct live_sources *sources;
    struct metrics *metrics; /* METER_WARM_… */
};

struct warm;

/* NULL: there is no memory to bring anything into. */
struct warm *warm_start(const struct warm_settings *settings);
/* At once, but for the sheets of the day at hand. NULL is allowed. */
void warm_stop(struct warm *warm);

#endif
