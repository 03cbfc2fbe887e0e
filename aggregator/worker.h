/* worker: one counting thread: its Kafka reader, and the partitions that it owns.
 *
 * The main thread tells a worker which partitions it has (worker_assign) and that is all they share, but for a board under a lock,
 * on which the worker writes how its partitions are. A partition that fails is forgotten and claimed again after a growing random
 * pause, for as long as it is assigned. */
#ifndef DAYBOOK_WORKER_H
#define DAYBOOK_WORKER_H

#include "aggregator/partition.h"
#include "lib/config.h"
#include "lib/kafka.h"
#include "lib/metrics.h"

struct worker;

struct worker_settings {
    struct kafka_settings kafka;
    struct redis_settings redis;
    struct partition_settings partition; /* connect, token and opaque are the worker's own */
    size_t memory_bytes;                 /* for the open buckets of this thread */
    struct metrics *metrics;
};

/* Settings are copied; what they point to outlives the worker. */
struct worker *worker_start(const struct worker_settings *settings, GError **error);
/* From now on these partitions and no others. Returns when those that were taken away are settled and closed. */
void worker_assign(struct worker *worker, const int *partitions, size_t n);
/* Settles everything (at most a few seconds), ends the thread and frees. */
void worker_stop(struct worker *worker);

/* Appends one line for each partition that is not running, or holds a day open: "partition 3: …". Returns how many partitions are
 * assigned. */
size_t worker_report(struct worker *worker, GString *out);

/* How far a partition is, at most a second ago. */
struct worker_stand {
    int partition;
    bool running;       /* else the next are not known */
    int64_t next, high; /* first record that is not counted for good; the end of the log as Kafka last said it, -1: it does not */
};
/* Appends those of the partitions that are assigned. */
void worker_stands(struct worker *worker, GArray *stands);

#endif
