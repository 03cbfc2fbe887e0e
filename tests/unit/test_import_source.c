#include "collector/import_source.h"
#include "collector/settings.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

enum { PARTITIONS = 4 };

struct world {
    char *dir, *path;
    struct config *config;
    struct intake *intake;
    struct import_plan *plan;
    struct import_source *source;
};

static void plan(struct world *world, const char *const *sets)
{
    g_autoptr(GError) error = NULL;
    char *environment[] = {NULL};
    struct import_range range = {"ndjson", 1, 0};
    struct log_line_settings line = {.format = LOG_FORMAT_NDJSON};
    world->config = config_load(&collector_settings, NULL, sets, environment, &error);
    g_assert_no_error(error);
    world->intake = intake_new(world->config, &error);
    g_assert_no_error(error);
    world->plan = import_plan_new(world->path, &range, &error);
    g_assert_no_error(error);
    world->source = import_source_new(world->plan, &line, world->intake, PARTITIONS, &error);
    g_assert_no_error(error);
}

static void unplan(struct world *world)
{
    import_source_free(world->source);
    import_plan_free(world->plan);
    intake_free(world->intake);
    config_free(world->config);
}

static void write_log(struct world *world, const char *text)
{
    world->dir = g_dir_make_tmp("daybook-source-XXXXXX", NULL);
    world->path = g_build_filename(world->dir, "access.log", NULL);
    g_assert_true(g_file_set_contents(world->path, text, -1, NULL));
}

static void remove_log(struct world *world)
{
    g_assert_cmpint(g_unlink(world->path), ==, 0);
    g_assert_cmpint(g_rmdir(world->dir), ==, 0);
    g_free(world->dir);
    g_free(world->path);
}

static char *events(int n, size_t route_size)
{
    GString *text = g_string_new(NULL);
    g_autofree char *tail = g_strnfill(route_size, 'r');
    for (int i = 0; i < n; i++)
        g_string_append_printf(text, "{\"time\":%d,\"client\":\"c%d\",\"method\":\"GET\",\"route\":\"/%d%s\",\"status\":200}\n",
                               1000 + i, i % 17, i, tail);
    return g_string_free(text, FALSE);
}

/* All batches of a run: checks their headers, and counts the events. */
static GPtrArray *run(struct world *world, uint64_t *n_events)
{
    g_autoptr(GError) error = NULL;
    GPtrArray *batches = g_ptr_array_new_with_free_func((GDestroyNotify)import_batch_free);
    uint64_t next[PARTITIONS] = {2, 1, 1, 1};
    struct record_parser *parser = record_parser_new();
    for (bool more = true; more;) {
        g_assert_true(import_source_next(world->source, batches, &more, &error));
        g_assert_no_error(error);
    }
    *n_events = 0;
    uint64_t n_listed = 0, n_rejected = 0;
    for (guint i = 0; i < batches->len; i++) {
        const struct import_batch *batch = g_ptr_array_index(batches, i);
        struct record record;
        gsize size = 0;
        const void *data = g_bytes_get_data(batch->record, &size);
        g_assert_true(record_parse(parser, data, size, &record, NULL));
        g_assert_cmpuint(size, <, 700000); /* brokers take 1 MiB */
        g_assert_true(record.batch.header.import && record.batch.header.created_ms == 0);
        g_assert_cmpuint(record.batch.header.partition, ==, batch->partition);
        g_assert_cmpuint(record.batch.header.partition_count, ==, PARTITIONS);
        g_assert_cmpuint(record.batch.header.sequence, ==, next[batch->partition]);
        g_assert_cmpuint(batch->sequence, ==, next[batch->partition]++);
        g_assert_true(memcmp(record.batch.header.stream_id, world->plan->stream_id, STREAM_ID_SIZE) == 0);
        *n_events += record.batch.n_events;
        for (size_t k = 0; k < record.batch.n_rejections; k++)
            n_listed += record.batch.rejections[k].count;
        g_assert_true(record.batch.n_rejections == 0 ||
                      batch->partition == partition_of(view_of(""), view_of("import"), PARTITIONS));
    }
    for (int i = 0; i < INTAKE_N_REASONS; i++)
        n_rejected += import_source_books(world->source)->tally.rejected[i];
    g_assert_cmpuint(n_listed, ==, n_rejected);
    for (int i = 0; i < PARTITIONS; i++)
        g_assert_cmpuint(import_source_sequences(world->source)[i], ==, next[i] - 1);
    record_parser_free(parser);
    return batches;
}

/* Two runs give the same bytes. */
static void check_same(const GPtrArray *first, const GPtrArray *second)
{
    g_assert_cmpuint(first->len, ==, second->len);
    for (guint i = 0; i < first->len; i++) {
        const struct import_batch *a = g_ptr_array_index(first, i);
        const struct import_batch *b = g_ptr_array_index(second, i);
        g_assert_true(g_bytes_equal(a->record, b->record));
    }
}

