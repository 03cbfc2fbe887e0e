#include "api/client_sum.h"

struct route {
    const char *name; /* NULL: not known yet */
    char *own;        /* the name, if it is not borrowed */
    bool wanted;
    struct usage_line *line; /* its line in a table; borrowed */
    const struct usage_table *line_in;
};

static void route_clear(void *opaque)
{
    g_free(((struct route *)opaque)->own);
}

void client_sum_init(struct client_sum *sum, const struct endpoints *endpoints)
{
    *sum = (struct client_sum){.endpoints = endpoints, .routes = g_array_new(FALSE, TRUE, sizeof(struct route))};
    g_array_set_clear_func(sum->routes, route_clear);
    measure_init(&sum->in_slot);
    measure_init(&sum->whole);
}

void client_sum_clear(struct client_sum *sum)
{
    g_array_free(sum->routes, TRUE);
    measure_clear(&sum->in_slot);
    measure_clear(&sum->whole);
}

static struct route *route_at(struct client_sum *sum, uint32_t route)
{
    if (route >= sum->routes->len)
        g_array_set_size(sum->routes, route + 1);
    return &g_array_index(sum->routes, struct route, route);
}

static void name_route(const struct client_sum *sum, struct route *route, const char *name)
{
    route->name = name;
    route->wanted = sum->endpoints == NULL || endpoints_have(sum->endpoints, view_of(name));
}

bool client_sum_is_named(struct client_sum *sum, uint32_t number)
{
    if (number < sum->routes->len && g_array_index(sum->routes, struct route, number).name != NULL)
        return true;
    const char *known = live_routes_name(sum->known, number);
    if (known != NULL)
        name_route(sum, route_at(sum, number), known);
    return known != NULL;
}

void client_sum_name(struct client_sum *sum, uint32_t number, struct view name)
{
    struct route *route = route_at(sum, number);
    if (route->name != NULL)
        return;
    route->own = g_strndup(name.data, name.size);
    name_route(sum, route, route->own);
}

const char **client_sum_names(const struct client_sum *sum, guint *n)
{
    const char **names = g_new(const char *, sum->routes->len + 1);
    *n = sum->routes->len;
    for (guint i = 0; i < *n; i++)
        names[i] = g_array_index(sum->routes, struct route, i).name;
    return names;
}

/* A slot's rows go into the table together: its lists are long, and to find a place in them takes time. */
static void end_slot(struct client_sum *sum)
{
    if (sum->in_slot.requests == 0)
        return;
    usage_table_add_slot(sum->table, sum->slot, &sum->in_slot);
    measure_merge(&sum->whole, &sum->in_slot);
    sum->last_slot = MAX(sum->last_slot, sum->slot);
    measure_reset(&sum->in_slot);
}

static struct usage_line *line_of(const struct client_sum *sum, struct route *route)
{
    if (route->line_in != sum->table) {
        route->line = usage_table_route(sum->table, route->name);
        route->line_in = sum->table;
    }
    return route->line;
}

void client_sum_row(struct client_sum *sum, uint32_t number, int64_t slot, const struct measure *measure)
{
    struct route *route = route_at(sum, number);
    if (!route->wanted || measure->requests == 0)
        return;
    if (slot != sum->slot)
        end_slot(sum);
    sum->slot = slot;
    measure_merge(&sum->in_slot, measure);
    usage_line_add(line_of(sum, route), measure, slot);
}

static void hand_over(struct client_sum *sum, const char *client)
{
    end_slot(sum);
    usage_table_add_client(sum->table, client, &sum->whole, sum->last_slot);
    measure_reset(&sum->whole);
    sum->last_slot = 0;
}

void client_sum_turn(struct client_sum *sum, struct usage_table *table, const char *client)
{
    if (sum->table == table)
        return;
    if (sum->table != NULL)
        hand_over(sum, client);
    sum->table = table;
}

void client_sum_finish(struct client_sum *sum, const char *client)
{
    if (sum->table != NULL)
        hand_over(sum, client);
    sum->table = NULL;
    g_array_set_size(sum->routes, 0);
}
