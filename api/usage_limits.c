#include "api/usage_limits.h"

#include "api/limit_watch.h"

static void find_plan(const struct registry_snapshot *snapshot, const char *organization, const char *client,
                      struct client_limits *found)
{
    const struct registry_client *registered = registry_find_client(snapshot, organization, client);
    const struct plan *plan =
        registered != NULL && registered->plan[0] != '\0' ? registry_find_plan(snapshot, organization, registered->plan) : NULL;
    if (plan == NULL)
        return;
    found->included = plan->included;
    found->ceiling = plan->ceiling;
}

void usage_limits_find(const struct registry_snapshot *snapshot, const char *organization, const char *client, const char *metric,
                       struct client_limits *found)
{
    g_autoptr(GPtrArray) rules = limit_rules_of(snapshot, organization, client);
    *found = (struct client_limits){.included = 0};
    for (guint i = 0; i < rules->len; i++) {
        const struct limit_rule *rule = g_ptr_array_index(rules, i);
        if (strcmp(rule->metric, metric) == 0)
            found->requests[rule->period] = rule->value;
    }
    if (strcmp(metric, METHOD_HITS) == 0)
        find_plan(snapshot, organization, client, found);
}

const char *usage_limits_organization(const struct registry_snapshot *snapshot, const char *client)
{
    const GPtrArray *same = registry_find_clients(snapshot, client);
    return same != NULL && same->len == 1 ? ((const struct registry_client *)g_ptr_array_index(same, 0))->organization : NULL;
}

bool usage_limits_asked(const struct registry_snapshot *snapshot, const struct usage_params *params, struct client_limits *found)
{
    *found = (struct client_limits){.included = 0};
    if (params->key == NULL || (params->endpoint != NULL && !params->by_method))
        return false;
    const char *organization =
        params->organization != NULL ? params->organization : usage_limits_organization(snapshot, params->key);
    if (organization == NULL)
        return false;
    usage_limits_find(snapshot, organization, params->key, params->endpoint != NULL ? params->endpoint : METHOD_HITS, found);
    return true;
}
