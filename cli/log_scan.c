/* log_scan: see log_scan.h. */
#include "cli/log_scan.h"

#include <stdio.h>

G_DEFINE_QUARK(daybook - log - scan - error - quark, log_scan_error)

enum {
    TIMEOUT_MS = 15000,
    POLL_MS = 20,
    MESSAGES = 512,
    SILENT_MS = 30000, /* a log that does not answer for so long is not read on */
};

bool log_scan_init(struct log_scan *scan, const struct kafka_settings *settings, const char *topic, GError **error)
{
    struct kafka_topic info;

    *scan = (struct log_scan){0};
    if (!kafka_topic_get(settings, topic, TIMEOUT_MS, &info, error))
        return false;
    scan->n_partitions = info.partitions;
    scan->reader = kafka_reader_new(settings, topic, error);
    scan->done = g_new0(int64_t, (gsize)info.partitions);
    return scan->reader != NULL;
}

void log_scan_clear(struct log_scan *scan)
{
    g_clear_pointer(&scan->reader, kafka_reader_free);
    g_clear_pointer(&scan->done, g_free);
}

/* *enough: who listens wants no more. */
static bool take(struct log_scan *scan, const int64_t *targets, const struct kafka_message *message, bool *enough, GError **error)
{
    if (message->event == KAFKA_OUT_OF_RANGE) {
        g_set_error(error, LOG_SCAN_ERROR, LOG_SCAN_ERROR_GONE,
                    "partition %d of the log has no offset %" G_GINT64_FORMAT " any more", message->partition,
                    scan->done[message->partition]);
        return false;
    }
    if (message->event != KAFKA_MESSAGE || message->offset < scan->done[message->partition] ||
        message->offset >= targets[message->partition])
        return true;
    *enough = !scan->take(scan->opaque, message);
    scan->done[message->partition] = message->offset + 1;
    return true;
}

static int64_t left_to_read(const struct log_scan *scan, const int64_t *targets)
{
    int64_t left = 0;

    for (int i = 0; i < scan->n_partitions; i++)
        left += MAX(0, targets[i] - scan->done[i]);
    return left;
}

static bool assign(struct log_scan *scan, const int64_t *targets, GError **error)
{
    g_autofree struct kafka_position *positions = g_new0(struct kafka_position, (gsize)scan->n_partitions);
    size_t n = 0;

    for (int i = 0; i < scan->n_partitions; i++) {
        if (scan->done[i] < targets[i])
            positions[n++] = (struct kafka_position){i, scan->done[i]};
    }
    return kafka_reader_assign(scan->reader, positions, n, error);
}

static bool is_silent(gint64 heard_us, int64_t left, GError **error)
{
    if (g_get_monotonic_time() - heard_us <= SILENT_MS * G_GINT64_CONSTANT(1000))
        return false;
    g_set_error(error, LOG_SCAN_ERROR, LOG_SCAN_ERROR_SILENT,
                "the log ends, or its broker does not answer, %" G_GINT64_FORMAT " records before what is counted", left);
    return true;
}

bool log_scan_read(struct log_scan *scan, const int64_t *targets, GError **error)
{
    struct kafka_message messages[MESSAGES];
    int64_t all = left_to_read(scan, targets);
    gint64 heard_us = g_get_monotonic_time();
    bool ok = all == 0 || assign(scan, targets, error);
    bool enough = false;

    for (int64_t left = all; ok && !enough && left > 0; left = left_to_read(scan, targets)) {
        size_t n = kafka_reader_poll(scan->reader, messages, MESSAGES, POLL_MS);
        for (size_t i = 0; i < n; i++) {
            ok = ok && (enough || take(scan, targets, &messages[i], &enough, error));
            kafka_message_clear(&messages[i]);
        }
        if (n > 0)
            heard_us = g_get_monotonic_time();
        ok = ok && !is_silent(heard_us, left, error);
        if (scan->progress)
            fprintf(stderr, "\r\033[Krecords of the log: %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT, all - left, all);
    }
    if (scan->progress)
        fputs("\r\033[K", stderr);
    return ok;
}
