/* archive: files that are written once.
 *
 * A file becomes visible by link(2) of a synced temporary file, which fails if the name is taken: two writers cannot replace each
 * other's content, whoever is first; the other one compares. A kill leaves a temporary file at most, which is removed a day later.
 * link, not rename: rename would replace. Directories are synced even when nothing was made in them: what is there already may be
 * another process' work that it has not synced yet. */
#include "lib/archive.h"

#include "lib/civil.h"
#include "lib/crashpoint.h"
#include "lib/log.h"
#include "lib/number.h"
#include "lib/sheet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

G_DEFINE_QUARK(daybook - archive - error, archive_error)

enum { LEFT_OVER_AFTER_S = 24 * 3600, TEMPORARY_TRIES = 1000 };
static const size_t file_max = (size_t)SHEET_SIZE_MAX + SHEET_SIZE_MAX / 64; /* what does not compress becomes a little larger */
static const char temporary_prefix[] = ".tmp-";

struct archive {
    char *directory;
};

const char *archive_directory(const struct archive *archive)
{
    return archive->directory;
}

void archive_free(struct archive *archive)
{
    if (!archive)
        return;
    g_free(archive->directory);
    g_free(archive);
}

static bool system_failed(GError **error, const char *what, const char *path)
{
    int saved = errno;
    g_set_error(error, ARCHIVE_ERROR, ARCHIVE_ERROR_SYSTEM, "cannot %s %s: %s", what, path, g_strerror(saved));
    return false;
}

/* ---- directories ---- */

static bool sync_directory(const char *path, GError **error)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return system_failed(error, "open the directory", path);
    bool ok = fsync(fd) == 0 || errno == EINVAL || system_failed(error, "sync the directory", path); /* EINVAL: it never can */
    close(fd);
    return ok;
}

/* A directory is only there after a power loss if the one above was synced; as far as we may, above may not be ours. */
static bool sync_above(const char *path, GError **error)
{
    g_autofree char *above = g_path_get_dirname(path);
    return access(above, R_OK) != 0 || sync_directory(above, error);
}

/* Syncs what is above it if it was not there. */
static bool make_directory(const char *path, GError **error)
{
    if (mkdir(path, 0777) != 0) {
        if (errno == EEXIST)
            return true; /* or a file; what is opened in it will tell */
        if (errno != ENOENT)
            return system_failed(error, "make the directory", path);
        g_autofree char *missing = g_path_get_dirname(path);
        if (strcmp(missing, path) == 0 || !make_directory(missing, error))
            return false;
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return system_failed(error, "make the directory", path);
    }
    return sync_above(path, error);
}

static void remove_left_over(const char *directory, const char *name)
{
    g_autofree char *path = g_build_filename(directory, name, NULL);
    struct stat status;
    if (lstat(path, &status) != 0 || !S_ISREG(status.st_mode) || status.st_mtime > time(NULL) - LEFT_OVER_AFTER_S)
        return;
    if (unlink(path) == 0)
        log_info("archive_left_over_removed", "file=%s", path);
}

/* What a writer that was killed left behind; what is younger may still be written to. */
static void remove_left_overs(const char *directory, int depth)
{
    GDir *entries = g_dir_open(directory, 0, NULL);
    const char *name;
    while (entries && (name = g_dir_read_name(entries))) {
        if (g_str_has_prefix(name, temporary_prefix)) {
            remove_left_over(directory, name);
        } else if (depth > 0) {
            g_autofree char *below = g_build_filename(directory, name, NULL);
            remove_left_overs(below, depth - 1);
        }
    }
    if (entries)
        g_dir_close(entries);
}

static bool prepare(const char *directory, const char *part, int depth, GError **error)
{
    g_autofree char *path = g_build_filename(directory, part, NULL);
    if (!make_directory(path, error))
        return false;
    if (access(path, R_OK | W_OK | X_OK) != 0)
        return system_failed(error, "write to the directory", path);
    if (!g_file_test(path, G_FILE_TEST_IS_DIR)) {
        errno = ENOTDIR;
        return system_failed(error, "use", path);
    }
    remove_left_overs(path, depth);
    return true;
}

struct archive *archive_open(const char *directory, GError **error)
{
    if (!prepare(directory, "sheets", 1, error) || !prepare(directory, "ledger", 0, error))
        return NULL;
    struct archive *archive = g_new0(struct archive, 1);
    archive->directory = g_strdup(directory);
    return archive;
}

