#include "collector/follow_file.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)

int64_t follow_file_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void learn_birth(struct follow_file *file)
{
    struct statx status;
    if (statx(file->fd, "", AT_EMPTY_PATH, STATX_BTIME | STATX_MTIME, &status) != 0)
        return;
    bool known = (status.stx_mask & STATX_BTIME) != 0;
    struct statx_timestamp time = known ? status.stx_btime : status.stx_mtime;
    file->born_ns = time.tv_sec * NS_PER_S + time.tv_nsec;
    file->first_ns = known ? file->born_ns : 0;
}

/* How long ago the file was written to. */
static int64_t age_us(const struct stat *status)
{
    int64_t age_ns = follow_file_clock_ns() - (status->st_mtim.tv_sec * NS_PER_S + status->st_mtim.tv_nsec);
    return MAX(age_ns, 0) / 1000;
}

static struct follow_file *fail(int fd, const char *path, int number, GError **error)
{
    g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(number), "%s cannot be followed: %s.", path, g_strerror(number));
    if (fd >= 0)
        close(fd);
    return NULL;
}

struct follow_file *follow_file_open(const char *path, GError **error)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &status) != 0)
        return fail(fd, path, errno, error);
    if (!S_ISREG(status.st_mode))
        return fail(fd, path, S_ISDIR(status.st_mode) ? EISDIR : ENXIO, error);
    struct follow_file *file = g_new0(struct follow_file, 1);
    file->fd = fd;
    file->path = g_strdup(path);
    file->device = status.st_dev;
    file->inode = status.st_ino;
    learn_birth(file);
    file->growth_us = g_get_monotonic_time() - age_us(&status);
    return file;
}

void follow_file_free(struct follow_file *file)
{
    if (file == NULL)
        return;
    close(file->fd);
    g_free(file->path);
    g_free(file);
}

