/* partition: everything that one owner knows and does for one partition. Owned by one thread.
 *
 * Life: partition_new; then, as often as needed, partition_claim and, from partition_position() on, partition_feed and
 * partition_tick; any failure of these means: partition_forget, and claim again (after COMMIT_ERROR_LOST and _FENCED soon, after
 * COMMIT_ERROR_DAMAGED only when someone has mended it). Everything that decides what is counted is taken from the log: see
 * commit.h and ARCHITECTURE.md. */
#ifndef DAYBOOK_PARTITION_H
#define DAYBOOK_PARTITION_H

#include "aggregator/commit.h"
#include "aggregator/feed.h"

struct partition;

struct partition_settings {
    const char *topic;
    bool accept_new_log; /* a topic of another name is a new log: begin at 0, keep the counts */
    bool histograms;
    int flush_interval_ms;
    size_t payload_max_bytes; /* flush.max_payload_bytes */
    struct payload *payload;  /* for one flush at a time: shared by the partitions of a thread, borrowed */
    struct archive *archive;  /* where sheets are kept besides; NULL: nowhere; borrowed */
    int keep_days;            /* that a sheet stays in Redis; 0: for ever */
    bool single_threaded;     /* sheets too are made on the caller's thread */
    /* Connects to the partition's Redis; the tests have another. */
    struct store *(*connect)(void *opaque, int partition, GError **error);
    /* 32 hex digits, never the same twice. */
    void (*token)(void *opaque, char token[33]);
    void *opaque;
};

struct partition_stats {
    uint64_t claims, flushes, payload_bytes;
    uint64_t events, duplicates, duplicate_batches, duplicate_batch_events, quarantined, quarantined_events, gaps, gap_batches,
        other_crc, over_cap, refused; /* as in meta: since the beginning of the counts */
    int64_t clock_ms;
    int64_t committed; /* next offset, committed */
    size_t memory_bytes;
};

struct partition *partition_new(int number, const struct partition_settings *settings);
void partition_free(struct partition *partition);
int partition_number(const struct partition *partition);

bool partition_claim(struct partition *partition, GError **error);
/* Drops the connection and all that was not committed. */
void partition_forget(struct partition *partition);

/* Where to read from: one before the next record, so that its fingerprint can be compared; or 0. */
int64_t partition_position(const struct partition *partition);
/* Is the log, of which [low, high) is still there, one that we can go on with? COMMIT_ERROR_DAMAGED says what to do if not. May
 * move the position. */
bool partition_check_log(struct partition *partition, int64_t low, int64_t high, GError **error);

/* Records in the order of the log, at most FEED_MAX; those below the position are passed over. */
bool partition_feed(struct partition *partition, struct feed *feed, const struct log_record *records, size_t n, GError **error);
/* Flushes what is due, checks an idle claim each second, removes what is due by the log clock. now_ms: monotonic. behind: more of
 * the log is waiting already. */
bool partition_tick(struct partition *partition, int64_t now_ms, bool behind, GError **error);
/* Flushes everything and waits. */
bool partition_settle(struct partition *partition, GError **error);

/* Memory that the open buckets may use; more is forgotten after a flush and read again when needed. */
void partition_set_memory(struct partition *partition, size_t bytes);
/* Why a day is held open; NULL: none is. Borrowed until the next call. */
const char *partition_trouble(const struct partition *partition);
void partition_stats(const struct partition *partition, struct partition_stats *stats);

#endif
