#include "api/live_routes.h"

struct live_routes {
    struct live_kept kept;
    struct live_stamp owner;
    guint n;
    uint32_t *begins; /* of each name in the text; UINT32_MAX: there is none */
    char *text;       /* names, each with its NUL */
};

static void routes_free(struct live_kept *kept)
{
    struct live_routes *routes = (struct live_routes *)(void *)kept;
    g_free(routes->begins);
    g_free(routes->text);
    g_free(routes);
}

static char *key_of(const struct generation *generation, uint32_t client)
{
    g_autofree char *begin = live_notes_key("routes", NULL, generation);
    return g_strdup_printf("%s %u", begin, client);
}

struct live_routes *live_routes_recall(const struct live_notes *notes, const struct generation *generation, uint32_t client)
{
    if (notes == NULL)
        return NULL;
    g_autofree char *key = key_of(generation, client);
    struct live_routes *routes = (struct live_routes *)(void *)live_cache_take(notes->cache, key);
    if (routes == NULL || live_stamp_same_owner(&routes->owner, live_notes_owner(notes, generation->partition)))
        return routes;
    live_routes_release(routes);
    return NULL;
}

void live_routes_release(struct live_routes *routes)
{
    if (routes != NULL)
        live_kept_unref(&routes->kept);
}

const char *live_routes_name(const struct live_routes *routes, uint32_t symbol)
{
    if (routes == NULL || symbol >= routes->n || routes->begins[symbol] == UINT32_MAX)
        return NULL;
    return routes->text + routes->begins[symbol];
}

void live_routes_learn(struct live_notes *notes, const struct generation *generation, uint32_t client, const char *const *names,
                       guint n)
{
    const struct live_stamp *owner = notes != NULL ? live_notes_owner(notes, generation->partition) : NULL;
    if (owner == NULL || !owner->has_token)
        return;
    struct live_routes *routes = g_new0(struct live_routes, 1);
    GString *text = g_string_new(NULL);
    routes->owner = *owner;
    routes->n = n;
    routes->begins = g_new(uint32_t, n);
    for (guint i = 0; i < n; i++) {
        routes->begins[i] = names[i] != NULL ? (uint32_t)text->len : UINT32_MAX;
        if (names[i] != NULL)
            g_string_append_len(text, names[i], (gssize)strlen(names[i]) + 1);
    }
    size_t size = text->len + 1;
    routes->text = g_realloc(g_string_free(text, FALSE), size);
    live_kept_init(&routes->kept, sizeof *routes + n * sizeof *routes->begins + size, routes_free);
    live_notes_touch(notes, generation->partition);
    live_notes_add(notes, key_of(generation, client), &routes->kept);
}
