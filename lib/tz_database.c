/* tz_database: the zones of the system: a directory whose files' paths are the names of the zones ("America/Argentina/Ushuaia").
 *
 * The list of names is made when first asked for, and each zone is loaded when first asked for; both are then published by an
 * atomic exchange. Threads that ask at the same time do the same work, and all but one throw theirs away: so nothing is read under
 * a lock. */
#include "lib/tz_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define TZ_DIRECTORY "/usr/share/zoneinfo"

enum { DEPTH_MAX = 3, COMPONENT_MAX = 32, NEAR_MIN = 3 };

struct database {
    char *directory;
    GPtrArray *names;  /* ascending without regard to case; NULL at the end */
    struct tz **zones; /* by name; NULL until loaded; atomic */
};

static struct database *shared; /* atomic */

/* ---- the names ---- */

static size_t n_names(const struct database *database)
{
    return database->names->len - 1;
}

/* Zones and their regions begin with a capital; beside them lie tables with a dot or in small letters, and the directories "posix"
 * and "right" with the same zones once more. */
static bool is_component(const char *text)
{
    size_t n = strspn(text, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_+-");
    return g_ascii_isupper(text[0]) && text[n] == '\0' && n <= COMPONENT_MAX;
}

static void walk(struct database *database, const char *prefix, int depth)
{
    g_autofree char *path = g_build_filename(database->directory, prefix, NULL);
    g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
    const char *entry;
    while (directory != NULL && (entry = g_dir_read_name(directory)) != NULL) {
        if (!is_component(entry) || database->names->len >= TZ_NAMES_MAX)
            continue;
        g_autofree char *name = prefix[0] ? g_strdup_printf("%s/%s", prefix, entry) : g_strdup(entry);
        g_autofree char *file = g_build_filename(path, entry, NULL);
        bool is_directory = g_file_test(file, G_FILE_TEST_IS_DIR);
        if (is_directory && depth < DEPTH_MAX)
            walk(database, name, depth + 1);
        else if (!is_directory && strlen(name) <= TZ_NAME_MAX)
            g_ptr_array_add(database->names, g_steal_pointer(&name));
    }
}

static int compare_names(gconstpointer a, gconstpointer b)
{
    return g_ascii_strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

static struct database *database_new(void)
{
    const char *directory = getenv("TZDIR");
    struct database *database = g_new0(struct database, 1);
    database->directory = g_strdup(directory != NULL && directory[0] ? directory : TZ_DIRECTORY);
    database->names = g_ptr_array_new_with_free_func(g_free);
    walk(database, "", 1);
    g_ptr_array_sort(database->names, compare_names);
    g_ptr_array_add(database->names, NULL);
    database->zones = g_new0(struct tz *, database->names->len);
    return database;
}

static void database_free(struct database *database)
{
    for (size_t i = 0; i < n_names(database); i++)
        tz_free(database->zones[i]);
    g_free(database->zones);
    g_ptr_array_unref(database->names);
    g_free(database->directory);
    g_free(database);
}

static struct database *database_get(void)
{
    struct database *there = g_atomic_pointer_get(&shared);
    if (there != NULL)
        return there;
    struct database *made = database_new();
    if (g_atomic_pointer_compare_and_exchange(&shared, NULL, made))
        return made;
    database_free(made);
    return g_atomic_pointer_get(&shared);
}

const char *const *tz_names(void)
{
    return (const char *const *)database_get()->names->pdata;
}

void tz_shared_clear(void)
{
    struct database *database = g_atomic_pointer_get(&shared);
    if (database != NULL && g_atomic_pointer_compare_and_exchange(&shared, database, NULL))
        database_free(database);
}

/* ---- the zones ---- */

static bool find(const struct database *database, const char *name, size_t *at, GError **error)
{
    char **names = (char **)database->names->pdata;
    char **found = n_names(database) ? bsearch(&name, names, n_names(database), sizeof *names, compare_names) : NULL;
    if (found != NULL) {
        *at = (size_t)(found - names);
        return true;
    }
    if (n_names(database) == 0)
        g_set_error(error, TZ_ERROR, TZ_ERROR_UNKNOWN, "no time zone is known: there is no database in %s (Debian package tzdata)",
                    database->directory);
    else
        g_set_error_literal(error, TZ_ERROR, TZ_ERROR_UNKNOWN, "the time zone is not in the database");
    return false;
}

static struct tz *load(const struct database *database, size_t at, GError **error)
{
    const char *name = g_ptr_array_index(database->names, at);
    g_autofree char *path = g_build_filename(database->directory, name, NULL);
    g_autofree char *bytes = g_malloc(TZ_FILE_MAX + 1); /* one more than is allowed, so that it is noticed */
    FILE *file = fopen(path, "rbe");
    size_t size = file ? fread(bytes, 1, TZ_FILE_MAX + 1, file) : 0;
    bool failed = file == NULL || ferror(file);
    if (failed)
        g_set_error(error, TZ_ERROR, TZ_ERROR_DAMAGED, "%s cannot be read: %s", path, g_strerror(errno));
    if (file != NULL)
        fclose(file);
    return failed ? NULL : tz_parse(name, bytes, size, error);
}

struct tz *tz_load(const char *name, GError **error)
{
    size_t at;
    const struct database *database = database_get();
    return find(database, name, &at, error) ? load(database, at, error) : NULL;
}

const struct tz *tz_shared(const char *name, GError **error)
{
    size_t at;
    struct database *database = database_get();
    if (!find(database, name, &at, error))
        return NULL;
    struct tz *there = g_atomic_pointer_get(&database->zones[at]);
    if (there != NULL)
        return there;
    struct tz *made = load(database, at, error);
    if (made == NULL || g_atomic_pointer_compare_and_exchange(&database->zones[at], NULL, made))
        return made;
    tz_free(made);
    return g_atomic_pointer_get(&database->zones[at]);
}

/* ---- names that may have been meant ---- */

struct near {
    const char *name;
    int distance;
};

/* For comparing: in small letters, and blanks as they are written in names. */
static size_t fold(char out[TZ_NAME_MAX + 1], const char *text)
{
    size_t n = 0;
    for (; n < TZ_NAME_MAX && text[n] != '\0'; n++)
        out[n] = text[n] == ' ' || text[n] == '-' ? '_' : g_ascii_tolower(text[n]);
    out[n] = '\0';
    return n;
}

/* Levenshtein's: letters to insert, to delete or to replace. */
static int edit_distance(const char *a, const char *b)
{
    int row[TZ_NAME_MAX + 1];
    int n = (int)strlen(b);
    for (int j = 0; j <= n; j++)
        row[j] = j;
    for (int i = 1; a[i - 1] != '\0'; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int replaced = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = MIN(replaced, MIN(row[j], row[j - 1]) + 1);
        }
    }
    return row[n];
}

/* Of the whole name or its last part, whichever is nearer; a part of the name is as near as one mistake. */
static int distance_to(const char *wanted, const char *name)
{
    char folded[TZ_NAME_MAX + 1] = {0};
    fold(folded, name);
    const char *slash = strrchr(folded, '/');
    int whole = edit_distance(wanted, folded);
    int last = slash ? edit_distance(wanted, slash + 1) : whole;
    int part = strlen(wanted) >= NEAR_MIN && strstr(folded, wanted) ? 1 : whole;
    return MIN(whole, MIN(last, part));
}

/* Of two that are as near the shorter first: "UTC" before "Etc/UTC". */
static int compare_near(gconstpointer a, gconstpointer b)
{
    const struct near *left = a, *right = b;
    size_t left_length = strlen(left->name), right_length = strlen(right->name);
    if (left->distance != right->distance)
        return left->distance - right->distance;
    if (left_length != right_length)
        return left_length < right_length ? -1 : 1;
    return g_ascii_strcasecmp(left->name, right->name);
}

const char **tz_near_names(const char *name)
{
    const struct database *database = database_get();
    g_autoptr(GArray) near = g_array_new(FALSE, FALSE, sizeof(struct near));
    char wanted[TZ_NAME_MAX + 1] = {0};
    int limit = (int)(1 + fold(wanted, name) / 4);
    for (size_t i = 0; i < n_names(database); i++) {
        struct near candidate = {g_ptr_array_index(database->names, i), 0};
        candidate.distance = distance_to(wanted, candidate.name);
        if (candidate.distance <= limit)
            g_array_append_val(near, candidate);
    }
    g_array_sort(near, compare_near);
    const char **names = g_new0(const char *, TZ_NEAR_MAX + 1);
    for (guint i = 0; i < near->len && i < TZ_NEAR_MAX; i++)
        names[i] = g_array_index(near, struct near, i).name;
    return names;
}
