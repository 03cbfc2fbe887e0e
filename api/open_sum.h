/* open_sum: a measure to which thousands are added, one after the other: its histogram lies open, a place for each bucket, and only
 * what it comes to is put into a list. Owned by one thread. */
#ifndef DAYBOOK_OPEN_SUM_H
#define DAYBOOK_OPEN_SUM_H

#include "lib/histogram.h"
#include "lib/measure.h"

enum { OPEN_SUM_WORD_BITS = 64, OPEN_SUM_WORDS = (HISTOGRAM_BUCKETS + OPEN_SUM_WORD_BITS - 1) / OPEN_SUM_WORD_BITS };

/* All zero is an empty one whose histogram is a list, too. */
struct open_sum {
    struct measure measure; /* without latencies where buckets are there */
    uint64_t *buckets;      /* requests by bucket; NULL: not open */
    uint64_t used[OPEN_SUM_WORDS];
    int64_t last_slot;    /* newest slot of what was added */
    uint32_t last_status; /* index of the one counted last: mostly the next one's, too */
};

/* Opens the histogram of an empty one. */
void open_sum_begin(struct open_sum *sum);
void open_sum_clear(struct open_sum *sum);
/* The buckets of its histogram are under HISTOGRAM_BUCKETS, as those of all measures that were read. */
void open_sum_add(struct open_sum *sum, int64_t slot, const struct measure *measure);
/* What it comes to, until it is emptied. closed: room for HISTOGRAM_BUCKETS, which the measure borrows. */
struct measure open_sum_close(const struct open_sum *sum, struct tally *closed);
/* Keeps the memory. */
void open_sum_empty(struct open_sum *sum);

#endif
