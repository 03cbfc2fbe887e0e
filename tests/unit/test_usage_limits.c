/* Which limits a client is told. */
#include "api/usage_limits.h"

static void add_client(struct registry_snapshot *snapshot, const char *id, const char *plan)
{
    struct registry_client *client = g_new0(struct registry_client, 1);
    *client = (struct registry_client){g_strdup(id), g_strdup(""), g_strdup("acme"), g_strdup(""), g_strdup(plan), TIER_FREE};
    g_assert_true(registry_snapshot_add(snapshot, REGISTRY_CLIENTS, client));
}

static void add_plan(struct registry_snapshot *snapshot, const char *name, uint64_t included)
{
    struct plan *plan = g_new0(struct plan, 1);
    *plan = (struct plan){g_strdup(name), g_strdup(""), NULL, g_strdup("EUR"), included, 0, 2 * included};
    g_assert_true(registry_snapshot_add(snapshot, REGISTRY_PLANS, plan));
}

/* Of a client, or, without one, of plan gold. */
static void add_limit(struct registry_snapshot *snapshot, const char *id, const char *client, const char *metric,
                      enum limit_period period, uint64_t value)
{
    struct limit_rule *rule = g_new0(struct limit_rule, 1);
    *rule = (struct limit_rule){.id = g_strdup(id),
                                .organization = g_strdup(client != NULL ? "acme" : NULL),
                                .client = g_strdup(client),
                                .plan = g_strdup(client != NULL ? NULL : "gold"),
                                .metric = g_strdup(metric),
                                .period = period,
                                .value = value};
    g_assert_true(registry_snapshot_add(snapshot, REGISTRY_LIMITS, rule));
}

static struct registry_snapshot *snapshot_new(int64_t version, uint64_t per_day)
{
    struct registry_snapshot *snapshot = registry_snapshot_new(version);
    struct method *method = method_new("checkout", "", NULL, (const char *const[]){"POST /v1/orders", NULL});
    add_client(snapshot, "a", "gold");
    add_client(snapshot, "aa", "gold");
    add_client(snapshot, "b", "");
    add_plan(snapshot, "gold", 1000);
    g_assert_true(registry_snapshot_add(snapshot, REGISTRY_METHODS, method));
    add_limit(snapshot, "all", NULL, METHOD_HITS, LIMIT_DAY, per_day);
    add_limit(snapshot, "own", "a", METHOD_HITS, LIMIT_DAY, 7);
    add_limit(snapshot, "minute", "a", METHOD_HITS, LIMIT_MINUTE, 5);
    add_limit(snapshot, "orders", "a", "checkout", LIMIT_HOUR, 3);
    registry_snapshot_seal(snapshot, NULL);
    return snapshot;
}

static void expect(const struct registry_snapshot *snapshot, const char *client, const char *metric,
                   const struct client_limits *wanted)
{
    struct client_limits found;
    usage_limits_find(snapshot, "acme", client, metric, &found);
    for (int period = 0; period < LIMIT_PERIOD_N; period++)
        g_assert_cmpuint(found.requests[period], ==, wanted->requests[period]);
    g_assert_cmpuint(found.included, ==, wanted->included);
    g_assert_cmpuint(found.ceiling, ==, wanted->ceiling);
}

static void test_limits(void)
{
    struct registry_snapshot *snapshot = snapshot_new(1, 100);
    expect(snapshot, "a", METHOD_HITS, &(struct client_limits){{[LIMIT_MINUTE] = 5, [LIMIT_DAY] = 7}, 1000, 2000});
    expect(snapshot, "a", "checkout", &(struct client_limits){{[LIMIT_HOUR] = 3}, 0, 0});
    expect(snapshot, "aa", METHOD_HITS, &(struct client_limits){{[LIMIT_DAY] = 100}, 1000, 2000});
    expect(snapshot, "b", METHOD_HITS, &(struct client_limits){{0}, 0, 0});
    expect(snapshot, "nobody", METHOD_HITS, &(struct client_limits){{0}, 0, 0});
    struct registry_snapshot *next = snapshot_new(2, 200);
    expect(next, "aa", METHOD_HITS, &(struct client_limits){{[LIMIT_DAY] = 200}, 1000, 2000});
    expect(snapshot, "aa", METHOD_HITS, &(struct client_limits){{[LIMIT_DAY] = 100}, 1000, 2000});
    registry_snapshot_unref(snapshot);
    registry_snapshot_unref(next);
}

static void test_organization(void)
{
    struct registry_snapshot *snapshot = registry_snapshot_new(1);
    add_client(snapshot, "a", "");
    add_client(snapshot, "b", "");
    struct registry_client *other = g_new0(struct registry_client, 1);
    *other = (struct registry_client){g_strdup("b"), g_strdup(""), g_strdup("globex"), g_strdup(""), g_strdup(""), TIER_FREE};
    g_assert_true(registry_snapshot_add(snapshot, REGISTRY_CLIENTS, other));
    registry_snapshot_seal(snapshot, NULL);
    g_assert_cmpstr(usage_limits_organization(snapshot, "a"), ==, "acme");
    g_assert_null(usage_limits_organization(snapshot, "b"));
    g_assert_null(usage_limits_organization(snapshot, "c"));
    registry_snapshot_unref(snapshot);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/usage_limits/limits", test_limits);
    g_test_add_func("/usage_limits/organization", test_organization);
    return g_test_run();
}
