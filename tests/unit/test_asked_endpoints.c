#include "api/asked_endpoints.h"

static struct registry_snapshot *registry;
static struct refusal refusal;

static void add_method(const char *organization, const char *name, const char *pattern)
{
    const char *const patterns[] = {pattern, NULL};
    g_assert_true(registry_snapshot_add(registry, REGISTRY_METHODS, method_new(name, "", organization, patterns)));
}

static void set_up(void)
{
    registry = registry_snapshot_new(1);
    refusal = (struct refusal){0};
    add_method(NULL, "orders", "ANY /all/**");
    add_method("acme", "orders", "ANY /own/**");
    registry_snapshot_seal(registry, NULL);
}

static bool has(const struct endpoints *endpoints, const char *name)
{
    return endpoints_have(endpoints, view_of(name));
}

static void test_all(void)
{
    struct asked_endpoints asked = {0};
    const struct usage_params params = {0};
    const struct endpoints *endpoints;
    set_up();
    g_assert_true(asked_endpoints_find(&asked, registry, &params, &endpoints, &refusal));
    g_assert_null(endpoints);
    asked_endpoints_clear(&asked);
    registry_snapshot_unref(registry);
}

static void test_route(void)
{
    struct asked_endpoints asked = {0};
    struct usage_params params = {.endpoint = g_strdup("GET /x")};
    const struct endpoints *endpoints;
    set_up();
    for (int i = 0; i < 2; i++) {
        g_assert_true(asked_endpoints_find(&asked, registry, &params, &endpoints, &refusal));
        g_assert_true(has(endpoints, "GET /x") && !has(endpoints, "POST /x") && !has(endpoints, "GET /xx"));
    }
    asked_endpoints_clear(&asked);
    usage_params_clear(&params);
    registry_snapshot_unref(registry);
}

/* It is there as long as it is held, also when the registry has a newer state. */
static void test_method(void)
{
    struct asked_endpoints asked = {0};
    struct usage_params params = {.endpoint = g_strdup("orders"), .by_method = true};
    const struct endpoints *endpoints;
    set_up();
    g_assert_true(asked_endpoints_find(&asked, registry, &params, &endpoints, &refusal));
    g_assert_true(has(endpoints, "GET /all/1") && !has(endpoints, "GET /own/1"));
    params.organization = g_strdup("acme");
    g_assert_true(asked_endpoints_find(&asked, registry, &params, &endpoints, &refusal));
    registry_snapshot_unref(registry);
    g_assert_true(has(endpoints, "GET /own/1") && !has(endpoints, "GET /all/1"));
    asked_endpoints_clear(&asked);
    usage_params_clear(&params);
}

static void test_refused(void)
{
    struct asked_endpoints asked = {0};
    struct usage_params params = {.endpoint = g_strdup("order"), .by_method = true};
    const struct endpoints *endpoints;
    set_up();
    g_assert_false(asked_endpoints_find(&asked, registry, &params, &endpoints, &refusal));
    g_assert_cmpint(refusal.status, ==, 400);
    g_assert_cmpstr(refusal.field, ==, "endpoint");
    g_assert_cmpstr(refusal.allowed[0], ==, "orders");
    refusal_clear(&refusal);
    asked_endpoints_clear(&asked);
    usage_params_clear(&params);
    registry_snapshot_unref(registry);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/asked_endpoints/all", test_all);
    g_test_add_func("/asked_endpoints/route", test_route);
    g_test_add_func("/asked_endpoints/method", test_method);
    g_test_add_func("/asked_endpoints/refused", test_refused);
    return g_test_run();
}
