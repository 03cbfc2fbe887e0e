#include "collector/follow_search.h"
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PASSES_MAX = 40, PASS_PAUSE_US = 5000, STILL_NS = 10000000 /* more than a tick */ };

/* A separator and then digits with separators between: ".1", "-20261120", ".2026-11-20T17". */
static bool is_number_suffix(const char *text, size_t size)
{
    if (size < 2 || strchr(".-_", text[0]) == NULL)
        return false;
    bool digit = false;
    for (size_t i = 1; i < size; i++) {
        digit = digit || g_ascii_isdigit(text[i]);
        if (!g_ascii_isdigit(text[i]) && strchr(".-_:TZ", text[i]) == NULL)
            return false;
    }
    return digit;
}

bool follow_is_rotated_name(const char *base, const char *name)
{
    size_t base_size = strlen(base);
    size_t name_size = strlen(name);
    if (name_size <= base_size)
        return false;
    const char *suffix = name + base_size;
    if (memcmp(name, base, base_size) == 0 && (strcmp(suffix, ".old") == 0 || is_number_suffix(suffix, name_size - base_size)))
        return true;
    const char *extension = strrchr(base, '.');
    if (extension == NULL || extension == base)
        return false;
    size_t stem_size = (size_t)(extension - base);
    size_t extension_size = base_size - stem_size;
    return memcmp(name, base, stem_size) == 0 && memcmp(name + name_size - extension_size, extension, extension_size) == 0 &&
           is_number_suffix(name + stem_size, name_size - base_size);
}

/* Where the log really is: its directory and name, links followed. */
static void locate(const char *path, char **directory, char **base)
{
    char *real = realpath(path, NULL);
    *directory = g_path_get_dirname(real ? real : path);
    *base = g_path_get_basename(real ? real : path);
    free(real);
}

static int by_birth(gconstpointer a, gconstpointer b)
{
    const struct follow_file *first = *(const struct follow_file *const *)a;
    const struct follow_file *second = *(const struct follow_file *const *)b;
    return (first->born_ns > second->born_ns) - (first->born_ns < second->born_ns);
}

static bool has_file(const GPtrArray *files, const struct follow_file *file)
{
    for (guint i = 0; i < files->len; i++) {
        const struct follow_file *other = g_ptr_array_index(files, i);
        if (other->device == file->device && other->inode == file->inode)
            return true;
    }
    return false;
}

static void remove_oldest(GPtrArray *files)
{
    guint oldest = 0;
    for (guint i = 1; i < files->len; i++) {
        if (by_birth(&files->pdata[i], &files->pdata[oldest]) < 0)
            oldest = i;
    }
    g_ptr_array_remove_index_fast(files, oldest);
}

/* One pass. Returns a sum over the names and inodes that it met, in whatever order. */
static uint64_t add_rotated(GPtrArray *files, const char *directory, const char *base)
{
    uint64_t sum = 0;
    DIR *entries = opendir(directory);
    if (entries == NULL)
        return 0;
    for (struct dirent *entry = readdir(entries); entry; entry = readdir(entries)) {
        if (!follow_is_rotated_name(base, entry->d_name))
            continue;
        sum += ((uint64_t)g_str_hash(entry->d_name) << 32 ^ entry->d_ino) * UINT64_C(0x9e3779b97f4a7c15);
        g_autofree char *name = g_build_filename(directory, entry->d_name, NULL);
        struct follow_file *file = follow_file_open(name, NULL); /* it may be gone again, or not for us to read */
        if (file && !has_file(files, file))
            g_ptr_array_add(files, file);
        else
            follow_file_free(file);
        if (files->len > FOLLOW_SEARCH_MAX)
            remove_oldest(files);
    }
    closedir(entries);
    return sum;
}

/* Was nothing renamed since this time? A change within the clock's last tick would not show. */
static bool is_still(const char *directory, int64_t since_ns)
{
    struct stat status;
    if (stat(directory, &status) != 0)
        return true;
    return status.st_mtim.tv_sec * G_GINT64_CONSTANT(1000000000) + status.st_mtim.tv_nsec < since_ns - STILL_NS;
}

