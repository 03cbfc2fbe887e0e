/* follow: the thread.
 *
 * It looks at every log in turn and reads one piece of each, until there is nothing new anywhere; then it sleeps until inotify
 * reports a change in one of the directories, a submission is done, or POLL_MS have passed (inotify can be missing, or blind as on
 * NFS: then that is how often it looks). Submissions are given to the batcher in order, and the batcher keeps that order, so
 * positions never go back. */
#include "collector/follow.h"
#include "collector/follow_log.h"
#include "collector/meters.h"
#include "lib/log.h"
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

enum {
    IN_FLIGHT_MAX = 4,   /* submissions at the batcher */
    POLL_MS = 1000,      /* with inotify, for what it does not report */
    POLL_BLIND_MS = 100, /* without */
    GATHER_MS = 5,       /* after a change: more lines are coming */
    BUSY_WAIT_MS = 20,   /* before a submission that was not taken is tried again */
    FULL_WAIT_MS = 200,
    GAUGE_EVERY_MS = 1000,
};

struct follow {
    struct intake *intake;
    struct batcher *batcher;
    struct metrics *metrics;
    GPtrArray *logs; /* owned struct follow_log */
    char *piece;     /* FOLLOW_LOG_PIECE_SIZE + LOG_LINE_PADDING */
    GThread *thread;
    int wake_fd;    /* eventfd: a submission is done, or stop */
    int inotify_fd; /* -1: none */
    atomic_bool stopping;
    atomic_int in_flight;
    struct submission *waiting; /* not taken by the batcher yet */
    int64_t gauged_us;          /* monotonic */
};

/* What belongs to one submission on its way. */
struct follow_delivery {
    struct follow *follow;
    struct intake_tally tally;
};

static void wake(struct follow *follow)
{
    uint64_t one = 1;
    ssize_t n = write(follow->wake_fd, &one, sizeof one);
    (void)n; /* EAGAIN: it is awake already */
}

/* On the batcher's thread. */
static void delivered(struct submission *submission, enum submission_outcome outcome)
{
    struct follow_delivery *delivery = submission->opaque;
    struct follow *follow = delivery->follow;
    if (outcome == SUBMISSION_DURABLE)
        intake_count(follow->intake, &delivery->tally);
    else
        atomic_store(&follow->stopping, true); /* the process is about to end; nothing must be handed on behind a hole */
    g_free(delivery);
    submission_free(submission);
    wake(follow);
    atomic_fetch_sub(&follow->in_flight, 1); /* last: follow_stop() frees when it is 0 */
}

/* ---- handing on ---- */

static void drop_waiting(struct follow *follow)
{
    if (follow->waiting == NULL)
        return;
    g_free(follow->waiting->opaque);
    submission_free(follow->waiting);
    follow->waiting = NULL;
}

/* Tries to hand on what waits; returns how long to wait before the next try, 0: it is gone. */
static int hand_on(struct follow *follow)
{
    if (follow->waiting == NULL)
        return 0;
    atomic_fetch_add(&follow->in_flight, 1); /* before: done may be called at once */
    enum batcher_verdict verdict = batcher_submit(follow->batcher, follow->waiting);
    if (verdict == BATCHER_TAKEN) {
        follow->waiting = NULL;
        return 0;
    }
    atomic_fetch_sub(&follow->in_flight, 1);
    if (verdict == BATCHER_CLOSED)
        atomic_store(&follow->stopping, true);
    return verdict == BATCHER_BUSY ? BUSY_WAIT_MS : FULL_WAIT_MS;
}

/* Reads and hands on one piece of a log. True when there was something. */
static bool read_log(struct follow *follow, struct follow_log *log)
{
    struct follow_delivery *delivery = g_new0(struct follow_delivery, 1);
    uint64_t n_lines = 0;
    struct submission *submission = follow_log_read(log, follow->intake, follow->piece, &delivery->tally, &n_lines);
    if (submission == NULL) {
        g_free(delivery);
        return false;
    }
    delivery->follow = follow;
    submission->opaque = delivery;
    submission->done = delivered;
    follow->waiting = submission;
    if (follow->metrics && n_lines > 0)
        metrics_add(follow->metrics, METER_FOLLOW_LINES, follow_log_name(log), n_lines);
    (void)hand_on(follow);
    return true;
}

