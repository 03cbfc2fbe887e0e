#include "api/usage_limits.h"

#include "api/limit_watch.h"

struct usage_limits {
    GMutex lock;
    struct limit_watches *watches; /* under lock; NULL: none was made yet */
};

struct usage_limits *usage_limits_new(void)
{
    struct usage_limits *limits = g_new0(struct usage_limits, 1);
    g_mutex_init(&limits->lock);
    return limits;
}

void usage_limits_free(struct usage_limits *limits)
{
    if (limits == NULL)
        return;
    limit_watches_free(limits->watches);
    g_mutex_clear(&limits->lock);
    g_free(limits);
}

/* The first watch of a key. */
static guint place_of(const GArray *list, const char *key)
{
    guint low = 0, high = list->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        if (strcmp(g_array_index(list, struct limit_watch, middle).key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void find_requests(const GArray *list, const char *key, const char *metric, struct client_limits *found)
{
    for (guint i = place_of(list, key); i < list->len; i++) {
        const struct limit_watch *watch = &g_array_index(list, struct limit_watch, i);
        if (strcmp(watch->key, key) != 0)
            return;
        if (strcmp(watch->rule->metric, metric) == 0)
            found->requests[watch->rule->period] = watch->rule->value;
    }
}

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

void usage_limits_find(struct usage_limits *limits, struct registry_snapshot *snapshot, const char *organization,
                       const char *client, const char *metric, struct client_limits *found)
{
    static const struct alert_levels none = {.n = 0}; /* nothing is raised here */
    g_autofree char *key = registry_client_key(organization, client);
    *found = (struct client_limits){.included = 0};
    g_mutex_lock(&limits->lock);
    if (limits->watches == NULL || limits->watches->snapshot != snapshot) {
        limit_watches_free(limits->watches);
        limits->watches = limit_watches_new(snapshot, &none);
    }
    find_requests(limits->watches->list, key, metric, found);
    g_mutex_unlock(&limits->lock);
    if (strcmp(metric, METHOD_HITS) == 0)
        find_plan(snapshot, organization, client, found);
}

const char *usage_limits_organization(const struct registry_snapshot *snapshot, const char *client)
{
    const GPtrArray *same = registry_find_clients(snapshot, client);
    return same != NULL && same->len == 1 ? ((const struct registry_client *)g_ptr_array_index(same, 0))->organization : NULL;
}