/* Reads exactly size bytes at offset. */
static bool read_exactly(int fd, void *buffer, size_t size, uint64_t offset)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = pread(fd, (char *)buffer + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static bool digest_at(int fd, uint64_t offset, uint32_t size, const uint8_t expected[FOLLOW_DIGEST_SIZE], uint8_t *bytes)
{
    uint8_t digest[FOLLOW_DIGEST_SIZE];
    if (!read_exactly(fd, bytes, size, offset))
        return false;
    follow_digest(bytes, size, digest);
    return memcmp(digest, expected, sizeof digest) == 0;
}

bool follow_file_resume(struct follow_file *file, const struct follow_mark *mark)
{
    bool same_inode = file->device == mark->device && file->inode == mark->inode;
    if (mark->head_size == 0 && (mark->offset > 0 || !same_inode))
        return false;
    if (!digest_at(file->fd, 0, mark->head_size, mark->head_digest, file->head) ||
        !digest_at(file->fd, mark->offset - mark->tail_size, mark->tail_size, mark->tail_digest, file->tail)) {
        return false;
    }
    file->head_size = mark->head_size;
    file->tail_size = mark->tail_size;
    file->offset = mark->offset;
    file->skipping = mark->skipping;
    file->first_ns = mark->first_ns;
    return true;
}

bool follow_file_is(const struct follow_file *file, const struct stat *status)
{
    return file->device == status->st_dev && file->inode == status->st_ino;
}

void follow_file_mark(const struct follow_file *file, struct follow_mark *mark)
{
    *mark = (struct follow_mark){.device = file->device,
                                 .inode = file->inode,
                                 .first_ns = file->first_ns,
                                 .offset = file->offset,
                                 .skipping = file->skipping,
                                 .head_size = file->head_size,
                                 .tail_size = file->tail_size};
    follow_digest(file->head, file->head_size, mark->head_digest);
    follow_digest(file->tail, file->tail_size, mark->tail_digest);
}

void follow_file_restart(struct follow_file *file, int64_t first_ns)
{
    file->offset = 0;
    file->skipping = false;
    file->head_size = 0;
    file->tail_size = 0;
    file->seen_size = 0;
    file->first_ns = first_ns;
    file->growth_us = g_get_monotonic_time();
}

/* The first bytes must be those that are known. More of them are learned in the same read, so that they belong together. */
static bool compare_head(struct follow_file *file)
{
    uint8_t bytes[FOLLOW_HEAD_MAX];
    ssize_t n = pread(file->fd, bytes, sizeof bytes, 0);
    if (n < (ssize_t)file->head_size || memcmp(bytes, file->head, file->head_size) != 0)
        return false;
    memcpy(file->head, bytes, (size_t)n);
    file->head_size = (uint32_t)n;
    return true;
}

enum follow_read follow_file_compare(struct follow_file *file)
{
    uint8_t bytes[FOLLOW_TAIL_MAX];
    struct stat status;
    if (fstat(file->fd, &status) != 0)
        return FOLLOW_READ_ERROR;
    if ((uint64_t)status.st_size < file->offset || !compare_head(file))
        return FOLLOW_READ_CHANGED;
    if (!read_exactly(file->fd, bytes, file->tail_size, file->offset - file->tail_size) ||
        memcmp(bytes, file->tail, file->tail_size) != 0) {
        return FOLLOW_READ_CHANGED;
    }
    return FOLLOW_READ_OK;
}

/* Whether the file still holds what was just read: its first bytes, since nothing else may be known at offset 0. */
static bool still_there(const struct follow_file *file, const char *buffer, size_t n)
{
    uint8_t bytes[FOLLOW_TAIL_MAX];
    size_t size = MIN(n, sizeof bytes);
    return read_exactly(file->fd, bytes, size, file->offset) && memcmp(bytes, buffer, size) == 0;
}

enum follow_read follow_file_read(struct follow_file *file, char *buffer, size_t size, size_t *n)
{
    *n = 0;
    while (*n < size) {
        ssize_t got = pread(file->fd, buffer + *n, size - *n, (off_t)(file->offset + *n));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return FOLLOW_READ_ERROR;
        if (got == 0)
            break;
        *n += (size_t)got;
    }
    if (*n > 0 && file->offset + *n != file->seen_size)
        file->growth_us = g_get_monotonic_time();
    file->seen_size = file->offset + *n;
    enum follow_read verdict = follow_file_compare(file);
    return verdict == FOLLOW_READ_OK && !still_there(file, buffer, *n) ? FOLLOW_READ_CHANGED : verdict;
}

static void remember_tail(struct follow_file *file, const char *buffer, size_t n)
{
    size_t more = MIN(n, (size_t)FOLLOW_TAIL_MAX);
    size_t kept = MIN((size_t)file->tail_size, FOLLOW_TAIL_MAX - more);
    memmove(file->tail, file->tail + file->tail_size - kept, kept);
    memcpy(file->tail + kept, buffer + n - more, more);
    file->tail_size = (uint32_t)(kept + more);
}

void follow_file_take(struct follow_file *file, const char *buffer, size_t n)
{
    remember_tail(file, buffer, n);
    file->offset += n;
}

bool follow_file_peek(const struct follow_file *file, uint64_t offset, void *buffer, size_t size)
{
    return read_exactly(file->fd, buffer, size, offset);
}

bool follow_file_jump(struct follow_file *file, uint64_t offset)
{
    g_assert(file->offset == 0);
    uint32_t tail_size = (uint32_t)MIN(offset, (uint64_t)FOLLOW_TAIL_MAX);
    if (!compare_head(file) || !read_exactly(file->fd, file->tail, tail_size, offset - tail_size))
        return false;
    file->tail_size = tail_size;
    file->offset = offset;
    return true;
}

uint64_t follow_file_unread(const struct follow_file *file)
{
    struct stat status;
    if (fstat(file->fd, &status) != 0 || (uint64_t)status.st_size <= file->offset)
        return 0;
    return (uint64_t)status.st_size - file->offset;
}
