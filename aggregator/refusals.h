/* refusals: what collectors refused (the rejections of batches): counts by day, reason and collector, and the newest samples.
 *
 * Both follow from the log alone: the day, and the time of a sample, are those of the log's clock. A day has at most
 * KEYS_REFUSALS_MAX pairs of reason and collector, then KEYS_OTHER in both places; it goes KEYS_REFUSALS_DAYS later, which `due`
 * knows. What a batch brings is called for by whoever admits it, so it is counted exactly once, as events are. Owned by one
 * thread. */
#ifndef DAYBOOK_REFUSALS_H
#define DAYBOOK_REFUSALS_H

#include "aggregator/mirror.h"
#include "lib/record.h"

struct refusals;

/* Borrows the partition's meta and due. */
struct refusals *refusals_new(int partition, struct mirror *meta, struct mirror *due);
void refusals_free(struct refusals *refusals);
/* Asks for the counts; they are there after the next commit_read. */
void refusals_load(struct refusals *refusals, struct commit *commit);

void refusals_count(struct refusals *refusals, const struct batch *batch, int64_t clock_ms);
/* Its time is over. */
void refusals_forget(struct refusals *refusals, int64_t day);
/* Writes what changed into the payload. */
void refusals_flush(struct refusals *refusals, struct payload *payload);

#endif
