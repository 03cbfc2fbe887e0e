/* follow_mark: how a followed file is known again, and how far it was read. The text that goes into the journal as a position.
 *
 * A name says little (files are renamed), a device and inode not much more (inodes are used again, files truncated, copied and
 * restored). So a mark also holds digests of the first bytes of a file and of the last ones before the offset. A file
 * whose bytes at these places differ is another one, or has been truncated. Pure data, no I/O. */
#ifndef DAYBOOK_FOLLOW_MARK_H
#define DAYBOOK_FOLLOW_MARK_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    FOLLOW_HEAD_MAX = 1024,  /* bytes at the beginning of a file that are compared */
    FOLLOW_TAIL_MAX = 256,   /* bytes before the offset that are compared */
    FOLLOW_DIGEST_SIZE = 16, /* of a SHA-256 */
    FOLLOW_MARKS_MAX = 128,  /* in one position */
};

struct follow_mark {
    uint64_t device, inode;
    int64_t first_ns; /* wall clock: the file has not had the content that it has for longer: copies of that are younger */
    uint64_t offset;  /* everything before it has been handed on */
    bool skipping;    /* the offset is inside of a line that is too long */
    bool finished;    /* rotated away, and read to its end when last looked at */
    uint32_t head_size;
    uint32_t tail_size; /* min(offset, FOLLOW_TAIL_MAX) */
    uint8_t head_digest[FOLLOW_DIGEST_SIZE];
    uint8_t tail_digest[FOLLOW_DIGEST_SIZE];
};

void follow_digest(const void *data, size_t size, uint8_t digest[FOLLOW_DIGEST_SIZE]);

/* A position under construction begins as an empty string. since_ns: when the log's path was last looked at, and the newest of its
 * files seen there or none: what belongs to the log and is not in the marks is younger. */
void follow_position_begin(GString *position, int64_t since_ns);
void follow_position_add(GString *position, const struct follow_mark *mark);
/* Reads a whole position into a GArray of struct follow_mark, oldest first (freed with g_array_unref). NULL when it is not one. */
GArray *follow_position_read(const char *data, size_t size, int64_t *since_ns);

#endif
