/* Signals are blocked everywhere and taken by one watching thread with sigwait: no handler ever runs, so nothing here has to be
 * safe in a handler. The first that asks for the end wakes program_wait; the second ends the process even if the main thread hangs
 * in its shutdown. */
#include "lib/program.h"
#include "lib/log.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The one piece of state per process; guarded by lock. */
static struct {
    GMutex lock;
    GCond changed;
    bool quitting;
    int exit_code;
    bool reloads; /* SIGHUP is not the end */
    bool reload;  /* and there was one */
} state;

static void ask_to_end(int exit_code)
{
    g_mutex_lock(&state.lock);
    state.quitting = true;
    state.exit_code = MAX(state.exit_code, exit_code);
    g_cond_broadcast(&state.changed);
    g_mutex_unlock(&state.lock);
}

/* False: the program does not; then SIGHUP ends it like the others. */
static bool ask_to_reload(void)
{
    g_mutex_lock(&state.lock);
    bool reloads = state.reloads;
    state.reload = reloads;
    g_cond_broadcast(&state.changed);
    g_mutex_unlock(&state.lock);
    return reloads;
}

/* By nohup(1), say. */
static bool is_ignored(int signal_number)
{
    struct sigaction action;
    return sigaction(signal_number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static void watched_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
}

static void *watch_signals(void *unused)
{
    (void)unused;
    sigset_t set;
    watched_signals(&set);
    for (bool ending = false;;) {
        int signal_number = 0;
        if (sigwait(&set, &signal_number) != 0)
            continue;
        if (signal_number == SIGHUP && (ask_to_reload() || is_ignored(SIGHUP)))
            continue;
        if (ending)
            _exit(1);
        ending = true;
        log_info("stopping", "signal=SIG%s", sigabbrev_np(signal_number));
        ask_to_end(0);
    }
    return NULL;
}

static void start_watching(void)
{
    sigset_t set;
    watched_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN); /* a peer that went away is an error of write(2), not the end */
    g_thread_unref(g_thread_new("signals", watch_signals, NULL));
}

/* ---- command line ---- */

struct options {
    gboolean help, version, check_config, print_settings, print_metrics;
    char *file;
    char **sets;
};

static void options_clear(struct options *options)
{
    g_free(options->file);
    g_strfreev(options->sets);
}

static bool parse_options(struct options *options, int argc, char **argv, GError **error)
{
    const GOptionEntry entries[] = {
        {"help", 'h', 0, G_OPTION_ARG_NONE, &options->help, NULL, NULL},
        {"version", 'V', 0, G_OPTION_ARG_NONE, &options->version, NULL, NULL},
        {"check-config", 0, 0, G_OPTION_ARG_NONE, &options->check_config, NULL, NULL},
        {"print-settings", 0, 0, G_OPTION_ARG_NONE, &options->print_settings, NULL, NULL},
        {"print-metrics", 0, 0, G_OPTION_ARG_NONE, &options->print_metrics, NULL, NULL},
        {"config", 'c', 0, G_OPTION_ARG_FILENAME, &options->file, NULL, NULL},
        {"set", 's', 0, G_OPTION_ARG_FILENAME_ARRAY, &options->sets, NULL, NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    GOptionContext *context = g_option_context_new(NULL);
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_add_main_entries(context, entries, NULL);
    g_auto(GStrv) args = g_new0(char *, (size_t)argc + 1);
    for (int i = 0; i < argc; i++)
        args[i] = g_strdup(argv[i]);
    bool ok = g_option_context_parse_strv(context, &args, error);
    g_option_context_free(context);
    if (ok && args[0] && args[1]) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION, "\"%s\" is not understood; --help says what is", args[1]);
        return false;
    }
    return ok;
}

static char *help_text(const struct program *program)
{
    g_autofree char *help = config_help(program->settings);
    return g_strdup_printf("Usage: daybook-%s [--config FILE] [--set section.key=value]…\n\n"
                           "  -c, --config FILE            read settings from FILE\n"
                           "  -s, --set section.key=value  overrides file and environment; can be repeated\n"
                           "      --check-config           check the configuration and exit: 0 good, 2 bad\n"
                           "  -h, --help                   this text\n"
                           "  -V, --version                the version\n\n%s",
                           program->settings->program, help);
}

