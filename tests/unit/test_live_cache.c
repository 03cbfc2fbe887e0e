/* What is kept, for how long, and when it is freed. */
#include "api/live_cache.h"

struct thing {
    struct live_kept kept;
    int number;
};

static gint freed;

static void thing_free(struct live_kept *kept)
{
    g_atomic_int_inc(&freed);
    g_free(kept);
}

static void put(struct live_cache *cache, const char *key, int number, size_t bytes)
{
    struct thing *thing = g_new0(struct thing, 1);
    live_kept_init(&thing->kept, bytes, thing_free);
    thing->number = number;
    live_cache_put(cache, key, &thing->kept);
    live_kept_unref(&thing->kept);
}

/* 0: nothing. */
static int take(struct live_cache *cache, const char *key)
{
    struct thing *thing = (struct thing *)(void *)live_cache_take(cache, key);
    int number = thing != NULL ? thing->number : 0;
    live_kept_unref(thing != NULL ? &thing->kept : NULL);
    return number;
}

static void test_kept_and_replaced(void)
{
    struct live_cache *cache = live_cache_new(10000);
    freed = 0;
    put(cache, "a", 1, 100);
    put(cache, "b", 2, 100);
    g_assert_cmpint(take(cache, "a"), ==, 1);
    g_assert_cmpint(take(cache, "c"), ==, 0);
    struct live_kept *held = live_cache_take(cache, "a");
    size_t bytes = live_cache_bytes(cache);
    put(cache, "a", 3, 200);
    g_assert_cmpuint(live_cache_bytes(cache), ==, bytes + 100);
    g_assert_cmpint(take(cache, "a"), ==, 3);
    g_assert_cmpint(((struct thing *)(void *)held)->number, ==, 1); /* still there for who has it */
    g_assert_cmpint(freed, ==, 0);
    live_kept_unref(held);
    g_assert_cmpint(freed, ==, 1);
    live_cache_free(cache);
    g_assert_cmpint(freed, ==, 3);
}

static void test_bounded(void)
{
    struct live_cache *cache = live_cache_new(10000);
    char key[32];
    freed = 0;
    put(cache, "used", 7, 1000);
    for (int i = 1; i <= 100; i++) {
        g_snprintf(key, sizeof key, "%d", i);
        put(cache, key, i, 1000);
        g_assert_cmpuint(live_cache_bytes(cache), <=, 10000);
        g_assert_cmpint(take(cache, "used"), ==, 7);
    }
    g_assert_cmpint(take(cache, "1"), ==, 0);
    g_assert_cmpint(take(cache, "100"), ==, 100);
    put(cache, "large", 5, 10001); /* larger than all of it: not kept, nor is anything else then */
    g_assert_cmpint(take(cache, "large"), ==, 0);
    g_assert_cmpuint(live_cache_bytes(cache), ==, 0);
    live_cache_free(cache);
    g_assert_cmpint(freed, ==, 102);
}

static void test_nothing(void)
{
    struct live_cache *cache = live_cache_new(0);
    put(cache, "a", 1, 0);
    g_assert_cmpint(take(cache, "a"), ==, 0);
    live_cache_free(cache);
    put(NULL, "a", 1, 0);
    g_assert_cmpint(take(NULL, "a"), ==, 0);
    live_cache_free(NULL);
}

static void *work(void *cache)
{
    char key[32];
    for (int i = 1; i <= 3000; i++) {
        int number = 1 + (i * 7919) % 50;
        g_snprintf(key, sizeof key, "%d", number);
        int found = take(cache, key);
        g_assert_true(found == 0 || found == number);
        put(cache, key, number, 500);
    }
    return NULL;
}

static void test_threads(void)
{
    struct live_cache *cache = live_cache_new(10000);
    GThread *threads[4];
    freed = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("work", work, cache);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    live_cache_free(cache);
    g_assert_cmpint(freed, ==, 4 * 3000);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/live_cache/kept-and-replaced", test_kept_and_replaced);
    g_test_add_func("/live_cache/bounded", test_bounded);
    g_test_add_func("/live_cache/nothing", test_nothing);
    g_test_add_func("/live_cache/threads", test_threads);
    return g_test_run();
}
