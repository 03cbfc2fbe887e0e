#include "collector/journal_io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int fault(const struct journal_io *io, enum journal_op op, const char *name, size_t *size)
{
    return io->faults ? io->faults->fail(io->faults->opaque, op, name, size) : 0;
}

/* A directory that was just made is only there after a power loss if the one above it was synced. */
static void sync_above(const char *path)
{
    g_autofree char *above = g_path_get_dirname(path);
    int fd = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd); /* as far as we may: above is not ours */
        close(fd);
    }
    if (strcmp(above, path) != 0)
        sync_above(above);
}

int journal_io_open(struct journal_io *io, const char *path, const struct journal_faults *faults)
{
    *io = (struct journal_io){.directory = -1, .lock = -1, .faults = faults};
    /* Over RLIMIT_FSIZE a write shall fail with EFBIG; the signal would end the process. */
    signal(SIGXFSZ, SIG_IGN);
    bool is_new = !g_file_test(path, G_FILE_TEST_EXISTS);
    if (g_mkdir_with_parents(path, 0750) != 0)
        return errno;
    if (is_new)
        sync_above(path);
    io->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (io->directory < 0)
        return errno;
    io->path = g_strdup(path);
    int err = journal_io_file(io, "lock", O_RDWR | O_CREAT, &io->lock);
    if (err == 0 && flock(io->lock, LOCK_EX | LOCK_NB) != 0)
        err = errno;
    if (err != 0)
        journal_io_close(io);
    return err;
}

void journal_io_close(struct journal_io *io)
{
    if (io->lock >= 0)
        close(io->lock);
    if (io->directory >= 0)
        close(io->directory);
    io->lock = io->directory = -1;
    g_clear_pointer(&io->path, g_free);
}

int journal_io_file(struct journal_io *io, const char *name, int flags, int *fd)
{
    int err = fault(io, JOURNAL_OP_OPEN, name, NULL);
    *fd = err == 0 ? openat(io->directory, name, flags | O_CLOEXEC, 0640) : -1;
    return *fd >= 0 ? 0 : err != 0 ? err : errno;
}

int journal_io_allocate(struct journal_io *io, const char *name, int fd, uint64_t size)
{
    int err = fault(io, JOURNAL_OP_ALLOCATE, name, NULL);
    return err != 0 ? err : posix_fallocate(fd, 0, (off_t)size);
}

int journal_io_read(struct journal_io *io, int fd, void *data, size_t size, uint64_t offset, size_t *got)
{
    int err = fault(io, JOURNAL_OP_READ, "", NULL);
    *got = 0;
    while (err == 0 && *got < size) {
        ssize_t n = pread(fd, (char *)data + *got, size - *got, (off_t)(offset + *got));
        if (n == 0)
            break;
        if (n > 0)
            *got += (size_t)n;
        else if (errno != EINTR)
            err = errno;
    }
    return err;
}

int journal_io_write(struct journal_io *io, const char *name, int fd, const void *data, size_t size, uint64_t offset)
{
    size_t allowed = size, done = 0;
    int injected = fault(io, JOURNAL_OP_WRITE, name, &allowed);
    if (injected != 0 && allowed == size)
        return injected;
    while (done < allowed) {
        ssize_t n = pwrite(fd, (const char *)data + done, allowed - done, (off_t)(offset + done));
        if (n > 0)
            done += (size_t)n;
        else if (n == 0)
            return ENOSPC;
        else if (errno != EINTR)
            return errno;
    }
    return injected;
}

int journal_io_sync(struct journal_io *io, const char *name, int fd)
{
    int err = fault(io, JOURNAL_OP_SYNC, name, NULL);
    if (err != 0)
        return err;
    return fdatasync(fd) == 0 ? 0 : errno;
}

int journal_io_truncate(struct journal_io *io, const char *name, int fd, uint64_t size)
{
    int err = fault(io, JOURNAL_OP_TRUNCATE, name, NULL);
    if (err != 0)
        return err;
    return ftruncate(fd, (off_t)size) == 0 ? 0 : errno;
}

int journal_io_rename(struct journal_io *io, const char *from, const char *to)
{
    int err = fault(io, JOURNAL_OP_RENAME, from, NULL);
    if (err != 0)
        return err;
    return renameat(io->directory, from, io->directory, to) == 0 ? 0 : errno;
}

int journal_io_unlink(struct journal_io *io, const char *name)
{
    int err = fault(io, JOURNAL_OP_UNLINK, name, NULL);
    if (err != 0)
        return err;
    return unlinkat(io->directory, name, 0) == 0 || errno == ENOENT ? 0 : errno;
}

int journal_io_sync_directory(struct journal_io *io)
{
    int err = fault(io, JOURNAL_OP_SYNC_DIRECTORY, ".", NULL);
    if (err != 0)
        return err;
    return fsync(io->directory) == 0 ? 0 : errno;
}

int journal_io_size(struct journal_io *io, const char *name, uint64_t *size)
{
    struct stat status;
    if (fstatat(io->directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno;
    *size = (uint64_t)status.st_size;
    return 0;
}

static gint by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int journal_io_list(struct journal_io *io, GPtrArray **names)
{
    DIR *directory = opendir(io->path);
    if (!directory)
        return errno;
    *names = g_ptr_array_new_with_free_func(g_free);
    errno = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            g_ptr_array_add(*names, g_strdup(entry->d_name));
    int err = errno;
    closedir(directory);
    if (err != 0)
        g_clear_pointer(names, g_ptr_array_unref);
    else
        g_ptr_array_sort(*names, by_name);
    return err;
}

bool journal_io_is_full(int err)
{
    return err == ENOSPC || err == EDQUOT || err == EFBIG;
}
