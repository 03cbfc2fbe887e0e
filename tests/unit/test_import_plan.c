#include "collector/import_plan.h"
#include "lib/crc32c.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

struct world {
    char *dir, *path;
};

static void set_up(struct world *world, const char *text, gssize size)
{
    world->dir = g_dir_make_tmp("daybook-plan-XXXXXX", NULL);
    world->path = g_build_filename(world->dir, "log", NULL);
    g_assert_true(g_file_set_contents(world->path, text, size, NULL));
}

static void tear_down(struct world *world)
{
    g_assert_cmpint(g_unlink(world->path), ==, 0);
    g_assert_cmpint(g_rmdir(world->dir), ==, 0);
    g_free(world->dir);
    g_free(world->path);
}

static struct import_plan *plan_of(const struct world *world, const char *format, uint64_t first_line, uint64_t n_lines)
{
    g_autoptr(GError) error = NULL;
    struct import_range range = {format, first_line, n_lines};
    struct import_plan *plan = import_plan_new(world->path, &range, &error);
    g_assert_no_error(error);
    return plan;
}

static char *numbered_lines(int n)
{
    GString *text = g_string_new(NULL);
    for (int i = 1; i <= n; i++)
        g_string_append_printf(text, "line %d\n", i);
    return g_string_free(text, FALSE);
}

/* The stream id is what its description says, computed here in another way. */
static void check_stream(const struct import_plan *plan, const char *format, const char *first_line, const char *content)
{
    uint8_t digest[32];
    gsize size = sizeof digest;
    GChecksum *checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(checksum, (const guchar *)format, (gssize)strlen(format) + 1);
    g_checksum_update(checksum, (const guchar *)first_line, (gssize)strlen(first_line) + 1);
    g_checksum_update(checksum, (const guchar *)content, (gssize)strlen(content));
    g_checksum_get_digest(checksum, digest, &size);
    g_checksum_free(checksum);
    g_assert_true(memcmp(plan->stream_id, digest, STREAM_ID_SIZE) == 0);
}

static void test_whole(void)
{
    struct world world;
    g_autofree char *text = numbered_lines(4500);
    g_autofree char *head = numbered_lines(10);
    uint8_t digest[32];
    gsize size = sizeof digest;
    set_up(&world, text, -1);
    struct import_plan *plan = plan_of(&world, "combined", 1, 0);
    g_assert_cmpuint(plan->n_lines, ==, 4500);
    g_assert_cmpuint(plan->begin, ==, 0);
    g_assert_cmpuint(plan->end, ==, strlen(text));
    check_stream(plan, "combined", "1", text);
    GChecksum *checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(checksum, (const guchar *)head, -1);
    g_checksum_get_digest(checksum, digest, &size);
    g_checksum_free(checksum);
    g_assert_true(memcmp(plan->head_digest, digest, sizeof digest) == 0);
    g_assert_cmpuint(plan->blocks->len, ==, 3);
    uint64_t begin = 0;
    for (guint i = 0; i < 3; i++) {
        const struct import_block *block = &g_array_index(plan->blocks, struct import_block, i);
        g_autofree char *ends = g_strdup_printf("line %d\n", MIN(4500, (int)(i + 1) * IMPORT_BLOCK_LINES));
        g_assert_true(memcmp(text + block->end - strlen(ends), ends, strlen(ends)) == 0);
        g_assert_cmpuint(block->crc, ==, crc32c(0, text + begin, (size_t)(block->end - begin)));
        begin = block->end;
    }
    g_assert_cmpuint(begin, ==, strlen(text));
    import_plan_free(plan);
    tear_down(&world);
}

static void test_ranges(void)
{
    struct world world;
    g_autofree char *text = numbered_lines(100);
    set_up(&world, text, -1);
    struct import_plan *plan = plan_of(&world, "ndjson", 91, 0);
    check_stream(plan, "ndjson", "91", strstr(text, "line 91\n"));
    g_assert_cmpuint(plan->n_lines, ==, 10);
    import_plan_free(plan);
    plan = plan_of(&world, "ndjson", 3, 2);
    check_stream(plan, "ndjson", "3", "line 3\nline 4\n");
    g_assert_cmpuint(plan->n_lines, ==, 2);
    g_assert_cmpuint(plan->blocks->len, ==, 1);
    import_plan_free(plan);
    plan = plan_of(&world, "ndjson", 1, 100);
    check_stream(plan, "ndjson", "1", text);
    import_plan_free(plan);
    tear_down(&world);
}

