/* recount_run: see recount_run.h. */
#include "cli/recount_run.h"

#include "cli/impossible.h"
#include "cli/log_scan.h"
#include "cli/recount_log.h"
#include "cli/recount_store.h"
#include "lib/keys.h"
#include "lib/number.h"

#include <stdio.h>
#include <string.h>

enum { REDIS_TIMEOUT_MS = 30000, PAUSE_US = 300000 };

struct runner {
    struct recount *recount;
    struct redis_settings redis;
    struct kafka_settings kafka;
    struct log_scan scan;
    struct recount_log *log;
    struct archive *archive; /* may be NULL */
    int n_partitions;
    gint64 deadline_us;
};

static void progress(const struct runner *runner, const char *what, int64_t done, int64_t of)
{
    if (runner->recount->settings.progress)
        fprintf(stderr, "\r\033[K%s: %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT, what, done, of);
}

static void progress_end(const struct runner *runner)
{
    if (runner->recount->settings.progress)
        fputs("\r\033[K", stderr);
}

/* ---- the log ---- */

static bool take(void *opaque, const struct kafka_message *message)
{
    struct runner *runner = opaque;

    recount_log_take(runner->log, message->partition, message->offset, message->timestamp_ms,
                     view_make(message->data, message->size));
    runner->recount->records++;
    return true;
}

/* Reads and counts up to lag.next. */
static bool read_log(struct runner *runner, GError **error)
{
    g_autofree int64_t *targets = g_new(int64_t, (gsize)runner->n_partitions);

    for (int i = 0; i < runner->n_partitions; i++)
        targets[i] = runner->recount->lag.partitions[i].next;
    return log_scan_read(&runner->scan, targets, error);
}

/* ---- Redis ---- */

static bool check_begin(const struct runner *runner, GError **error)
{
    const struct lag *lag = &runner->recount->lag;

    for (int i = 0; i < runner->n_partitions; i++) {
        if (lag->partitions[i].low > 0 && runner->scan.done[i] == 0)
            return impossible(
                error, "partition %d of the log begins only at offset %" G_GINT64_FORMAT ": what was before cannot be recounted", i,
                lag->partitions[i].low);
    }
    return true;
}

static bool read_points(struct runner *runner, GError **error)
{
    struct lag *lag = &runner->recount->lag;

    return lag_read_commits(&runner->redis, runner->n_partitions, lag, error) && lag_read_log(runner->scan.reader, lag, error) &&
           lag_check_topic(lag, runner->recount->settings.topic, "recounted", error) && check_begin(runner, error);
}

static bool read_store(struct runner *runner, GError **error)
{
    struct recount *recount = runner->recount;

    recount_store_clear(&recount->redis);
    recount_store_init(&recount->redis);
    const struct recount_source source = {&runner->redis, runner->n_partitions, runner->archive};
    return recount_store_read(&recount->redis, &source, recount->names, error);
}

/* ---- rounds ---- */

static bool is_sheeted(const void *opaque, int partition, int64_t day, int revision)
{
    return revision <= recount_sheets_revision(opaque, partition, day);
}

static void compare_series(struct runner *runner)
{
    struct recount *recount = runner->recount;
    g_autofree int64_t *oldest_minute = g_new(int64_t, (gsize)runner->n_partitions);

    for (int i = 0; i < runner->n_partitions; i++)
        oldest_minute[i] = recount_log_oldest_minute(runner->log, i);
    g_clear_pointer(&recount->series, g_array_unref);
    const struct series_limits limits = {oldest_minute, is_sheeted, recount->redis.sheets};
    recount->series = series_compare(recount->log_series, recount->redis.series, &limits, &recount->n_series);
}

static void compare(struct runner *runner)
{
    struct recount *recount = runner->recount;

    compare_series(runner);
    g_clear_pointer(&recount->rows, g_array_unref);
    recount->rows = counts_compare(recount->log, recount->redis.counts);
    recount->n_different = recount->series->len;
    for (guint i = 0; i < recount->rows->len; i++) {
        const struct counts_row *row = &g_array_index(recount->rows, struct counts_row, i);
        recount->n_different += row->log != row->redis;
    }
    for (int i = 0; i < COUNTS_N_SUMS; i++)
        recount->n_different += recount->log->sums[i] != recount->redis.counts->sums[i];
}

static bool is_late(const struct runner *runner)
{
    return g_get_monotonic_time() > runner->deadline_us;
}

static bool wait_counted(struct runner *runner, GError **error)
{
    if (!read_points(runner, error))
        return false;
    g_autofree int64_t *ends = g_new(int64_t, (gsize)runner->n_partitions);
    for (int i = 0; i < runner->n_partitions; i++)
        ends[i] = runner->recount->lag.partitions[i].end;
    for (;;) {
        int64_t left = 0;
        for (int i = 0; i < runner->n_partitions; i++)
            left += MAX(0, ends[i] - runner->recount->lag.partitions[i].next);
        if (left == 0)
            break;
        if (is_late(runner))
            return impossible(error, "%" G_GINT64_FORMAT " records are still not counted after %d s: does the aggregator run?",
                              left, runner->recount->settings.timeout_s);
        progress(runner, "records that the aggregator has still to count", left, left);
        g_usleep(PAUSE_US);
        if (!read_points(runner, error))
            return false;
    }
    progress_end(runner);
    return true;
}

/* One round; *comparable: nothing was counted while Redis was read. */
static bool read_round(struct runner *runner, bool *comparable, GError **error)
{
    struct recount *recount = runner->recount;
    uint64_t before[COUNTS_N_SUMS];

    if (!read_points(runner, error) || !read_log(runner, error))
        return false;
    memcpy(before, recount->log->sums, sizeof before);
    if (!read_store(runner, error) || !read_points(runner, error) || !read_log(runner, error))
        return false;
    *comparable = memcmp(before, recount->log->sums, sizeof before) == 0;
    if (*comparable)
        compare(runner);
    return true;
}

static bool run_rounds(struct runner *runner, GError **error)
{
    struct recount *recount = runner->recount;
    uint64_t seen[COUNTS_N_SUMS];
    bool doubted = false;

    for (;;) {
        bool comparable = false;
        if (!read_round(runner, &comparable, error))
            return false;
        if (comparable && recount->n_different == 0)
            return true;
        if (comparable && doubted && memcmp(seen, recount->log->sums, sizeof seen) == 0)
            return true;
        if (is_late(runner))
            return comparable || impossible(error,
                                            "events are counted faster than Redis can be read: no common point in %d s; stop "
                                            "sending, or give a longer --timeout",
                                            recount->settings.timeout_s);
        doubted = comparable;
        memcpy(seen, recount->log->sums, sizeof seen);
        g_usleep(PAUSE_US);
    }
}

/* ---- life ---- */

static bool prepare(struct runner *runner, GError **error)
{
    struct recount *recount = runner->recount;

    if (!log_scan_init(&runner->scan, &runner->kafka, recount->settings.topic, error))
        return false;
    if (recount->settings.archive && !(runner->archive = archive_open_reader(recount->settings.archive, error)))
        return false;
    runner->n_partitions = runner->scan.n_partitions;
    runner->scan.take = take;
    runner->scan.opaque = runner;
    runner->scan.progress = recount->settings.progress;
    recount->tally = (struct recount_tally){recount->log, recount->log_series};
    const struct recount_listener listener = recount_tally_listener(&recount->tally);
    runner->log = recount_log_new(runner->n_partitions, recount->names, recount->log->sums, &listener);
    return true;
}

struct recount *recount_run(const struct recount_settings *settings, GError **error)
{
    struct recount *recount = g_new0(struct recount, 1);
    struct runner runner = {
        .recount = recount,
        .redis = {.url = settings->redis_url, .connect_timeout_ms = REDIS_TIMEOUT_MS, .command_timeout_ms = REDIS_TIMEOUT_MS},
        .kafka = {.brokers = settings->brokers, .client_id = "daybook-recount", .properties = settings->properties},
        .deadline_us = g_get_monotonic_time() + settings->timeout_s * G_USEC_PER_SEC,
    };

    recount->settings = *settings;
    recount->names = names_new();
    recount->log = counts_new();
    recount->log_series = series_new();
    bool ok = prepare(&runner, error) && (!settings->wait || wait_counted(&runner, error)) && run_rounds(&runner, error);
    recount_log_free(runner.log);
    if (runner.archive)
        archive_free(runner.archive);
    log_scan_clear(&runner.scan);
    if (ok)
        return recount;
    progress_end(&runner);
    recount_free(recount);
    return NULL;
}

void recount_free(struct recount *recount)
{
    counts_free(recount->log);
    series_free(recount->log_series);
    recount_store_clear(&recount->redis);
    g_clear_pointer(&recount->rows, g_array_unref);
    g_clear_pointer(&recount->series, g_array_unref);
    lag_clear(&recount->lag);
    names_free(recount->names);
    g_free(recount);
}