static void gauge(struct follow *follow)
{
    int64_t now_us = g_get_monotonic_time();
    if (follow->metrics == NULL || now_us - follow->gauged_us < GAUGE_EVERY_MS * 1000)
        return;
    follow->gauged_us = now_us;
    for (guint i = 0; i < follow->logs->len; i++) {
        const struct follow_log *log = g_ptr_array_index(follow->logs, i);
        metrics_set(follow->metrics, METER_FOLLOW_BEHIND_BYTES, follow_log_name(log), (gint64)follow_log_behind(log));
    }
}

/* One look at every log. Returns how long to wait then, in ms; 0: go on at once. */
static int go_round(struct follow *follow)
{
    bool found = false;
    for (guint i = 0; i < follow->logs->len; i++) {
        struct follow_log *log = g_ptr_array_index(follow->logs, i);
        follow_log_observe(log);
        if (follow->waiting == NULL && atomic_load(&follow->in_flight) < IN_FLIGHT_MAX)
            found = read_log(follow, log) || found;
    }
    gauge(follow);
    if (follow->waiting)
        return hand_on(follow);
    if (found && atomic_load(&follow->in_flight) < IN_FLIGHT_MAX)
        return 0;
    return follow->inotify_fd >= 0 ? POLL_MS : POLL_BLIND_MS;
}

/* ---- the thread ---- */

static void drain(int fd)
{
    char buffer[4096] __attribute__((aligned(8)));
    while (read(fd, buffer, sizeof buffer) > 0)
        continue;
}

static void sleep_until(struct follow *follow, int timeout_ms)
{
    struct pollfd fds[2] = {{.fd = follow->wake_fd, .events = POLLIN}, {.fd = follow->inotify_fd, .events = POLLIN}};
    bool only_wake = follow->waiting != NULL; /* changes cannot help then */
    if (poll(fds, only_wake ? 1 : 2, timeout_ms) <= 0)
        return;
    if (fds[0].revents)
        drain(follow->wake_fd);
    if (only_wake || fds[1].revents == 0)
        return;
    (void)poll(fds, 1, GATHER_MS);
    drain(follow->inotify_fd);
}

static gpointer run(gpointer opaque)
{
    struct follow *follow = opaque;
    while (!atomic_load(&follow->stopping)) {
        int wait_ms = go_round(follow);
        if (wait_ms > 0 && !atomic_load(&follow->stopping))
            sleep_until(follow, wait_ms);
    }
    return NULL;
}

/* ---- configuration ---- */

static char *setting_name(const char *instance, const char *key)
{
    return g_strdup_printf("follow.%s.%s", instance, key);
}

static const char *get_string(const struct config *config, const char *instance, const char *key)
{
    g_autofree char *name = setting_name(instance, key);
    return config_string(config, name);
}

static gint64 get_int(const struct config *config, const char *instance, const char *key)
{
    g_autofree char *name = setting_name(instance, key);
    return config_int(config, name);
}

static const char *const *get_list(const struct config *config, const char *instance, const char *key)
{
    g_autofree char *name = setting_name(instance, key);
    return config_list(config, name);
}

static struct follow_log *open_log(const struct config *config, const char *instance, GBytes *position, GError **error)
{
    struct follow_log_settings settings = {
        .name = instance,
        .path = get_string(config, instance, "path"),
        .line = {.fields = get_list(config, instance, "fields"),
                 .organization = get_string(config, instance, "organization"),
                 .platform = get_string(config, instance, "platform"),
                 .max_line_bytes = (size_t)get_int(config, instance, "max_line_bytes")},
        .start_at_end = strcmp(get_string(config, instance, "start"), "end") == 0,
        .rotated_wait_s = (int)get_int(config, instance, "rotated_wait_s"),
    };
    if (!log_format_parse(get_string(config, instance, "format"), &settings.line.format))
        g_assert_not_reached();
    struct follow_log *log = follow_log_new(&settings, position, error);
    if (log == NULL)
        g_prefix_error(error, "Setting follow.%s.fields: ", instance);
    return log;
}

