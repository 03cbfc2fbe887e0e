/* closing_reader: what the closer reads of Redis. It writes nothing.
 *
 * One connection to each server. A partition's days are read again when its counters of seals, sheets and entries have moved, in
 * the round after that once more (the counters and the days are written one after the other), and every half minute whatever they
 * say; what came for open days is read each time. So the view of a partition can be of two moments: closing_plan.h says why that
 * does no harm. After an error everything is forgotten and begun again.
 *
 * Owned by one thread. A reply that does not come ends a call after two seconds. */
#ifndef DAYBOOK_CLOSING_READER_H
#define DAYBOOK_CLOSING_READER_H

#include "aggregator/closing_plan.h"
#include "lib/redis.h"

struct closing_reader;

struct closing_reader *closing_reader_new(const char *redis_url); /* borrowed */
void closing_reader_free(struct closing_reader *reader);
/* Drops the connections and all that was read. */
void closing_reader_forget(struct closing_reader *reader);

/* Reads what is new of so many partitions. */
bool closing_reader_read(struct closing_reader *reader, int partitions, GError **error);
/* Borrowed, until the next read; the caller sets closing_partition.caught_up. */
struct closing_view *closing_reader_view(struct closing_reader *reader);
/* The checksum of the last entry of the ledger; NULL: there is none. */
const uint8_t *closing_reader_checksum(const struct closing_reader *reader);
/* Offset of the first record that the partition has not counted. */
int64_t closing_reader_next(const struct closing_reader *reader, int partition);
/* The connection to the partition's server, borrowed. */
struct redis *closing_reader_redis(const struct closing_reader *reader, int partition);

/* What the partition says of a sealed revision; NULL with REDIS_ERROR_REPLY: it cannot be read, or there is none. */
struct partition_day *closing_reader_closed(struct closing_reader *reader, int partition, const struct closing_entry *entry,
                                            GError **error);
/* The entry of the ledger. */
struct ledger_entry *closing_reader_entry(struct closing_reader *reader, const struct closing_entry *entry, GError **error);

#endif
