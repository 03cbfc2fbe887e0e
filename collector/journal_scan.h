/* journal_scan: reads the groups of one segment file, one after the other.
 *
 * Reads by pread in pieces (no mmap: a bad block shall be an error, not a SIGBUS), and believes nothing: every length is bounded,
 * every frame and group checked. Belongs to one thread. */
#ifndef DAYBOOK_JOURNAL_SCAN_H
#define DAYBOOK_JOURNAL_SCAN_H

#include "collector/journal_group.h"

struct journal_scan {
    struct journal_io *io;
    int fd;
    struct journal_header header;
    struct journal_place place; /* of the next group */
    uint64_t next_group;        /* its number, if nothing is damaged */
    uint64_t limit;             /* nothing at or behind this offset is looked at; it may grow between calls */
    GByteArray *buffer;         /* bytes of the file from buffer_offset on */
    uint64_t buffer_offset;
};

enum journal_scan_result {
    JOURNAL_SCAN_GROUP, /* number 0: the snapshot of positions */
    JOURNAL_SCAN_END,   /* the limit, the end of the file, or the zeros behind the last group */
    JOURNAL_SCAN_BAD,   /* no whole group is at `place`: a torn one, or damage */
    JOURNAL_SCAN_ERROR, /* the file cannot be read; errno is in *err */
};

/* Opens; *err is 0 and the result NULL when the file has no right header of this number (a foreign file, or damage). */
struct journal_scan *journal_scan_open(struct journal_io *io, const char *name, uint64_t number, int *err);
void journal_scan_close(struct journal_scan *scan);
/* Reads the group at `place` and moves behind it. Caller frees the group. */
enum journal_scan_result journal_scan_next(struct journal_scan *scan, struct journal_group **group, int *err);
/* After JOURNAL_SCAN_END or _BAD: looks behind `place` for a frame that proves that something was damaged which was durable once;
 * with `whole`, for a whole group, and moves there. A proof is a frame of a later group than the one that should be at `place`, for
 * that one was durable before the later one was begun. (The group at `place` itself may be torn, and have right frames.) Where the
 * snapshot should be, any group is. */
bool journal_scan_find(struct journal_scan *scan, bool whole);
/* After JOURNAL_SCAN_BAD: roughly how many bytes the torn group at `place` has. */
uint64_t journal_scan_torn_bytes(struct journal_scan *scan);

#endif
