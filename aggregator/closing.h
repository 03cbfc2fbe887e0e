/* closing: makes the sheets of a partition's sealed days, while it goes on counting. Owned by one thread.
 *
 * A seal freezes the buckets of its generation (aggregator/days.h), so there is no hurry. The sheet is made in pieces of some
 * milliseconds between the partition's other work; only what takes long without Redis (sorting, compressing, writing to the
 * archive) has a thread of its own. One sheet at a time in a process: what is in memory is bounded by the largest partition's day.
 *
 * Order: the rows are read and their sum is compared with the counts; the sheet goes to Redis, if there is none, and only while
 * token, n and history are ours; then to the archive; then the partition's next flush says that it is there. A kill at any place
 * means that it is begun again from the same frozen buckets, and gives the same bytes: what was written already is compared, not
 * replaced. A claim forgets the work.
 *
 * What Redis or the archive refuses holds the day open: counting goes on, closing_trouble() says why, and it is tried again. */
#ifndef DAYBOOK_CLOSING_H
#define DAYBOOK_CLOSING_H

#include "aggregator/days.h"
#include "lib/archive.h"

struct closing;

struct closing_settings {
    int partition;
    struct archive *archive; /* NULL: none; borrowed, as all that follows */
    int keep_days;           /* with an archive, sheets are removed from Redis so long after their day; 0: never */
    bool threads;            /* false: all in small steps on the caller's thread, at any time (the model test) */
    bool *sum_failed;        /* the rows were not what was counted: the partition is claimed again once, then it stops */
    struct commit *commit;
    struct days *days;
    struct mirror *meta, *due, *erasures;
    struct outbox *outbox;
};

struct closing *closing_new(const struct closing_settings *settings);
/* Gives up what is under way; waits for its thread: a second for each million rows, or for the archive's disk. */
void closing_free(struct closing *closing);

/* Works for some milliseconds. committed: next offset of the last flush. Errors of COMMIT_ERROR are the partition's. */
bool closing_step(struct closing *closing, int64_t committed, int64_t now_ms, GError **error);
/* Why a day is held open; NULL: it is not. */
const char *closing_trouble(const struct closing *closing);

#endif
