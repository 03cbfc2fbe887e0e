#include "api/client_sum.h"

enum { TABLES = 3, SLOTS = 4, CLIENTS = 5, ROUTES = 40, ROWS = 300 };

static struct window windows[TABLES];
static struct usage_table *tables[TABLES];
/* What was given, added up in the plainest way; 0 of routes: those that are not wanted. */
static uint64_t of_slot[TABLES * SLOTS], of_route[TABLES][ROUTES], of_client[TABLES][CLIENTS];

static void begin(void)
{
    memset(of_slot, 0, sizeof of_slot);
    memset(of_route, 0, sizeof of_route);
    memset(of_client, 0, sizeof of_client);
    for (int i = 0; i < TABLES; i++) {
        window_init_slots(&windows[i], i * SLOTS, SLOTS, false);
        tables[i] = usage_table_new(&windows[i]);
    }
}

static void end(void)
{
    for (int i = 0; i < TABLES; i++) {
        usage_table_free(tables[i]);
        window_clear(&windows[i]);
    }
}

static char *route_name(int number)
{
    return g_strdup_printf("GET /r%d", number);
}

/* Symbols differ from client to client: so a name of the client before would be noticed. */
static uint32_t symbol_of(int client, int route)
{
    return (uint32_t)((route * 7 + client * 11) % ROUTES);
}

static void name_routes(struct client_sum *sum, int client)
{
    for (int route = 0; route < ROUTES; route++) {
        g_autofree char *name = route_name(route);
        g_assert_false(client_sum_is_named(sum, symbol_of(client, route)));
        client_sum_name(sum, symbol_of(client, route), view_of(name));
        g_assert_true(client_sum_is_named(sum, symbol_of(client, route)));
    }
}

static void add_row(struct client_sum *sum, int client, int slot, const char *name, int only)
{
    int route = g_test_rand_int_range(0, ROUTES);
    uint64_t requests = (uint64_t)g_test_rand_int_range(0, 4);
    struct measure measure;
    measure_init(&measure);
    for (uint64_t i = 0; i < requests; i++)
        measure_add(&measure, i % 2 ? 200 : 404, (uint64_t)g_test_rand_int_range(0, 100000), 1, 2, true);
    client_sum_turn(sum, tables[slot / SLOTS], name);
    client_sum_row(sum, symbol_of(client, route), slot, &measure);
    measure_clear(&measure);
    if (only >= 0 && route != only)
        return;
    of_slot[slot] += requests;
    of_route[slot / SLOTS][route] += requests;
    of_client[slot / SLOTS][client] += requests;
}

static uint64_t requests_of(GHashTable *lines, const char *name, int64_t first_slot)
{
    const struct usage_line *line = g_hash_table_lookup(lines, name);
    if (line == NULL)
        return 0;
    g_assert_cmpuint(line->measure.requests, >, 0);
    g_assert_cmpint(line->last_slot, >=, first_slot);
    g_assert_cmpint(line->last_slot, <, first_slot + SLOTS);
    g_assert_cmpuint(of_slot[line->last_slot], >, 0);
    return line->measure.requests;
}

static void check(int i)
{
    for (int slot = i * SLOTS; slot < (i + 1) * SLOTS; slot++)
        g_assert_cmpuint(tables[i]->slot_requests[slot - i * SLOTS], ==, of_slot[slot]);
    for (int route = 0; route < ROUTES; route++) {
        g_autofree char *name = route_name(route);
        g_assert_cmpuint(requests_of(tables[i]->routes, name, i * SLOTS), ==, of_route[i][route]);
    }
    for (int client = 0; client < CLIENTS; client++) {
        g_autofree char *name = g_strdup_printf("c-%d", client);
        g_assert_cmpuint(requests_of(tables[i]->clients, name, i * SLOTS), ==, of_client[i][client]);
    }
}

/* One after the other in the same memory; slots come in order, or a late one after a younger. */
static void add_clients(const struct endpoints *endpoints, int only)
{
    struct client_sum sum;
    begin();
    client_sum_init(&sum, endpoints);
    for (int client = 0; client < CLIENTS; client++) {
        g_autofree char *name = g_strdup_printf("c-%d", client);
        name_routes(&sum, client);
        for (int i = 0; i < ROWS; i++)
            add_row(&sum, client, g_test_rand_bit() ? i * TABLES * SLOTS / ROWS : g_test_rand_int_range(0, TABLES * SLOTS), name,
                    only);
        client_sum_finish(&sum, name);
    }
    client_sum_clear(&sum);
    for (int i = 0; i < TABLES; i++)
        check(i);
    end();
}

static void test_sums(void)
{
    add_clients(NULL, -1);
}

static void test_one_route(void)
{
    struct endpoints *endpoints = endpoints_new_exact("GET /r3");
    add_clients(endpoints, 3);
    endpoints_free(endpoints);
}

static void test_names(void)
{
    struct client_sum sum;
    guint n;
    client_sum_init(&sum, NULL);
    client_sum_name(&sum, 3, view_of("GET /a"));
    client_sum_name(&sum, 3, view_of("GET /b"));
    g_autofree const char **names = client_sum_names(&sum, &n);
    g_assert_cmpuint(n, ==, 4);
    g_assert_null(names[0]);
    g_assert_cmpstr(names[3], ==, "GET /a");
    client_sum_finish(&sum, "c");
    g_assert_false(client_sum_is_named(&sum, 3));
    client_sum_clear(&sum);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/client_sum/sums", test_sums);
    g_test_add_func("/client_sum/one-route", test_one_route);
    g_test_add_func("/client_sum/names", test_names);
    return g_test_run();
}
