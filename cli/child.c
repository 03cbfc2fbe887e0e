/* child: see child.h. Between fork and exec only async-signal-safe functions are called, since librdkafka's threads may be there.
 */
#include "cli/child.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

G_DEFINE_QUARK(daybook - child - error - quark, child_error)

enum { POLL_US = 10000, LOG_TAIL_BYTES = 16384 };

void child_init(struct child *child, const char *name, const char *log_directory)
{
    g_autofree char *file = g_strconcat(name, ".log", NULL);

    memset(child, 0, sizeof *child);
    child->name = g_strdup(name);
    child->log_path = g_build_filename(log_directory, file, NULL);
}

void child_clear(struct child *child)
{
    g_assert(child->pid == 0);
    g_free(child->name);
    g_free(child->log_path);
}

static int open_log(const char *path)
{
    struct stat info;

    if (stat(path, &info) == 0 && info.st_size > CHILD_LOG_MAX) {
        g_autofree char *old = g_strconcat(path, ".1", NULL);
        g_rename(path, old);
    }
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

/* In the child. */
static G_NORETURN void become(const char *const *argv, int log_fd, int null_fd, int keep_fd, pid_t parent)
{
    sigset_t none;

    setpgid(0, 0);
    /* SIGKILL would leave Redis and the journal no time for their last write; SIGTERM does. */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(127);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    dup2(null_fd, STDIN_FILENO);
    dup2(log_fd, STDOUT_FILENO);
    dup2(log_fd, STDERR_FILENO);
    if (keep_fd >= 0)
        fcntl(keep_fd, F_SETFD, 0);
    execvp(argv[0], (char *const *)(gpointer)argv);
    dprintf(STDERR_FILENO, "cannot run %s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

bool child_start(struct child *child, const char *const *argv, int keep_fd, GError **error)
{
    pid_t parent = getpid();
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int log_fd = open_log(child->log_path);

    g_assert(child->pid == 0);
    pid_t pid = log_fd >= 0 && null_fd >= 0 ? fork() : -1;
    if (pid == 0)
        become(argv, log_fd, null_fd, keep_fd, parent);
    if (pid < 0)
        g_set_error(error, CHILD_ERROR, CHILD_ERROR_START, "%s cannot be started (log %s): %s", child->name, child->log_path,
                    g_strerror(errno));
    else
        child->pid = pid;
    if (log_fd >= 0)
        close(log_fd);
    if (null_fd >= 0)
        close(null_fd);
    return pid > 0;
}

void child_adopt(struct child *child, pid_t pid)
{
    g_assert(child->pid == 0);
    child->pid = pid;
}

bool child_alive(struct child *child)
{
    if (child->pid == 0)
        return false;
    pid_t got = waitpid(child->pid, &child->wait_status, WNOHANG);
    if (got == 0 || (got < 0 && errno == EINTR))
        return true;
    child->pid = 0;
    return false;
}

static bool wait_end(struct child *child, int timeout_ms)
{
    gint64 deadline_us = g_get_monotonic_time() + (gint64)timeout_ms * 1000;

    while (child_alive(child)) {
        if (g_get_monotonic_time() >= deadline_us)
            return false;
        g_usleep(POLL_US);
    }
    return true;
}

static void signal_all(const struct child *child, int signal_number)
{
    /* The group may not be there yet, right after the fork: then the process itself. */
    if (kill(-child->pid, signal_number) != 0)
        kill(child->pid, signal_number);
}

void child_stop(struct child *child, int timeout_ms)
{
    if (!child_alive(child))
        return;
    signal_all(child, SIGTERM);
    if (wait_end(child, timeout_ms))
        return;
    signal_all(child, SIGKILL);
    wait_end(child, 60000);
}

char *child_end(const struct child *child)
{
    if (WIFSIGNALED(child->wait_status)) {
        int number = WTERMSIG(child->wait_status);
        return g_strdup_printf("signal %d (%s)", number, strsignal(number));
    }
    return g_strdup_printf("exit code %d", WEXITSTATUS(child->wait_status));
}

void child_print_log(const struct child *child, size_t lines, FILE *out)
{
    char text[LOG_TAIL_BYTES + 1];
    FILE *file = fopen(child->log_path, "re");

    if (!file)
        return;
    if (fseek(file, -LOG_TAIL_BYTES, SEEK_END) != 0)
        rewind(file);
    size_t size = fread(text, 1, LOG_TAIL_BYTES, file);
    fclose(file);
    while (size > 0 && text[size - 1] == '\n')
        size--;
    text[size] = '\0';
    g_auto(GStrv) rows = g_strsplit(text, "\n", -1);
    size_t n = g_strv_length(rows);
    for (size_t i = n > lines ? n - lines : 0; i < n; i++)
        fprintf(out, "    %s\n", rows[i]);
}
