/* open_sum: a measure to which thousands are added, one after the other: its histogram lies open, a place for each bucket, and only
 * what it comes to is put into a list. Owned by one thread. */
#ifndef DAYBOOK_OPEN_SUM_H
#define DAYBOOK_OPEN_SUM_H

#include "lib/histogram.h"
#include "lib/measure.h"

enum { OPEN_SUM_WORDS = (HISTOGRAM_BUCKETS + 63) / 64 };

struct open_buckets {
    uint64_t used[OPEN_SUM_WORDS]; /* a bit for each bucket that has a request */
    uint64_t requests[HISTOGRAM_BUCKETS];
};

/* All zero is an empty one on the heap, whose histogram is a list. */
struct open_sum {
    struct measure measure;    /* without latencies where the buckets are there */
    struct open_buckets *open; /* NULL: not open */
    uint32_t last_status;      /* index of the one counted last: mostly the next one's, too */
};

/* An empty one, whose histogram is a list. Its memory is the arena's; NULL: on the heap. */
void open_sum_init(struct open_sum *sum, struct arena *arena);
void open_sum_clear(struct open_sum *sum);
/* Opens the histogram. */
void open_sum_open(struct open_sum *sum);
/* The buckets of its histogram are under HISTOGRAM_BUCKETS, as those of all measures that were read. */
void open_sum_add(struct open_sum *sum, const struct measure *measure);
/* As measure_add. The histogram is opened when its list becomes long. */
void open_sum_count(struct open_sum *sum, uint32_t status, uint64_t latency_us, uint64_t request_bytes, uint64_t response_bytes,
                    bool histogram);
/* What it comes to, until it is changed. closed: room for HISTOGRAM_BUCKETS, which the measure borrows. */
struct measure open_sum_close(const struct open_sum *sum, struct tally *closed);
/* Keeps the memory, and stays open. */
void open_sum_empty(struct open_sum *sum);

/* Begins to bring what a count of this bucket will touch. */
static inline void open_sum_prefetch(const struct open_sum *sum, uint32_t bucket)
{
    __builtin_prefetch(sum->measure.statuses.items, 1);
    if (sum->open)
        __builtin_prefetch(&sum->open->requests[bucket], 1);
}

#endif