struct archive *archive_open_reader(const char *directory, GError **error)
{
    struct stat status;
    bool ok = stat(directory, &status) == 0;
    if (ok && !S_ISDIR(status.st_mode)) {
        errno = ENOTDIR;
        ok = false;
    }
    if (!ok) {
        system_failed(error, "read the archive", directory);
        return NULL;
    }
    struct archive *archive = g_new0(struct archive, 1);
    archive->directory = g_strdup(directory);
    return archive;
}

/* ---- names ---- */

char *archive_sheet_path(const struct archive *archive, const struct sheet_name *name)
{
    char date[CIVIL_TEXT_MAX];
    civil_format_day(date, name->day);
    return g_strdup_printf("%s/sheets/%.4s/%s.r%d.p%d.sheet.zst", archive->directory, date, date, name->revision, name->partition);
}

char *archive_entry_path(const struct archive *archive, uint64_t n)
{
    return g_strdup_printf("%s/ledger/%012" G_GUINT64_FORMAT ".record", archive->directory, n);
}

/* ---- reading ---- */

static void checksum_text(GBytes *bytes, char hex[2 * LEDGER_CHECKSUM_SIZE + 1])
{
    uint8_t checksum[LEDGER_CHECKSUM_SIZE];
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);
    ledger_checksum(view_make(data, size), checksum);
    ledger_hex(checksum, hex);
}

static GBytes *read_all(int fd, size_t size, const char *path, GError **error)
{
    char *data = g_try_malloc(size + 1);
    size_t got = 0;
    ssize_t n = 1;
    if (!data) {
        errno = ENOMEM;
        system_failed(error, "read", path);
        return NULL;
    }
    while (got <= size && (n = read(fd, data + got, size + 1 - got)) != 0) { /* one byte more than there can be: it grew? */
        if (n < 0 && errno != EINTR)
            break;
        got += n > 0 ? (size_t)n : 0;
    }
    if (n >= 0 && got == size)
        return g_bytes_new_take(data, size);
    if (n < 0)
        system_failed(error, "read", path);
    else
        g_set_error(error, ARCHIVE_ERROR, ARCHIVE_ERROR_DAMAGED, "%s changed its size while it was read", path);
    g_free(data);
    return NULL;
}

static GBytes *read_file(const char *path, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno == ENOENT) {
        g_set_error(error, ARCHIVE_ERROR, ARCHIVE_ERROR_MISSING, "there is no file %s", path);
        return NULL;
    }
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        system_failed(error, "open", path);
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    GBytes *bytes = NULL;
    if (!S_ISREG(status.st_mode) || status.st_size < 0 || (uint64_t)status.st_size > file_max)
        g_set_error(error, ARCHIVE_ERROR, ARCHIVE_ERROR_DAMAGED, "%s is no regular file of at most %zu bytes", path, file_max);
    else
        bytes = read_all(fd, (size_t)status.st_size, path, error);
    close(fd);
    return bytes;
}

/* ---- writing ---- */

static bool write_all(int fd, GBytes *bytes)
{
    gsize size;
    const char *data = g_bytes_get_data(bytes, &size);
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0) {
            data += n;
            size -= (size_t)n;
        }
    }
    return fsync(fd) == 0;
}

/* Unique within the machine; O_EXCL settles what other machines, or other processes under the same id, chose. */
static char *create_temporary(const char *directory, int *fd, GError **error)
{
    static atomic_uint counter;
    for (int i = 0; i < TEMPORARY_TRIES; i++) {
        unsigned number = atomic_fetch_add(&counter, 1);
        char *path = g_strdup_printf("%s/%s%d-%u", directory, temporary_prefix, (int)getpid(), number);
        *fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (*fd >= 0)
            return path;
        if (errno != EEXIST) {
            system_failed(error, "create", path);
            g_free(path);
            return NULL;
        }
        g_free(path);
    }
    system_failed(error, "find a free name for a temporary file in", directory);
    return NULL;
}

/* Returns the name of a synced temporary file with these bytes. */
static char *write_temporary(const char *directory, GBytes *bytes, GError **error)
{
    int fd;
    g_autofree char *path = create_temporary(directory, &fd, error);
    if (!path)
        return NULL;
    bool ok = write_all(fd, bytes) || system_failed(error, "write", path);
    if (close(fd) != 0 && ok)
        ok = system_failed(error, "close", path);
    if (ok)
        return g_steal_pointer(&path);
    unlink(path);
    return NULL;
}

