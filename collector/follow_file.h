/* follow_file: one open log file, read from a known place on, and watched for becoming another one under our hands.
 *
 * Bytes are read from the offset each time anew; nothing unfinished is kept. Only when the caller has taken whole lines does it
 * move the offset (follow_file_take). After every read the file is compared with what is known of it: is it shorter than the
 * offset, or are its first bytes or those before the offset different, then it was truncated (and perhaps written again) at some
 * time before, and what was read is worthless. The comparison comes after the read: had it come before, a truncation between the
 * two would go unseen.
 *
 * Belongs to one thread. */
#ifndef DAYBOOK_FOLLOW_FILE_H
#define DAYBOOK_FOLLOW_FILE_H

#include "collector/follow_mark.h"
#include <sys/stat.h>

struct follow_file {
    int fd;
    char *path; /* the name it was opened by; for messages */
    uint64_t device, inode;
    int64_t born_ns;  /* wall clock: birth where the file system knows it, else the last change of its content */
    int64_t first_ns; /* see follow_mark.h; that of a new file is its birth, 0 where that is not known */
    uint64_t offset;
    bool skipping;
    uint64_t seen_size; /* up to where the last read reached */
    int64_t growth_us;  /* monotonic: when it was written to last, as far as was seen */
    uint32_t head_size, tail_size;
    uint8_t head[FOLLOW_HEAD_MAX];
    uint8_t tail[FOLLOW_TAIL_MAX]; /* its first tail_size bytes are those before the offset */
};

/* Opens a regular file at offset 0. NULL with a G_FILE_ERROR: NOENT when there is none. */
struct follow_file *follow_file_open(const char *path, GError **error);
void follow_file_free(struct follow_file *file);

/* Whether the file at hand is the one of the mark (its bytes are): then it stands at the mark's offset afterwards. A mark that
 * knows no bytes has only device and inode to compare. */
bool follow_file_resume(struct follow_file *file, const struct follow_mark *mark);
bool follow_file_is(const struct follow_file *file, const struct stat *status);
void follow_file_mark(const struct follow_file *file, struct follow_mark *mark);
/* The file has been truncated: begin anew. */
void follow_file_restart(struct follow_file *file, int64_t first_ns);

enum follow_read {
    FOLLOW_READ_OK,      /* *n bytes were read; fewer than asked for: that is all there is now */
    FOLLOW_READ_CHANGED, /* truncated: see above */
    FOLLOW_READ_ERROR,   /* errno says what */
};
/* Reads up to size bytes at the offset. */
enum follow_read follow_file_read(struct follow_file *file, char *buffer, size_t size, size_t *n);
/* Compares only, and learns the first bytes as far as they are there. */
enum follow_read follow_file_compare(struct follow_file *file);
/* The first n bytes of what was read are done with. */
void follow_file_take(struct follow_file *file, const char *buffer, size_t n);
/* Exactly size bytes at offset. */
bool follow_file_peek(const struct follow_file *file, uint64_t offset, void *buffer, size_t size);
/* Moves a file that nothing was read of to an offset, as if it had been read up to there. */
bool follow_file_jump(struct follow_file *file, uint64_t offset);
/* Bytes behind the offset; 0 when it cannot be asked. */
uint64_t follow_file_unread(const struct follow_file *file);

/* Now, by the clock that stamps files. */
int64_t follow_file_clock_ns(void);

#endif
