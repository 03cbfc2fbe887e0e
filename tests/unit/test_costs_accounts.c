#include "api/costs_accounts.h"

#include "lib/civil.h"

enum { NOVEMBER = 20758 /* 2026-11-01 */ };

static struct registry_snapshot *registry;
static struct cost_usage usage;

static void add_plan(const char *organization, const char *name, uint64_t included)
{
    struct plan *plan = item_new(&plan_shape);
    g_free(plan->name);
    g_free(plan->currency);
    plan->name = g_strdup(name);
    g_free(plan->organization);
    plan->organization = g_strdup(organization);
    plan->currency = g_strdup(organization == NULL ? "EUR" : "USD");
    plan->included = included;
    plan->price_micros = 1000;
    g_assert_true(registry_snapshot_add(registry, REGISTRY_PLANS, plan));
}

static void add_organization(const char *id, const char *plan)
{
    struct registry_organization *organization = item_new(&registry_organization_shape);
    g_free(organization->id);
    g_free(organization->plan);
    organization->id = g_strdup(id);
    organization->plan = g_strdup(plan);
    g_assert_true(registry_snapshot_add(registry, REGISTRY_ORGANIZATIONS, organization));
}

static void add_client(const char *organization, const char *id, const char *plan)
{
    struct registry_client *client = item_new(&registry_client_shape);
    g_free(client->id);
    g_free(client->organization);
    g_free(client->plan);
    client->id = g_strdup(id);
    client->organization = g_strdup(organization);
    client->plan = g_strdup(plan);
    g_assert_true(registry_snapshot_add(registry, REGISTRY_CLIENTS, client));
}

static void client_free(void *opaque)
{
    struct cost_client *client = opaque;
    g_free(client->name);
    g_free(client);
}

static void use(const char *organization, const char *id, int day, uint64_t requests)
{
    g_autofree char *name = registry_client_key(organization, id);
    struct cost_client *client = g_hash_table_lookup(usage.clients, name);
    if (client == NULL) {
        client = g_new0(struct cost_client, 1);
        client->name = g_strdup(name);
        g_hash_table_insert(usage.clients, client->name, client);
    }
    client->requests[day] += requests;
    usage.requests += requests;
}

static void set_up(void)
{
    registry = registry_snapshot_new(1);
    add_plan(NULL, "basic", 100);
    add_plan("acme", "basic", 50);
    add_plan(NULL, "gold", 1000);
    add_organization("acme", "basic");
    add_organization("idle", "gold");
    add_organization("lost", "nothing");
    add_organization("poor", "");
    add_client("acme", "rich", "gold");
    add_client("acme", "plain", "");
    add_client("acme", "wrong", "nothing");
    add_client("poor", "own", "basic");
    add_client("poor", "none", "");
    registry_snapshot_seal(registry, NULL);
    usage = (struct cost_usage){.clients = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, client_free)};
    cost_month_init(&usage.month, NOVEMBER, (NOVEMBER + 2) * CIVIL_DAY_MS - 1);
}

static void tear_down(void)
{
    cost_usage_clear(&usage);
    registry_snapshot_unref(registry);
}

static void use_all(void)
{
    use("acme", "rich", 0, 5);
    use("acme", "plain", 0, 7);
    use("acme", "unheard", 1, 11);
    use("acme", "wrong", 1, 13);
    use("lost", "x", 0, 17);
    use("poor", "own", 0, 19);
    use("poor", "none", 1, 23);
    use("", "-", 1, 29);
}

/* "organization/client kind plan requests; …" */
static char *list(const struct cost_filter *filter)
{
    g_autoptr(GPtrArray) accounts = cost_accounts_new(&usage, registry, filter);
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < accounts->len; i++) {
        const struct cost_account *account = g_ptr_array_index(accounts, i);
        g_string_append_printf(text, "%s/%s %s %s%s %d+%d; ", account->organization,
                               account->client != NULL ? account->client : "*", cost_kind_name(account->kind),
                               account->plan_name != NULL ? account->plan_name : "-",
                               account->plan != NULL && account->plan->organization != NULL ? "'" : "", (int)account->requests[0],
                               (int)account->requests[1]);
    }
    return g_string_free(text, FALSE);
}

static void expect(struct cost_filter filter, const char *expected)
{
    g_autofree char *text = list(&filter);
    g_assert_cmpstr(text, ==, expected);
}

static void test_whose(void)
{
    set_up();
    use_all();
    expect((struct cost_filter){0}, "/- unpriced - 0+29; "
                                    "acme/* organization basic' 7+11; "
                                    "acme/rich client gold 5+0; "
                                    "acme/wrong unpriced nothing 0+13; "
                                    "idle/* organization gold 0+0; "
                                    "lost/x unpriced nothing 17+0; "
                                    "poor/none unpriced - 0+23; "
                                    "poor/own client basic 19+0; ");
    tear_down();
}

static void test_plan(void)
{
    set_up();
    use_all();
    expect((struct cost_filter){.plan = "gold"}, "acme/rich client gold 5+0; idle/* organization gold 0+0; ");
    expect((struct cost_filter){.plan = "basic"}, "acme/* organization basic' 7+11; poor/own client basic 19+0; ");
    expect((struct cost_filter){.plan = "nothing"}, "");
    tear_down();
}

