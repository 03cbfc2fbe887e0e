/* How far days are: from Redis, and what follows from it. */
#include "cli/day_table.h"
#include "tests/unit/ledger_world.h"

struct part {
    int sealed, sheeted, ledgered;
    uint64_t open_events;
};

static void row_free(gpointer pointer)
{
    g_free(((struct day_row *)pointer)->parts);
    g_free(pointer);
}

static struct day_table *table_new(int n_partitions, int64_t first_day)
{
    struct day_table *table = g_new0(struct day_table, 1);

    table->n_partitions = n_partitions;
    table->first_day = first_day;
    table->rows = g_ptr_array_new_with_free_func(row_free);
    return table;
}

static const struct day_row *add_row(struct day_table *table, int64_t day, const struct part *parts)
{
    struct day_row *row = g_new0(struct day_row, 1);

    row->day = day;
    row->parts = g_new0(struct day_part, (gsize)table->n_partitions);
    for (int i = 0; i < table->n_partitions; i++)
        row->parts[i] = (struct day_part){{parts[i].sealed, parts[i].sheeted, parts[i].ledgered, 0}, parts[i].open_events};
    g_ptr_array_add(table->rows, row);
    return row;
}

static void test_target(void)
{
    static const struct {
        struct part parts[3];
        int target;
    } cases[] = {
        {{{0}, {0}, {0}}, 1},
        {{{.open_events = 4}, {0}, {0}}, 1},
        {{{1, 1, 1, 0}, {1, 1, 0, 0}, {1, 1, 0, 0}}, 1},
        {{{1, 1, 1, 0}, {1, 1, 0, 3}, {1, 1, 0, 0}}, 2},
        {{{1, 1, 0, 0}, {1, 0, 0, 0}, {0, 0, 0, 9}}, 1}, /* on its way: the third takes its events in */
        {{{1, 1, 0, 1}, {1, 0, 0, 0}, {0, 0, 0, 9}}, 2},
        {{{2, 2, 1, 0}, {2, 2, 0, 0}, {1, 1, 0, 5}}, 2},
        {{{2, 2, 2, 0}, {2, 2, 0, 0}, {0, 0, 0, 5}}, 3}, /* a partition that was added later has late events */
        {{{2, 2, 2, 0}, {2, 2, 0, 0}, {0, 0, 0, 0}}, 2},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct day_table *table = table_new(3, 0);
        const struct day_row *row = add_row(table, 100, cases[i].parts);
        g_assert_cmpint(day_row_target(table, row), ==, cases[i].target);
        day_table_free(table);
    }
}

static void check_waits(const struct part *parts, int revision, const char *expected)
{
    struct day_table *table = table_new(6, 0);
    const struct day_row *row = add_row(table, 100, parts);
    g_autofree char *text = day_row_waits_for(table, row, revision);

    g_assert_cmpstr(text, ==, expected);
    day_table_free(table);
}

static void test_waits_for(void)
{
    const struct part none[6] = {{0}};
    const struct part sealing[6] = {{1, 0, 0, 0}, {1, 1, 0, 0}, {0}, {1, 1, 0, 0}, {0}, {1, 1, 0, 0}};
    const struct part sheets[6] = {{1, 1, 0, 0}, {1, 1, 0, 0}, {1, 0, 0, 0}, {1, 1, 0, 0}, {1, 1, 0, 0}, {1, 1, 0, 0}};
    const struct part done[6] = {{1, 1, 0, 0}, {1, 1, 0, 0}, {1, 1, 0, 0}, {1, 1, 0, 0}, {1, 1, 0, 0}, {1, 1, 0, 0}};
    const struct part closed[6] = {{1, 1, 1, 0}, {1, 1, 0, 0}, {0}, {0}, {0}, {0}};

    check_waits(none, 1, "the seal in partitions 0, 1, 2, 3 and 2 more");
    check_waits(sealing, 1, "the seal in partitions 2, 4");
    check_waits(sheets, 1, "the sheet of partition 2");
    check_waits(done, 1, "its entry in the ledger");
    check_waits(closed, 1, NULL);
    check_waits(closed, 2, "the seal in partitions 0, 1, 2, 3 and 2 more");
}

