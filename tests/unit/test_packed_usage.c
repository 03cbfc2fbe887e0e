#include "api/packed_usage.h"

enum { FIRST = 1994688, SLOTS = 96 };

static void add_random(struct measure *measure, int n)
{
    static const uint32_t statuses[] = {200, 201, 404, 500, 599};
    measure_init(measure);
    for (; n > 0; n--)
        measure_add(measure, statuses[g_test_rand_int_range(0, G_N_ELEMENTS(statuses))],
                    (uint64_t)g_test_rand_int_range(0, G_MAXINT32) >> g_test_rand_int_range(0, 30), 7, UINT64_C(1) << 50,
                    g_test_rand_int_range(0, 4) > 0);
}

static char *text_of(const struct measure *measure, int64_t last_slot)
{
    GString *text = g_string_new(NULL);
    measure_format(measure, text);
    g_string_append_printf(text, " %" G_GINT64_FORMAT, last_slot);
    return g_string_free(text, FALSE);
}

static void expect_lines(GHashTable *lines, GHashTable *wanted)
{
    GHashTableIter iter;
    void *value;
    g_assert_cmpuint(g_hash_table_size(lines), ==, g_hash_table_size(wanted));
    g_hash_table_iter_init(&iter, wanted);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct usage_line *line = value, *same = g_hash_table_lookup(lines, line->name);
        g_assert_nonnull(same);
        g_autofree char *a = text_of(&line->measure, line->last_slot), *b = text_of(&same->measure, same->last_slot);
        g_assert_cmpstr(a, ==, b);
    }
}

static void expect_table(const struct usage_table *table, const struct usage_table *wanted)
{
    for (uint32_t i = 0; i < SLOTS; i++) {
        g_autofree char *a = text_of(&table->cells[i], 0), *b = text_of(&wanted->cells[i], 0);
        g_assert_cmpstr(a, ==, b);
        g_assert_cmpuint(table->slot_requests[i], ==, wanted->slot_requests[i]);
        g_assert_cmpuint(table->slot_errors[i], ==, wanted->slot_errors[i]);
    }
    g_assert_true(memcmp(table->status_last, wanted->status_last, sizeof table->status_last) == 0);
    expect_lines(table->routes, wanted->routes);
    expect_lines(table->clients, wanted->clients);
}

/* What is packed adds to a table just what was added to another one, each time. */
static void test_same(void)
{
    struct window window;
    window_init_slots(&window, FIRST, SLOTS, false);
    struct usage_table *wanted = usage_table_new(&window), *table = usage_table_new(&window);
    struct packed_usage *packed = packed_usage_new(FIRST);
    for (int i = 0; i < 1000; i++) {
        struct measure measure;
        char name[300];
        int64_t slot = FIRST + g_test_rand_int_range(0, SLOTS);
        add_random(&measure, i % 20);
        memset(name, 'x', sizeof name);
        g_snprintf(name + (i % 7 ? 0 : 250), 20, "GET /%d", i % 40);
        usage_table_add_slot(wanted, slot, &measure);
        usage_table_add_route(wanted, name, &measure, slot);
        usage_table_add_client(wanted, i % 50 ? name : "", &measure, slot);
        packed_usage_add_slot(packed, slot, &measure);
        packed_usage_add_route(packed, name, &measure, slot);
        packed_usage_add_client(packed, i % 50 ? name : "", &measure, slot);
        measure_clear(&measure);
    }
    packed_usage_finish(packed);
    packed_usage_merge(packed, table);
    expect_table(table, wanted);
    packed_usage_merge(packed, table);
    g_assert_cmpuint(packed_usage_bytes(packed), >, 0);
    struct measure total, once;
    measure_init(&total);
    measure_init(&once);
    usage_table_total(table, &total);
    usage_table_total(wanted, &once);
    g_assert_cmpuint(total.requests, ==, 2 * once.requests);
    measure_clear(&total);
    measure_clear(&once);
    packed_usage_free(packed);
    usage_table_free(wanted);
    usage_table_free(table);
    window_clear(&window);
}

static void test_nothing(void)
{
    struct window window;
    struct measure none;
    measure_init(&none);
    window_init_slots(&window, FIRST, SLOTS, false);
    struct usage_table *table = usage_table_new(&window);
    struct packed_usage *packed = packed_usage_new(FIRST);
    packed_usage_add_slot(packed, FIRST, &none);
    packed_usage_add_route(packed, "GET /", &none, FIRST);
    packed_usage_finish(packed);
    packed_usage_merge(packed, table);
    g_assert_cmpuint(g_hash_table_size(table->routes), ==, 0);
    packed_usage_free(packed);
    packed_usage_free(NULL);
    usage_table_free(table);
    window_clear(&window);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/packed_usage/same", test_same);
    g_test_add_func("/packed_usage/nothing", test_nothing);
    return g_test_run();
}