/* Of one client only what is its own. The usage was read for it alone. */
static void test_one_client(void)
{
    set_up();
    use("acme", "plain", 0, 7);
    expect((struct cost_filter){.organization = "acme", .client = "plain"}, "acme/plain member basic 7+0; ");
    tear_down();
    set_up();
    expect((struct cost_filter){.organization = "acme", .client = "plain"}, "acme/plain member basic 0+0; ");
    expect((struct cost_filter){.organization = "acme", .client = "rich"}, "acme/rich client gold 0+0; ");
    expect((struct cost_filter){.client = "none"}, "poor/none unpriced - 0+0; ");
    expect((struct cost_filter){.client = "nobody"}, "");
    tear_down();
}

static void test_one_organization(void)
{
    set_up();
    use("acme", "plain", 0, 7);
    expect((struct cost_filter){.organization = "acme"}, "acme/* organization basic' 7+0; acme/rich client gold 0+0; "
                                                         "acme/wrong unpriced nothing 0+0; ");
    tear_down();
    set_up();
    expect((struct cost_filter){.organization = "idle"}, "idle/* organization gold 0+0; ");
    tear_down();
}

/* ---- pages, totals ---- */

static void test_pages(void)
{
    set_up();
    use_all();
    g_autoptr(GPtrArray) accounts = cost_accounts_new(&usage, registry, &(struct cost_filter){0});
    g_assert_cmpuint(cost_accounts_after(accounts, NULL), ==, 0);
    for (guint i = 0; i < accounts->len; i++) {
        const struct cost_account *account = g_ptr_array_index(accounts, i);
        g_assert_cmpuint(cost_accounts_after(accounts, account->name), ==, i + 1);
    }
    g_assert_cmpuint(cost_accounts_after(accounts, "acme\x1fs"), ==, 3);
    g_assert_cmpuint(cost_accounts_after(accounts, "zzz"), ==, accounts->len);
    tear_down();
}

static void test_totals(void)
{
    struct cost_totals totals;
    set_up();
    use_all();
    use("acme", "rich", 1, 2000);
    g_autoptr(GPtrArray) accounts = cost_accounts_new(&usage, registry, &(struct cost_filter){0});
    cost_totals_init(&totals, accounts, &usage.month);
    g_assert_cmpuint(totals.requests, ==, usage.requests);
    g_assert_cmpuint(totals.priced, ==, 7 + 11 + 5 + 2000 + 19);
    g_assert_cmpuint(totals.unpriced, ==, 13 + 17 + 23 + 29);
    g_assert_cmpuint(totals.members, ==, 0);
    g_assert_cmpuint(totals.accounts, ==, 4);
    g_assert_cmpuint(totals.amounts->len, ==, 2);
    const struct cost_amount *euro = &g_array_index(totals.amounts, struct cost_amount, 0);
    g_assert_cmpstr(euro->currency, ==, "EUR");
    g_assert_true(euro->amount == 1005);
    g_assert_true(euro->projected > euro->amount);
    cost_totals_clear(&totals);
    tear_down();
}

static void register_some(int organization)
{
    static const char *const plans[] = {"", "basic", "gold", "nothing"};
    char name[8], client[8];
    g_snprintf(name, sizeof name, "o%d", organization);
    if (g_test_rand_bit())
        add_organization(name, plans[g_test_rand_int_range(0, 4)]);
    for (int i = 0; i < 5; i++) {
        g_snprintf(client, sizeof client, "c%d", i);
        if (g_test_rand_bit())
            add_client(name, client, plans[g_test_rand_int_range(0, 4)]);
    }
}

static void use_some(void)
{
    char organization[8], client[8];
    for (int n = g_test_rand_int_range(0, 60); n > 0; n--) {
        g_snprintf(organization, sizeof organization, "o%d", g_test_rand_int_range(0, 5));
        g_snprintf(client, sizeof client, "c%d", g_test_rand_int_range(0, 7));
        use(organization, client, g_test_rand_int_range(0, 30), (uint64_t)g_test_rand_int_range(1, 1000));
    }
}

/* Whoever has which plan, every request is in one account. */
static void test_random(void)
{
    for (int round = 0; round < 200; round++) {
        struct cost_totals totals;
        registry = registry_snapshot_new(1);
        add_plan(NULL, "basic", 10);
        add_plan("o1", "gold", 20);
        for (int i = 0; i < 4; i++)
            register_some(i);
        registry_snapshot_seal(registry, NULL);
        usage = (struct cost_usage){.clients = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, client_free)};
        cost_month_init(&usage.month, NOVEMBER, (NOVEMBER + 40) * CIVIL_DAY_MS);
        use_some();
        g_autoptr(GPtrArray) accounts = cost_accounts_new(&usage, registry, &(struct cost_filter){0});
        cost_totals_init(&totals, accounts, &usage.month);
        g_assert_cmpuint(totals.requests, ==, usage.requests);
        g_assert_cmpuint(totals.priced + totals.unpriced, ==, usage.requests);
        cost_totals_clear(&totals);
        tear_down();
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/costs_accounts/whose", test_whose);
    g_test_add_func("/costs_accounts/plan", test_plan);
    g_test_add_func("/costs_accounts/one_client", test_one_client);
    g_test_add_func("/costs_accounts/one_organization", test_one_organization);
    g_test_add_func("/costs_accounts/pages", test_pages);
    g_test_add_func("/costs_accounts/totals", test_totals);
    g_test_add_func("/costs_accounts/random", test_random);
    return g_test_run();
}
