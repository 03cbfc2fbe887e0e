#include "api/sheet_sums.h"

#include "api/sheet_clients.h"
#include "lib/keys.h"
#include "lib/open_sum.h"

enum { OPEN_ROUTES_MAX = 1024 /* whose histograms lie open; those of others are lists while they grow, too */ };

struct route {
    char *name;
    bool wanted;
    struct open_sum sum;
    int64_t last_slot;
};

/* A method of a template, of the sheet at hand. */
struct verb {
    uint32_t method; /* symbol */
    uint32_t route;  /* index */
    uint32_t next;   /* one more than the index of another method of the same template; 0: none */
};

struct sheet_sums {
    const struct scope *scope;
    struct sheet_rows rows;
    struct open_sum client, slots[KEYS_SLOTS_PER_DAY];
    int64_t client_last_slot;
    struct tally closed[HISTOGRAM_BUCKETS]; /* what one of them came to */
    GString *name;
    /* of the day at hand */
    int64_t first_slot, end_slot;
    GArray *routes;      /* struct route */
    GHashTable *by_name; /* their names -> one more than the index */
    struct packed_usage *packed;
    struct sheet_sums_found found;
    /* of the sheet at hand */
    GArray *verbs;    /* struct verb */
    GArray *verbs_of; /* uint32_t, by symbol of the template: one more than the index of the first; 0: none */
    GArray *route_of; /* uint32_t, by route of the client at hand */
};

/* ---- the life of it ---- */

static void route_clear(void *opaque)
{
    struct route *route = opaque;
    g_free(route->name);
    open_sum_clear(&route->sum);
}

struct sheet_sums *sheet_sums_new(const struct scope *scope)
{
    struct sheet_sums *sums = g_new0(struct sheet_sums, 1);
    sums->scope = scope;
    open_sum_open(&sums->client);
    for (int slot = 0; slot < KEYS_SLOTS_PER_DAY; slot++)
        open_sum_open(&sums->slots[slot]);
    sums->name = g_string_new(NULL);
    sums->routes = g_array_new(FALSE, TRUE, sizeof(struct route));
    g_array_set_clear_func(sums->routes, route_clear);
    sums->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    sums->verbs = g_array_new(FALSE, FALSE, sizeof(struct verb));
    sums->verbs_of = g_array_new(FALSE, TRUE, sizeof(uint32_t));
    sums->route_of = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    return sums;
}

void sheet_sums_free(struct sheet_sums *sums)
{
    if (sums == NULL)
        return;
    open_sum_clear(&sums->client);
    for (int slot = 0; slot < KEYS_SLOTS_PER_DAY; slot++)
        open_sum_clear(&sums->slots[slot]);
    sheet_rows_clear(&sums->rows);
    g_string_free(sums->name, TRUE);
    g_hash_table_destroy(sums->by_name);
    g_array_free(sums->routes, TRUE);
    g_array_free(sums->verbs, TRUE);
    g_array_free(sums->verbs_of, TRUE);
    g_array_free(sums->route_of, TRUE);
    packed_usage_free(sums->packed);
    g_free(sums);
}

void sheet_sums_begin(struct sheet_sums *sums, int64_t first_slot, int64_t end_slot)
{
    g_assert(sums->packed == NULL && end_slot - first_slot <= KEYS_SLOTS_PER_DAY);
    sums->first_slot = first_slot;
    sums->end_slot = end_slot;
    sums->packed = packed_usage_new(first_slot);
    sums->found = (struct sheet_sums_found){false, 0};
}

/* ---- names ---- */

static void append(GString *text, struct view view)
{
    g_string_append_len(text, view.data, (gssize)view.size);
}

static void name_client(struct sheet_sums *sums, const struct sheet *sheet)
{
    g_string_truncate(sums->name, 0);
    append(sums->name, sheet_symbol(sheet, sums->rows.organization));
    g_string_append_c(sums->name, KEYS_CLIENT_SEPARATOR);
    append(sums->name, sheet_symbol(sheet, sums->rows.client));
}

/* As the buckets write it: what is over the cap has no method. */
static void name_route(struct sheet_sums *sums, struct view method, struct view template)
{
    g_string_truncate(sums->name, 0);
    append(sums->name, method);
    if (method.size > 0)
        g_string_append_c(sums->name, ' ');
    append(sums->name, template);
}

