#include "lib/intern.h"
#include <glib.h>

static void test_numbers(void)
{
    struct intern *intern = intern_new();
    g_assert_cmpuint(intern_add(intern, view_of("")), ==, 0);
    for (int round = 0; round < 2; round++) {
        for (guint i = 1; i < 20000; i++) {
            char text[64];
            g_snprintf(text, sizeof text, "name-%u%s", i, i % 3 ? "" : "-with-a-longer-tail");
            g_assert_cmpuint(intern_add(intern, view_of(text)), ==, i);
            g_assert_true(view_is(intern_get(intern, i), text));
        }
    }
    g_assert_cmpuint(intern_count(intern), ==, 20000);
    struct view first = intern_get(intern, 1);
    g_assert_true(view_is(first, "name-1")); /* did not move */
    intern_reset(intern);
    g_assert_cmpuint(intern_count(intern), ==, 1);
    g_assert_cmpuint(intern_add(intern, view_make("a\0b", 3)), ==, 1);
    g_assert_cmpuint(intern_add(intern, view_make("a\0c", 3)), ==, 2);
    intern_free(intern);
}

static void test_large(void)
{
    struct intern *intern = intern_new();
    g_autofree char *large = g_strnfill(200000, 'x');
    g_assert_cmpuint(intern_add(intern, view_of(large)), ==, 1);
    g_assert_cmpuint(intern_add(intern, view_of("y")), ==, 2);
    g_assert_cmpuint(intern_add(intern, view_of(large)), ==, 1);
    g_assert_cmpuint(intern_bytes(intern), >, 200000);
    intern_free(intern);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/intern/numbers", test_numbers);
    g_test_add_func("/intern/large", test_large);
    return g_test_run();
}
