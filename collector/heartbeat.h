/* heartbeat: what a collector says about itself every 10 s, to the partitions in turn.
 *
 * With it a reader of the log knows that a stream lives, how far its clock is, and which sequences it has to expect: a partition to
 * which nothing was sent for an hour differs from one whose batches are missing. */
#ifndef DAYBOOK_HEARTBEAT_H
#define DAYBOOK_HEARTBEAT_H

#include "collector/batcher.h"
#include "collector/intake.h"

enum { HEARTBEAT_EVERY_MS = 10000 };

struct heartbeat_source {
    const char *collector; /* its name, at most 256 bytes of UTF-8 */
    struct batcher *batcher;
    struct journal *journal;
    const struct intake *intake; /* may be NULL */
};

/* The record number n (0, 1, 2, …) and its partition; NULL while the topic's partitions are not known. oldest_ms: created_ms of the
 * oldest unacknowledged batch, 0: none. Caller frees with g_bytes_unref. */
GBytes *heartbeat_make(const struct heartbeat_source *source, uint64_t n, int64_t oldest_ms, int *partition);

#endif
