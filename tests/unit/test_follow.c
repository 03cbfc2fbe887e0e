/* The follower's thread, with the real intake, batcher and journal. */
#include "collector/follow.h"
#include "collector/journal.h"
#include "collector/meters.h"
#include "collector/settings.h"
#include "lib/record.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

enum { PARTITIONS = 4, WAIT_MS = 20000 };

struct world {
    char *dir, *journal_dir;
    GPtrArray *sets;
    struct config *config;
    struct intake *intake;
    struct journal *journal;
    struct batcher *batcher;
    struct metrics *metrics;
    struct follow *follow;
    uint32_t partitions;
    GMutex lock;
    GHashTable *seen; /* client -> times shipped; under the lock */
    int next;
};

static char *path_of(const struct world *world, const char *name)
{
    return g_build_filename(world->dir, name, NULL);
}

/* ---- the collector ---- */

static void count_batch(struct world *world, GBytes *bytes)
{
    struct record_parser *parser = record_parser_new();
    struct record record;
    gsize size = 0;
    const void *data = g_bytes_get_data(bytes, &size);
    g_assert_true(record_parse(parser, data, size, &record, NULL));
    for (size_t i = 0; i < record.batch.n_events; i++) {
        struct event event;
        batch_event(&record.batch, i, &event);
        char *client = g_strndup(event.client.data, event.client.size);
        int times = GPOINTER_TO_INT(g_hash_table_lookup(world->seen, client));
        g_hash_table_replace(world->seen, client, GINT_TO_POINTER(times + 1));
    }
    record_parser_free(parser);
}

static void ship(void *opaque, struct journal_group *group)
{
    struct world *world = opaque;
    g_mutex_lock(&world->lock);
    for (guint i = 0; i < group->batches->len; i++)
        count_batch(world, g_array_index(group->batches, struct journal_batch, i).record);
    g_mutex_unlock(&world->lock);
    journal_group_free(group);
}

static guint n_seen(struct world *world)
{
    g_mutex_lock(&world->lock);
    guint n = g_hash_table_size(world->seen);
    g_mutex_unlock(&world->lock);
    return n;
}

static void set(struct world *world, const char *setting, const char *value)
{
    g_ptr_array_add(world->sets, g_strconcat(setting, "=", value, NULL));
}

static struct config *load(struct world *world)
{
    g_autoptr(GError) error = NULL;
    char *environment[] = {NULL};
    g_ptr_array_add(world->sets, NULL);
    struct config *config = config_load(&collector_settings, NULL, (const char *const *)world->sets->pdata, environment, &error);
    g_ptr_array_remove_index(world->sets, world->sets->len - 1);
    g_assert_no_error(error);
    return config;
}

static void start(struct world *world)
{
    g_autoptr(GError) error = NULL;
    struct journal_settings journal = {.dir = world->journal_dir, .topic = "t", .max_bytes = 64 << 20, .segment_bytes = 1 << 20};
    struct batcher_settings batcher = {
        .commit_ms = 1, .collector = "edge", .partition_count = world->partitions, .ship = ship, .opaque = world};
    world->config = load(world);
    world->metrics = metrics_new(collector_meters, METER_N);
    world->intake = intake_new(world->config, &error);
    g_assert_no_error(error);
    world->journal = journal_open(&journal, &error);
    g_assert_no_error(error);
    batcher.metrics = world->metrics;
    world->batcher = batcher_start(&batcher, world->journal);
    world->follow = follow_start(world->config, world->intake, world->batcher, world->metrics, &error);
    g_assert_no_error(error);
}

static void stop(struct world *world)
{
    follow_stop(world->follow);
    batcher_stop(world->batcher);
    batcher_free(world->batcher);
    journal_close(world->journal);
    intake_free(world->intake);
    metrics_free(world->metrics);
    config_free(world->config);
}

static void set_up(struct world *world)
{
    *world = (struct world){.partitions = PARTITIONS};
    world->dir = g_dir_make_tmp("daybook-follow-XXXXXX", NULL);
    world->journal_dir = path_of(world, "journal");
    world->sets = g_ptr_array_new_with_free_func(g_free);
    world->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_mutex_init(&world->lock);
}

