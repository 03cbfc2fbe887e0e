/* import: counts the lines of one log file exactly once, however often it is killed and repeated.
 *
 * The file is the journal. Its stream id is a digest of its content, its batches are always cut in the same way (import_source.h),
 * and the aggregator never forgets the stream of an import. So every run may send everything again: what was counted is dropped by
 * its sequence.
 *
 * That holds as long as nothing that decides the batches changes. The first record of the stream, its manifest, pins that down: it
 * is sent alone, and events only when it has been counted and reads as ours (of two runs with different rules at the same time, the
 * log has one first). From then on a run with other rules, or with another number of partitions, is refused; so is a log that was
 * imported in part before under another digest, because it has grown since.
 *
 * Runs in the caller's thread. */
#ifndef DAYBOOK_IMPORT_H
#define DAYBOOK_IMPORT_H

#include "collector/import_source.h"
#include "lib/kafka.h"
#include "lib/redis.h"

enum import_phase { IMPORT_DIGESTING, IMPORT_REGISTERING, IMPORT_SENDING, IMPORT_COUNTING };

struct import_progress {
    enum import_phase phase;
    uint64_t done, total;             /* bytes while sending, batches while counting; else 0 */
    const struct import_books *books; /* NULL before sending */
};

struct import_settings {
    const struct kafka_settings *kafka;
    const char *topic;
    const struct redis_settings *redis;
    const struct intake *intake;
    struct log_line_settings line;
    uint64_t first_line, n_lines;                                           /* n_lines 0: to the end */
    int timeout_ms;                                                         /* for Kafka and the aggregator to get on, each time */
    bool wait;                                                              /* until everything is counted */
    void (*progress)(void *opaque, const struct import_progress *progress); /* may be NULL; called often */
    void *opaque;
};

struct import_result {
    char stream[2 * STREAM_ID_SIZE + 1]; /* hex */
    bool begun_before;
    uint64_t n_batches; /* with the manifest */
    uint64_t n_skipped; /* of them counted before this run */
    struct import_books books;
};

bool import_run(const struct import_settings *settings, const char *path, struct import_result *result, GError **error);

#endif
