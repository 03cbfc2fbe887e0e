/* Tables of clients, without HTTP; with it in tests/system/test_admin.py. */
#include "api/admin_csv.h"

static struct registry_snapshot *snapshot;
static struct caller *everybody, *acme;

static void add(const char *organization, const char *id, const char *name, enum tier tier)
{
    struct registry_client client = {.id = (char *)(uintptr_t)id, .organization = (char *)(uintptr_t)organization};
    client.name = (char *)(uintptr_t)name;
    client.platform = client.plan = (char[]){"gold"};
    client.tier = tier;
    g_assert_true(registry_snapshot_add(snapshot, REGISTRY_CLIENTS, registry_client_dup(&client)));
}

static void read_table(struct admin_csv *csv, const char *text, const struct caller *caller)
{
    admin_csv_init(csv, admin_kind_at("/api/v2/admin/clients.csv"));
    admin_csv_read(csv, view_of(text), caller, snapshot);
}

static void expect_counts(const char *text, const struct caller *caller, uint64_t created, uint64_t changed, uint64_t unchanged)
{
    struct admin_csv csv;
    read_table(&csv, text, caller);
    g_assert_cmpuint(csv.n_bad, ==, 0);
    g_assert_cmpuint(csv.created, ==, created);
    g_assert_cmpuint(csv.changed, ==, changed);
    g_assert_cmpuint(csv.unchanged, ==, unchanged);
    g_assert_cmpuint(csv.items->len, ==, created + changed);
    admin_csv_clear(&csv);
}

static void test_counts(void)
{
    expect_counts("id,organization\n", everybody, 0, 0, 0);
    expect_counts("id,organization\nc-1,acme\nc-1,globex\nc-2,acme\n", everybody, 2, 0, 1);
    expect_counts("name,id\nShop,c-1\n", acme, 0, 0, 1);
    expect_counts("name,id\nOther,c-1\nShop,c-2\n", acme, 1, 1, 0);
    expect_counts("\xef\xbb\xbfid,tier\r\nc-1,ENTERPRISE\r\n", acme, 0, 0, 1); /* it has that tier already */
    expect_counts("id,tier\nc-1,\n", acme, 0, 0, 1);
    expect_counts("id,plan\nc-1,gold\n", acme, 0, 0, 1); /* and that plan, which only administrators of all change */
    expect_counts("id,organization,plan\nc-1,acme,\n", everybody, 0, 1, 0);
}

static void test_values(void)
{
    struct admin_csv csv;
    read_table(&csv, "id,name,platform\nc-1,'=1+1,\"a,\"\"b\"\"\"\n'c-3,'@,'\n", acme);
    g_assert_cmpuint(csv.n_bad, ==, 0);
    const struct registry_client *changed = g_ptr_array_index(csv.items, 0), *created = g_ptr_array_index(csv.items, 1);
    g_assert_cmpstr(changed->name, ==, "=1+1");
    g_assert_cmpstr(changed->platform, ==, "a,\"b\"");
    g_assert_cmpstr(changed->plan, ==, "gold");
    g_assert_cmpint((int)changed->tier, ==, TIER_ENTERPRISE);
    g_assert_cmpstr(created->id, ==, "'c-3");
    g_assert_cmpstr(created->name, ==, "@");
    g_assert_cmpstr(created->platform, ==, "'");
    g_assert_cmpstr(created->plan, ==, "");
    g_assert_cmpstr(created->organization, ==, "acme");
    admin_csv_clear(&csv);
}

static void expect_bad(const char *text, const struct caller *caller, uint64_t line, const char *field)
{
    struct admin_csv csv;
    read_table(&csv, text, caller);
    g_assert_cmpuint(csv.n_bad, >=, 1);
    const struct admin_csv_bad *bad = &g_array_index(csv.bad, struct admin_csv_bad, 0);
    g_assert_cmpuint(bad->line, ==, line);
    g_assert_cmpstr(bad->refusal.field, ==, field);
    admin_csv_clear(&csv);
}

static void test_bad(void)
{
    expect_bad("", acme, 1, "header");
    expect_bad("\n\n", acme, 1, "header");
    expect_bad("name\n", acme, 1, "header");
    expect_bad("id\n", everybody, 1, "header");
    expect_bad("id,id\n", acme, 1, "header");
    expect_bad("id,colour\n", acme, 1, "header");
    expect_bad("id,name\nc\n", acme, 2, NULL);
    expect_bad("id\nc\n\nc\n", acme, 4, "id");
    expect_bad("id\n\"\"\n", acme, 2, "id");
    expect_bad("id,tier\nc,gold\n", acme, 2, "tier");
    expect_bad("id,tier\nc,professional\n", acme, 2, "tier"); /* more than its own */
    expect_bad("id,organization\nc,globex\n", acme, 2, "organization");
    expect_bad("id,name\nc,a\tb\n", acme, 2, "name");
    expect_bad("id\n\"c\n", acme, 2, NULL);
    expect_bad("id\nc\n\xff\n", acme, 3, "id");
}

static void test_many(void)
{
    struct admin_csv csv;
    g_autoptr(GString) text = g_string_new("id,tier\n");
    for (int i = 0; i < 2 * ADMIN_CSV_LINES_TOLD; i++)
        g_string_append_printf(text, "c-%d,gold\n", i);
    read_table(&csv, text->str, acme);
    g_assert_cmpuint(csv.n_bad, ==, 2 * ADMIN_CSV_LINES_TOLD);
    g_assert_cmpuint(csv.bad->len, ==, ADMIN_CSV_LINES_TOLD);
    g_assert_cmpuint(csv.items->len, ==, 0);
    admin_csv_clear(&csv);
    g_string_assign(text, "id\n");
    for (int i = 0; i < REGISTRY_CLIENTS_MAX; i++)
        g_string_append_printf(text, "%d\n", i);
    read_table(&csv, text->str, acme); /* two are there already */
    g_assert_cmpuint(csv.n_bad, ==, 1);
    admin_csv_clear(&csv);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    snapshot = registry_snapshot_new(1);
    add("acme", "c-1", "Shop", TIER_ENTERPRISE);
    add("globex", "c-9", "Theirs", TIER_FREE);
    registry_snapshot_seal(snapshot, NULL);
    everybody = caller_new("e", "e", NULL, NULL, PERMISSION_ADMIN, TIER_FREE);
    acme = caller_new("a", "a", "acme", NULL, PERMISSION_ADMIN, TIER_STARTER);
    g_test_add_func("/admin_csv/counts", test_counts);
    g_test_add_func("/admin_csv/values", test_values);
    g_test_add_func("/admin_csv/bad", test_bad);
    g_test_add_func("/admin_csv/many", test_many);
    int code = g_test_run();
    caller_unref(everybody);
    caller_unref(acme);
    registry_snapshot_unref(snapshot);
    return code;
}