/* The route whose name is at hand. */
static uint32_t find_by_name(struct sheet_sums *sums)
{
    guint index = GPOINTER_TO_UINT(g_hash_table_lookup(sums->by_name, sums->name->str));
    if (index > 0)
        return index - 1;
    struct route route = {.name = g_strdup(sums->name->str)};
    const struct endpoints *endpoints = sums->scope->endpoints;
    route.wanted = endpoints == NULL || endpoints_have(endpoints, view_make(route.name, sums->name->len));
    if (sums->routes->len < OPEN_ROUTES_MAX)
        open_sum_open(&route.sum);
    g_array_append_val(sums->routes, route);
    g_hash_table_insert(sums->by_name, route.name, GUINT_TO_POINTER(sums->routes->len));
    return sums->routes->len - 1;
}

static uint32_t find_route(struct sheet_sums *sums, const struct sheet *sheet, uint32_t method, uint32_t template)
{
    uint32_t *first = &g_array_index(sums->verbs_of, uint32_t, template);
    for (uint32_t at = *first; at > 0;) {
        const struct verb *verb = &g_array_index(sums->verbs, struct verb, at - 1);
        if (verb->method == method)
            return verb->route;
        at = verb->next;
    }
    name_route(sums, sheet_symbol(sheet, method), sheet_symbol(sheet, template));
    const struct verb verb = {method, find_by_name(sums), *first};
    g_array_append_val(sums->verbs, verb);
    *first = sums->verbs->len;
    return verb.route;
}

static void find_routes(struct sheet_sums *sums, const struct sheet *sheet)
{
    const struct sheet_rows *rows = &sums->rows;
    g_array_set_size(sums->route_of, rows->n_routes);
    for (uint32_t i = 0; i < rows->n_routes; i++)
        g_array_index(sums->route_of, uint32_t, i) = find_route(sums, sheet, rows->method[i], rows->template[i]);
}

/* ---- rows ---- */

static void sum_client(const struct sheet *sheet, uint32_t number, void *opaque)
{
    struct sheet_sums *sums = opaque;
    const int64_t midnight = (int64_t)sheet_header(sheet)->day * KEYS_SLOTS_PER_DAY;
    sheet_rows_read(&sums->rows, sheet, number);
    find_routes(sums, sheet);
    for (uint32_t i = 0; i < sums->rows.n_rows; i++) {
        const uint32_t slot = sums->rows.slot[i];
        struct route *route =
            &g_array_index(sums->routes, struct route, g_array_index(sums->route_of, uint32_t, sums->rows.route[i]));
        struct measure row;
        if (!route->wanted || midnight + slot < sums->first_slot || midnight + slot >= sums->end_slot)
            continue;
        sheet_rows_measure(&sums->rows, i, &row);
        open_sum_add(&sums->slots[slot], &row);
        open_sum_add(&route->sum, &row);
        open_sum_add(&sums->client, &row);
        route->last_slot = MAX(route->last_slot, midnight + slot);
        sums->client_last_slot = MAX(sums->client_last_slot, midnight + slot);
        sums->found.rows++;
    }
    if (sums->client.measure.requests == 0)
        return;
    const struct measure whole = open_sum_close(&sums->client, sums->closed);
    name_client(sums, sheet);
    packed_usage_add_client(sums->packed, sums->name->str, &whole, sums->client_last_slot);
    open_sum_empty(&sums->client);
    sums->client_last_slot = 0;
}

void sheet_sums_add(struct sheet_sums *sums, const struct sheet *sheet)
{
    g_assert(sums->packed != NULL);
    g_array_set_size(sums->verbs, 0);
    g_array_set_size(sums->verbs_of, 0);
    g_array_set_size(sums->verbs_of, sheet_symbol_count(sheet)); /* all zero */
    sums->found.seen |= sheet_clients_each(sheet, sums->scope, sum_client, sums);
}

struct packed_usage *sheet_sums_end(struct sheet_sums *sums, struct sheet_sums_found *found)
{
    const int64_t midnight = sums->first_slot / KEYS_SLOTS_PER_DAY * KEYS_SLOTS_PER_DAY;
    for (int i = 0; i < KEYS_SLOTS_PER_DAY; i++) {
        struct open_sum *slot = &sums->slots[i];
        const struct measure whole = open_sum_close(slot, sums->closed);
        if (whole.requests > 0)
            packed_usage_add_slot(sums->packed, midnight + i, &whole);
        open_sum_empty(slot);
    }
    for (guint i = 0; i < sums->routes->len; i++) {
        const struct route *route = &g_array_index(sums->routes, struct route, i);
        const struct measure whole = open_sum_close(&route->sum, sums->closed);
        packed_usage_add_route(sums->packed, route->name, &whole, route->last_slot);
    }
    g_hash_table_remove_all(sums->by_name);
    g_array_set_size(sums->routes, 0);
    packed_usage_finish(sums->packed);
    *found = sums->found;
    return g_steal_pointer(&sums->packed);
}
