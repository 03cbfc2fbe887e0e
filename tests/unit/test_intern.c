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

/* ---- many at once ---- */

enum { MIXED_TEXTS = 30000, MIXED_MAX = 300, SEARCHED = 1000000 };

/* Two strings whose hashes have the same lower half, which is all that the table looks at. By the birthday paradox they
 * come after some 80,000; the seed is another in every process. */
static bool find_collision(char a[16], char b[16])
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_direct_hash, g_direct_equal);
    for (guint i = 1; i < SEARCHED; i++) {
        g_snprintf(a, 16, "%u", i);
        gpointer hash = GUINT_TO_POINTER((uint32_t)hash_bytes(a, strlen(a)));
        guint before = GPOINTER_TO_UINT(g_hash_table_lookup(seen, hash));
        if (before) {
            g_snprintf(b, 16, "%u", before);
            return true;
        }
        g_hash_table_insert(seen, hash, GUINT_TO_POINTER(i));
    }
    return false;
}

static void test_collision(void)
{
    char a[16], b[16];
    g_assert_true(find_collision(a, b));
    const struct view texts[] = {view_of(a), view_of(b), view_of(b), view_of(a), view_of("c")};
    struct intern *single = intern_new(), *all = intern_new();
    uint32_t numbers[G_N_ELEMENTS(texts)];
    intern_add_all(all, texts, G_N_ELEMENTS(texts), numbers);
    const uint32_t wanted[] = {1, 2, 2, 1, 3};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_assert_cmpuint(intern_add(single, texts[i]), ==, wanted[i]);
        g_assert_cmpuint(numbers[i], ==, wanted[i]);
        g_assert_true(view_equal(intern_get(all, numbers[i]), texts[i]));
    }
    intern_free(single);
    intern_free(all);
}

/* Adds the texts one by one here and at once there; everything is then the same. */
static void add_both(struct intern *single, struct intern *all, const struct view *texts, size_t n)
{
    g_autofree uint32_t *numbers = g_new(uint32_t, n + 1);
    numbers[n] = 12345;
    intern_add_all(all, texts, n, numbers);
    for (size_t i = 0; i < n; i++) {
        g_assert_cmpuint(numbers[i], ==, intern_add(single, texts[i]));
        g_assert_true(view_equal(intern_get(all, numbers[i]), texts[i]));
    }
    g_assert_cmpuint(numbers[n], ==, 12345); /* not one too many */
    g_assert_cmpuint(intern_count(all), ==, intern_count(single));
    g_assert_cmpuint(intern_bytes(all), ==, intern_bytes(single));
}

/* Random bytes, short ones often: many are there already, or come several times at once. */
static void random_text(GRand *random, GString *text)
{
    g_string_truncate(text, 0);
    int size = g_rand_int_range(random, 0, 4) ? g_rand_int_range(random, 0, 4) : g_rand_int_range(random, 0, 40);
    for (; size > 0; size--)
        g_string_append_c(text, (char)g_rand_int_range(random, 0, 16));
}

static void test_all_random(void)
{
    static const size_t sizes[] = {0, 1, 2, 63, 64, 65, 127, 128, 129, MIXED_MAX};
    GRand *random = g_rand_new_with_seed(3);
    struct intern *single = intern_new(), *all = intern_new();
    GString *texts[MIXED_MAX];
    struct view views[MIXED_MAX];
    for (size_t i = 0; i < MIXED_MAX; i++)
        texts[i] = g_string_new(NULL);
    for (size_t done = 0, n; done < MIXED_TEXTS; done += n + 1) {
        n = sizes[g_rand_int_range(random, 0, G_N_ELEMENTS(sizes))];
        for (size_t i = 0; i < n; i++) {
            random_text(random, texts[i]);
            views[i] = view_make(texts[i]->len ? texts[i]->str : NULL, texts[i]->len);
        }
        add_both(single, all, views, n);
        if (g_rand_int_range(random, 0, 100) == 0) {
            intern_reset(single);
            intern_reset(all);
        }
    }
    for (size_t i = 0; i < MIXED_MAX; i++)
        g_string_free(texts[i], TRUE);
    intern_free(single);
    intern_free(all);
    g_rand_free(random);
}

/* New texts and known ones in turn, so many that the table grows several times in the middle of one call, wherever it begins. */
static void test_all_growth(void)
{
    enum { TEXTS = 4000 };
    static char texts[TEXTS][16];
    static struct view views[TEXTS];
    for (guint i = 0; i < TEXTS; i++) {
        g_snprintf(texts[i], sizeof texts[i], "t%u", i % 3 == 2 ? i / 2 : i);
        views[i] = view_of(texts[i]);
    }
    for (guint before = 0; before < 300; before += 7) {
        struct intern *single = intern_new(), *all = intern_new();
        size_t bytes = intern_bytes(all);
        for (guint i = 0; i < before; i++) {
            char text[16];
            g_snprintf(text, sizeof text, "b%u", i);
            g_assert_cmpuint(intern_add(single, view_of(text)), ==, intern_add(all, view_of(text)));
        }
        add_both(single, all, views, TEXTS);
        add_both(single, all, views, TEXTS);
        g_assert_cmpuint(intern_bytes(all), >, bytes + TEXTS * sizeof(void *));
        intern_free(single);
        intern_free(all);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/intern/numbers", test_numbers);
    g_test_add_func("/intern/large", test_large);
    g_test_add_func("/intern/collision", test_collision);
    g_test_add_func("/intern/all-random", test_all_random);
    g_test_add_func("/intern/all-growth", test_all_growth);
    return g_test_run();
}
