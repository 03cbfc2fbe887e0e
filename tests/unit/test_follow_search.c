#include "collector/follow_search.h"
#include <glib/gstdio.h>
#include <string.h>

static void test_names(void)
{
    static const struct {
        const char *base, *name;
        bool rotated;
    } cases[] = {
        {"access.log", "access.log.1", true},
        {"access.log", "access.log.12", true},
        {"access.log", "access.log-20261120", true},
        {"access.log", "access.log.2026-11-20T17:00:00Z", true},
        {"access.log", "access.log_1", true},
        {"access.log", "access.log.old", true},
        {"access.log", "access-20261120.log", true},
        {"access.log", "access.1.log", true},
        {"access", "access.1", true},
        {"access.log", "access.log", false},
        {"access.log", "access.log.1.gz", false},
        {"access.log", "access.log.gz", false},
        {"access.log", "access.log.bak", false},
        {"access.log", "access.log~", false},
        {"access.log", "access.log.", false},
        {"access.log", "access.log.-", false},
        {"access.log", "access_admin.log", false},
        {"access.log", "access-v2.log", false},
        {"access.log", "access2.log", false},
        {"access.log", "my-access.log.1", false},
        {"access.log", "access.1.txt", false},
        {".log", ".log.1", true},
        {".log", "-1.log", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s %s", cases[i].base, cases[i].name);
        g_assert_cmpint(follow_is_rotated_name(cases[i].base, cases[i].name), ==, cases[i].rotated);
    }
}

static void write_file(const char *dir, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    g_assert_true(g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_NONE, 0644, NULL));
    g_usleep(12000); /* a tick of the clock that stamps files */
}

static void remove_file(const char *dir, const char *name)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    g_assert_cmpint(g_unlink(path), ==, 0);
}

