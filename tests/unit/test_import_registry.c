#include "collector/import_registry.h"
#include <glib/gstdio.h>

#define STREAM "000102030405060708090a0b0c0d0e0f"
#define DIGEST "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static void test_parse(void)
{
    struct import_entry *entry = import_entry_parse(view_of(STREAM), view_of("4 " DIGEST " " DIGEST " 2370789 17 a log.1"));
    g_assert_nonnull(entry);
    g_assert_cmpuint(entry->partition_count, ==, 4);
    g_assert_cmpuint(entry->stream_id[15], ==, 15);
    g_assert_cmpuint(entry->rules_digest[31], ==, 31);
    g_assert_cmpuint(entry->head_digest[1], ==, 1);
    g_assert_cmpuint(entry->size_bytes, ==, 2370789);
    g_assert_cmpuint(entry->first_line, ==, 17);
    g_assert_cmpstr(entry->name, ==, "a log.1");
    import_entry_free(entry);
    static const char *const wrong[] = {
        "",
        "4",
        "4 " DIGEST " " DIGEST " 1 1",
        "x " DIGEST " " DIGEST " 1 1 n",
        "4 " DIGEST "0 " DIGEST " 1 1 n",
        "4 " DIGEST " " STREAM " 1 1 n",
        "4 " DIGEST " " DIGEST " -1 1 n",
        "99999999999 " DIGEST " " DIGEST " 1 1 n",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        g_assert_null(import_entry_parse(view_of(STREAM), view_of(wrong[i])));
    g_assert_null(import_entry_parse(view_of("xyz"), view_of("4 " DIGEST " " DIGEST " 1 1 n")));
}

/* ---- judging ---- */

struct world {
    char *dir, *path;
    GPtrArray *entries;
    struct import_plan *plan;
    struct import_entry wanted;
};

static void write_log(struct world *world, int n)
{
    GString *text = g_string_new(NULL);
    for (int i = 1; i <= n; i++)
        g_string_append_printf(text, "line %d\n", i);
    g_assert_true(g_file_set_contents(world->path, text->str, (gssize)text->len, NULL));
    g_string_free(text, TRUE);
}

static void plan_range(struct world *world, const char *format, uint64_t first_line, uint64_t n_lines)
{
    g_autoptr(GError) error = NULL;
    struct import_range range = {format, first_line, n_lines};
    import_plan_free(world->plan);
    world->plan = import_plan_new(world->path, &range, &error);
    g_assert_no_error(error);
    struct import_entry wanted = {.partition_count = 4, .first_line = first_line, .name = world->wanted.name};
    memcpy(wanted.stream_id, world->plan->stream_id, sizeof wanted.stream_id);
    memcpy(wanted.head_digest, world->plan->head_digest, sizeof wanted.head_digest);
    wanted.size_bytes = world->plan->end - world->plan->begin;
    world->wanted = wanted;
}

/* The planned import has been done. */
static void note(struct world *world)
{
    struct import_entry *entry = g_memdup2(&world->wanted, sizeof world->wanted);
    entry->name = g_strdup(entry->name);
    g_ptr_array_add(world->entries, entry);
}

static void set_up(struct world *world, int n)
{
    *world = (struct world){.dir = g_dir_make_tmp("daybook-registry-XXXXXX", NULL)};
    world->path = g_build_filename(world->dir, "log", NULL);
    world->entries = g_ptr_array_new_with_free_func((GDestroyNotify)import_entry_free);
    world->wanted.name = g_strdup("log");
    write_log(world, n);
}

static void tear_down(struct world *world)
{
    g_assert_cmpint(g_unlink(world->path), ==, 0);
    g_assert_cmpint(g_rmdir(world->dir), ==, 0);
    import_plan_free(world->plan);
    g_ptr_array_unref(world->entries);
    g_free(world->wanted.name);
    g_free(world->dir);
    g_free(world->path);
}

static void check(const struct world *world, const char *format, enum import_standing wanted, const char *word)
{
    g_autoptr(GError) error = NULL;
    g_assert_cmpint(import_registry_judge(world->entries, world->plan, format, &world->wanted, &error), ==, wanted);
    g_assert_cmpint(error != NULL, ==, wanted == IMPORT_REFUSED);
    if (error) {
        g_assert_error(error, IMPORT_ERROR, IMPORT_ERROR_REFUSED);
        g_assert_nonnull(strstr(error->message, word));
    }
}

static void test_same(void)
{
    struct world world;
    set_up(&world, 100);
    plan_range(&world, "x", 1, 0);
    check(&world, "x", IMPORT_NEW, NULL);
    note(&world);
    check(&world, "x", IMPORT_BEGUN, NULL);
    world.wanted.partition_count = 5;
    check(&world, "x", IMPORT_REFUSED, "now there are 5");
    world.wanted.partition_count = 4;
    world.wanted.rules_digest[7] = 1;
    check(&world, "x", IMPORT_REFUSED, "other rules");
    tear_down(&world);
}

static void test_grown(void)
{
    struct world world;
    set_up(&world, 100);
    plan_range(&world, "x", 1, 0);
    note(&world);
    write_log(&world, 150);
    plan_range(&world, "x", 1, 0);
    check(&world, "x", IMPORT_REFUSED, "--from-line 101");
    plan_range(&world, "x", 60, 0);
    check(&world, "x", IMPORT_REFUSED, "--from-line 101"); /* overlaps */
    plan_range(&world, "x", 101, 0);
    check(&world, "x", IMPORT_NEW, NULL);
    note(&world);
    plan_range(&world, "x", 1, 100); /* the first one again */
    check(&world, "x", IMPORT_BEGUN, NULL);
    write_log(&world, 200);
    plan_range(&world, "x", 101, 0);
    check(&world, "x", IMPORT_REFUSED, "--from-line 151");
    plan_range(&world, "x", 151, 0);
    check(&world, "x", IMPORT_NEW, NULL);
    tear_down(&world);
}

static void test_same_head(void)
{
    struct world world;
    set_up(&world, 100);
    plan_range(&world, "x", 1, 0);
    note(&world);
    plan_range(&world, "y", 1, 0); /* another format */
    check(&world, "y", IMPORT_REFUSED, "same first 10 lines");
    plan_range(&world, "x", 1, 50); /* a part of what was imported */
    check(&world, "x", IMPORT_REFUSED, "Lines 1 to 100");
    tear_down(&world);
    set_up(&world, 5); /* less than a head */
    plan_range(&world, "x", 1, 0);
    note(&world);
    write_log(&world, 7);
    plan_range(&world, "x", 1, 0);
    check(&world, "x", IMPORT_REFUSED, "--from-line 6");
    tear_down(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/import_registry/parse", test_parse);
    g_test_add_func("/import_registry/same", test_same);
    g_test_add_func("/import_registry/grown", test_grown);
    g_test_add_func("/import_registry/same_head", test_same_head);
    return g_test_run();
}