static void remove_all(const char *dir)
{
    GDir *listing = g_dir_open(dir, 0, NULL);
    for (const char *name = listing ? g_dir_read_name(listing) : NULL; name; name = g_dir_read_name(listing)) {
        g_autofree char *path = g_build_filename(dir, name, NULL);
        g_remove(path);
    }
    if (listing)
        g_dir_close(listing);
    g_rmdir(dir);
}

static void tear_down(struct world *world)
{
    remove_all(world->journal_dir);
    remove_all(world->dir);
    g_hash_table_unref(world->seen);
    g_ptr_array_unref(world->sets);
    g_mutex_clear(&world->lock);
    g_free(world->journal_dir);
    g_free(world->dir);
}

/* ---- the writer ---- */

static void write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(write(fd, text, strlen(text)), ==, (gssize)strlen(text));
    close(fd);
}

static void write_lines(struct world *world, const char *name, int n)
{
    g_autofree char *path = path_of(world, name);
    for (int i = 0; i < n; i++) {
        g_autofree char *line =
            g_strdup_printf("{\"client\":\"c%d\",\"method\":\"GET\",\"path\":\"/a\",\"status\":200}\n", world->next++);
        write_text(path, line);
    }
}

static void wait_for(struct world *world, guint n)
{
    for (int i = 0; i < WAIT_MS && n_seen(world) < n; i++)
        g_usleep(1000);
    g_assert_cmpuint(n_seen(world), ==, n);
}

static void check_once(struct world *world)
{
    GHashTableIter iter;
    gpointer client = NULL, times = NULL;
    wait_for(world, (guint)world->next);
    g_mutex_lock(&world->lock);
    g_hash_table_iter_init(&iter, world->seen);
    while (g_hash_table_iter_next(&iter, &client, &times)) {
        if (GPOINTER_TO_INT(times) != 1)
            g_error("%s was shipped %d times", (const char *)client, GPOINTER_TO_INT(times));
    }
    g_mutex_unlock(&world->lock);
}

static void follow_two(struct world *world)
{
    g_autofree char *a = path_of(world, "a.log");
    g_autofree char *b = path_of(world, "b.log");
    set(world, "follow.a.path", a);
    set(world, "follow.a.format", "ndjson");
    set(world, "follow.b.path", b);
    set(world, "follow.b.format", "ndjson");
}

/* ---- tests ---- */

static void test_two_files(void)
{
    struct world world;
    struct intake_tally totals;
    set_up(&world);
    follow_two(&world);
    write_lines(&world, "a.log", 3000);
    start(&world);
    check_once(&world);
    write_lines(&world, "b.log", 10);
    check_once(&world);
    g_autofree char *b = path_of(&world, "b.log");
    write_text(b, "wrong\n\n");
    write_lines(&world, "b.log", 1);
    check_once(&world);
    stop(&world);
    write_lines(&world, "a.log", 10);
    start(&world);
    check_once(&world);
    intake_totals(world.intake, &totals);
    g_assert_cmpuint(totals.accepted, ==, 10); /* of this run */
    g_assert_cmpint(metrics_get(world.metrics, METER_FOLLOW_LINES, "a"), ==, 10);
    stop(&world);
    tear_down(&world);
}

static void test_books(void)
{
    struct world world;
    struct intake_tally totals;
    set_up(&world);
    follow_two(&world);
    set(&world, "exclude.routes", "/health");
    g_autofree char *a = path_of(&world, "a.log");
    write_text(a, "{\"client\":\"x\",\"method\":\"GET\",\"path\":\"/health\",\"status\":200}\n"
                  "{\"client\":\"x\",\"method\":\"GET\",\"path\":\"/a\",\"status\":99}\n"
                  "{\"client\":\"x\",\"method\":\"GET\",\"path\":\"/a\"}\n"
                  "{\"time\":1,\"client\":\"x\",\"method\":\"GET\",\"path\":\"/a\",\"status\":200}\n"
                  "nonsense\n");
    write_lines(&world, "a.log", 2);
    start(&world);
    check_once(&world);
    for (int i = 0; i < 1000; i++) {
        intake_totals(world.intake, &totals);
        if (totals.accepted == 2)
            break;
        g_usleep(1000); /* counted by the batcher's thread, right after shipping */
    }
    g_assert_cmpuint(totals.accepted, ==, 2);
    g_assert_cmpuint(totals.excluded, ==, 1);
    g_assert_cmpuint(totals.rejected[INTAKE_OUT_OF_RANGE], ==, 1);
    g_assert_cmpuint(totals.rejected[INTAKE_MISSING_FIELD], ==, 1);
    g_assert_cmpuint(totals.rejected[INTAKE_TOO_OLD], ==, 1);
    g_assert_cmpuint(totals.rejected[INTAKE_MALFORMED], ==, 1);
    stop(&world);
    tear_down(&world);
}