static void test_order(void)
{
    static const char *const names[] = {"log.2", "log.1", "log.3"};
    g_autofree char *dir = g_dir_make_tmp("daybook-search-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "log", NULL);
    for (size_t i = 0; i < 3; i++)
        write_file(dir, names[i], "x");
    write_file(dir, "log", "x");
    write_file(dir, "other.1", "x");
    bool complete = false;
    g_autoptr(GPtrArray) files = follow_search_rotated(path, &complete);
    g_assert_true(complete);
    g_assert_cmpuint(files->len, ==, 3);
    for (guint i = 0; i < files->len; i++) {
        const struct follow_file *file = g_ptr_array_index(files, i);
        g_assert_true(g_str_has_suffix(file->path, names[i])); /* by birth, not by name */
        remove_file(dir, names[i]);
    }
    remove_file(dir, "log");
    remove_file(dir, "other.1");
    g_assert_cmpint(g_rmdir(dir), ==, 0);
    g_autoptr(GPtrArray) none = follow_search_rotated(path, NULL);
    g_assert_cmpuint(none->len, ==, 0);
}

/* A copy is found by what it holds, if it is younger than the file; the mark's own file by its inode, under any name. */
static void test_mark(void)
{
    g_autofree char *dir = g_dir_make_tmp("daybook-search-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "log", NULL);
    g_autofree char *moved = g_build_filename(dir, "anything", NULL);
    struct follow_mark mark;
    char buffer[64];
    size_t n = 0;
    write_file(dir, "log.2", "hello\nworld\n"); /* older than the log */
    int64_t first_ns = follow_file_clock_ns();
    write_file(dir, "log", "hello\nworld\n");
    struct follow_file *file = follow_file_open(path, NULL);
    file->first_ns = first_ns;
    g_assert_cmpint(follow_file_read(file, buffer, sizeof buffer, &n), ==, FOLLOW_READ_OK);
    g_assert_cmpuint(n, ==, 12);
    follow_file_take(file, buffer, 6);
    follow_file_mark(file, &mark);
    follow_file_free(file);

    g_assert_null(follow_search_copy(path, &mark, NULL));
    g_assert_cmpint(g_rename(path, moved), ==, 0);
    file = follow_search_mark(path, &mark);
    g_assert_nonnull(file);
    g_assert_cmpstr(file->path, ==, moved);
    g_assert_cmpuint(file->offset, ==, 6);
    follow_file_free(file);

    remove_file(dir, "anything");
    g_assert_null(follow_search_mark(path, &mark));
    write_file(dir, "log.3", "hello\nWorld\n");
    g_assert_null(follow_search_mark(path, &mark)); /* the bytes that are known differ */
    write_file(dir, "log.1", "hello\nworld\nmore\n");
    file = follow_search_mark(path, &mark);
    g_assert_nonnull(file);
    g_assert_true(g_str_has_suffix(file->path, "log.1"));
    g_assert_cmpuint(follow_file_unread(file), ==, 11);
    follow_file_free(file);
    for (int i = 1; i <= 3; i++) {
        g_autofree char *name = g_strdup_printf("log.%d", i);
        remove_file(dir, name);
    }
    g_assert_cmpint(g_rmdir(dir), ==, 0);
}

struct churn {
    char *dir;
    const char *names[2]; /* a file goes to and fro between them */
    gint stop;
};

static gpointer rename_without_pause(gpointer opaque)
{
    struct churn *churn = opaque;
    g_autofree char *one = g_build_filename(churn->dir, churn->names[0], NULL);
    g_autofree char *two = g_build_filename(churn->dir, churn->names[1], NULL);
    while (!g_atomic_int_get(&churn->stop)) {
        g_assert_cmpint(g_rename(one, two), ==, 0);
        g_assert_cmpint(g_rename(two, one), ==, 0);
    }
    return NULL;
}

/* While files are renamed, either all are found or it is said that some may be missing; what goes on beside them does not matter.
 */
static void search_in_churn(const char *first, const char *second, bool other)
{
    g_autofree char *dir = g_dir_make_tmp("daybook-search-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "log", NULL);
    struct churn churn = {.dir = dir, .names = {first, second}};
    write_file(dir, "log.7", "x");
    write_file(dir, first, "y");
    GThread *thread = g_thread_new("churn", rename_without_pause, &churn);
    for (int i = 0; i < 5; i++) {
        bool complete = false;
        g_autoptr(GPtrArray) files = follow_search_rotated(path, &complete);
        g_assert_true(complete || !other);
        if (complete)
            g_assert_cmpuint(files->len, ==, other ? 1 : 2);
    }
    g_atomic_int_set(&churn.stop, 1);
    g_thread_join(thread);
    remove_file(dir, "log.7");
    remove_file(dir, first);
    g_assert_cmpint(g_rmdir(dir), ==, 0);
}

static void test_churn(void)
{
    search_in_churn("other.1", "other.2", true);
    search_in_churn("log.1", "log.2", false);
}

/* Of more files than are looked at, the youngest. */
static void test_many(void)
{
    enum { N = FOLLOW_SEARCH_MAX + 20 };
    g_autofree char *dir = g_dir_make_tmp("daybook-search-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "log", NULL);
    for (int i = 0; i < N; i++) {
        g_autofree char *name = g_strdup_printf("%s/log.%d", dir, i);
        g_assert_true(g_file_set_contents_full(name, "x", 1, G_FILE_SET_CONTENTS_NONE, 0644, NULL));
        if (i >= 10 && i < 30)
            g_usleep(12000);
    }
    g_autoptr(GPtrArray) files = follow_search_rotated(path, NULL);
    g_assert_cmpuint(files->len, ==, FOLLOW_SEARCH_MAX);
    for (guint i = 0; i < files->len; i++) {
        const struct follow_file *file = g_ptr_array_index(files, i);
        g_assert_cmpint(g_ascii_strtoll(strrchr(file->path, '.') + 1, NULL, 10), >=, N - FOLLOW_SEARCH_MAX);
    }
    for (int i = 0; i < N; i++) {
        g_autofree char *name = g_strdup_printf("log.%d", i);
        g_autofree char *file = g_build_filename(dir, name, NULL);
        g_assert_cmpint(g_unlink(file), ==, 0);
    }
    g_assert_cmpint(g_rmdir(dir), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/follow_search/names", test_names);
    g_test_add_func("/follow_search/order", test_order);
    g_test_add_func("/follow_search/mark", test_mark);
    g_test_add_func("/follow_search/churn", test_churn);
    g_test_add_func("/follow_search/many", test_many);
    return g_test_run();
}
