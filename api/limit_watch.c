#include "api/limit_watch.h"

/* ---- which rules hold ---- */

static int rank(const struct limit_rule *rule)
{
    return rule->client != NULL ? 2 : rule->organization != NULL ? 1 : 0;
}

/* By period and metric; of the same ones, the rule first that goes before the others. */
static gint compare_rules(gconstpointer a, gconstpointer b)
{
    const struct limit_rule *x = *(const struct limit_rule *const *)a, *y = *(const struct limit_rule *const *)b;
    int by_metric = strcmp(x->metric, y->metric);
    if (x->period != y->period)
        return x->period < y->period ? -1 : 1;
    if (by_metric != 0)
        return by_metric;
    if (rank(x) != rank(y))
        return rank(x) > rank(y) ? -1 : 1;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return strcmp(x->id, y->id);
}

static const GPtrArray *plan_limits(const struct registry_snapshot *snapshot, const struct registry_client *client)
{
    if (client->plan[0] != '\0')
        return registry_find_plan_limits(snapshot, client->plan);
    const struct registry_organization *organization = registry_find_organization(snapshot, client->organization);
    return organization != NULL ? registry_find_plan_limits(snapshot, organization->plan) : NULL;
}

/* rules: NULL for none. */
static void add_rules(GPtrArray *all, const GPtrArray *rules, const char *organization)
{
    for (guint i = 0; rules != NULL && i < rules->len; i++) {
        const struct limit_rule *rule = g_ptr_array_index(rules, i);
        if (rule->organization == NULL || strcmp(rule->organization, organization) == 0)
            g_ptr_array_add(all, g_ptr_array_index(rules, i));
    }
}

static bool is_alike(const struct limit_rule *a, const struct limit_rule *b)
{
    return a->period == b->period && strcmp(a->metric, b->metric) == 0;
}

GPtrArray *limit_rules_of(const struct registry_snapshot *snapshot, const char *organization, const char *client)
{
    const struct registry_client *registered = registry_find_client(snapshot, organization, client);
    GPtrArray *rules = g_ptr_array_new();
    guint n = 0;
    add_rules(rules, registry_find_client_limits(snapshot, organization, client), organization);
    if (registered != NULL)
        add_rules(rules, plan_limits(snapshot, registered), organization);
    g_ptr_array_sort(rules, compare_rules);
    for (guint i = 0; i < rules->len; i++)
        if (n == 0 || !is_alike(rules->pdata[n - 1], rules->pdata[i]))
            rules->pdata[n++] = rules->pdata[i];
    g_ptr_array_set_size(rules, (gint)n);
    return rules;
}

/* ---- who is watched ---- */

/* Everything in `watch` but what the rules say is filled in. */
static void add_client(struct limit_watches *watches, struct limit_watch watch, const struct alert_levels *others)
{
    g_autoptr(GPtrArray) rules = limit_rules_of(watches->snapshot, watch.organization, watch.client);
    for (guint i = 0; i < rules->len; i++) {
        watch.rule = g_ptr_array_index(rules, i);
        bool is_hits = strcmp(watch.rule->metric, METHOD_HITS) == 0;
        watch.method = is_hits ? NULL : registry_find_method(watches->snapshot, watch.organization, watch.rule->metric);
        watch.levels = alert_levels_of(watch.rule, others);
        if (watches->list->len < LIMIT_WATCHES_MAX && (is_hits || watch.method != NULL))
            g_array_append_val(watches->list, watch);
        else
            watches->left_out++;
    }
}

static void add_registered(struct limit_watches *watches, const struct alert_levels *others)
{
    GHashTableIter iter;
    void *key, *value;
    g_hash_table_iter_init(&iter, watches->snapshot->clients);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        const struct registry_client *client = value;
        add_client(watches, (struct limit_watch){.key = key, .organization = client->organization, .client = client->id}, others);
    }
}

/* Clients that there are rules about, but that are not registered. */
static void add_others(struct limit_watches *watches, const struct alert_levels *others)
{
    GHashTableIter iter;
    void *key, *value;
    g_hash_table_iter_init(&iter, watches->snapshot->limits_by_owner);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        const struct limit_rule *rule = g_ptr_array_index((const GPtrArray *)value, 0);
        if (rule->client != NULL && !g_hash_table_contains(watches->snapshot->clients, key))
            add_client(watches,
                       (struct limit_watch){.key = key,
                                            .organization = rule->organization != NULL ? rule->organization : "",
                                            .client = rule->client},
                       others);
    }
}

static gint compare(gconstpointer a, gconstpointer b)
{
    const struct limit_watch *x = a, *y = b;
    int by_key = strcmp(x->key, y->key);
    return by_key != 0 ? by_key : compare_rules(&x->rule, &y->rule);
}

struct limit_watches *limit_watches_new(struct registry_snapshot *snapshot, const struct alert_levels *others)
{
    struct limit_watches *watches = g_new0(struct limit_watches, 1);
    watches->snapshot = registry_snapshot_ref(snapshot);
    watches->list = g_array_new(FALSE, FALSE, sizeof(struct limit_watch));
    add_registered(watches, others);
    add_others(watches, others);
    g_array_sort(watches->list, compare);
    return watches;
}

void limit_watches_free(struct limit_watches *watches)
{
    if (watches == NULL)
        return;
    registry_snapshot_unref(watches->snapshot);
    g_array_free(watches->list, TRUE);
    g_free(watches);
}