static bool check_path(const char *instance, const char *path, GHashTable *paths, GError **error)
{
    const char *why = NULL;
    if (*path == '\0')
        why = "is missing: it names the log file.";
    else if (!g_path_is_absolute(path))
        why = "must be an absolute path.";
    else if (!g_hash_table_add(paths, (gpointer)path))
        why = "names a file that another section follows already.";
    if (why)
        g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE, "Setting follow.%s.path = \"%s\" %s", instance, path,
                    why);
    return why == NULL;
}

bool follow_check(const struct config *config, GError **error)
{
    g_autoptr(GHashTable) paths = g_hash_table_new(g_str_hash, g_str_equal);
    for (const char *const *instance = config_instances(config, "follow"); *instance; instance++) {
        if (!check_path(*instance, get_string(config, *instance, "path"), paths, error))
            return false;
        struct follow_log *log = open_log(config, *instance, NULL, error);
        if (log == NULL)
            return false;
        follow_log_free(log);
    }
    return true;
}

/* ---- life ---- */

static bool open_logs(struct follow *follow, const struct config *config, GError **error)
{
    for (const char *const *instance = config_instances(config, "follow"); *instance; instance++) {
        g_autofree char *name = g_strconcat("follow:", *instance, NULL);
        GBytes *position = batcher_position(follow->batcher, name);
        struct follow_log *log = open_log(config, *instance, position, error);
        if (position)
            g_bytes_unref(position);
        if (log == NULL)
            return false;
        g_ptr_array_add(follow->logs, log);
    }
    return true;
}

/* Watches the directories; what cannot be watched is polled. */
static void watch(struct follow *follow)
{
    follow->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    for (guint i = 0; i < follow->logs->len && follow->inotify_fd >= 0; i++) {
        const struct follow_log *log = g_ptr_array_index(follow->logs, i);
        g_autofree char *directory = g_path_get_dirname(follow_log_path(log));
        if (inotify_add_watch(follow->inotify_fd, directory, IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM) >= 0)
            continue;
        log_warn("follow_polls", "follow=%s directory=%s message=%s", follow_log_name(log), directory, g_strerror(errno));
        close(follow->inotify_fd);
        follow->inotify_fd = -1;
    }
}

static void free_follow(struct follow *follow)
{
    g_ptr_array_unref(follow->logs);
    g_free(follow->piece);
    if (follow->inotify_fd >= 0)
        close(follow->inotify_fd);
    if (follow->wake_fd >= 0)
        close(follow->wake_fd);
    g_free(follow);
}

struct follow *follow_start(const struct config *config, struct intake *intake, struct batcher *batcher, struct metrics *metrics,
                            GError **error)
{
    struct follow *follow = g_new0(struct follow, 1);
    follow->intake = intake;
    follow->batcher = batcher;
    follow->metrics = metrics;
    follow->logs = g_ptr_array_new_with_free_func((GDestroyNotify)follow_log_free);
    follow->inotify_fd = -1;
    follow->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (follow->wake_fd < 0) {
        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno), "eventfd: %s.", g_strerror(errno));
        free_follow(follow);
        return NULL;
    }
    if (!follow_check(config, error) || !open_logs(follow, config, error)) {
        free_follow(follow);
        return NULL;
    }
    if (follow->logs->len == 0)
        return follow;
    follow->piece = g_malloc(FOLLOW_LOG_PIECE_SIZE + LOG_LINE_PADDING);
    watch(follow);
    follow->thread = g_thread_new("follow", run, follow);
    return follow;
}

void follow_stop(struct follow *follow)
{
    if (follow == NULL)
        return;
    atomic_store(&follow->stopping, true);
    wake(follow);
    if (follow->thread)
        g_thread_join(follow->thread);
    drop_waiting(follow);
    while (atomic_load(&follow->in_flight) > 0)
        g_usleep(1000);
    free_follow(follow);
}