static void test_finalized(void)
{
    const struct part closed = {1, 1, 1, 0}, open = {.open_events = 3}, sealed = {1, 1, 0, 0}, nothing = {0}, late = {1, 1, 1, 5};
    struct day_table *table = table_new(1, -1);
    int64_t day = 0;

    g_assert_false(day_table_finalized(table, &day));
    table->first_day = 100;
    g_assert_true(day_table_finalized(table, &day));
    g_assert_cmpint(day, ==, 99);
    add_row(table, 50, &nothing); /* something was quarantined, say */
    add_row(table, 60, &closed);
    add_row(table, 100, &closed);
    add_row(table, 101, &late);
    g_assert_true(day_table_finalized(table, &day));
    g_assert_cmpint(day, ==, 101);
    add_row(table, 103, &closed); /* 102 is missing */
    g_assert_true(day_table_finalized(table, &day));
    g_assert_cmpint(day, ==, 101);
    day_table_free(table);
    table = table_new(1, 100);
    add_row(table, 60, &closed);
    add_row(table, 70, &sealed);
    add_row(table, 100, &closed);
    g_assert_true(day_table_finalized(table, &day));
    g_assert_cmpint(day, ==, 69);
    day_table_free(table);
    table = table_new(1, 100);
    add_row(table, 60, &open);
    g_assert_true(day_table_finalized(table, &day));
    g_assert_cmpint(day, ==, 59);
    day_table_free(table);
}

/* ---- from Redis ---- */

static struct day_table *read_table(struct ledger_world *world, GError **error)
{
    struct shards *shards = shards_open(world->server.url, NULL);
    struct day_table *table = day_table_read(shards, error);

    shards_free(shards);
    return table;
}

static void set_open(struct ledger_world *world, const char *key, const char *generation, uint64_t events)
{
    const struct open_day open = {
        .events = events, .first_offset = 3, .end_offset = 4, .first_ms = 1, .last_ms = 2, .quarantined = 1};
    char text[OPEN_TEXT_MAX];
    size_t size = open_day_write(&open, text);

    world_call(world, "HSET %s %s %b", key, generation, text, size);
}

static void test_read(void)
{
    struct ledger_world world;
    g_autoptr(GError) error = NULL;

    world_set_up(&world);
    world_rows(&world, "acme", 1, "", 2);
    world_close(&world, WORLD_DAY, 1, SEAL_DAY_END);
    set_open(&world, "{p1}:open", "20778.2", 7);
    set_open(&world, "{p0}:open", "20700.1", 4);
    set_open(&world, "{p0}:open", "20779.1", 0);
    world_call(&world, "HSET {p0}:meta first_ms 1795219300000");
    world_call(&world, "HSET {p1}:meta first_ms 1795219200000");
    struct day_table *table = read_table(&world, &error);
    g_assert_no_error(error);
    g_assert_cmpint(table->first_day, ==, 20778);
    g_assert_cmpuint(table->rows->len, ==, 2); /* a day without events is none */
    g_assert_cmpint(((const struct day_row *)g_ptr_array_index(table->rows, 0))->day, ==, 20700);
    const struct day_row *row = day_table_find(table, WORLD_DAY);
    g_assert_cmpint(day_row_ledgered(row), ==, 1);
    g_assert_cmpuint(row->parts[1].open_events, ==, 7);
    g_assert_cmpint(day_row_target(table, row), ==, 2);
    g_assert_null(day_table_find(table, 20701));
    day_table_free(table);
    world_call(&world, "HSET {p1}:days 20778 garbage");
    g_assert_null(read_table(&world, &error));
    g_assert_nonnull(strstr(error->message, "field '20778' of {p1}:days in Redis is 'garbage'"));
    g_clear_error(&error);
    world_call(&world, "DEL daybook:topic");
    g_assert_null(shards_open(world.server.url, &error));
    g_assert_nonnull(strstr(error->message, "Redis holds no counts"));
    world_tear_down(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/day_table/target", test_target);
    g_test_add_func("/day_table/waits_for", test_waits_for);
    g_test_add_func("/day_table/finalized", test_finalized);
    g_test_add_func("/day_table/read", test_read);
    return g_test_run();
}
