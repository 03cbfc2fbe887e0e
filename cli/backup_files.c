/* backup_files: see backup_files.h. */
#include "cli/backup_files.h"
#include "lib/hex.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <gnutls/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

G_DEFINE_QUARK(daybook - backup - error - quark, backup_error)

enum { PIECE = 256 * 1024, DIGEST = 32 };

struct backup_files {
    char *directory;
    GPtrArray *lines; /* "<64 hex digits>  <name>" */
    GPtrArray *made;  /* directories, to be synced */
    guint64 bytes;
};

static bool failed(GError **error, const char *what, const char *path)
{
    int saved = errno;

    g_set_error(error, BACKUP_ERROR, BACKUP_ERROR_FILE, "cannot %s %s: %s", what, path, g_strerror(saved));
    return false;
}

static bool is_empty(const char *directory, GError **error)
{
    GDir *dir = g_dir_open(directory, 0, error);

    if (!dir)
        return false;
    const char *name = g_dir_read_name(dir);
    if (name)
        g_set_error(error, BACKUP_ERROR, BACKUP_ERROR_FILE, "%s is not empty (it has %s): a backup begins in an empty directory",
                    directory, name);
    g_dir_close(dir);
    return name == NULL;
}

struct backup_files *backup_files_new(const char *directory, GError **error)
{
    if (g_mkdir_with_parents(directory, 0750) != 0) {
        failed(error, "make the directory", directory);
        return NULL;
    }
    if (!is_empty(directory, error))
        return NULL;
    struct backup_files *files = g_new0(struct backup_files, 1);
    files->directory = g_strdup(directory);
    files->lines = g_ptr_array_new_with_free_func(g_free);
    files->made = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(files->made, g_path_get_dirname(directory));
    g_ptr_array_add(files->made, g_strdup(directory));
    return files;
}

void backup_files_free(struct backup_files *files)
{
    if (!files)
        return;
    g_ptr_array_unref(files->lines);
    g_ptr_array_unref(files->made);
    g_free(files->directory);
    g_free(files);
}

char *backup_files_directory(struct backup_files *files, const char *name, GError **error)
{
    char *path = g_build_filename(files->directory, name, NULL);

    if (g_mkdir(path, 0750) != 0 && errno != EEXIST) {
        failed(error, "make the directory", path);
        g_free(path);
        return NULL;
    }
    g_ptr_array_add(files->made, g_strdup(path));
    return path;
}

/* ---- one file ---- */

/* Reads to the end; writes what it reads to out, if that is one. */
static bool read_on(int in, int out, gnutls_hash_hd_t hash, guint64 *bytes)
{
    g_autofree char *piece = g_malloc(PIECE);

    for (;;) {
        ssize_t n = read(in, piece, PIECE);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0;
        gnutls_hash(hash, piece, (size_t)n);
        *bytes += (guint64)n;
        for (ssize_t done = 0, wrote; out >= 0 && done < n; done += MAX(wrote, 0)) {
            wrote = write(out, piece + done, (size_t)(n - done));
            if (wrote < 0 && errno != EINTR)
                return false;
        }
    }
}

static void note(struct backup_files *files, const char *name, gnutls_hash_hd_t hash)
{
    uint8_t digest[DIGEST];
    char text[2 * DIGEST + 1];

    gnutls_hash_deinit(hash, digest);
    hex_write(text, digest, sizeof digest);
    g_ptr_array_add(files->lines, g_strdup_printf("%s  %s", text, name));
}

/* Reads `from` and notes its checksum under the name; with `to`, also writes it there, which must not exist. */
static bool read_file(struct backup_files *files, const char *from, const char *to, const char *name, GError **error)
{
    gnutls_hash_hd_t hash;
    int in = open(from, O_RDONLY | O_CLOEXEC), out = -1;

    if (in < 0)
        return failed(error, "open", from);
    if (to && (out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640)) < 0) {
        failed(error, "create", to);
        close(in);
        return false;
    }
    int started = gnutls_hash_init(&hash, GNUTLS_DIG_SHA256);
    g_assert(started == 0);
    bool ok = read_on(in, out, hash, &files->bytes) || failed(error, to ? "copy" : "read", from);
    if (ok && fsync(to ? out : in) != 0) /* of a file that is only read too: another process wrote it */
        ok = failed(error, "sync", to ? to : from);
    note(files, name, hash);
    close(in);
    if (out >= 0 && close(out) != 0 && ok)
        ok = failed(error, "close", to);
    return ok;
}

bool backup_files_add(struct backup_files *files, const char *name, GError **error)
{
    g_autofree char *path = g_build_filename(files->directory, name, NULL);

    return read_file(files, path, NULL, name, error);
}

bool backup_files_take(struct backup_files *files, const char *from, const char *name, GError **error)
{
    g_autofree char *path = g_build_filename(files->directory, name, NULL);

    if (link(from, path) == 0)
        return read_file(files, path, NULL, name, error);
    if (errno == ENOENT || errno == EEXIST)
        return failed(error, "link", from);
    return read_file(files, from, path, name, error);
}

/* ---- the end ---- */

static bool write_file(const char *path, const char *content, GError **error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    size_t size = strlen(content), done = 0;
    ssize_t n = 0;

    if (fd < 0)
        return failed(error, "create", path);
    while (done < size && (n = write(fd, content + done, size - done)) >= 0)
        done += (size_t)n;
    bool ok = (done == size && fsync(fd) == 0) || failed(error, "write", path);
    close(fd);
    return ok;
}

static bool sync_directories(const struct backup_files *files, GError **error)
{
    bool ok = true;

    for (guint i = files->made->len; ok && i > 0; i--) {
        const char *path = g_ptr_array_index(files->made, i - 1);
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ok = (fd >= 0 && fsync(fd) == 0) || (i == 1 && errno == EACCES) || failed(error, "sync the directory", path);
        if (fd >= 0)
            close(fd);
    }
    return ok;
}

static gint compare_lines(gconstpointer a, gconstpointer b)
{
    const char *const *left = a, *const *right = b;

    return strcmp(*left + 2 * DIGEST, *right + 2 * DIGEST);
}

bool backup_files_write_sums(struct backup_files *files, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *path = g_build_filename(files->directory, "SHA256SUMS", NULL);

    g_ptr_array_sort(files->lines, compare_lines);
    for (guint i = 0; i < files->lines->len; i++)
        g_string_append_printf(text, "%s\n", (const char *)g_ptr_array_index(files->lines, i));
    return write_file(path, text->str, error);
}

bool backup_files_finish(struct backup_files *files, const char *name, const char *content, GError **error)
{
    g_autofree char *path = g_build_filename(files->directory, name, NULL), *temporary = g_strconcat(path, ".new", NULL);

    if (!write_file(temporary, content, error) || !sync_directories(files, error))
        return false;
    if (g_rename(temporary, path) != 0)
        return failed(error, "rename", temporary);
    return sync_directories(files, error);
}

guint64 backup_files_count(const struct backup_files *files)
{
    return files->lines->len;
}

guint64 backup_files_bytes(const struct backup_files *files)
{
    return files->bytes;
}
