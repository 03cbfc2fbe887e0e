#include "aggregator/intmap.h"

static guint freed;

static void count_free(gpointer value)
{
    (void)value;
    freed++;
}

/* Against GLib's table, with keys that collide in their low bits. */
static void test_like_a_table(void)
{
    struct intmap map = {0};
    g_autoptr(GHashTable) table = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    g_assert_null(intmap_get(&map, 5));
    for (guint i = 0; i < 50000; i++) {
        gint64 key = (gint64)g_test_rand_int_range(0, 20000) << (i % 3 * 16);
        gpointer value = GUINT_TO_POINTER(i + 1);
        *intmap_place(&map, (uint64_t)key) = value;
        g_hash_table_replace(table, g_memdup2(&key, sizeof key), value);
    }
    g_assert_cmpuint(map.n, ==, g_hash_table_size(table));
    size_t seen = 0;
    for (struct intmap_entry *e = NULL; (e = intmap_next(&map, e)); seen++) {
        g_assert_true(g_hash_table_lookup(table, &e->key) == e->value);
        g_assert_true(intmap_get(&map, e->key) == e->value);
    }
    g_assert_cmpuint(seen, ==, map.n);
    g_assert_cmpuint(intmap_bytes(&map), >=, map.n * sizeof(struct intmap_entry));
    intmap_clear(&map, count_free);
    g_assert_cmpuint(freed, ==, seen);
    g_assert_null(intmap_next(&map, NULL));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/intmap/like-a-table", test_like_a_table);
    return g_test_run();
}