static void test_ends(void)
{
    struct world world;
    set_up(&world, "a\nb", -1); /* the last line may lack its newline */
    struct import_plan *plan = plan_of(&world, "x", 1, 0);
    g_assert_cmpuint(plan->n_lines, ==, 2);
    g_assert_cmpuint(plan->end, ==, 3);
    g_assert_cmpuint(plan->blocks->len, ==, 1);
    import_plan_free(plan);
    tear_down(&world);
    g_autofree char *two_blocks = numbered_lines(2 * IMPORT_BLOCK_LINES); /* ends with a block */
    set_up(&world, two_blocks, -1);
    plan = plan_of(&world, "x", 1, 0);
    g_assert_cmpuint(plan->blocks->len, ==, 2);
    import_plan_free(plan);
    tear_down(&world);
    g_autofree char *long_line = g_strnfill(3 << 20, 'x'); /* longer than what is read at a time */
    set_up(&world, long_line, -1);
    plan = plan_of(&world, "x", 1, 0);
    g_assert_cmpuint(plan->n_lines, ==, 1);
    check_stream(plan, "x", "1", long_line);
    import_plan_free(plan);
    tear_down(&world);
}

static void check_refused(const char *path, uint64_t first_line, uint64_t n_lines, const char *word)
{
    g_autoptr(GError) error = NULL;
    struct import_range range = {"x", first_line, n_lines};
    g_assert_null(import_plan_new(path, &range, &error));
    g_assert_error(error, IMPORT_ERROR, IMPORT_ERROR_FILE);
    g_assert_nonnull(strstr(error->message, path));
    g_assert_nonnull(strstr(error->message, word));
}

static void test_refused(void)
{
    struct world world;
    set_up(&world, "a\nb\n", -1);
    check_refused("/nonexistent/log", 1, 0, "cannot be read");
    check_refused("/dev/null", 1, 0, "regular");
    check_refused(world.dir, 1, 0, "regular");
    check_refused(world.path, 3, 0, "--from-line");
    check_refused(world.path, 9, 0, "--from-line");
    check_refused(world.path, 1, 3, "--lines");
    g_assert_true(g_file_set_contents(world.path, "", 0, NULL));
    check_refused(world.path, 1, 0, "empty");
    tear_down(&world);
}

static void test_other(void)
{
    struct world world;
    uint8_t stream_id[STREAM_ID_SIZE];
    uint64_t n_lines = 0;
    g_autofree char *small = numbered_lines(50);
    g_autofree char *text = numbered_lines(80);
    set_up(&world, small, -1);
    struct import_plan *before = plan_of(&world, "x", 1, 0);
    g_assert_true(g_file_set_contents(world.path, text, -1, NULL));
    struct import_plan *plan = plan_of(&world, "x", 60, 0);
    g_assert_true(import_plan_other(plan, "x", 1, strlen(small), stream_id, &n_lines));
    g_assert_true(memcmp(stream_id, before->stream_id, sizeof stream_id) == 0);
    g_assert_cmpuint(n_lines, ==, 50);
    g_assert_true(import_plan_other(plan, "y", 1, strlen(small), stream_id, &n_lines));
    g_assert_false(memcmp(stream_id, before->stream_id, sizeof stream_id) == 0);
    g_assert_false(import_plan_other(plan, "x", 1, strlen(small) - 1, stream_id, &n_lines)); /* inside of a line */
    g_assert_false(import_plan_other(plan, "x", 1, strlen(text) + 1, stream_id, &n_lines));
    g_assert_false(import_plan_other(plan, "x", 99, 1, stream_id, &n_lines));
    import_plan_free(plan);
    import_plan_free(before);
    tear_down(&world);
}

static void test_shrunk(void)
{
    struct world world;
    char buffer[8];
    g_autoptr(GError) error = NULL;
    set_up(&world, "abcdefgh\n", -1);
    struct import_plan *plan = plan_of(&world, "x", 1, 0);
    g_assert_true(import_plan_read(plan, buffer, 8, 0, &error));
    g_assert_cmpint(truncate(world.path, 4), ==, 0);
    g_assert_false(import_plan_read(plan, buffer, 8, 0, &error));
    g_assert_error(error, IMPORT_ERROR, IMPORT_ERROR_CHANGED);
    import_plan_free(plan);
    tear_down(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/import_plan/whole", test_whole);
    g_test_add_func("/import_plan/ranges", test_ranges);
    g_test_add_func("/import_plan/ends", test_ends);
    g_test_add_func("/import_plan/refused", test_refused);
    g_test_add_func("/import_plan/other", test_other);
    g_test_add_func("/import_plan/shrunk", test_shrunk);
    return g_test_run();
}
