/* buckets: the open minute and slot buckets of a partition, as absolute values in memory. Owned by one thread.
 *
 * Keys s, m, zs, zr and zm of lib/keys.h. Events are counted in two steps: buckets_place() finds where those of a record belong and
 * asks for what must be read first; when all have their place, buckets_count() counts them. So a record is counted whole or not at
 * all between two flushes.
 *
 * What is not in memory must be read before it is changed, unless it cannot exist: beyond the horizon (the newest minute ever
 * counted in the partition) there is nothing, and a client that the slot's sorted set does not know has no bucket in it. */
#ifndef DAYBOOK_BUCKETS_H
#define DAYBOOK_BUCKETS_H

#include "aggregator/symbols.h"
#include "lib/record.h"

struct buckets;
struct cell;
struct slot_client;
struct score;

/* Where one event is counted. The caller gives index, its number in the batch, and revision; the rest is found. */
struct place {
    uint32_t index;
    int revision;
    uint32_t route_name, user_name, platform_name;
    uint64_t key; /* of the slot's cell */
    struct generation *generation;
    struct client *symbols; /* NULL: something must be read first */
    struct slot_client *client;
    struct score *route;
    struct cell *slot;
    struct cell *minute; /* NULL: the minute's bucket is past its time */
    bool over_cap;
};

struct buckets *buckets_new(int partition, struct symbols *symbols, bool histograms);
void buckets_free(struct buckets *buckets);

/* Newest minute ever counted in the partition; 0 for none. It rises as places are found. */
int64_t buckets_horizon(const struct buckets *buckets);
void buckets_set_horizon(struct buckets *buckets, int64_t minute);

/* Finds the places of n events of a batch. clock_ms is the log clock. When it has asked for something (commit_asked), some places
 * are not found: commit_read, then once more. */
void buckets_place(struct buckets *buckets, struct commit *commit, const struct batch *batch, struct place *places, size_t n,
                   int64_t clock_ms);
/* Counts the events of the batch at hand in their places. */
void buckets_count(struct buckets *buckets, const struct place *places, size_t n);

size_t buckets_bytes(const struct buckets *buckets);
size_t buckets_dirty_bytes(const struct buckets *buckets);
/* Writes down in `due` when the minutes that the next flush writes are to be removed. */
void buckets_note_due(struct buckets *buckets, struct mirror *due);
void buckets_flush(struct buckets *buckets, struct payload *payload);
/* Forgets all but the newest slot and minute, or everything; only when clean. */
void buckets_trim(struct buckets *buckets, bool everything);

#endif
