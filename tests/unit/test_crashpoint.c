/* The process that shall die is this program again, in a child with the variable set. */
#include "lib/crashpoint.h"

#include <glib.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static const char *self;

/* What the child does: three times the point "a", once "b". Its exit code tells how far it came. */
static int child(void)
{
    for (int i = 1; i <= 3; i++) {
        if (crashpoint_due("a") && crashpoint_hits("a") != 1)
            return 99;
        crashpoint("a");
    }
    crashpoint("b");
    return (int)(10 + crashpoint_hits("a") + crashpoint_hits("b"));
}

static int run(const char *value)
{
    const char *argv[] = {self, "--child", NULL};
    g_auto(GStrv) environment = g_environ_setenv(g_get_environ(), "DAYBOOK_CRASH_AT", value, TRUE);
    int status = 0;
    g_autoptr(GError) error = NULL;
    /* G_SPAWN_DEFAULT takes the vector as char **, but does not change it. */
    union {
        const char **in;
        char **out;
    } arguments = {argv};
    g_spawn_sync(NULL, arguments.out, environment, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, NULL, NULL, &status, &error);
    g_assert_no_error(error);
    return status;
}

static void test_nothing_armed(void)
{
    crashpoint("a");
    g_assert_cmpuint(crashpoint_hits("a"), ==, 0);
    g_assert_false(crashpoint_due("a"));
}

static void test_kills_at_nth(void)
{
    int status = run("a:2");
    g_assert_true(WIFSIGNALED(status));
    g_assert_cmpint(WTERMSIG(status), ==, SIGKILL);
}

static void test_counts_until_nth(void)
{
    int status = run("a:4");
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 13);
}

static void test_first_is_the_default(void)
{
    int status = run("b");
    g_assert_true(WIFSIGNALED(status));
}

static void test_name_must_be_whole(void)
{
    int status = run("abc");
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 10);
}

static void test_nonsense_is_refused(void)
{
    int status = run("a:first");
    g_assert_true(WIFSIGNALED(status)); /* g_error aborts */
    g_assert_cmpint(WTERMSIG(status), !=, SIGKILL);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--child") == 0)
        return child();
    self = argv[0];
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/crashpoint/nothing_armed", test_nothing_armed);
    g_test_add_func("/crashpoint/kills_at_nth", test_kills_at_nth);
    g_test_add_func("/crashpoint/counts_until_nth", test_counts_until_nth);
    g_test_add_func("/crashpoint/first_is_the_default", test_first_is_the_default);
    g_test_add_func("/crashpoint/name_must_be_whole", test_name_must_be_whole);
    g_test_add_func("/crashpoint/nonsense_is_refused", test_nonsense_is_refused);
    return g_test_run();
}
