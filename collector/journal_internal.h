/* journal_internal: what the files journal*.c share. Included by them only. */
#ifndef DAYBOOK_JOURNAL_INTERNAL_H
#define DAYBOOK_JOURNAL_INTERNAL_H

#include "collector/journal.h"
#include "collector/journal_scan.h"

#include <stdatomic.h>

enum { JOURNAL_SPARES = 2, JOURNAL_NAME_SIZE = 32 };

struct journal_segment {
    uint64_t number;
    uint64_t bytes;      /* of the file */
    uint64_t end;        /* behind the last durable group; UINT64_MAX: not known, written by an earlier run */
    uint64_t last_group; /* number of the last durable group so far; UINT64_MAX: not known yet, see journal_reader.c */
    bool bad;            /* the file's suffix is .bad */
};

struct journal_known {
    GBytes *value;
    uint64_t group; /* that wrote it last */
};

/* Of the writing thread. */
struct journal_writer {
    int fd; /* of the newest segment, -1 before the first */
    char name[JOURNAL_NAME_SIZE];
    uint64_t segment, nonce;           /* its number and nonce */
    uint64_t offset, capacity;         /* where the next group goes; size of the file */
    uint8_t stream_id[STREAM_ID_SIZE]; /* of the next segment, as the partition count: set by journal_begin() */
    uint32_t partition_count;
    uint64_t next_segment, next_group;
    uint64_t batches_total, bytes_total;
    bool begun;          /* journal_begin() was called */
    bool rotate;         /* the next group begins a new segment */
    unsigned failures;   /* in a row */
    int64_t allocate_us; /* monotonic time before which no further spare is tried after a failure */
    struct journal_encoder encoder;
};

struct journal {
    struct journal_io io;
    uint64_t max_bytes, segment_bytes;
    uint32_t topic_crc;

    GMutex lock;           /* guards what follows, up to `writer`; no I/O under it */
    GArray *segments;      /* of struct journal_segment, ascending */
    GHashTable *positions; /* name -> struct journal_known */
    uint64_t positions_bytes;
    uint64_t bytes;                      /* of all files: segments, spares, bad ones */
    bool spares[JOURNAL_SPARES];         /* the file spare.<i> is there, ready to be taken */
    bool spares_busy[JOURNAL_SPARES];    /* is being made, or taken */
    uint64_t batches_total, bytes_total; /* durable */
    uint64_t batches_acknowledged, bytes_acknowledged;
    struct journal_stats stats; /* the counts of it */

    struct journal_writer writer;
    atomic_bool has_room;
    atomic_uint partition_count;
    atomic_bool same_topic;

    /* Of the shipper's thread. */
    struct journal_cursor_file cursor_file;
    struct journal_cursor cursor;
    bool unsaved;
};

/* Under the lock: the segment in the list, or NULL. */
struct journal_segment *journal_find_segment(struct journal *journal, uint64_t number);
void journal_segment_name(char out[JOURNAL_NAME_SIZE], uint64_t number, bool bad);
void journal_spare_name(char out[JOURNAL_NAME_SIZE], int spare);

/* Renames the segment to .bad (once) and counts it. The journal's list must hold it, or it is left alone. */
void journal_put_aside(struct journal *journal, uint64_t number, const char *why);
/* Under the lock: remembers a position as it is durable now. */
void journal_remember(struct journal *journal, const char *name, GBytes *value, uint64_t group);

/* Reads the directory into an opened journal: positions, totals, segments; repairs the end. */
bool journal_recover(struct journal *journal, GError **error);

/* Spare files. */
/* A spare to write into, made if there is none and the budget allows it: its number, or -1 with *err (ENOSPC also for the budget).
 */
int journal_spare_take(struct journal *journal, int *err);
/* The spare that was taken is gone (renamed, or unlinked after an error). */
void journal_spare_done(struct journal *journal, int spare, bool renamed);
/* Whether one is there; with `make`, one is made if there is none. */
bool journal_spare_prepare(struct journal *journal, bool make, int *err);
/* Turns the file of a removed segment into a spare, or unlinks it. */
int journal_spare_recycle(struct journal *journal, const struct journal_segment *segment);

#endif
