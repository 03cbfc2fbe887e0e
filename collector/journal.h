/* journal: the durable queue between acceptance and Kafka.
 *
 * A directory of segment files (<number>.seg, 16 MiB each; journal_format.h has their bytes), the acknowledgement cursor
 * (journal_cursor.h), a lock file, and up to two spare files (segments that were acknowledged, kept because fdatasync into blocks
 * that exist already is twice as fast). Guarantees:
 *
 *  - journal_append() returns JOURNAL_DURABLE only after fdatasync: the whole group survives kill -9 and power loss, or none of it
 * is ever seen. A group that is not whole counts as never written.
 *  - Groups come back in the order in which they were appended; each at least once until it is acknowledged.
 *  - Every run writes segments of its own, beginning with a snapshot of all positions; nothing is appended to a file of an earlier
 * run.
 *  - What cannot be read back is kept as <number>.bad, counted and logged; all that is right behind it is still delivered.
 *
 * Threads: append, begin and tend belong to one thread (the batcher's); the reader, acknowledge and save to another one (the
 * shipper's); position, has_room, topic and stats are safe from any. open and close: when no other thread uses it. */
#ifndef DAYBOOK_JOURNAL_H
#define DAYBOOK_JOURNAL_H

#include "collector/journal_group.h"

#define JOURNAL_ERROR journal_error_quark()
GQuark journal_error_quark(void);
enum journal_error {
    JOURNAL_ERROR_LOCKED, /* another process has the directory */
    JOURNAL_ERROR_DISK,   /* the directory cannot be used; the message says what failed */
};

enum {
    JOURNAL_SEGMENT_BYTES = 16 << 20,
    JOURNAL_POSITIONS_MAX = 1024,          /* names; beyond that the one not written for longest is forgotten */
    JOURNAL_POSITIONS_BYTES_MAX = 4 << 20, /* of all values together; the same */
};

struct journal_settings {
    const char *dir;
    const char *topic;                   /* what the partitions belong to */
    uint64_t max_bytes;                  /* of all files; at least 4 segments */
    uint64_t segment_bytes;              /* 0: JOURNAL_SEGMENT_BYTES; smaller ones for tests */
    const struct journal_faults *faults; /* for tests; NULL otherwise. Must outlive the journal. */
};

struct journal;

/* Recovers what is there. On failure: a bad environment (exit 2). */
struct journal *journal_open(const struct journal_settings *settings, GError **error);
/* Saves nothing by itself. */
void journal_close(struct journal *journal);

/* What the newest segment was written for. */
struct journal_topic {
    uint32_t partition_count; /* 0: never known */
    bool is_same;             /* of the topic that the journal was opened for; else of another one */
};
struct journal_topic journal_topic(const struct journal *journal);
/* The position last made durable under this name, or NULL. Caller frees with g_bytes_unref. */
GBytes *journal_position(struct journal *journal, const char *name);
/* Whether there is room for what may be waiting; false when the budget or the disk is used up. */
bool journal_has_room(const struct journal *journal);

/* ---- writing ---- */

/* What is appended from here on is of this stream and for so many partitions: the next group begins a new segment. */
void journal_begin(struct journal *journal, const uint8_t stream_id[STREAM_ID_SIZE], uint32_t partition_count);

enum journal_result {
    JOURNAL_DURABLE,
    JOURNAL_FULL,   /* no room on the disk or in the budget: nothing was written, the same group may be tried again */
    JOURNAL_FAILED, /* the disk failed twice: it is not known what survives. Every later call answers the same. */
};
/* Appends one group and waits for the disk. Fills the group's number, end, nonce and totals. */
enum journal_result journal_append(struct journal *journal, struct journal_group *group);
/* Between groups, at least once a second: begins the segment asked for by journal_begin, makes a spare file in time, looks for
 * room. */
void journal_tend(struct journal *journal);

/* ---- reading and acknowledging ---- */

/* Everything up to and including this group is in Kafka. In memory only. */
void journal_acknowledge(struct journal *journal, const struct journal_group *group);
/* Writes the cursor, then removes the segments that are acknowledged. False: it could not be written (logged); try again later. */
bool journal_save(struct journal *journal);
/* Whether something was acknowledged since the last save. */
bool journal_is_unsaved(const struct journal *journal);

struct journal_reader;
/* Begins behind the last acknowledged group. */
struct journal_reader *journal_reader_new(struct journal *journal);
void journal_reader_free(struct journal_reader *reader);
enum journal_read {
    JOURNAL_READ_GROUP,
    JOURNAL_READ_NOTHING, /* all that is durable was read */
    JOURNAL_READ_FAILED,  /* the disk does not give the bytes: try again in a while; after ten times the file is put aside */
};
/* The next group, snapshots left out. Caller frees it. */
enum journal_read journal_reader_next(struct journal_reader *reader, struct journal_group **group);
/* Goes on behind that group, which must have come from this journal since it was opened. */
void journal_reader_skip(struct journal_reader *reader, const struct journal_group *group);

struct journal_stats {
    uint64_t bytes, segments; /* files on the disk */
    uint64_t unacknowledged_batches, unacknowledged_bytes;
    uint64_t groups, written_bytes, failures; /* of this run */
    uint64_t bad_files, lost_groups, cut_bytes;
    uint64_t last_group; /* number of the last durable group; 0: none */
};
void journal_stats(struct journal *journal, struct journal_stats *stats);

#endif
