/* days: how far every day is in a partition, and what came for the revisions that are open. Owned by one thread.
 *
 * Keys days, open, streams and closed of lib/keys.h. A day's open revision is its last sealed one + 1: all that is counted now
 * belongs to it. A seal (proto/usage.proto) ends it: what the log says of it so far is written down as a PartitionDay, without a
 * sheet; the buckets of that generation never change again, and its sheet can be made at leisure (aggregator/closing.h). */
#ifndef DAYBOOK_DAYS_H
#define DAYBOOK_DAYS_H

#include "aggregator/mirror.h"
#include "aggregator/outbox.h"
#include "lib/ledger.h"

struct days;

struct day {
    int64_t number; /* since 1970-01-01 */
    struct day_state state;
    struct open_day open; /* what came for revision state.sealed + 1 */
    bool has_open;        /* anything did */
    int64_t seal_offset;  /* of the last seal, if it came under this claim; else 0 */
    int64_t retry_at_ms;  /* monotonic: its sheet could not be made; 0: nothing is wrong */
    bool dirty, open_dirty;
};

struct days *days_new(int partition, struct outbox *outbox); /* borrowed */
void days_free(struct days *days);
/* Asks for all of it; days_learn takes it in after the next commit_read. */
void days_load(struct days *days, struct commit *commit);
bool days_learn(struct days *days, GError **error);

/* The day, made if need be; valid until days_free. */
struct day *days_get(struct days *days, int64_t number);
/* The first day that has a sealed revision without a sheet, and all that its sheet is made of in Redis, and is not to wait until
 * later; NULL: none. committed: next offset of the last flush. */
struct day *days_unfinished(const struct days *days, int64_t committed, int64_t now_ms);
/* Whether the sheet of any day waits for a reason of its own (retry_at_ms). */
bool days_held(const struct days *days);

/* Offsets begin again. */
void days_new_log(struct days *days);

/* ---- what came ---- */

/* n events of the day in the record at this offset. */
void days_count(struct day *day, uint64_t n, int64_t offset, int64_t clock_ms);
void days_duplicates(struct day *day, uint64_t n);
void days_gap(struct day *day, uint64_t batches);
void days_quarantined(struct day *day);
/* A stream (32 hex digits) was heard on the day; sequence 0: by a heartbeat. */
void days_heard(struct days *days, const struct day *day, const char *stream, uint64_t sequence);

/* ---- closing ---- */

struct seal_point {
    int64_t offset, clock_ms; /* of the seal in the log */
    enum seal_reason reason;
    int64_t incomplete_before_ms; /* days that begin before this were not seen from their beginning on; 0: none */
    int64_t forgotten_ms;         /* nothing is said of streams by what is not later: Redis may have let go of it, or not yet */
};
/* Ends the day's open revision. hw, hb: what is known of the streams. */
void days_seal(struct days *days, struct day *day, const struct seal_point *point, const struct mirror *hw,
               const struct mirror *hb);
/* The sheet of the day's revision state.sheeted + 1 is there: result is what there is to say of it. */
void days_finish(struct days *days, struct day *day, const struct partition_day *result);
/* The day's next revision is in the ledger. */
void days_enter_ledger(struct day *day);

void days_flush(struct days *days, struct payload *payload);

#endif
