#include "api/limit_watch.h"

#include "lib/keys.h"

/* Rules of plans by the plan's name, and what was found so far. */
struct building {
    struct registry_snapshot *snapshot;
    const struct alert_levels *others;
    struct limit_watches *watches;
    GHashTable *by_plan; /* name -> GPtrArray of struct limit_rule */
    GHashTable *places;  /* key, period and metric -> index in the list + 1 */
};

/* ---- which rule ---- */

static int rank(const struct limit_rule *rule)
{
    return rule->client != NULL ? 2 : rule->organization != NULL ? 1 : 0;
}

static bool goes_before(const struct limit_rule *a, const struct limit_rule *b)
{
    if (rank(a) != rank(b))
        return rank(a) > rank(b);
    if (a->value != b->value)
        return a->value < b->value;
    return strcmp(a->id, b->id) < 0;
}

static void set(struct building *building, struct limit_watch *watch, const struct limit_rule *rule)
{
    watch->rule = rule;
    watch->levels = alert_levels_of(rule, building->others);
}

static void add(struct building *building, const char *organization, const char *client, const struct limit_rule *rule)
{
    struct limit_watches *watches = building->watches;
    bool is_hits = strcmp(rule->metric, METHOD_HITS) == 0;
    const struct method *method = is_hits ? NULL : registry_find_method(building->snapshot, organization, rule->metric);
    g_autofree char *place = g_strdup_printf("%s%c%s%c%d%s", organization, KEYS_CLIENT_SEPARATOR, client, KEYS_CLIENT_SEPARATOR,
                                             rule->period, rule->metric);
    guint at = GPOINTER_TO_UINT(g_hash_table_lookup(building->places, place));
    if (at > 0) {
        struct limit_watch *before = &g_array_index(watches->list, struct limit_watch, at - 1);
        if (goes_before(rule, before->rule))
            set(building, before, rule);
        return;
    }
    if (watches->list->len >= LIMIT_WATCHES_MAX || (!is_hits && method == NULL)) {
        watches->left_out++;
        return;
    }
    g_autofree char *key = g_strdup_printf("%s%c%s", organization, KEYS_CLIENT_SEPARATOR, client);
    struct limit_watch watch = {.key = g_string_chunk_insert_const(watches->names, key), .method = method};
    watch.organization = g_string_chunk_insert_const(watches->names, organization);
    watch.client = g_string_chunk_insert_const(watches->names, client);
    set(building, &watch, rule);
    g_array_append_val(watches->list, watch);
    g_hash_table_insert(building->places, g_steal_pointer(&place), GUINT_TO_POINTER(watches->list->len));
}

/* ---- whose ---- */

static void note_plan(struct building *building, struct limit_rule *rule)
{
    GPtrArray *rules = g_hash_table_lookup(building->by_plan, rule->plan);
    if (rules == NULL) {
        rules = g_ptr_array_new();
        g_hash_table_insert(building->by_plan, rule->plan, rules);
    }
    g_ptr_array_add(rules, rule);
}

static void add_clients_own(struct building *building)
{
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init(&iter, building->snapshot->limits);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        struct limit_rule *rule = value;
        if (rule->client != NULL)
            add(building, rule->organization != NULL ? rule->organization : "", rule->client, rule);
        else if (rule->plan != NULL)
            note_plan(building, rule);
    }
}

static const char *plan_of(const struct building *building, const struct registry_client *client)
{
    if (client->plan[0] != '\0')
        return client->plan;
    const struct registry_organization *organization = registry_find_organization(building->snapshot, client->organization);
    return organization != NULL ? organization->plan : "";
}

static void add_plans(struct building *building)
{
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init(&iter, building->snapshot->clients);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct registry_client *client = value;
        const GPtrArray *rules = g_hash_table_lookup(building->by_plan, plan_of(building, client));
        for (guint i = 0; rules != NULL && i < rules->len; i++) {
            const struct limit_rule *rule = g_ptr_array_index(rules, i);
            if (rule->organization == NULL || strcmp(rule->organization, client->organization) == 0)
                add(building, client->organization, client->id, rule);
        }
    }
}

static gint compare(gconstpointer a, gconstpointer b)
{
    const struct limit_watch *x = a, *y = b;
    int by_key = strcmp(x->key, y->key);
    if (by_key != 0)
        return by_key;
    if (x->rule->period != y->rule->period)
        return x->rule->period < y->rule->period ? -1 : 1;
    return strcmp(x->rule->metric, y->rule->metric);
}

static void free_rules(void *rules)
{
    g_ptr_array_free(rules, TRUE);
}

struct limit_watches *limit_watches_new(struct registry_snapshot *snapshot, const struct alert_levels *others)
{
    struct limit_watches *watches = g_new0(struct limit_watches, 1);
    watches->snapshot = registry_snapshot_ref(snapshot);
    watches->list = g_array_new(FALSE, FALSE, sizeof(struct limit_watch));
    watches->names = g_string_chunk_new(16384);
    struct building building = {snapshot, others, watches, g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_rules),
                                g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
    add_clients_own(&building);
    add_plans(&building);
    g_array_sort(watches->list, compare);
    g_hash_table_destroy(building.by_plan);
    g_hash_table_destroy(building.places);
    return watches;
}

void limit_watches_free(struct limit_watches *watches)
{
    if (watches == NULL)
        return;
    registry_snapshot_unref(watches->snapshot);
    g_array_free(watches->list, TRUE);
    g_string_chunk_free(watches->names);
    g_free(watches);
}
