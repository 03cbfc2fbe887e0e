/* The system's database. Every zone of it is compared with Python's zoneinfo by tests/system/test_tz.py, which asks this program:
 * with
 * --answer it reads questions from stdin and answers each with a line. */
#include "lib/tz.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

static void test_names(void)
{
    const char *const *names = tz_names();
    size_t n = g_strv_length((char **)names);
    g_assert_cmpuint(n, >=, 400);
    g_assert_cmpuint(n, <, TZ_NAMES_MAX);
    for (size_t i = 0; i < n; i++) {
        g_assert_true(i == 0 || g_ascii_strcasecmp(names[i - 1], names[i]) < 0);
        g_autoptr(GError) error = NULL;
        const struct tz *tz = tz_shared(names[i], &error);
        g_assert_no_error(error);
        g_assert_cmpstr(tz_name(tz), ==, names[i]);
    }
    g_assert_true(g_strv_contains(names, "America/Argentina/Ushuaia"));
    g_assert_false(g_strv_contains(names, "posixrules"));
}

static void test_lookup(void)
{
    static const char *const unknown[] = {
        "",          ".",         "..",       "/",         "Europe", "Europe/",       "../UTC",         "/etc/localtime",
        "right/UTC", "posix/UTC", "zone.tab", "localtime", "UTC ",   "Europe/../UTC", "Europe//Berlin", "Mars/Olympus"};
    for (size_t i = 0; i < G_N_ELEMENTS(unknown); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(tz_shared(unknown[i], &error));
        g_assert_error(error, TZ_ERROR, TZ_ERROR_UNKNOWN);
    }
    g_autofree char *endless = g_strnfill(100000, 'A');
    g_assert_null(tz_shared(endless, NULL));
    g_assert_cmpstr(tz_name(tz_shared("europe/BERLIN", NULL)), ==, "Europe/Berlin");
    g_assert_true(tz_shared("europe/BERLIN", NULL) == tz_shared("Europe/Berlin", NULL));
    g_assert_cmpstr(tz_at(tz_shared("Zulu", NULL), 0).abbreviation, ==, "UTC");
    struct tz *own = tz_load("utc", NULL);
    g_assert_cmpstr(tz_name(own), ==, "UTC");
    g_assert_true(own != tz_shared("UTC", NULL));
    tz_free(own);
}

static void *ask(void *opaque)
{
    const char *const *names = tz_names();
    for (size_t i = 0; names[i] != NULL; i++)
        g_ptr_array_add(opaque, (void *)tz_shared(names[i], NULL));
    return NULL;
}

/* All get the same zones, whoever loaded them. */
static void test_threads(void)
{
    enum { N = 4 };
    GThread *threads[N];
    GPtrArray *got[N];
    tz_shared_clear();
    for (int i = 0; i < N; i++) {
        got[i] = g_ptr_array_new();
        threads[i] = g_thread_new("ask", ask, got[i]);
    }
    for (int i = 0; i < N; i++)
        g_thread_join(threads[i]);
    for (guint k = 0; k < got[0]->len; k++) {
        for (int i = 0; i < N; i++)
            g_assert_true(got[i]->pdata[k] != NULL && got[i]->pdata[k] == got[0]->pdata[k]);
    }
    for (int i = 0; i < N; i++)
        g_ptr_array_unref(got[i]);
}

static void test_own_directory(void)
{
    g_autofree char *directory = g_dir_make_tmp("tz-XXXXXX", NULL);
    g_autofree char *file = g_build_filename(directory, "Broken", NULL);
    g_autoptr(GError) error = NULL;
    g_setenv("TZDIR", directory, TRUE);
    tz_shared_clear();
    g_assert_null(tz_shared("UTC", &error));
    g_assert_error(error, TZ_ERROR, TZ_ERROR_UNKNOWN);
    g_assert_true(strstr(error->message, directory) && strstr(error->message, "tzdata"));
    g_assert_null(tz_names()[0]);
    g_clear_error(&error);

    g_assert_true(g_file_set_contents(file, "TZif", 4, NULL));
    tz_shared_clear();
    g_assert_null(tz_shared("broken", &error));
    g_assert_error(error, TZ_ERROR, TZ_ERROR_DAMAGED);
    g_clear_error(&error);
    g_remove(file);
    g_assert_null(tz_shared("Broken", &error));
    g_assert_error(error, TZ_ERROR, TZ_ERROR_DAMAGED);

    g_unsetenv("TZDIR");
    tz_shared_clear();
    g_rmdir(directory);
    g_assert_nonnull(tz_shared("UTC", NULL));
}

