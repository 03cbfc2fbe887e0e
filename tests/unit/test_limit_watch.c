/* Whom a rule is about, and which one goes before. */
#include "api/limit_watch.h"

#include "lib/number.h"

static struct alert_levels others = {{50, 100}, 2};

/* whose: "organization/client", or "organization/:plan"; "*" is all organizations. what: "metric period value". */
static void add_limit(struct registry_snapshot *snapshot, const char *id, const char *whose, const char *what)
{
    g_auto(GStrv) who = g_strsplit(whose, "/", 2), words = g_strsplit(what, " ", 3);
    struct limit_rule *rule = item_new(&limit_rule_shape);
    g_free(rule->id);
    g_free(rule->metric);
    rule->id = g_strdup(id);
    rule->metric = g_strdup(words[0]);
    bool is_plan = who[1][0] == ':';
    rule->organization = strcmp(who[0], "*") != 0 ? g_strdup(who[0]) : NULL;
    rule->client = is_plan ? NULL : g_strdup(who[1]);
    rule->plan = is_plan ? g_strdup(who[1] + 1) : NULL;
    g_assert_true(limit_period_parse(words[1], &rule->period));
    g_assert_true(number_read(view_of(words[2]), &rule->value));
    g_assert_true(registry_snapshot_add(snapshot, REGISTRY_LIMITS, rule));
}

static void add_client(struct registry_snapshot *snapshot, const char *organization, const char *id, const char *plan)
{
    struct registry_client *client = g_new0(struct registry_client, 1);
    *client = (struct registry_client){g_strdup(id), g_strdup(""), g_strdup(organization), g_strdup(""), g_strdup(plan), TIER_FREE};
    g_assert_true(registry_snapshot_add(snapshot, REGISTRY_CLIENTS, client));
}

static void add_organization(struct registry_snapshot *snapshot, const char *id, const char *plan)
{
    struct registry_organization *organization = g_new0(struct registry_organization, 1);
    *organization = (struct registry_organization){g_strdup(id), g_strdup(""), g_strdup(plan)};
    g_assert_true(registry_snapshot_add(snapshot, REGISTRY_ORGANIZATIONS, organization));
}

/* "organization/client metric period=rule …", in the list's order. */
static char *describe(struct registry_snapshot *snapshot, uint64_t *left_out)
{
    GString *text = g_string_new(NULL);
    struct limit_watches *watches = limit_watches_new(snapshot, &others);
    for (guint i = 0; i < watches->list->len; i++) {
        const struct limit_watch *watch = &g_array_index(watches->list, struct limit_watch, i);
        g_string_append_printf(text, "%s%s/%s %s %s=%s", i > 0 ? ", " : "", watch->organization, watch->client, watch->rule->metric,
                               limit_period_name(watch->rule->period), watch->rule->id);
        g_assert_cmpint(watch->method != NULL, ==, strcmp(watch->rule->metric, METHOD_HITS) != 0);
    }
    if (left_out != NULL)
        *left_out = watches->left_out;
    limit_watches_free(watches);
    return g_string_free(text, FALSE);
}

static void test_own(void)
{
    struct registry_snapshot *snapshot = registry_snapshot_new(1);
    add_limit(snapshot, "b", "acme/c-1", "hits day 10");
    add_limit(snapshot, "a", "acme/c-1", "hits day 20");
    add_limit(snapshot, "d", "acme/c-1", "hits hour 10");
    add_limit(snapshot, "c", "acme/c-1", "hits hour 10");
    add_limit(snapshot, "e", "/c-1", "hits hour 10");
    g_autofree char *text = describe(snapshot, NULL);
    g_assert_cmpstr(text, ==, "/c-1 hits hour=e, acme/c-1 hits hour=c, acme/c-1 hits day=b");
    registry_snapshot_unref(snapshot);
}

static void test_plans(void)
{
    struct registry_snapshot *snapshot = registry_snapshot_new(1);
    add_client(snapshot, "acme", "own", "gold");
    add_client(snapshot, "acme", "gold", "gold");
    add_client(snapshot, "acme", "none", "");
    add_client(snapshot, "globex", "heir", "");
    add_client(snapshot, "globex", "silver", "silver");
    add_organization(snapshot, "globex", "gold");
    add_limit(snapshot, "of-all", "*/:gold", "hits day 1");
    add_limit(snapshot, "of-globex", "globex/:gold", "hits day 5");
    add_limit(snapshot, "own", "acme/own", "hits day 9");
    g_autofree char *text = describe(snapshot, NULL);
    g_assert_cmpstr(text, ==, "acme/gold hits day=of-all, acme/own hits day=own, globex/heir hits day=of-globex");
    registry_snapshot_unref(snapshot);
}

static void test_methods(void)
{
    static const char *const patterns[] = {"GET /x", NULL};
    struct registry_snapshot *snapshot = registry_snapshot_new(1);
    uint64_t left_out;
    registry_snapshot_add(snapshot, REGISTRY_METHODS, method_new("there", "", "acme", patterns));
    add_limit(snapshot, "a", "acme/c-1", "there day 10");
    add_limit(snapshot, "b", "acme/c-1", "gone day 10");
    add_limit(snapshot, "c", "globex/c-1", "there day 10");
    g_autofree char *text = describe(snapshot, &left_out);
    g_assert_cmpstr(text, ==, "acme/c-1 there day=a");
    g_assert_cmpuint(left_out, ==, 2);
    registry_snapshot_unref(snapshot);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/limit_watch/own", test_own);
    g_test_add_func("/limit_watch/plans", test_plans);
    g_test_add_func("/limit_watch/methods", test_methods);
    return g_test_run();
}
