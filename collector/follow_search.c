#include "collector/follow_search.h"
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

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

GPtrArray *follow_search_rotated(const char *path)
{
    GPtrArray *files = g_ptr_array_new_with_free_func((GDestroyNotify)follow_file_free);
    g_autofree char *directory = NULL;
    g_autofree char *base = NULL;
    locate(path, &directory, &base);
    DIR *entries = opendir(directory);
    if (entries == NULL)
        return files;
    for (struct dirent *entry = readdir(entries); entry && files->len < FOLLOW_SEARCH_MAX; entry = readdir(entries)) {
        if (!follow_is_rotated_name(base, entry->d_name))
            continue;
        g_autofree char *name = g_build_filename(directory, entry->d_name, NULL);
        struct follow_file *file = follow_file_open(name, NULL); /* it may be gone again, or not for us to read */
        if (file)
            g_ptr_array_add(files, file);
    }
    closedir(entries);
    g_ptr_array_sort(files, by_birth);
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

struct follow_file *follow_search_copy(const char *path, const struct follow_mark *mark)
{
    if (mark->head_size == 0)
        return NULL;
    bool sure = mark->head_size == FOLLOW_HEAD_MAX;
    g_autoptr(GPtrArray) rotated = follow_search_rotated(path);
    for (guint i = 0; i < rotated->len; i++) {
        guint at = sure ? rotated->len - 1 - i : i;
        struct follow_file *file = g_ptr_array_index(rotated, at);
        if (file->born_ns >= mark->first_ns && follow_file_resume(file, mark))
            return g_ptr_array_steal_index(rotated, at);
    }
    return NULL;
}

struct follow_file *follow_search_mark(const char *path, const struct follow_mark *mark)
{
    g_autofree char *directory = NULL;
    g_autofree char *base = NULL;
    locate(path, &directory, &base);
    struct follow_file *found = search_directory(directory, base, mark);
    if (found == NULL)
        found = follow_search_copy(path, mark);
    if (found == NULL && mark->head_size == FOLLOW_HEAD_MAX)
        found = try_file(path, mark);
    return found;
}

struct follow_file *follow_search_inode(const char *path, const struct follow_mark *mark)
{
    struct follow_file *file = follow_file_open(path, NULL);
    if (file && file->device == mark->device && file->inode == mark->inode)
        return file;
    follow_file_free(file);
    g_autoptr(GPtrArray) rotated = follow_search_rotated(path);
    for (guint i = 0; i < rotated->len; i++) {
        file = g_ptr_array_index(rotated, i);
        if (file->device == mark->device && file->inode == mark->inode)
            return g_ptr_array_steal_index(rotated, i);
    }
    return NULL;
}