static void check_text(const char *text, uint64_t n_wanted, guint least_batches)
{
    struct world world;
    uint64_t n = 0;
    write_log(&world, text);
    plan(&world, NULL);
    GPtrArray *first = run(&world, &n);
    unplan(&world);
    g_assert_cmpuint(n, ==, n_wanted);
    g_assert_cmpuint(first->len, >=, least_batches);
    plan(&world, NULL);
    GPtrArray *second = run(&world, &n);
    g_assert_cmpuint(import_source_done(world.source), ==, strlen(text));
    unplan(&world);
    check_same(first, second);
    g_ptr_array_unref(first);
    g_ptr_array_unref(second);
    remove_log(&world);
}

static void test_repeats(void)
{
    g_autofree char *small = events(1, 1);
    g_autofree char *blocks = events(5000, 10);
    g_autofree char *large = events(4000, 1000); /* cut by size, not only by lines */
    check_text(small, 1, 1);
    check_text(blocks, 5000, 3 * PARTITIONS);
    check_text(large, 4000, 16);
}

static void test_books(void)
{
    struct world world;
    uint64_t n = 0;
    g_autofree char *good = events(3, 1);
    g_autofree char *long_line = g_strnfill(LOG_LINE_MAX + 500000, 'x');
    g_autofree char *text =
        g_strconcat(good, "\n \r\nwrong\n", long_line, "\n{\"method\":\"GET\",\"route\":\"/a\",\"status\":200}\n", good,
                    "{\"time\":1,\"method\":\"GET\",\"route\":\"/health\",\"status\":200}\nlast", NULL);
    const char *sets[] = {"exclude.routes=/health", NULL};
    write_log(&world, text);
    plan(&world, sets);
    g_ptr_array_unref(run(&world, &n));
    const struct import_books *books = import_source_books(world.source);
    g_assert_cmpuint(n, ==, 6);
    g_assert_cmpuint(books->n_lines, ==, 13);
    g_assert_cmpuint(books->blank, ==, 2);
    g_assert_cmpuint(books->tally.accepted, ==, 6);
    g_assert_cmpuint(books->tally.excluded, ==, 1);
    g_assert_cmpuint(books->tally.rejected[INTAKE_MALFORMED], ==, 2);
    g_assert_cmpuint(books->tally.rejected[INTAKE_TOO_LONG], ==, 1);
    g_assert_cmpuint(books->tally.rejected[INTAKE_MISSING_FIELD], ==, 1);
    static const uint64_t lines[] = {6, 7, 8, 13};
    g_assert_cmpuint(books->n_refusals, ==, 4);
    for (size_t i = 0; i < 4; i++)
        g_assert_cmpuint(books->refusals[i].line, ==, lines[i]);
    unplan(&world);
    remove_log(&world);
}

/* A block that is not what the plan saw is not given out. */
static void test_changed(void)
{
    struct world world;
    bool more = true;
    g_autoptr(GError) error = NULL;
    g_autofree char *text = events(5000, 10);
    write_log(&world, text);
    plan(&world, NULL);
    GPtrArray *batches = g_ptr_array_new_with_free_func((GDestroyNotify)import_batch_free);
    g_assert_true(import_source_next(world.source, batches, &more, &error));
    guint n = batches->len;
    int fd = open(world.path, O_WRONLY | O_CLOEXEC);
    g_assert_cmpint(pwrite(fd, "9", 1, (off_t)strlen(text) / 2 + 60), ==, 1);
    close(fd);
    g_assert_false(import_source_next(world.source, batches, &more, &error));
    g_assert_error(error, IMPORT_ERROR, IMPORT_ERROR_CHANGED);
    g_assert_cmpuint(batches->len, ==, n);
    g_ptr_array_unref(batches);
    unplan(&world);
    remove_log(&world);
}

static void test_manifest(void)
{
    struct world world;
    struct record record;
    gsize size = 0;
    uint8_t rules[32], other_rules[32];
    struct record_parser *parser = record_parser_new();
    const char *sets[] = {"input.organization=acme", NULL};
    g_autofree char *text = events(3, 1);
    write_log(&world, text);
    plan(&world, NULL);
    struct import_batch *manifest = import_source_manifest(world.source);
    const void *data = g_bytes_get_data(manifest->record, &size);
    g_assert_true(record_parse(parser, data, size, &record, NULL));
    g_assert_true(record.batch.has_manifest && record.batch.header.import);
    g_assert_cmpuint(record.batch.header.sequence, ==, 1);
    g_assert_cmpuint(record.batch.header.partition, ==, 0);
    g_assert_cmpuint(record.batch.manifest.partition_count, ==, PARTITIONS);
    g_assert_cmpuint(record.batch.manifest.size_bytes, ==, strlen(text));
    g_assert_cmpuint(record.batch.manifest.first_line, ==, 1);
    g_assert_cmpstr(record.batch.manifest.name, ==, "access.log");
    import_source_rules(world.source, rules);
    g_assert_true(memcmp(record.batch.manifest.rules_digest, rules, sizeof rules) == 0);
    import_batch_free(manifest);
    unplan(&world);
    plan(&world, sets); /* other rules */
    import_source_rules(world.source, other_rules);
    g_assert_false(memcmp(rules, other_rules, sizeof rules) == 0);
    unplan(&world);
    record_parser_free(parser);
    remove_log(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/import_source/repeats", test_repeats);
    g_test_add_func("/import_source/books", test_books);
    g_test_add_func("/import_source/changed", test_changed);
    g_test_add_func("/import_source/manifest", test_manifest);
    return g_test_run();
}
