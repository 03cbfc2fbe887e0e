/* journal_io: the journal's file operations, one place through which all of them go.
 *
 * Files are named relative to the journal's directory. Functions return 0 or an errno. In tests `faults` is asked before each
 * operation and may let it fail: what a disk does once in its life must happen in every run of the tests. Thread-safe (no state of
 * its own but an open directory). */
#ifndef DAYBOOK_JOURNAL_IO_H
#define DAYBOOK_JOURNAL_IO_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum journal_op {
    JOURNAL_OP_OPEN,
    JOURNAL_OP_ALLOCATE,
    JOURNAL_OP_READ,
    JOURNAL_OP_WRITE,
    JOURNAL_OP_SYNC,
    JOURNAL_OP_TRUNCATE,
    JOURNAL_OP_RENAME,
    JOURNAL_OP_UNLINK,
    JOURNAL_OP_SYNC_DIRECTORY,
};

/* Returns 0, or the errno with which the operation shall fail (the name is "" for a read); may shorten a write by *size (then it
 * fails behind so many bytes).
 */
struct journal_faults {
    int (*fail)(void *opaque, enum journal_op op, const char *name, size_t *size);
    void *opaque;
};

struct journal_io {
    int directory; /* file descriptor */
    int lock;      /* of the file "lock", or -1 */
    char *path;
    const struct journal_faults *faults; /* NULL in production */
};

/* Makes the directory (0750) if it is missing, opens it and locks it for this process. EWOULDBLOCK: another process has it. */
int journal_io_open(struct journal_io *io, const char *path, const struct journal_faults *faults);
void journal_io_close(struct journal_io *io);

/* flags as of open(2); the file gets mode 0640. */
int journal_io_file(struct journal_io *io, const char *name, int flags, int *fd);
/* Makes blocks for the first size bytes. */
int journal_io_allocate(struct journal_io *io, const char *name, int fd, uint64_t size);
/* Reads up to size bytes; *got is less only at the end of the file. */
int journal_io_read(struct journal_io *io, int fd, void *data, size_t size, uint64_t offset, size_t *got);
int journal_io_write(struct journal_io *io, const char *name, int fd, const void *data, size_t size, uint64_t offset);
int journal_io_sync(struct journal_io *io, const char *name, int fd);
int journal_io_truncate(struct journal_io *io, const char *name, int fd, uint64_t size);
int journal_io_rename(struct journal_io *io, const char *from, const char *to);
/* 0 also when there is no such file. */
int journal_io_unlink(struct journal_io *io, const char *name);
int journal_io_sync_directory(struct journal_io *io);
int journal_io_size(struct journal_io *io, const char *name, uint64_t *size);
/* Names in the directory, sorted. Caller frees the array. */
int journal_io_list(struct journal_io *io, GPtrArray **names);

/* Whether an errno says that there is no room: to be waited for, not a broken disk. */
bool journal_io_is_full(int err);

#endif
