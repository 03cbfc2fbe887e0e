/* child: a process that `daybook dev` started: its output goes to a log file, it dies with its parent, it is in a process group of
 * its own (so that Ctrl-C reaches the parent alone, which ends its children in order). Owned by one thread, the one that started
 * it. */
#ifndef DAYBOOK_CLI_CHILD_H
#define DAYBOOK_CLI_CHILD_H

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

enum { CHILD_LOG_MAX = 16 * 1024 * 1024 }; /* bytes; a larger log becomes NAME.log.1 at the next start */

struct child {
    char *name;      /* "collector" */
    char *log_path;  /* appended to */
    pid_t pid;       /* 0: not running */
    int wait_status; /* waitpid's, once it ended */
};

void child_init(struct child *child, const char *name, const char *log_directory);
void child_clear(struct child *child);

/* Starts argv (NULL-terminated; argv[0] is looked for in PATH when it has no slash). keep_fd, if >= 0, is inherited. */
bool child_start(struct child *child, const char *const *argv, int keep_fd, GError **error);
/* Takes over a process that became our child in another way. */
void child_adopt(struct child *child, pid_t pid);
/* False once it has ended (and was reaped). */
bool child_alive(struct child *child);
/* SIGTERM to the group, SIGKILL after timeout_ms; returns when it has ended. */
void child_stop(struct child *child, int timeout_ms);
/* "exit code 2", "signal 9 (Killed)". Caller frees. */
char *child_end(const struct child *child);
/* The last lines of its log, each indented. */
void child_print_log(const struct child *child, size_t lines, FILE *out);

#define CHILD_ERROR child_error_quark()
GQuark child_error_quark(void);
enum child_error { CHILD_ERROR_START };

#endif
