/* follow_world: a log directory with a writer that rotates and a follower that can be killed at any time; every line has a number,
 * and must come out exactly once. For the tests of collector/follow_log.h. */
#ifndef DAYBOOK_TESTS_FOLLOW_WORLD_H
#define DAYBOOK_TESTS_FOLLOW_WORLD_H

#include "collector/follow_log.h"
#include "collector/settings.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

enum { MAX_LINE = 1024 };

struct world {
    char *dir, *path;
    struct config *config;
    struct intake *intake;
    bool start_at_end;
    int rotated_wait_s;
    struct follow_log *log; /* NULL: the collector is down */
    GBytes *position;       /* durable */
    GHashTable *seen;       /* client -> how often it was durable */
    struct intake_tally tally;
    char *piece;
    int next; /* number of the next line to write */
};

static inline void start(struct world *world)
{
    g_autoptr(GError) error = NULL;
    struct follow_log_settings settings = {
        .name = "test",
        .path = world->path,
        .line = {.format = LOG_FORMAT_NDJSON, .max_line_bytes = MAX_LINE},
        .start_at_end = world->start_at_end,
        .rotated_wait_s = world->rotated_wait_s ? world->rotated_wait_s : 600,
    };
    world->log = follow_log_new(&settings, world->position, &error);
    g_assert_no_error(error);
}

/* As kill -9 does: whatever is not durable is gone. */
static inline void stop(struct world *world)
{
    follow_log_free(world->log);
    world->log = NULL;
}

static inline void set_up(struct world *world)
{
    g_autoptr(GError) error = NULL;
    char *environment[] = {NULL};
    *world = (struct world){0};
    world->dir = g_dir_make_tmp("daybook-follow-XXXXXX", &error);
    g_assert_no_error(error);
    world->path = g_build_filename(world->dir, "access.log", NULL);
    world->config = config_load(&collector_settings, NULL, NULL, environment, &error);
    g_assert_no_error(error);
    world->intake = intake_new(world->config, &error);
    g_assert_no_error(error);
    world->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    world->piece = g_malloc(FOLLOW_LOG_PIECE_SIZE + LOG_LINE_PADDING);
}

static inline void tear_down(struct world *world)
{
    stop(world);
    GDir *dir = g_dir_open(world->dir, 0, NULL);
    for (const char *name = g_dir_read_name(dir); name; name = g_dir_read_name(dir)) {
        g_autofree char *path = g_build_filename(world->dir, name, NULL);
        g_assert_cmpint(g_unlink(path), ==, 0);
    }
    g_dir_close(dir);
    g_assert_cmpint(g_rmdir(world->dir), ==, 0);
    intake_free(world->intake);
    config_free(world->config);
    g_hash_table_unref(world->seen);
    if (world->position)
        g_bytes_unref(world->position);
    g_free(world->piece);
    g_free(world->dir);
    g_free(world->path);
}

/* ---- the collector ---- */

static inline void make_durable(struct world *world, const struct submission *submission, const struct intake_tally *tally)
{
    for (guint i = 0; i < submission->events->len; i++) {
        struct view client = g_array_index(submission->events, struct event, i).client;
        char *key = g_strndup(client.data, client.size);
        int times = GPOINTER_TO_INT(g_hash_table_lookup(world->seen, key));
        g_hash_table_replace(world->seen, key, GINT_TO_POINTER(times + 1));
    }
    world->tally.accepted += tally->accepted;
    for (int i = 0; i < INTAKE_N_REASONS; i++)
        world->tally.rejected[i] += tally->rejected[i];
    g_assert_cmpstr(submission->position_name, ==, "follow:test");
    if (world->position)
        g_bytes_unref(world->position);
    world->position = g_bytes_ref(submission->position);
}

/* One read; false when there is nothing. durable=false: the collector dies before the journal has it. */
static inline bool read_once(struct world *world, bool durable)
{
    struct intake_tally tally = {0};
    uint64_t n_lines = 0;
    follow_log_observe(world->log);
    struct submission *submission = follow_log_read(world->log, world->intake, world->piece, &tally, &n_lines);
    if (submission == NULL)
        return false;
    if (durable)
        make_durable(world, submission, &tally);
    submission_free(submission);
    return true;
}

static inline void pump(struct world *world)
{
    int quiet = 0;
    while (quiet < 2) /* a truncation is noticed in one round and read in the next */
        quiet = read_once(world, true) ? 0 : quiet + 1;
}

static inline void restart(struct world *world)
{
    stop(world);
    start(world);
}

/* ---- the writer ---- */

static inline void append_bytes(const char *path, const char *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(write(fd, bytes, size), ==, (gssize)size);
    close(fd);
}

static inline char *line_of(int number)
{
    return g_strdup_printf("{\"client\":\"c%d\",\"method\":\"GET\",\"route\":\"/a\",\"status\":200}\n", number);
}

static inline void write_lines(struct world *world, const char *path, int n)
{
    for (int i = 0; i < n; i++) {
        g_autofree char *line = line_of(world->next++);
        append_bytes(path, line, strlen(line));
    }
}

static inline char *rotated(const struct world *world, const char *suffix)
{
    return g_strconcat(world->path, suffix, NULL);
}

static inline void move(const struct world *world, const char *from, const char *to)
{
    g_autofree char *old = rotated(world, from);
    g_autofree char *new = rotated(world, to);
    if (g_rename(old, new) != 0)
        g_assert_cmpint(errno, ==, ENOENT);
}

/* As logrotate does: .1 becomes .2, and so on. */
static inline void shift(const struct world *world)
{
    for (int i = 80; i > 0; i--) {
        g_autofree char *from = g_strdup_printf(".%d", i);
        g_autofree char *to = g_strdup_printf(".%d", i + 1);
        move(world, from, to);
    }
}

static inline void rotate(const struct world *world)
{
    shift(world);
    move(world, "", ".1");
}

static inline void copy(const char *from, const char *to)
{
    g_autofree char *text = NULL;
    gsize size = 0;
    g_assert_true(g_file_get_contents(from, &text, &size, NULL));
    g_unlink(to);
    append_bytes(to, text, size);
}

static inline void copy_truncate(const struct world *world)
{
    g_autofree char *one = rotated(world, ".1");
    shift(world);
    copy(world->path, one);
    g_assert_cmpint(truncate(world->path, 0), ==, 0);
}

/* ---- the check ---- */

static inline int times_seen(const struct world *world, int number)
{
    g_autofree char *client = g_strdup_printf("c%d", number);
    return GPOINTER_TO_INT(g_hash_table_lookup(world->seen, client));
}

static inline void check_all_once(const struct world *world)
{
    for (int i = 0; i < world->next; i++) {
        if (times_seen(world, i) != 1)
            g_error("line %d was counted %d times", i, times_seen(world, i));
    }
    g_assert_cmpuint(g_hash_table_size(world->seen), ==, (guint)world->next);
}

#endif
