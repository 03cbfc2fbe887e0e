/* import_plan: the first pass over a file to import: what it is, and where its blocks are.
 *
 * A file is cut into blocks of IMPORT_BLOCK_LINES lines. The plan knows the end and a checksum of each, so that the second pass can
 * tell before it sends anything whether the file is still the same. Memory: 16 bytes per block, at most IMPORT_BLOCKS_MAX of them.
 * */
#ifndef DAYBOOK_IMPORT_PLAN_H
#define DAYBOOK_IMPORT_PLAN_H

#include "lib/record.h"

enum {
    IMPORT_BLOCK_LINES = 2000,
    IMPORT_BLOCKS_MAX = 4 * 1024 * 1024, /* eight billion lines */
    IMPORT_HEAD_LINES = 10,
};

#define IMPORT_ERROR import_error_quark()
GQuark import_error_quark(void);
enum import_error {
    IMPORT_ERROR_FILE,    /* cannot be read, or is nothing to import */
    IMPORT_ERROR_CHANGED, /* the file changed while it was read */
    IMPORT_ERROR_REFUSED, /* it would be counted twice, or differently than before */
    IMPORT_ERROR_TIMEOUT,
};

struct import_block {
    uint64_t end; /* offset behind its last byte */
    uint32_t crc; /* CRC32C of its bytes */
};

struct import_plan {
    char *path;
    int fd;              /* stays open for the second pass */
    uint64_t first_line; /* 1: the whole file */
    uint64_t begin, end; /* offsets of what is imported */
    uint64_t n_lines;    /* in it; the last one may lack its newline */
    uint8_t stream_id[STREAM_ID_SIZE];
    uint8_t head_digest[32]; /* SHA-256 of its first IMPORT_HEAD_LINES lines */
    GArray *blocks;          /* of struct import_block */
};

struct import_range {
    const char *format;
    uint64_t first_line; /* from 1 */
    uint64_t n_lines;    /* 0: to the end */
};

/* The first 16 bytes of SHA-256(format 0 first_line 0 content): first_line in decimal. */
struct import_plan *import_plan_new(const char *path, const struct import_range *range, GError **error);
void import_plan_free(struct import_plan *plan);

/* Reads exactly size bytes of the file, or fails with IMPORT_ERROR_CHANGED. */
bool import_plan_read(const struct import_plan *plan, void *buffer, size_t size, uint64_t offset, GError **error);

/* The stream id of `size` bytes of another range of the same file, and how many lines they are; they must be in the file, and end
 * with a newline, or it is false. */
bool import_plan_other(const struct import_plan *plan, const char *format, uint64_t first_line, uint64_t size,
                       uint8_t stream_id[STREAM_ID_SIZE], uint64_t *n_lines);

#endif
