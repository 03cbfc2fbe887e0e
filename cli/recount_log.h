/* recount_log: reads the log from its start, without any of the aggregator's code: records in, events that count and seals out. One
 * thread.
 *
 * It is a second reading of ARCHITECTURE.md's rules, kept as simple as they can be put: hash tables in memory, one event at a time.
 * Who wants to know something of it listens. */
#ifndef DAYBOOK_CLI_RECOUNT_LOG_H
#define DAYBOOK_CLI_RECOUNT_LOG_H

#include "cli/counts.h"
#include "lib/record.h"

/* An event that counts, under the names that it counts under. Texts are of the pool. */
struct recount_event {
    int partition, revision;
    int64_t day, time_ms;
    const char *organization, *client;
    const char *user, *platform;   /* NULL if nobody wants them; "": none */
    const char *method, *template; /* over the cap: "" and KEYS_OTHER */
    const char *route;             /* METHOD " " template, or KEYS_OTHER */
    uint32_t status;
    uint64_t latency_us, request_bytes, response_bytes;
};

/* A seal that counts, with what the log says of the whole day up to it (PartitionDay of proto/usage.proto). */
struct recount_seal {
    int partition, revision;
    int64_t day;
    int64_t offset, clock_ms;
    int64_t first_offset, end_offset; /* of the records with events that count; 0 and 0: none */
    uint64_t events, late, duplicates, gaps, gap_batches, quarantined;
};

struct recount_erasure {
    int partition;
    const char *user, *pseudonym;
};

/* Functions may be NULL. */
struct recount_listener {
    void *opaque;
    bool users; /* users and platforms are wanted: they cost memory, for their caps */
    void (*event)(void *opaque, const struct recount_event *event);
    void (*seal)(void *opaque, const struct recount_seal *seal);
    void (*erasure)(void *opaque, const struct recount_erasure *erasure);
    /* Of partition 0, whether it counts or not. */
    void (*entry)(void *opaque, const struct ledger_link *link, struct view record);
};

struct recount_log;

/* sums, COUNTS_N_SUMS of them, are counted up as records come. All is borrowed. */
struct recount_log *recount_log_new(int n_partitions, struct names *names, uint64_t *sums, const struct recount_listener *listener);
void recount_log_free(struct recount_log *log);
/* The beginning of the partition's log is gone: a stream that is not known may be in the middle of its sequence. */
void recount_log_begins_late(struct recount_log *log, int partition);
/* The next record of a partition, in the order of its log. timestamp_ms is Kafka's. */
void recount_log_take(struct recount_log *log, int partition, int64_t offset, int64_t timestamp_ms, struct view record);
/* The first minute of a partition whose bucket must still be in Redis, by the partition's clock. */
int64_t recount_log_oldest_minute(const struct recount_log *log, int partition);

#endif
