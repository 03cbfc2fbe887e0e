/* batcher: turns submissions into journal groups, and groups into durable, acknowledged batches.
 *
 * One thread. It takes submissions from a bounded queue, adds their events to the open batch of each partition, and at a commit
 * tick (journal.commit_ms, or 256 KiB, or at once when nothing else is waiting) seals the open batches, appends them with the
 * positions as one group to the journal, fdatasyncs once, and then calls every submission's `done`; the batches go on to the
 * shipper.
 *
 * A stream is one run: batcher_start draws a new random stream_id, and so does the thread after BATCHER_STREAM_DAYS; sequences
 * count from 1 for each partition. A number is never used twice, whatever happens to the disk. */
#ifndef DAYBOOK_BATCHER_H
#define DAYBOOK_BATCHER_H

#include "collector/journal.h"
#include "collector/submission.h"
#include "lib/metrics.h"

enum {
    BATCHER_QUEUE_MAX = 1024,         /* submissions waiting */
    BATCHER_QUEUE_EVENTS_MAX = 32768, /* events in them; a larger submission is taken when nothing else waits */
    BATCHER_BATCH_EVENTS = 2000,
    BATCHER_BATCH_BYTES = 512 * 1024,
    BATCHER_GROUP_BYTES = 256 * 1024,
    BATCHER_STREAM_DAYS = 7,
};

struct batcher;

struct batcher_settings {
    int commit_ms;
    const char *collector;    /* in whose name events are refused: 1 to 256 clean bytes; borrowed */
    uint32_t partition_count; /* 0: not known yet; nothing is taken until batcher_set_partitions */
    struct metrics *metrics;
    int64_t stream_us; /* life of a stream; 0: BATCHER_STREAM_DAYS */
    /* Takes over a durable group; on the batcher's thread, must not block for long. */
    void (*ship)(void *opaque, struct journal_group *group);
    /* A group was given up: the disk failed twice, or had no room until the end. Called once, on the batcher's thread; its
     * submissions were told SUBMISSION_LOST, and so are all that follow: a number that was cut and lost must not be followed by a
     * later one. */
    void (*failed)(void *opaque);
    void *opaque;
};

/* The journal must outlive the batcher. */
struct batcher *batcher_start(const struct batcher_settings *settings, struct journal *journal);
/* The end is near: a group for which there is no room is not waited for any longer. Safe from any thread. */
void batcher_hurry(struct batcher *batcher);
/* Takes nothing more, makes durable what was taken (as far as there is room), ends the thread. Everything is answered by then. */
void batcher_stop(struct batcher *batcher);
void batcher_free(struct batcher *batcher);

enum batcher_verdict {
    BATCHER_TAKEN,  /* done will be called */
    BATCHER_BUSY,   /* the queue is full, or the topic is not known yet: try again shortly (HTTP: 503 with Retry-After: 1) */
    BATCHER_FULL,   /* the journal is at journal.max_bytes: (HTTP: 503 with Retry-After: 10; files and pipes wait) */
    BATCHER_CLOSED, /* shutting down */
};

/* Safe from any thread. The submission is taken over only with BATCHER_TAKEN. */
enum batcher_verdict batcher_submit(struct batcher *batcher, struct submission *submission);
/* The position last made durable under this name (also by an earlier run), or NULL. Caller frees with g_bytes_unref. Safe from any
 * thread. */
GBytes *batcher_position(struct batcher *batcher, const char *name);

/* The topic has so many partitions: used from the next group on. Never fewer than before. Safe from any thread. */
void batcher_set_partitions(struct batcher *batcher, uint32_t partition_count);

/* Where the stream stands: what is durable. Safe from any thread. */
struct batcher_stream {
    uint8_t id[STREAM_ID_SIZE];
    GArray *last_sequence; /* of uint64_t, by partition */
};
void batcher_stream_get(struct batcher *batcher, struct batcher_stream *stream); /* cleared by batcher_stream_clear */
void batcher_stream_clear(struct batcher_stream *stream);

#endif