/* A file that is renamed while the directory is read can be passed over: it goes from a name that was not read yet to one that was.
 * So it is read until nothing was renamed meanwhile, and what any pass has found counts. In a directory in which other files come
 * and go all the time, two passes that met the same names will do. */
GPtrArray *follow_search_rotated(const char *path, bool *complete)
{
    uint64_t last = 0;
    bool all = false;
    GPtrArray *files = g_ptr_array_new_with_free_func((GDestroyNotify)follow_file_free);
    g_autofree char *directory = NULL;
    g_autofree char *base = NULL;
    locate(path, &directory, &base);
    for (int pass = 0; pass < PASSES_MAX && !all; pass++) {
        if (pass > 0)
            g_usleep(PASS_PAUSE_US);
        int64_t begun_ns = follow_file_clock_ns();
        uint64_t sum = add_rotated(files, directory, base);
        all = is_still(directory, begun_ns) || (pass > 0 && sum == last);
        last = sum;
    }
    g_ptr_array_sort(files, by_birth);
    if (complete)
        *complete = all;
    return files;
}

/* Opens a file and puts it at the mark's offset; NULL when it is not the one. */
static struct follow_file *try_file(const char *path, const struct follow_mark *mark)
{
    struct follow_file *file = follow_file_open(path, NULL);
    if (file && follow_file_resume(file, mark))
        return file;
    follow_file_free(file);
    return NULL;
}

/* Any name will do, since the bytes are compared; but not for a file of which no byte is known. */
static struct follow_file *search_directory(const char *directory, const char *base, const struct follow_mark *mark)
{
    struct follow_file *found = NULL;
    DIR *entries = opendir(directory);
    if (entries == NULL)
        return NULL;
    for (struct dirent *entry = readdir(entries); entry && found == NULL; entry = readdir(entries)) {
        if (entry->d_ino != mark->inode)
            continue;
        if (mark->head_size == 0 && strcmp(entry->d_name, base) != 0 && !follow_is_rotated_name(base, entry->d_name))
            continue;
        g_autofree char *name = g_build_filename(directory, entry->d_name, NULL);
        found = try_file(name, mark);
    }
    closedir(entries);
    return found;
}

struct follow_file *follow_search_copy(const char *path, const struct follow_mark *mark, bool *complete)
{
    if (complete)
        *complete = true;
    if (mark->head_size == 0)
        return NULL;
    bool sure = mark->head_size == FOLLOW_HEAD_MAX;
    g_autoptr(GPtrArray) rotated = follow_search_rotated(path, complete);
    for (guint i = 0; i < rotated->len; i++) {
        guint at = sure ? rotated->len - 1 - i : i;
        struct follow_file *file = g_ptr_array_index(rotated, at);
        if (file->born_ns >= mark->first_ns && follow_file_resume(file, mark))
            return g_ptr_array_steal_index(rotated, at);
    }
    return NULL;
}

struct follow_file *follow_search_inode(const char *path, const struct follow_mark *mark)
{
    struct follow_file *file = follow_file_open(path, NULL);
    if (file && file->device == mark->device && file->inode == mark->inode)
        return file;
    follow_file_free(file);
    g_autoptr(GPtrArray) rotated = follow_search_rotated(path, NULL);
    for (guint i = 0; i < rotated->len; i++) {
        file = g_ptr_array_index(rotated, i);
        if (file->device == mark->device && file->inode == mark->inode)
            return g_ptr_array_steal_index(rotated, i);
    }
    return NULL;
}

/* The mark's own file, if it was passed over because it was renamed while the directory was read. */
static struct follow_file *search_renamed(const char *path, const struct follow_mark *mark)
{
    struct follow_file *found = follow_search_inode(path, mark);
    if (found && follow_file_resume(found, mark))
        return found;
    follow_file_free(found);
    return NULL;
}

struct follow_file *follow_search_mark(const char *path, const struct follow_mark *mark)
{
    g_autofree char *directory = NULL;
    g_autofree char *base = NULL;
    locate(path, &directory, &base);
    struct follow_file *found = search_directory(directory, base, mark);
    if (found == NULL)
        found = search_renamed(path, mark);
    if (found == NULL)
        found = follow_search_copy(path, mark, NULL);
    if (found == NULL && mark->head_size == FOLLOW_HEAD_MAX)
        found = try_file(path, mark);
    return found;
}
