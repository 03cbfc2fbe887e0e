/* The table of kinds, and under which names items lie. */
#include "api/registry_kind.h"

#include "api/admin_item.h"

static void test_table(void)
{
    g_autoptr(GHashTable) keys = g_hash_table_new(g_str_hash, g_str_equal);
    for (int kind = 0; kind < REGISTRY_KIND_N; kind++) {
        const struct registry_kind_info *info = registry_kind_info((enum registry_kind)kind);
        g_autofree char *key = g_strdup_printf("{daybook}:%s", info->names), *names = g_strdup_printf("%ss", info->name);
        g_assert_cmpstr(info->key, ==, key);
        g_assert_cmpstr(info->names, ==, names);
        g_assert_true(g_hash_table_add(keys, (void *)(uintptr_t)info->key));
        g_assert_cmpuint(info->most, >, 0);
        g_assert_cmpuint(info->shape->n_fields, <=, MIN((size_t)ITEM_FIELDS_MAX, 8 * sizeof(admin_given)));
    }
}

static void expect_field(enum registry_kind kind, const char *name, const char *organization, const char *wanted)
{
    const struct registry_kind_info *info = registry_kind_info(kind);
    void *item = item_new(info->shape);
    const struct item_field *owner = item_field_named(info->shape, "organization");
    const struct item_field *own = item_field_named(info->shape, "id");
    bool ok = item_take_text(own != NULL ? own : item_field_named(info->shape, "name"), item, name) &&
              (owner == NULL || item_take_text(owner, item, organization));
    g_assert_true(ok);
    g_autofree char *field = info->field(item);
    g_assert_cmpstr(field, ==, wanted);
    item_free(info->shape, item);
}

static void test_fields(void)
{
    expect_field(REGISTRY_CLIENTS, "c", "acme",
                 "acme\x1f"
                 "c");
    expect_field(REGISTRY_CLIENTS, "c", "",
                 "\x1f"
                 "c");
    expect_field(REGISTRY_METHODS, "read", "acme", "acme\x1fread");
    expect_field(REGISTRY_METHODS, "read", ITEM_ALL, "read");
    expect_field(REGISTRY_PLANS, "gold", "", "\x1fgold");
    expect_field(REGISTRY_PLANS, "gold", ITEM_ALL, "gold");
    expect_field(REGISTRY_ORGANIZATIONS, "acme", NULL, "acme");
    expect_field(REGISTRY_LIMITS, "l", "acme", "l");
    expect_field(REGISTRY_CHANNELS, "w-1", "acme", "w-1");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/registry_kind/table", test_table);
    g_test_add_func("/registry_kind/fields", test_fields);
    return g_test_run();
}