/* Nothing is taken yet: lines wait in their files, and rotated files are kept. */
static void test_waits(void)
{
    struct world world;
    set_up(&world);
    world.partitions = 0;
    follow_two(&world);
    write_lines(&world, "a.log", 100);
    start(&world);
    g_usleep(200000);
    g_autofree char *a = path_of(&world, "a.log");
    g_autofree char *one = path_of(&world, "a.log.1");
    g_assert_cmpint(g_rename(a, one), ==, 0);
    write_lines(&world, "a.log", 100);
    write_lines(&world, "a.log.1", 100);
    write_lines(&world, "b.log", 100);
    g_usleep(200000);
    g_assert_cmpuint(n_seen(&world), ==, 0);
    batcher_set_partitions(world.batcher, PARTITIONS);
    check_once(&world);
    stop(&world);
    tear_down(&world);
}

/* A writer that does not wait, rotations, and a collector that is stopped and started all the time. */
static gpointer write_and_rotate(gpointer opaque)
{
    struct world *world = opaque;
    for (int i = 0; i < 40; i++) {
        write_lines(world, "a.log", 50);
        for (int n = 50; n > 0; n--) {
            g_autofree char *to_name = g_strdup_printf("a.log.%d", n);
            g_autofree char *from_name = n > 1 ? g_strdup_printf("a.log.%d", n - 1) : g_strdup("a.log");
            g_autofree char *from = path_of(world, from_name);
            g_autofree char *to = path_of(world, to_name);
            (void)g_rename(from, to);
        }
        g_usleep(15000); /* a tick of the clock that stamps files */
    }
    return NULL;
}

static void test_restarts(void)
{
    struct world world;
    set_up(&world);
    follow_two(&world);
    write_lines(&world, "a.log", 50); /* what was rotated away before the first look of all is not the follower's */
    start(&world);
    wait_for(&world, 50);
    stop(&world);
    GThread *writer = g_thread_new("writer", write_and_rotate, &world);
    for (int i = 0; i < 15; i++) {
        start(&world);
        g_usleep(30000);
        stop(&world);
    }
    g_thread_join(writer);
    start(&world);
    check_once(&world);
    stop(&world);
    tear_down(&world);
}

/* The setting is refused by a message that names it and holds the word. */
static void check_mistake(const char *setting, const char *value, const char *word)
{
    struct world world;
    g_autoptr(GError) error = NULL;
    set_up(&world);
    follow_two(&world);
    set(&world, setting, value);
    struct config *config = load(&world);
    g_assert_false(follow_check(config, &error));
    g_assert_nonnull(error);
    g_assert_nonnull(strstr(error->message, setting));
    g_assert_nonnull(strstr(error->message, word));
    config_free(config);
    tear_down(&world);
}

static void test_mistakes(void)
{
    check_mistake("follow.a.path", "relative.log", "absolute");
    check_mistake("follow.c.path", "", "missing");
    check_mistake("follow.a.fields", "speed=x", "speed=x");
    struct world world;
    g_autoptr(GError) error = NULL;
    set_up(&world);
    follow_two(&world);
    g_autofree char *a = path_of(&world, "a.log");
    set(&world, "follow.c.path", a); /* every line would count twice */
    struct config *config = load(&world);
    g_assert_false(follow_check(config, &error));
    g_assert_nonnull(strstr(error->message, "another section"));
    config_free(config);
    tear_down(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/follow/two_files", test_two_files);
    g_test_add_func("/follow/books", test_books);
    g_test_add_func("/follow/waits", test_waits);
    g_test_add_func("/follow/restarts", test_restarts);
    g_test_add_func("/follow/mistakes", test_mistakes);
    return g_test_run();
}