/* The text of an option that prints and ends the program, or NULL. Caller frees. */
static char *text_to_print(const struct program *program, const struct options *options)
{
    if (options->help)
        return help_text(program);
    if (options->version)
        return g_strdup_printf("daybook-%s %s\n", program->settings->program, DAYBOOK_VERSION);
    if (options->print_settings)
        return config_markdown(program->settings);
    if (options->print_metrics)
        return metrics_markdown(program->settings->program, program->metrics, program->n_metrics);
    return NULL;
}

/* One line per mistake. */
static void say_mistakes(const struct program *program, const char *mistakes)
{
    g_auto(GStrv) lines = g_strsplit(mistakes, "\n", -1);
    for (size_t i = 0; lines[i]; i++)
        if (lines[i][0])
            fprintf(stderr, "daybook-%s: %s\n", program->settings->program, lines[i]);
}

static struct config *load(const struct program *program, const struct options *options, GError **error)
{
    g_auto(GStrv) environment = g_get_environ();
    struct config *config = config_load(program->settings, options->file, (const char *const *)options->sets, environment, error);
    if (config && program->check && !program->check(config, error)) {
        config_free(config);
        return NULL;
    }
    return config;
}

static struct config *start(const struct program *program, const struct options *options, int *exit_code)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = text_to_print(program, options);
    if (text) {
        *exit_code = fputs(text, stdout) >= 0 && fflush(stdout) == 0 ? 0 : 1;
        return NULL;
    }
    struct config *config = load(program, options, &error);
    if (!config) {
        say_mistakes(program, error->message);
        *exit_code = 2;
        return NULL;
    }
    *exit_code = 0;
    if (options->check_config) {
        printf("daybook-%s: the configuration is good\n", program->settings->program);
        config_free(config);
        return NULL;
    }
    enum log_level level;
    if (log_level_parse(config_string(config, "log.level"), &level))
        log_set_level(level);
    start_watching();
    return config;
}

/* As many descriptors as we may have: each connection and each temporary file is one. */
static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

struct config *program_start(const struct program *program, int argc, char **argv, int *exit_code)
{
    struct options options = {0};
    g_autoptr(GError) error = NULL;
    struct config *config = NULL;
    raise_descriptors();
    if (parse_options(&options, argc, argv, &error)) {
        config = start(program, &options, exit_code);
    } else {
        say_mistakes(program, error->message);
        *exit_code = 2;
    }
    options_clear(&options);
    return config;
}

/* ---- the end ---- */

bool program_wait(int timeout_ms)
{
    gint64 deadline_us = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
    g_mutex_lock(&state.lock);
    while (!state.quitting && !state.reload) {
        if (timeout_ms < 0)
            g_cond_wait(&state.changed, &state.lock);
        else if (!g_cond_wait_until(&state.changed, &state.lock, deadline_us))
            break;
    }
    bool quitting = state.quitting;
    g_mutex_unlock(&state.lock);
    return quitting;
}

void program_accept_reload(void)
{
    g_mutex_lock(&state.lock);
    state.reloads = true;
    g_mutex_unlock(&state.lock);
}

bool program_take_reload(void)
{
    g_mutex_lock(&state.lock);
    bool reload = state.reload;
    state.reload = false;
    g_mutex_unlock(&state.lock);
    return reload;
}

void program_quit(int exit_code)
{
    ask_to_end(exit_code);
}

int program_exit_code(void)
{
    g_mutex_lock(&state.lock);
    int exit_code = state.exit_code;
    g_mutex_unlock(&state.lock);
    return exit_code;
}

/* ---- systemd ---- */

/* The protocol of sd_notify(3): one datagram to the socket named in the environment; '@' stands for the abstract namespace. */
static void notify(const char *message)
{
    const char *path = g_getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof address.sun_path)
        return;
    memcpy(address.sun_path, path, strlen(path));
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (sendto(fd, message, strlen(message), MSG_NOSIGNAL, (const struct sockaddr *)&address, size) < 0)
        log_warn("notify_failed", "socket=%s error=%s", path, g_strerror(errno));
    close(fd);
}

void program_notify_ready(void)
{
    notify("READY=1");
}

void program_notify_stopping(void)
{
    notify("STOPPING=1");
}
