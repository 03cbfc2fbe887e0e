/* recount_log: counts the log from its start, without any of the aggregator's code: records in, counts out. One thread.
 *
 * It is a second reading of ARCHITECTURE.md's rules, kept as simple as they can be put: hash tables in memory, one event at a time.
 */
#ifndef DAYBOOK_CLI_RECOUNT_LOG_H
#define DAYBOOK_CLI_RECOUNT_LOG_H

#include "cli/counts.h"
#include "cli/series.h"
#include "lib/record.h"

struct recount_log;

/* The counts and the series are filled in as records come; all three are borrowed. */
struct recount_log *recount_log_new(int n_partitions, struct names *names, struct counts *counts, struct series *series);
void recount_log_free(struct recount_log *log);
/* The next record of a partition, in the order of its log. timestamp_ms is Kafka's. */
void recount_log_take(struct recount_log *log, int partition, int64_t timestamp_ms, const void *data, size_t size);
/* The first minute of a partition whose bucket must still be in Redis, by the partition's clock. */
int64_t recount_log_oldest_minute(const struct recount_log *log, int partition);

#endif
