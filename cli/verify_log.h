/* verify_log: does the log say what the ledger and the sheets say? Reads the topic from its start, on the simple path of
 * cli/recount_log.h, makes every sheet anew, and compares the bytes. One thread.
 *
 * Days of which everything stands in the log can be made anew even when its beginning is gone. Memory is bounded: when the rows of
 * all days that are open at once are too many, the latest days wait for another reading of the log. */
#ifndef DAYBOOK_CLI_VERIFY_LOG_H
#define DAYBOOK_CLI_VERIFY_LOG_H

#include "cli/chain.h"
#include "cli/dates.h"
#include "cli/finding.h"
#include "lib/archive.h"
#include "lib/kafka.h"

struct log_check {
    const struct chain *chain; /* without faults */
    struct shards *shards;
    struct archive *archive; /* NULL: none */
    const char *redis_url;
    struct kafka_settings kafka;
    const char *topic;
    struct date_range range;
    size_t memory_max; /* bytes of rows; at least one day is worked on */
    bool progress;     /* to stderr */
    /* out */
    uint64_t records, sheets, entries; /* read; made anew and compared; found in the log and compared */
    uint64_t passes;
    uint64_t without_histograms; /* rows whose latency histograms could not be compared, since none were kept */
    GPtrArray *left_out;         /* char *: days that could not be made anew, and why; caller unrefs */
};

/* Sets *finding to the first difference, or NULL. False: it cannot be found out. */
bool verify_log(struct log_check *check, struct finding **finding, GError **error);

#endif
