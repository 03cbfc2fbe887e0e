/* recount_run: see recount_run.h. */
#include "cli/recount_run.h"

#include "cli/recount_log.h"
#include "cli/recount_store.h"
#include "lib/keys.h"
#include "lib/number.h"

#include <stdio.h>
#include <string.h>

G_DEFINE_QUARK(daybook - recount - error - quark, recount_error)

enum {
    REDIS_TIMEOUT_MS = 30000,
    KAFKA_TIMEOUT_MS = 15000,
    POLL_MS = 20,
    MESSAGES = 512,
    SILENT_MS = 30000, /* a log that does not answer for so long is not read on */
    PAUSE_US = 300000,
};

struct runner {
    struct recount *recount;
    struct redis_settings redis;
    struct kafka_settings kafka;
    struct kafka_reader *reader;
    struct recount_log *log;
    struct archive *archive; /* may be NULL */
    int n_partitions;
    int64_t *done; /* by partition: offset up to which the log was counted here */
    gint64 deadline_us;
};

static bool impossible(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool impossible(GError **error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error_literal(error, RECOUNT_ERROR, RECOUNT_ERROR_IMPOSSIBLE, message);
    return false;
}

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

static bool take(struct runner *runner, const struct kafka_message *message, GError **error)
{
    const struct lag_partition *target = &runner->recount->lag.partitions[message->partition];
    int64_t *done = &runner->done[message->partition];

    switch (message->event) {
    case KAFKA_MESSAGE:
        if (message->offset < *done || message->offset >= target->next)
            return true;
        recount_log_take(runner->log, message->partition, message->offset, message->timestamp_ms,
                         view_make(message->data, message->size));
        *done = message->offset + 1;
        runner->recount->records++;
        return true;
    case KAFKA_OUT_OF_RANGE:
        return impossible(error, "partition %d of the log has no offset %" G_GINT64_FORMAT " any more", message->partition, *done);
    case KAFKA_END_OF_PARTITION:
    case KAFKA_READ_ERROR:
        return true;
    }
    g_assert_not_reached();
}

static int64_t left_to_read(const struct runner *runner)
{
    int64_t left = 0;

    for (int i = 0; i < runner->n_partitions; i++)
        left += MAX(0, runner->recount->lag.partitions[i].next - runner->done[i]);
    return left;
}

static bool assign(struct runner *runner, GError **error)
{
    g_autofree struct kafka_position *positions = g_new0(struct kafka_position, (gsize)runner->n_partitions);
    size_t n = 0;

    for (int i = 0; i < runner->n_partitions; i++) {
        if (runner->done[i] < runner->recount->lag.partitions[i].next)
            positions[n++] = (struct kafka_position){i, runner->done[i]};
    }
    return kafka_reader_assign(runner->reader, positions, n, error);
}

/* Reads and counts up to lag.next. */
static bool read_log(struct runner *runner, GError **error)
{
    struct kafka_message messages[MESSAGES];
    int64_t all = left_to_read(runner);
    gint64 heard_us = g_get_monotonic_time();
    bool ok = all == 0 || assign(runner, error);

    for (int64_t left = all; ok && left > 0; left = left_to_read(runner)) {
        size_t n = kafka_reader_poll(runner->reader, messages, MESSAGES, POLL_MS);
        for (size_t i = 0; i < n; i++) {
            ok = ok && take(runner, &messages[i], error);
            kafka_message_clear(&messages[i]);
        }
        if (n > 0)
            heard_us = g_get_monotonic_time();
        else if (g_get_monotonic_time() - heard_us > SILENT_MS * G_GINT64_CONSTANT(1000))
            ok = impossible(
                error, "the log ends, or its broker does not answer, %" G_GINT64_FORMAT " records before what is counted", left);
        progress(runner, "records of the log", all - left, all);
    }
    progress_end(runner);
    return ok;
}

/* ---- Redis ---- */

/* Counts of earlier topics are in Redis too: then this log alone cannot explain them. */
static bool check_topics(const struct runner *runner, GError **error)
{
    const struct recount *recount = runner->recount;
    bool ok = true;

    for (int i = 0; ok && i < runner->n_partitions; i++) {
        const struct lag_partition *partition = &recount->lag.partitions[i];
        if (partition->topic[0] && strcmp(partition->topic, recount->settings.topic) != 0)
            return impossible(error, "partition %d in Redis was counted from topic %s, not from %s", i, partition->topic,
                              recount->settings.topic);
        if (partition->n_topics > 0)
            return impossible(error,
                              "partition %d in Redis holds the counts of %" G_GINT64_FORMAT
                              " earlier topics too (an embedded broker begins a new one at each start): they cannot be recounted",
                              i, partition->n_topics);
        if (partition->low > 0 && runner->done[i] == 0)
            return impossible(
                error, "partition %d of the log begins only at offset %" G_GINT64_FORMAT ": what was before cannot be recounted", i,
                partition->low);
    }
    return ok;
}

static bool read_points(struct runner *runner, GError **error)
{
    struct lag *lag = &runner->recount->lag;

    return lag_read_commits(&runner->redis, runner->n_partitions, lag, error) && lag_read_log(runner->reader, lag, error) &&
           check_topics(runner, error);
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
    struct kafka_topic topic;

    if (!kafka_topic_get(&runner->kafka, recount->settings.topic, KAFKA_TIMEOUT_MS, &topic, error))
        return false;
    if (recount->settings.archive && !(runner->archive = archive_open_reader(recount->settings.archive, error)))
        return false;
    runner->n_partitions = topic.partitions;
    runner->reader = kafka_reader_new(&runner->kafka, recount->settings.topic, error);
    if (!runner->reader)
        return false;
    recount->tally = (struct recount_tally){recount->log, recount->log_series};
    const struct recount_listener listener = recount_tally_listener(&recount->tally);
    runner->log = recount_log_new(topic.partitions, recount->names, recount->log->sums, &listener);
    runner->done = g_new0(int64_t, (gsize)topic.partitions);
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
    if (runner.reader)
        kafka_reader_free(runner.reader);
    g_free(runner.done);
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
