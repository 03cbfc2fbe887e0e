#include "cli/client_name.h"

struct counted {
    struct client_name name;
    int n;
};

static void test_keys(void)
{
    g_autoptr(GHashTable) table = g_hash_table_new(client_name_hash, client_name_equal);
    struct counted one = {client_name_make(view_of("acme"), view_of("c-1")), 1};
    struct counted two = {client_name_make(view_of(""), view_of("acme")), 2};
    struct counted three = {client_name_make(view_make(NULL, 0), view_make("", 0)), 3};
    g_hash_table_add(table, &one);
    g_hash_table_add(table, &two);
    g_hash_table_add(table, &three);
    const struct counted *found = g_hash_table_lookup(table, &(struct client_name){"acme", "c-1"});
    g_assert_cmpint(found->n, ==, 1);
    found = g_hash_table_lookup(table, &(struct client_name){"", "acme"});
    g_assert_cmpint(found->n, ==, 2);
    found = g_hash_table_lookup(table, &(struct client_name){"", ""});
    g_assert_cmpint(found->n, ==, 3);
    g_assert_null(g_hash_table_lookup(table, &(struct client_name){"acme", ""}));
    client_name_clear(&one.name);
    client_name_clear(&two.name);
    client_name_clear(&three.name);
    g_assert_null(one.name.organization);
}

static void test_order(void)
{
    static const struct client_name names[] = {{"", "z"}, {"a", ""}, {"a", "b"}, {"a", "c"}, {"ab", "a"}};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        for (size_t k = 0; k < G_N_ELEMENTS(names); k++) {
            int order = client_name_compare(&names[i], &names[k]);
            g_assert_cmpint((order > 0) - (order < 0), ==, (i > k) - (i < k));
        }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/client-name/keys", test_keys);
    g_test_add_func("/client-name/order", test_order);
    return g_test_run();
}
