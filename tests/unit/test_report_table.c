/* Groups, merged in any parts and sorted, against a map from their names, as text, to their sums. */
#include "api/report_table.h"

enum { NAMES = 300 };

static char *name_of(guint i)
{
    return i == 0 ? g_strdup("") : g_strdup_printf("%s-%u", i % 3 == 0 ? "user" : "ü", i * 7919 % 1000);
}

static void add_random(GRand *rand, struct report_table *table, GHashTable *model, guint n)
{
    for (guint i = 0; i < n; i++) {
        struct report_addend addend = {.counts = {.requests = (uint64_t)g_rand_int_range(rand, 1, 4)}};
        g_autoptr(GString) key = g_string_new(NULL);
        addend.counts.status200 = addend.counts.requests - 1;
        addend.counts.status429 = g_rand_int(rand);
        for (unsigned k = 0; k < REPORT_NAMES; k++) {
            g_autofree char *name = name_of(k < 3 ? (guint)g_rand_int_range(rand, 0, NAMES) : 0);
            addend.key.names[k] = report_table_name(table, view_of(name));
            g_string_append_printf(key, "%s\t", name);
        }
        g_autoptr(GError) error = NULL;
        report_table_add(table, &addend, 1, &error);
        g_assert_no_error(error);
        struct report_counts *counts = g_hash_table_lookup(model, key->str);
        if (counts == NULL) {
            counts = g_new0(struct report_counts, 1);
            g_hash_table_insert(model, g_strdup(key->str), counts);
        }
        g_assert_true(report_counts_add(counts, &addend.counts));
    }
}

static char *key_of(const struct report_row *row)
{
    GString *key = g_string_new(NULL);
    for (unsigned k = 0; k < REPORT_NAMES; k++) {
        g_string_append_len(key, row->names[k].data, (gssize)row->names[k].size);
        g_string_append_c(key, '\t');
    }
    return g_string_free(key, FALSE);
}

/* Every group once, each with its sums, and in order: the tab is before every byte of a name. */
static void assert_rows(const struct report_table *table, GHashTable *model)
{
    g_autofree char *last = NULL;
    uint64_t last_requests = UINT64_MAX;
    g_assert_cmpuint(report_table_rows(table), ==, g_hash_table_size(model));
    for (uint32_t i = 0; i < report_table_rows(table); i++) {
        struct report_row row;
        report_table_get(table, i, &row);
        char *key = key_of(&row);
        const struct report_counts *wanted = g_hash_table_lookup(model, key);
        g_assert_true(wanted != NULL && memcmp(wanted, &row.counts, sizeof row.counts) == 0);
        g_assert_true(row.counts.requests < last_requests || (row.counts.requests == last_requests && strcmp(last, key) < 0));
        g_free(last);
        last = key;
        last_requests = row.counts.requests;
    }
}

static void assert_top(struct report_table *top, const struct report_table *all, uint32_t n)
{
    g_assert_cmpuint(report_table_rows(top), ==, MIN(n, report_table_rows(all)));
    for (uint32_t i = 0; i < report_table_rows(top); i++) {
        struct report_row a, b;
        report_table_get(top, i, &a);
        report_table_get(all, i, &b);
        g_autofree char *found = key_of(&a), *wanted = key_of(&b);
        g_assert_cmpstr(found, ==, wanted);
        g_assert_cmpuint(a.counts.requests, ==, b.counts.requests);
    }
}

/* The same groups, added from the last one on. */
static void assert_top_of(const struct report_table *table, uint32_t top)
{
    struct report_table *best = report_table_new(G_MAXUINT32);
    for (uint32_t i = report_table_rows(table); i-- > 0;) {
        struct report_row row;
        report_table_get(table, i, &row);
        struct report_addend addend = {.counts = row.counts};
        for (unsigned k = 0; k < REPORT_NAMES; k++)
            addend.key.names[k] = report_table_name(best, row.names[k]);
        g_assert_true(report_table_add(best, &addend, 1, NULL));
    }
    report_table_sort(best, top);
    assert_top(best, table, top);
    report_table_free(best);
}

static void test_random(void)
{
    GRand *rand = g_rand_new_with_seed(g_test_rand_int_range(0, G_MAXINT32) & 0x7fffffff);
    struct report_table *table = report_table_new(G_MAXUINT32), *other = report_table_new(G_MAXUINT32);
    for (guint n = 1; n < 60000; n = n * 3 + 1) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GHashTable) model = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        add_random(rand, table, model, n);
        add_random(rand, other, model, n / 2);
        report_table_merge(table, other, &error);
        g_assert_no_error(error);
        report_table_sort(table, 0);
        assert_rows(table, model);
        for (uint32_t top = 1; top <= 16; top *= 4)
            assert_top_of(table, top);
        report_table_reset(table); /* and serve again */
        report_table_reset(other);
        report_table_sort(other, 0);
        g_assert_cmpuint(report_table_rows(other), ==, 0);
        report_table_reset(other);
    }
    report_table_free(table);
    report_table_free(other);
    g_rand_free(rand);
}

static void test_refused(void)
{
    g_autoptr(GError) error = NULL;
    struct report_table *table = report_table_new(2), *other = report_table_new(2);
    struct report_addend addend = {.counts = {.requests = UINT64_MAX - 1}};
    g_assert_true(report_table_add(table, &addend, 1, &error));
    addend.counts.requests = 1;
    g_assert_true(report_table_add(table, &addend, 1, &error));
    g_assert_false(report_table_add(table, &addend, 1, &error));
    g_assert_error(error, REPORT_ERROR, REPORT_ERROR_OVERFLOW);
    g_clear_error(&error);
    addend.key.names[2] = report_table_name(table, view_of("a"));
    g_assert_true(report_table_add(table, &addend, 1, &error));
    addend.key.names[2] = report_table_name(table, view_of("b"));
    g_assert_false(report_table_add(table, &addend, 1, &error));
    g_assert_error(error, REPORT_ERROR, REPORT_ERROR_LIMIT);
    g_assert_nonnull(strstr(error->message, "2 groups"));
    g_clear_error(&error);
    addend.key.names[2] = report_table_name(other, view_of("c"));
    g_assert_true(report_table_add(other, &addend, 1, &error));
    g_assert_false(report_table_merge(table, other, &error));
    g_assert_error(error, REPORT_ERROR, REPORT_ERROR_LIMIT);
    report_table_free(table);
    report_table_free(other);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/report_table/random", test_random);
    g_test_add_func("/report_table/refused", test_refused);
    return g_test_run();
}
