#include "lib/arena.h"
#include <glib.h>
#include <stdint.h>
#include <string.h>

/* Whatever the sizes, nothing overlaps, all is aligned, and what is held is counted. */
static void test_things_stay(void)
{
    enum { N = 3000 };
    struct arena arena = {0};
    unsigned char *things[N];
    size_t sizes[N], total = 0;
    for (size_t i = 0; i < N; i++) {
        sizes[i] = i % 97 == 0 ? 100000 : (size_t)g_test_rand_int_range(0, 300);
        things[i] = i % 2 ? arena_alloc(&arena, sizes[i]) : arena_alloc0(&arena, sizes[i]);
        g_assert_cmpuint((uintptr_t)things[i] % 8, ==, 0);
        for (size_t k = 0; i % 2 == 0 && k < sizes[i]; k++)
            g_assert_cmpuint(things[i][k], ==, 0);
        memset(things[i], (int)(i & 0xff), sizes[i]);
        total += sizes[i];
    }
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k < sizes[i]; k++)
            g_assert_cmpuint(things[i][k], ==, i & 0xff);
    g_assert_cmpuint(arena.bytes, >=, total);
    g_assert_cmpuint(arena.bytes, <, 2 * total);
    arena_clear(&arena);
    g_assert_cmpuint(arena.bytes, ==, 0);
}

/* A small arena stays small; a cleared one can be used again. */
static void test_small(void)
{
    struct arena arena = {0};
    for (int round = 0; round < 3; round++) {
        arena_alloc(&arena, 10);
        g_assert_cmpuint(arena.bytes, <=, 4096);
        arena_clear(&arena);
    }
}

/* Nothing has an address too, in an arena that has given nothing yet as well. */
static void test_nothing(void)
{
    struct arena arena = {0};
    g_assert_nonnull(arena_alloc(&arena, 0));
    g_assert_nonnull(arena_alloc0(&arena, 0));
    arena_clear(&arena);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/arena/things-stay", test_things_stay);
    g_test_add_func("/arena/small", test_small);
    g_test_add_func("/arena/nothing", test_nothing);
    return g_test_run();
}
