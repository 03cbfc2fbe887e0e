/* journal_cursor: how far Kafka has acknowledged the journal, in two slots of one small file.
 *
 * A save writes the older slot (generation + 1, CRC32C) and fdatasyncs: a torn write spoils only that slot, and the other one,
 * which is a little older, holds. An older cursor is harmless: what it makes the shipper send again is dropped by its sequence. A
 * file in which no slot is right is put aside as cursor.bad, and everything in the journal is sent again.
 *
 * Belongs to one thread. */
#ifndef DAYBOOK_JOURNAL_CURSOR_H
#define DAYBOOK_JOURNAL_CURSOR_H

#include "collector/journal_io.h"

/* A place between two groups. */
struct journal_place {
    uint64_t segment;
    uint64_t offset; /* in its file, of the next group; JOURNAL_HEADER_SIZE or less: from its beginning */
};

struct journal_cursor {
    struct journal_place place; /* everything before it is acknowledged */
    uint64_t nonce;             /* of the segment: an offset only counts in the file it was taken from; 0: not known */
    uint64_t group;             /* number of the last group before the place */
    uint64_t deleting_to;       /* segments up to this number may be gone: they are being unlinked, or were */
    uint64_t batches, bytes;    /* totals up to the place */
};

struct journal_cursor_file {
    struct journal_io *io;
    int fd;
    uint64_t generation; /* of the newest slot; 0: none */
};

/* Opens, and makes the file when there is none. *found tells whether a slot was right. */
int journal_cursor_open(struct journal_cursor_file *file, struct journal_io *io, struct journal_cursor *cursor, bool *found);
int journal_cursor_save(struct journal_cursor_file *file, const struct journal_cursor *cursor);
void journal_cursor_close(struct journal_cursor_file *file);

#endif
