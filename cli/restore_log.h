/* restore_log: an empty Redis, the archive, and a log whose beginning is gone: makes the state from which the aggregator goes on at
 * the log's first record. */
#ifndef DAYBOOK_CLI_RESTORE_LOG_H
#define DAYBOOK_CLI_RESTORE_LOG_H

#include "cli/restore_fill.h"
#include "lib/kafka.h"

struct restore_log_count {
    int restored;                 /* partitions */
    int whole;                    /* whose log begins at 0: the aggregator counts them again by itself */
    int live;                     /* that had counts already: left as they are */
    int64_t incomplete_before_ms; /* what is not in the ledger and begins before is not proved; 0: nothing */
};

struct restore_log_settings {
    struct kafka_settings kafka;
    const char *topic, *redis_url;
};

/* Sets restore->shards, which the caller frees. False: it cannot be done, or was not finished; then it is to be run again. */
bool restore_log(struct restore *restore, const struct restore_log_settings *settings, struct restore_log_count *count,
                 GError **error);

#endif