/* What a file means, for comparison; NULL: nothing. */
typedef GBytes *(*meaning_func)(GBytes *bytes);

static GBytes *meaning_of_sheet(GBytes *packed)
{
    gsize size;
    const void *data = g_bytes_get_data(packed, &size);
    return sheet_unpack(data, size, NULL);
}

static GBytes *meaning_of_entry(GBytes *record)
{
    return g_bytes_ref(record);
}

/* The name is taken: by the same content? */
static bool is_same(const char *path, GBytes *bytes, meaning_func meaning, GError **error)
{
    g_autoptr(GBytes) there = read_file(path, error);
    if (!there)
        return false;
    if (g_bytes_equal(there, bytes))
        return true;
    g_autoptr(GBytes) is = meaning(there), wanted = meaning(bytes);
    if (is && wanted && g_bytes_equal(is, wanted))
        return true;
    char is_hex[2 * LEDGER_CHECKSUM_SIZE + 1], wanted_hex[2 * LEDGER_CHECKSUM_SIZE + 1];
    checksum_text(is ? is : there, is_hex);
    checksum_text(wanted ? wanted : bytes, wanted_hex);
    g_set_error(
        error, ARCHIVE_ERROR, ARCHIVE_ERROR_CONFLICT,
        "%s holds other content than what is to be written there: its SHA-256 is %s%s, that of the new one %s; it was left as "
        "it is",
        path, is_hex, is ? "" : " (of a damaged file)", wanted_hex);
    return false;
}

static bool link_once(const char *temporary, const char *path, GBytes *bytes, meaning_func meaning, GError **error)
{
    if (link(temporary, path) == 0)
        return true;
    return errno == EEXIST ? is_same(path, bytes, meaning, error) : system_failed(error, "link a temporary file to", path);
}

static bool put(const char *path, GBytes *bytes, meaning_func meaning, GError **error)
{
    g_autofree char *directory = g_path_get_dirname(path);
    if (!make_directory(directory, error) || !sync_above(directory, error))
        return false;
    if (access(path, F_OK) == 0)
        return is_same(path, bytes, meaning, error) && sync_directory(directory, error);
    g_autofree char *temporary = write_temporary(directory, bytes, error);
    if (!temporary)
        return false;
    crashpoint("archive.written");
    bool ok = link_once(temporary, path, bytes, meaning, error);
    if (ok)
        crashpoint("archive.linked");
    unlink(temporary);
    return ok && sync_directory(directory, error);
}

/* ---- sheets ---- */

bool archive_put_sheet(struct archive *archive, const struct sheet_name *name, GBytes *packed, GError **error)
{
    g_autofree char *path = archive_sheet_path(archive, name);
    return put(path, packed, meaning_of_sheet, error);
}

static bool damaged_sheet(const char *path, GBytes *is, const uint8_t *checksum, GError **error)
{
    char is_hex[2 * LEDGER_CHECKSUM_SIZE + 1], wanted_hex[2 * LEDGER_CHECKSUM_SIZE + 1] = "not known";
    checksum_text(is, is_hex);
    if (checksum)
        ledger_hex(checksum, wanted_hex);
    g_set_error(error, ARCHIVE_ERROR, ARCHIVE_ERROR_DAMAGED, "%s is damaged: its SHA-256 is %s, that of the sheet is %s", path,
                is_hex, wanted_hex);
    return false;
}

/* Without a checksum: at least a sheet, of that name. */
static bool check_sheet(const char *path, GBytes *bytes, const struct sheet_name *name, GError **error)
{
    g_autoptr(GError) reason = NULL;
    struct sheet *sheet = sheet_open(bytes, &reason);
    if (!sheet) {
        damaged_sheet(path, bytes, NULL, error);
        g_prefix_error(error, "%s: ", reason->message);
        return false;
    }
    const struct sheet_header *header = sheet_header(sheet);
    char date[CIVIL_TEXT_MAX];
    civil_format_day(date, header->day);
    bool same =
        header->day == name->day && (int64_t)header->revision == name->revision && (int64_t)header->partition == name->partition;
    if (!same)
        g_set_error(error, ARCHIVE_ERROR, ARCHIVE_ERROR_DAMAGED, "%s holds another sheet: that of %s, revision %u, partition %u",
                    path, date, header->revision, header->partition);
    sheet_free(sheet);
    return same;
}

