/* The program under test is this binary itself, started again with DAYBOOK_TEST_AS_PROGRAM: a program has signals, an exit code and
 * output, and these can only be seen from outside. */
#include "lib/log.h"
#include "lib/program.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct config_row rows[] = {
    {"log", "level", CONFIG_CHOICE, "info", 0, 0, NULL, "debug|info|warn|error", false, "Least level."},
    {"test", "mode", CONFIG_CHOICE, "wait", 0, 0, NULL, "wait|quit|hang|reload|nohup", false, "What to do."},
    {"test", "limit", CONFIG_INT, "5", 1, 10, NULL, NULL, false, "A number."},
};
static const struct metric_row metrics[] = {{"daybook_test_things_total", METRIC_COUNTER, NULL, "Things."}};
static const struct config_table table = {"test", "A program for tests.", rows, G_N_ELEMENTS(rows)};

static bool check(const struct config *config, GError **error)
{
    if (config_int(config, "test.limit") != 9)
        return true;
    g_set_error_literal(error, g_quark_from_static_string("test"), 0, "test.limit: 9 is unlucky\ntest.limit: really");
    return false;
}

static void *quit_later(void *unused)
{
    g_usleep(50000);
    program_quit(3);
    program_quit(1);
    return unused;
}

static void say(const char *word)
{
    puts(word);
    fflush(stdout);
}

static int run_as_program(int argc, char **argv)
{
    static const struct program program = {&table, metrics, G_N_ELEMENTS(metrics), check};
    int exit_code = 99;
    struct config *config = program_start(&program, argc, argv, &exit_code);
    if (!config)
        return exit_code;
    g_autofree char *mode = g_strdup(config_string(config, "test.mode"));
    config_free(config);
    if (strcmp(mode, "quit") == 0)
        g_thread_unref(g_thread_new("quitter", quit_later, NULL));
    if (program_wait(1))
        return 98;
    program_notify_ready();
    if (strcmp(mode, "reload") == 0)
        program_accept_reload();
    if (strcmp(mode, "nohup") == 0)
        signal(SIGHUP, SIG_IGN);
    say("ready");
    while (!program_wait(-1))
        if (program_take_reload())
            say("again");
    program_notify_stopping();
    if (strcmp(mode, "hang") == 0)
        pause();
    return program_exit_code();
}

struct child {
    GPid pid;
    int out, err;
};

static struct child spawn(const char *const *args, const char *notify_socket)
{
    struct child child;
    GPtrArray *argv = g_ptr_array_new();
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_ptr_array_add(argv, self);
    for (size_t i = 0; args[i]; i++)
        g_ptr_array_add(argv, (char *)args[i]);
    g_ptr_array_add(argv, NULL);
    g_auto(GStrv) environment = g_environ_setenv(g_get_environ(), "DAYBOOK_TEST_AS_PROGRAM", "1", TRUE);
    environment = g_environ_unsetenv(environment, "DAYBOOK_TEST_LIMIT");
    if (notify_socket)
        environment = g_environ_setenv(environment, "NOTIFY_SOCKET", notify_socket, TRUE);
    g_autoptr(GError) error = NULL;
    g_spawn_async_with_pipes(NULL, (char **)argv->pdata, environment, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &child.pid, NULL,
                             &child.out, &child.err, &error);
    g_assert_no_error(error);
    g_ptr_array_free(argv, TRUE);
    return child;
}

static char *read_all(int fd)
{
    GString *text = g_string_new(NULL);
    char buffer[4096];
    for (;;) {
        ssize_t n = read(fd, buffer, sizeof buffer);
        if (n == 0 || (n < 0 && errno != EINTR))
            break;
        if (n > 0)
            g_string_append_len(text, buffer, n);
    }
    close(fd);
    return g_string_free(text, FALSE);
}

static void wait_word(const struct child *child, const char *word)
{
    char buffer[6];
    g_assert_cmpint((int)read(child->out, buffer, sizeof buffer), ==, 6);
    g_assert_true(memcmp(buffer, word, 5) == 0 && buffer[5] == '\n');
}

static void wait_ready(const struct child *child)
{
    wait_word(child, "ready");
}

