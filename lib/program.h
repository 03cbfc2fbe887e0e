/* program: what every daemon does at its start and end.
 *
 * program_start() reads the command line (--help, --version, --config FILE, --set section.key=value, --check-config, and, for
 * building the documentation, --print-settings and --print-metrics), loads the configuration, sets the log level from the row
 * log.level, and blocks SIGTERM, SIGINT and SIGHUP in all threads to come. It returns NULL after an option that ends the program;
 * then *exit_code says how (0, or 2 for a bad configuration, said on stderr).
 *
 * Shutdown: program_wait() returns true at the first SIGTERM, SIGINT or SIGHUP, or when program_quit() was called by any thread. A
 * second signal ends the process at once (exit 1).
 *
 * A program that can read something again while it runs says so with program_accept_reload(). Then SIGHUP does not end it, but
 * makes program_wait() return false early; several that come meanwhile are one:
 *
 *     program_accept_reload();
 *     while (!program_wait(-1))
 *         if (program_take_reload() && !http_server_reload_tls(http, &error))
 *             …log it, once, and go on with what is in force… */
#ifndef DAYBOOK_PROGRAM_H
#define DAYBOOK_PROGRAM_H

#include "lib/config.h"
#include "lib/metrics.h"

#define DAYBOOK_VERSION "0.1.0"

struct program {
    const struct config_table *settings;
    const struct metric_row *metrics;
    size_t n_metrics;
    /* Further checks of a loaded configuration (for --check-config as well as a start); may be NULL. */
    bool (*check)(const struct config *config, GError **error);
};

struct config *program_start(const struct program *program, int argc, char **argv, int *exit_code);

/* Waits at most timeout_ms (-1: for ever); true when the program shall end. Returns at once while a reload is not taken. */
bool program_wait(int timeout_ms);
/* From now on SIGHUP asks for a reload. program_take_reload: whether one was asked for since the last call. */
void program_accept_reload(void);
bool program_take_reload(void);
/* Asks the main thread to end with this exit code (the highest one asked for wins). Safe from any thread. */
void program_quit(int exit_code);
int program_exit_code(void);

/* Tells systemd (NOTIFY_SOCKET, sd_notify(3)) that the program is ready or is stopping; without it nothing. */
void program_notify_ready(void);
void program_notify_stopping(void);

#endif
