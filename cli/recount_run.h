/* recount_run: reads the log and Redis up to a common point, and compares. One thread.
 *
 * The common point: `next` of every partition's commit record says how much of its log is counted. The log is read up to there,
 * then Redis is read, and then `next` again. If what came in between would have changed the counts, the round is repeated (the log
 * is only read on). A difference is believed only when it is seen twice without a change, since between a commit and the answers to
 * its applies Redis is behind its own commit record for a moment. */
#ifndef DAYBOOK_CLI_RECOUNT_RUN_H
#define DAYBOOK_CLI_RECOUNT_RUN_H

#include "cli/counts.h"
#include "cli/lag.h"
#include "cli/recount_store.h"
#include "cli/recount_tally.h"

struct recount_settings {
    const char *brokers, *topic, *redis_url;
    const char *archive;           /* directory; may be NULL */
    const char *const *properties; /* for librdkafka; may be NULL */
    bool wait;                     /* first wait until all that is in the log now is counted */
    int timeout_s;                 /* of that, and of the search for a common point */
    bool progress;                 /* to stderr */
};

struct recount {
    struct recount_settings settings;
    struct names *names;
    struct counts *log;
    struct series *log_series;
    struct recount_tally tally; /* of these two */
    struct recount_store redis;
    struct lag lag;     /* at the common point */
    uint64_t records;   /* of the log, read */
    uint64_t buckets;   /* of Redis, read */
    GArray *rows;       /* struct counts_row */
    GArray *series;     /* struct series_difference: only those */
    size_t n_series;    /* minutes and slots compared, in each way in which they are kept */
    size_t n_different; /* rows, sums and series */
};

/* NULL when no comparison could be made. */
struct recount *recount_run(const struct recount_settings *settings, GError **error);
void recount_free(struct recount *recount);

#endif