/* The canonical bytes, and, if asked for, the file's. */
static GBytes *read_sheet(const struct archive *archive, const struct sheet_name *name, const uint8_t *checksum, GBytes **file,
                          GError **error)
{
    g_autofree char *path = archive_sheet_path(archive, name);
    g_autoptr(GBytes) packed = read_file(path, error);
    if (!packed)
        return NULL;
    g_autoptr(GBytes) bytes = meaning_of_sheet(packed);
    uint8_t is[LEDGER_CHECKSUM_SIZE] = {0};
    if (bytes)
        sheet_checksum(bytes, is);
    if (!bytes || (checksum && memcmp(is, checksum, sizeof is) != 0)) {
        damaged_sheet(path, bytes ? bytes : packed, checksum, error);
        return NULL;
    }
    if (!checksum && !check_sheet(path, bytes, name, error))
        return NULL;
    if (file)
        *file = g_steal_pointer(&packed);
    return g_steal_pointer(&bytes);
}

GBytes *archive_get_sheet(struct archive *archive, const struct sheet_name *name, const uint8_t checksum[LEDGER_CHECKSUM_SIZE],
                          GError **error)
{
    return read_sheet(archive, name, checksum, NULL, error);
}

GBytes *archive_get_packed_sheet(struct archive *archive, const struct sheet_name *name,
                                 const uint8_t checksum[LEDGER_CHECKSUM_SIZE], GError **error)
{
    GBytes *packed = NULL;
    GBytes *bytes = read_sheet(archive, name, checksum, &packed, error);
    if (bytes)
        g_bytes_unref(bytes);
    return packed;
}

bool archive_remove_sheet(struct archive *archive, const struct sheet_name *name, GError **error)
{
    g_autofree char *path = archive_sheet_path(archive, name);
    if (unlink(path) != 0)
        return errno == ENOENT || system_failed(error, "remove", path);
    g_autofree char *directory = g_path_get_dirname(path);
    return sync_directory(directory, error);
}

/* ---- entries ---- */

bool archive_put_entry(struct archive *archive, uint64_t n, GBytes *record, GError **error)
{
    g_autofree char *path = archive_entry_path(archive, n);
    return put(path, record, meaning_of_entry, error);
}

GBytes *archive_get_entry(struct archive *archive, uint64_t n, GError **error)
{
    g_autofree char *path = archive_entry_path(archive, n);
    g_autoptr(GBytes) bytes = read_file(path, error);
    if (!bytes)
        return NULL;
    g_autoptr(GError) reason = NULL;
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);
    struct ledger_entry *entry = ledger_entry_parse(view_make(data, size), &reason);
    uint64_t is = entry ? entry->n : 0;
    ledger_entry_free(entry);
    if (is == n)
        return g_steal_pointer(&bytes);
    char hex[2 * LEDGER_CHECKSUM_SIZE + 1];
    checksum_text(bytes, hex);
    if (reason)
        g_set_error(error, ARCHIVE_ERROR, ARCHIVE_ERROR_DAMAGED, "%s is damaged: %s; its SHA-256 is %s", path, reason->message,
                    hex);
    else
        g_set_error(error, ARCHIVE_ERROR, ARCHIVE_ERROR_DAMAGED,
                    "%s holds another entry: number %" G_GUINT64_FORMAT "; its SHA-256 is %s", path, is, hex);
    return NULL;
}

/* "000000000017.record"; false: it is no such name. */
static bool read_entry_name(const char *name, uint64_t *n)
{
    size_t size = strlen(name), suffix = strlen(".record");
    return size > suffix && strcmp(name + size - suffix, ".record") == 0 && number_read(view_make(name, size - suffix), n) &&
           *n > 0;
}

bool archive_last_entry(struct archive *archive, uint64_t *n, GError **error)
{
    g_autofree char *path = g_build_filename(archive->directory, "ledger", NULL);
    g_autoptr(GError) cause = NULL;
    GDir *entries = g_dir_open(path, 0, &cause);
    const char *name;
    uint64_t number;
    *n = 0;
    if (!entries) {
        g_set_error(error, ARCHIVE_ERROR, ARCHIVE_ERROR_SYSTEM, "cannot read the directory %s: %s", path, cause->message);
        return false;
    }
    while ((name = g_dir_read_name(entries)))
        if (read_entry_name(name, &number))
            *n = MAX(*n, number);
    g_dir_close(entries);
    return true;
}
