/* buckets: the open minute and slot buckets of a partition, as absolute values in memory. Owned by one thread.
 *
 * Keys s, m, zs, zr and zm of lib/keys.h. An event is counted in two steps: buckets_place() finds where it belongs and asks for
 * what must be read first; when all events of a record have their place, buckets_count() counts them. So a record is counted whole
 * or not at all between two flushes.
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

/* Where one event is counted. */
struct place {
    struct generation *generation;
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

/* The batch whose events are placed next. Once per pass over it. */
void buckets_begin(struct buckets *buckets, const struct batch *batch);
/* False: something was asked for; go on with the other events, commit_read, and begin again. clock_ms is the log clock. */
bool buckets_place(struct buckets *buckets, struct commit *commit, size_t index, int revision, int64_t clock_ms,
                   struct place *place);
void buckets_count(struct buckets *buckets, const struct place *place, size_t index);

size_t buckets_bytes(const struct buckets *buckets);
size_t buckets_dirty_bytes(const struct buckets *buckets);
/* Writes down in `due` when the minutes that the next flush writes are to be removed. */
void buckets_note_due(struct buckets *buckets, struct mirror *due);
void buckets_flush(struct buckets *buckets, struct payload *payload);
/* Forgets all but the newest slot and minute, or everything; only when clean. */
void buckets_trim(struct buckets *buckets, bool everything);

#endif
