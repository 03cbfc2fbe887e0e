#include "api/plan.h"

#include "api/registry_snapshot.h"

static struct plan *make(const char *name, const char *organization)
{
    struct plan *plan = item_new(&plan_shape);
    bool ok = item_take_text(item_field_named(&plan_shape, "name"), plan, name) &&
              item_take_text(item_field_named(&plan_shape, "currency"), plan, "EUR") &&
              item_take_text(item_field_named(&plan_shape, "organization"), plan, organization);
    g_assert_true(ok);
    return plan;
}

static void test_values(void)
{
    struct plan *plan = make("gold", ITEM_ALL);
    static const struct {
        const char *field, *good, *bad;
    } cases[] = {
        {"currency", "CHF", "chf"},
        {"currency", "XXX", "EURO"},
        {"currency", "USD", "E1R"},
        {"included", "0", "1000000000000001"},
        {"priceMicros", "1000000000000", "1000000000001"},
        {"priceMicros", "1", "1.5"},
        {"ceiling", "1000000000000000", ""},
        {"name", "gold-2.0_x", "hits"},
        {"title", "", "a\tb"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const struct item_field *field = item_field_named(&plan_shape, cases[i].field);
        g_assert_true(item_take_text(field, plan, cases[i].good));
        g_assert_false(item_take_text(field, plan, cases[i].bad));
    }
    g_assert_cmpuint(plan->ceiling, ==, PLAN_REQUESTS_MAX);
    item_free(&plan_shape, plan);
}

static void test_ceiling(void)
{
    struct plan *plan = make("gold", ITEM_ALL);
    const char *allowed;
    plan->included = 1000;
    g_assert_null(plan_shape.check(plan, &allowed));
    plan->ceiling = 1000;
    g_assert_null(plan_shape.check(plan, &allowed));
    plan->ceiling = 999;
    g_assert_cmpstr(plan_shape.check(plan, &allowed)->name, ==, "ceiling");
    g_assert_cmpstr(allowed, !=, "");
    item_free(&plan_shape, plan);
}

static void test_whose(void)
{
    struct registry_snapshot *snapshot = registry_snapshot_new(1);
    g_assert_true(registry_snapshot_add(snapshot, REGISTRY_PLANS, make("gold", ITEM_ALL)));
    g_assert_true(registry_snapshot_add(snapshot, REGISTRY_PLANS, make("gold", "acme")));
    g_assert_true(registry_snapshot_add(snapshot, REGISTRY_PLANS, make("own", "")));
    g_assert_false(registry_snapshot_add(snapshot, REGISTRY_PLANS, make("gold", "acme")));
    g_assert_cmpuint(g_hash_table_size(snapshot->plans), ==, 3);
    g_assert_cmpstr(registry_find_plan(snapshot, "acme", "gold")->organization, ==, "acme");
    g_assert_null(registry_find_plan(snapshot, "globex", "gold")->organization);
    g_assert_null(registry_find_plan(snapshot, NULL, "own"));
    g_assert_nonnull(registry_find_plan(snapshot, "", "own"));
    g_assert_null(registry_find_plan(snapshot, "acme", ""));
    registry_snapshot_unref(snapshot);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/plan/values", test_values);
    g_test_add_func("/plan/ceiling", test_ceiling);
    g_test_add_func("/plan/whose", test_whose);
    return g_test_run();
}