/* Returns the exit code; -1 when a signal ended it. */
static int wait_end(const struct child *child, char **out, char **err)
{
    g_autofree char *out_text = read_all(child->out);
    g_autofree char *err_text = read_all(child->err);
    int status;
    g_assert_cmpint(waitpid(child->pid, &status, 0), ==, child->pid);
    if (out)
        *out = g_steal_pointer(&out_text);
    if (err)
        *err = g_steal_pointer(&err_text);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void assert_run(const char *const *args, int exit_code, const char *out_part, const char *err_part)
{
    g_autofree char *out = NULL;
    g_autofree char *err = NULL;
    struct child child = spawn(args, NULL);
    g_assert_cmpint(wait_end(&child, &out, &err), ==, exit_code);
    if (!strstr(out, out_part) || !strstr(err, err_part) || (!err_part[0] && err[0]))
        g_error("wanted \"%s\" and \"%s\", got:\n%s\n%s", out_part, err_part, out, err);
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_printing_options(void)
{
    assert_run(ARGS("--version"), 0, "daybook-test " DAYBOOK_VERSION "\n", "");
    assert_run(ARGS("--help"), 0, "test.limit = 5", "");
    assert_run(ARGS("--print-settings"), 0, "### [test]", "");
    assert_run(ARGS("--print-metrics"), 0, "daybook_test_things_total", "");
    assert_run(ARGS("--check-config"), 0, "the configuration is good", "");
}

static void test_bad_configuration(void)
{
    assert_run(ARGS("--set", "test.limit=0"), 2, "", "daybook-test: --set: test.limit = \"0\"");
    assert_run(ARGS("--set", "test.limit=9", "--check-config"), 2, "", "9 is unlucky\ndaybook-test: test.limit: really\n");
    assert_run(ARGS("--config", "/nonexistent"), 2, "", "/nonexistent");
    assert_run(ARGS("--nonsense"), 2, "", "--nonsense");
    assert_run(ARGS("extra"), 2, "", "\"extra\"");
}

static void test_signals(void)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    static const char *const lines[] = {"stopping signal=SIGTERM\n", "stopping signal=SIGINT\n", "stopping signal=SIGHUP\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        struct child child = spawn(ARGS("--set", "test.mode=wait"), NULL);
        wait_ready(&child);
        g_assert_cmpint(kill(child.pid, numbers[i]), ==, 0);
        g_autofree char *err = NULL;
        g_assert_cmpint(wait_end(&child, NULL, &err), ==, 0);
        g_assert_nonnull(strstr(err, lines[i]));
    }
}

static void test_reload(void)
{
    struct child child = spawn(ARGS("--set", "test.mode=reload"), NULL);
    wait_ready(&child);
    for (int i = 0; i < 3; i++) {
        g_assert_cmpint(kill(child.pid, SIGHUP), ==, 0);
        wait_word(&child, "again");
    }
    g_assert_cmpint(kill(child.pid, SIGTERM), ==, 0);
    g_assert_cmpint(wait_end(&child, NULL, NULL), ==, 0);
}

/* As after nohup: a hang-up is not the end, and not a first signal. */
static void test_ignored_hangup(void)
{
    struct child child = spawn(ARGS("--set", "test.mode=nohup"), NULL);
    wait_ready(&child);
    g_assert_cmpint(kill(child.pid, SIGHUP), ==, 0);
    g_usleep(50000);
    g_assert_cmpint(kill(child.pid, SIGTERM), ==, 0);
    g_autofree char *err = NULL;
    g_assert_cmpint(wait_end(&child, NULL, &err), ==, 0);
    g_assert_null(strstr(err, "SIGHUP"));
}

static void test_second_signal_ends_at_once(void)
{
    struct child child = spawn(ARGS("--set", "test.mode=hang"), NULL);
    wait_ready(&child);
    kill(child.pid, SIGTERM);
    char byte;
    g_assert_cmpint((int)read(child.err, &byte, 1), ==, 1); /* the line that tells of the first */
    kill(child.pid, SIGTERM);
    g_assert_cmpint(wait_end(&child, NULL, NULL), ==, 1);
}

static void test_quit_with_the_highest_code(void)
{
    struct child child = spawn(ARGS("--set", "test.mode=quit"), NULL);
    g_assert_cmpint(wait_end(&child, NULL, NULL), ==, 3);
}

static void test_notify(void)
{
    g_autofree char *dir = g_dir_make_tmp("test_program_XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "notify", NULL);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    g_assert_cmpint(bind(fd, (const struct sockaddr *)&address, sizeof address), ==, 0);
    struct child child = spawn(ARGS("--set", "test.mode=wait"), path);
    char buffer[32] = {0};
    g_assert_cmpint((int)recv(fd, buffer, sizeof buffer - 1, 0), ==, 7);
    g_assert_cmpstr(buffer, ==, "READY=1");
    wait_ready(&child);
    kill(child.pid, SIGTERM);
    memset(buffer, 0, sizeof buffer);
    g_assert_cmpint((int)recv(fd, buffer, sizeof buffer - 1, 0), ==, 10);
    g_assert_cmpstr(buffer, ==, "STOPPING=1");
    g_assert_cmpint(wait_end(&child, NULL, NULL), ==, 0);
    close(fd);
    unlink(path);
    rmdir(dir);
}

int main(int argc, char **argv)
{
    if (g_getenv("DAYBOOK_TEST_AS_PROGRAM")) {
        g_unsetenv("DAYBOOK_TEST_AS_PROGRAM");
        return run_as_program(argc, argv);
    }
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/program/printing-options", test_printing_options);
    g_test_add_func("/program/bad-configuration", test_bad_configuration);
    g_test_add_func("/program/signals", test_signals);
    g_test_add_func("/program/reload", test_reload);
    g_test_add_func("/program/ignored-hangup", test_ignored_hangup);
    g_test_add_func("/program/second-signal-ends-at-once", test_second_signal_ends_at_once);
    g_test_add_func("/program/quit-with-the-highest-code", test_quit_with_the_highest_code);
    g_test_add_func("/program/notify", test_notify);
    return g_test_run();
}
