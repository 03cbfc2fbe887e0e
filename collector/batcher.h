/* batcher: turns submissions into journal groups, and groups into durable, acknowledged batches.
 *
 * One thread. It takes submissions from a bounded queue, adds their events to the open batch of each partition, and at a commit tick
 * (journal.commit_ms, or 256 KiB, or at once when nothing else is waiting) seals the open batches, appends them with the positions as one
 * group to the journal, fdatasyncs once, and then calls every submission's `done`; the batches go on to the shipper. */
#ifndef DAYBOOK_BATCHER_H
#define DAYBOOK_BATCHER_H

#include "collector/submission.h"

struct batcher;

enum batcher_verdict {
    BATCHER_TAKEN, /* done will be called */
    BATCHER_BUSY,  /* the queue is full: try again shortly (HTTP: 503 with Retry-After: 1) */
    BATCHER_FULL,  /* the journal is at journal.max_bytes: (HTTP: 503 with Retry-After: 10; files and pipes wait) */
    BATCHER_CLOSED, /* shutting down */
};

/* Safe from any thread. The submission is taken over only with BATCHER_TAKEN. */
enum batcher_verdict batcher_submit(struct batcher *batcher, struct submission *submission);
/* The position last made durable under this name (also by an earlier run), or NULL. Caller frees with g_bytes_unref. Safe from any
 * thread. */
GBytes *batcher_position(struct batcher *batcher, const char *name);

#endif