static void test_near(void)
{
    static const struct {
        const char *wanted, *first;
    } cases[] = {
        {"kathmandu", "Asia/Kathmandu"},
        {"Europe/Berln", "Europe/Berlin"},
        {"new york", "America/New_York"},
        {"America/NewYork", "America/New_York"},
        {"Australia/Lord-Howe", "Australia/Lord_Howe"},
        {"Ushuaia", "America/Argentina/Ushuaia"},
        {"indiana", "US/East-Indiana"},
        {"UTC ", "UTC"},
        {"Ameri", "America/Adak"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree const char **near = tz_near_names(cases[i].wanted);
        if (g_strcmp0(near[0], cases[i].first) != 0)
            g_error("%s: %s, not %s", cases[i].wanted, near[0], cases[i].first);
        g_assert_cmpuint(g_strv_length((char **)near), <=, TZ_NEAR_MAX);
    }
    g_autofree char *endless = g_strnfill(100000, 'e');
    g_autofree const char **none = tz_near_names(endless), **nothing = tz_near_names("Olympus Mons, Mars");
    g_assert_true(none[0] == NULL && nothing[0] == NULL);
    g_autofree const char **empty = tz_near_names("");
    g_assert_cmpuint(g_strv_length((char **)empty), <=, TZ_NEAR_MAX);
}

/* ---- answers ----
 * "zone NAME" → its name, or "error: …"; of that zone: "at T" → offset, dst, abbreviation; "local T" → how many, first, last;
 * "next T" → the next change; "day D" → whether it is, its start. "names" → all on one line. */

static const struct tz *answer(const struct tz *tz, const char *question)
{
    const char *space = strchr(question, ' ');
    int64_t number = space && question[0] != 'z' ? g_ascii_strtoll(space + 1, NULL, 10) : 0, at[2];
    g_autoptr(GError) error = NULL;
    if (question[0] == 'z') {
        tz = tz_shared(space + 1, &error);
        puts(tz ? tz_name(tz) : "error");
    } else if (space != NULL && tz == NULL) {
        puts("error");
    } else if (question[0] == 'a') {
        struct tz_offset offset = tz_at(tz, number);
        printf("%d %d %s\n", offset.offset_s, offset.dst, offset.abbreviation);
    } else if (question[0] == 'l') {
        int n = tz_from_local(tz, number, at);
        printf("%d %" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n", n, n ? at[0] : 0, n ? at[1] : 0);
    } else if (question[0] == 'd') {
        bool is = tz_day_start(tz, number, at);
        printf("%d %" G_GINT64_FORMAT "\n", is, at[0]);
    } else if (space == NULL) {
        g_autofree char *names = g_strjoinv(" ", (char **)tz_names());
        puts(names);
    } else {
        printf("%" G_GINT64_FORMAT "\n", tz_next_change(tz, number));
    }
    return tz;
}

static int answer_all(void)
{
    char line[256];
    const struct tz *tz = NULL;
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        tz = answer(tz, line);
    }
    tz_shared_clear();
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--answer") == 0)
        return answer_all();
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tz-database/names", test_names);
    g_test_add_func("/tz-database/lookup", test_lookup);
    g_test_add_func("/tz-database/threads", test_threads);
    g_test_add_func("/tz-database/own-directory", test_own_directory);
    g_test_add_func("/tz-database/near", test_near);
    int failed = g_test_run();
    tz_shared_clear();
    return failed;
}
