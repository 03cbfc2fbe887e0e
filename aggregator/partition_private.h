/* partition_private: the structure behind partition.h, shared by partition.c (claim, flush), partition_sweep.c (removal),
 * partition_feed.c (counting) and partition_close.c (records that close days). */
#ifndef DAYBOOK_PARTITION_PRIVATE_H
#define DAYBOOK_PARTITION_PRIVATE_H

#include "aggregator/buckets.h"
#include "aggregator/closing.h"
#include "aggregator/days.h"
#include "aggregator/ids.h"
#include "aggregator/partition.h"
#include "aggregator/refusals.h"

/* A stream is forgotten when its newest batch is this far behind the log clock. */
#define STREAM_KEPT_MS (30 * INT64_C(86400000))
/* A record this far ahead of our clock is a broker's mistake: counting it would make the log clock useless. */
#define CLOCK_AHEAD_MS INT64_C(3600000)

struct partition {
    int number;
    struct partition_settings settings;
    /* From here on: nothing, or as claimed. */
    struct commit *commit;
    struct commit_point point; /* of the last flush */
    int64_t next;              /* the first record that is not in memory */
    int64_t confirmed;         /* like point.next, of the flush before: it has answered */
    int64_t clock_ms;          /* log clock */
    bool check_fingerprint;    /* the record at next - 1 comes first */
    char fingerprint[64];      /* of the record at next - 1 */
    struct symbols *symbols;
    struct buckets *buckets;
    struct ids *ids;
    struct mirror *meta, *hw, *hb, *imports, *quarantine, *gaps, *due, *erasures;
    struct refusals *refusals;
    struct days *days;
    struct outbox *outbox;
    struct closing *closing;
    bool sum_failed; /* outlives a claim: see closing.h */
    GArray *places;  /* struct place: events of the batch at hand that are no duplicates */
    /* Pace. */
    size_t payload_limit;
    int64_t flushed_at_ms, checked_at_ms, swept_clock_ms; /* monotonic; log clock */
    int64_t now_ms;
    size_t memory_max;
    size_t dirty_when_looked; /* when the memory was added up */
    bool has_read;            /* from Redis, since then */
    uint64_t claims, flushes, payload_bytes;
};

void partition_fill_payload(struct partition *partition);
/* Commits what the payload holds, and empties it. */
bool partition_commit_payload(struct partition *partition, GError **error);
/* A flush of its own. */
bool partition_sweep(struct partition *partition, GError **error);
bool partition_flush(struct partition *partition, GError **error);
size_t partition_dirty_bytes(const struct partition *partition);
/* Time to flush, whatever the clock says: the payload or the memory is used up. */
bool partition_is_full(struct partition *partition);

/* ---- records ---- */
void partition_quarantine(struct partition *partition, const struct fed *fed, const char *reason);
void partition_take_seal(struct partition *partition, const struct fed *fed);
void partition_take_ledger(struct partition *partition, const struct fed *fed);
void partition_take_erasure(struct partition *partition, const struct fed *fed);

#endif
