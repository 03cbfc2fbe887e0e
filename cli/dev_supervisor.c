/* dev_supervisor: see dev_supervisor.h.
 *
 * One thread: it looks after the children and serves one command at a time. The protocol on DIR/control: the client sends a line,
 * gets lines of text for people, and at last a line "=0" or "=2", the exit code.
 *
 * DIR/lock is held (flock) by the supervisor *and by every child*, which inherits its descriptor: so that after a kill -9 of the
 * supervisor the next one waits until the last child, which got SIGTERM, has let go of ports and files. */
#include "cli/dev_supervisor.h"

#include "cli/net.h"
#include "cli/options.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    TICK_MS = 200,
    LOCK_TIMEOUT_MS = 30000,
    COMMAND_MAX = 64,
    COMMAND_TIMEOUT_S = 5,
    LINK_TIMEOUT_MS = 5000,
};

static volatile sig_atomic_t signalled;

static void on_signal(int number)
{
    (void)number;
    signalled = 1;
}

static bool interrupted(void)
{
    return signalled != 0;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* ---- one supervisor a directory ---- */

static bool somebody_answers(const char *dir)
{
    g_autofree char *path = g_build_filename(dir, "control", NULL);
    int fd = net_unix_connect(path, NULL);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* The locked descriptor, or -1. */
static int take_lock(const char *dir, GError **error)
{
    g_autofree char *path = g_build_filename(dir, "lock", NULL);
    gint64 deadline_us = g_get_monotonic_time() + (gint64)LOCK_TIMEOUT_MS * 1000;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    bool said = false;

    while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (somebody_answers(dir) || g_get_monotonic_time() > deadline_us || interrupted()) {
            close(fd);
            g_set_error(error, DEV_ERROR, DEV_ERROR_START, "it runs already in %s (--stop ends it)", dir);
            return -1;
        }
        if (!said)
            printf("waiting for processes of an earlier run to end\n");
        said = true;
        g_usleep(TICK_MS * 1000);
    }
    if (fd < 0)
        g_set_error(error, DEV_ERROR, DEV_ERROR_START, "%s cannot be opened: %s", path, g_strerror(errno));
    return fd;
}

/* ---- commands ---- */

/* Reads one line, without its end. */
static bool read_command(int fd, char *command)
{
    struct timeval timeout = {.tv_sec = COMMAND_TIMEOUT_S};
    size_t size = 0;

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    while (size < COMMAND_MAX) {
        ssize_t n = recv(fd, command + size, 1, 0);
        if (n != 1)
            return false;
        if (command[size] == '\n') {
            command[size] = '\0';
            return true;
        }
        size++;
    }
    return false;
}

static int restart(struct dev_system *dev, const char *name)
{
    enum dev_part part = dev_part_by_name(name);
    g_autoptr(GError) error = NULL;

    if (part == DEV_N_PARTS) {
        fprintf(dev->out, "there is no part '%s': collector, aggregator, api, redis, broker\n", name);
        return EXIT_USAGE;
    }
    if (dev_system_restart(dev, part, &error))
        return 0;
    fprintf(dev->out, "%s\n", error->message);
    return EXIT_USAGE;
}

/* Returns true when the supervisor shall end; the client is answered then after the end. */
static bool serve(struct dev_system *dev, int fd, bool *ended)
{
    char command[COMMAND_MAX + 1];
    FILE *own = dev->out;
    int exit_code = EXIT_USAGE;

    if (!read_command(fd, command)) {
        close(fd);
        return false;
    }
    FILE *client = fdopen(fd, "w");
    g_assert(client);
    setvbuf(client, NULL, _IOLBF, 0);
    dev->out = client;
    if (strcmp(command, "stop") == 0) {
        dev_system_stop(dev);
        *ended = true;
        exit_code = 0;
    } else if (g_str_has_prefix(command, "restart ")) {
        exit_code = restart(dev, command + strlen("restart "));
    } else {
        fprintf(client, "unknown command '%s'\n", command);
    }
    fprintf(client, "=%d\n", exit_code);
    dev->out = own;
    fclose(client);
    return *ended;
}

static void loop(struct dev_system *dev, int control)
{
    bool ended = false;

    while (!ended && !interrupted()) {
        struct pollfd waiting = {.fd = control, .events = POLLIN};
        if (poll(&waiting, 1, TICK_MS) > 0) {
            int fd = accept4(control, NULL, NULL, SOCK_CLOEXEC);
            if (fd >= 0)
                serve(dev, fd, &ended);
        }
        if (!ended)
            dev_system_watch(dev);
    }
    if (!ended)
        dev_system_stop(dev);
}

/* ---- start and end ---- */

/* What is said from now on goes to DIR/log/dev.log; nobody's terminal or pipe is held open. */
static void leave_terminal(const char *dir)
{
    g_autofree char *path = g_build_filename(dir, "log", "dev.log", NULL);
    int log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    fflush(stdout);
    dup2(null_fd, STDIN_FILENO);
    dup2(log_fd >= 0 ? log_fd : null_fd, STDOUT_FILENO);
    dup2(log_fd >= 0 ? log_fd : null_fd, STDERR_FILENO);
    close(null_fd);
    if (log_fd >= 0)
        close(log_fd);
}

/* A link that signs a browser in, once; NULL: there is none to be had. */
static char *make_link(const struct dev_system *dev)
{
    g_autofree char *answer =
        net_http_post(dev->state->ports[DEV_PORT_API], "/api/v2/admin/sign-in-links", dev->state->api_token, LINK_TIMEOUT_MS);
    json_t *object = answer != NULL ? json_loads(answer, 0, NULL) : NULL;
    char *link = g_strdup(json_string_value(json_object_get(object, "url")));

    json_decref(object);
    return link;
}

static void announce(const struct dev_system *dev, int ready_fd)
{
    const char *dir = dev->options.dir;
    g_autofree char *link = make_link(dev);

    printf("\nDaybook runs. Names for scripts are in %s/env.\n"
           "  collector  http://127.0.0.1:%d  (POST /v1/events)\n"
           "  API        http://127.0.0.1:%d  (Authorization: Bearer %s)\n",
           dir, dev->state->ports[DEV_PORT_COLLECTOR], dev->state->ports[DEV_PORT_API], dev->state->api_token);
    printf("  dashboard  http://127.0.0.1:%d\n", dev->state->ports[DEV_PORT_API]);
    if (link != NULL)
        printf("  signs in   %s  (once, within 15 minutes)\n", link);
    if (ready_fd >= 0)
        printf("It ends with: daybook dev --dir %s --stop\n", dir);
    else
        printf("Ctrl-C ends it.\n");
    fflush(stdout);
    if (ready_fd < 0)
        return;
    leave_terminal(dir);
    char zero = 0;
    if (write(ready_fd, &zero, 1) != 1)
        fprintf(stderr, "the parent process does not listen: %s\n", g_strerror(errno));
    close(ready_fd);
}

static int run_system(struct dev_system *dev, int ready_fd)
{
    g_autofree char *path = g_build_filename(dev->options.dir, "control", NULL);
    g_autoptr(GError) error = NULL;

    dev->interrupted = interrupted;
    if (!dev_system_start(dev, &error)) {
        dev_system_stop(dev);
        return interrupted() ? 0 : options_fail("%s", error->message);
    }
    int control = net_unix_listen(path, &error);
    if (control < 0) {
        dev_system_stop(dev);
        return options_fail("%s", error->message);
    }
    announce(dev, ready_fd);
    loop(dev, control);
    g_unlink(path);
    close(control);
    return 0;
}

int dev_supervisor_run(const struct dev_options *options, int ready_fd)
{
    g_autoptr(GError) error = NULL;

    setvbuf(stdout, NULL, _IOLBF, 0);
    catch_signals();
    if (g_mkdir_with_parents(options->dir, 0750) != 0)
        return options_fail("%s cannot be made: %s", options->dir, g_strerror(errno));
    int lock_fd = take_lock(options->dir, &error);
    if (lock_fd < 0)
        return options_fail("%s", error->message);
    struct dev_system *dev = dev_system_new(options, lock_fd, &error);
    if (!dev) {
        close(lock_fd);
        return options_fail("%s", error->message);
    }
    int exit_code = run_system(dev, ready_fd);
    dev_system_free(dev);
    close(lock_fd);
    return exit_code;
}

/* ---- the client ---- */

/* Prints lines until "=N", and returns N. */
static int print_answer(FILE *answer)
{
    char line[4096];

    while (fgets(line, sizeof line, answer)) {
        if (line[0] == '=')
            return line[1] == '0' ? 0 : EXIT_USAGE;
        fputs(line, stdout);
        fflush(stdout);
    }
    return options_fail("the supervisor ended without an answer");
}

int dev_supervisor_ask(const char *dir, const char *command)
{
    g_autofree char *path = g_build_filename(dir, "control", NULL);
    g_autofree char *line = g_strconcat(command, "\n", NULL);
    int fd = net_unix_connect(path, NULL);

    if (fd < 0)
        return options_fail("nothing runs in %s", dir);
    signal(SIGPIPE, SIG_IGN);
    FILE *answer = fdopen(fd, "r");
    g_assert(answer);
    int exit_code = EXIT_USAGE;
    if (send(fd, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line))
        exit_code = print_answer(answer);
    else
        options_fail("the supervisor of %s does not listen: %s", dir, g_strerror(errno));
    fclose(answer);
    return exit_code;
}
