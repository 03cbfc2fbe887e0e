/* sheet_builder: the distinct rows of a sheet to be, in a hash table; sorted when all are there.
 *
 * While rows come in, names have the numbers of their arrival. At the end every number becomes the rank of what it stands for, so
 * that rows are sorted by numbers only. A name that came with a row that was refused stays behind in the table of names but is in
 * no row: only what rows use gets a rank. */
#include "lib/sheet_internal.h"

#include "lib/event.h"
#include "lib/intern.h"
#include "lib/keys.h"

enum { SLOTS_FIRST = 1024 };

struct sheet_entry {
    uint32_t key[SHEET_KEYS];
    uint32_t hash;
    struct measure measure;
};

struct sheet_builder {
    struct intern *names;
    GByteArray *clean;               /* by name: whether it is one */
    struct intern *clients, *routes; /* struct sheet_pair, of names */
    struct sheet_entry **slots;      /* open addressing; NULL: free */
    uint32_t mask;
    struct sheet_totals totals;
    struct arena arena; /* of the entries and their measures' lists */
};

static void begin(struct sheet_builder *builder)
{
    builder->names = intern_new();
    builder->clean = g_byte_array_new();
    builder->clients = intern_new();
    builder->routes = intern_new();
    builder->mask = SLOTS_FIRST - 1;
    builder->slots = g_new0(struct sheet_entry *, SLOTS_FIRST);
    builder->totals = (struct sheet_totals){0};
}

static void end(struct sheet_builder *builder)
{
    intern_free(builder->names);
    g_byte_array_free(builder->clean, TRUE);
    intern_free(builder->clients);
    intern_free(builder->routes);
    g_free(builder->slots);
    arena_clear(&builder->arena);
}

struct sheet_builder *sheet_builder_new(void)
{
    struct sheet_builder *builder = g_new0(struct sheet_builder, 1);
    begin(builder);
    return builder;
}

void sheet_builder_free(struct sheet_builder *builder)
{
    if (!builder)
        return;
    end(builder);
    g_free(builder);
}

const struct sheet_totals *sheet_builder_totals(const struct sheet_builder *builder)
{
    return &builder->totals;
}

size_t sheet_builder_bytes(const struct sheet_builder *builder)
{
    return builder->arena.bytes + ((size_t)builder->mask + 1) * sizeof *builder->slots + intern_bytes(builder->names) +
           builder->clean->len + intern_bytes(builder->clients) + intern_bytes(builder->routes);
}

/* ---- the table of rows ---- */

static void grow(struct sheet_builder *builder)
{
    struct sheet_entry **old = builder->slots;
    uint32_t n_old = builder->mask + 1;
    builder->mask = 2 * n_old - 1;
    builder->slots = g_new0(struct sheet_entry *, (size_t)builder->mask + 1);
    for (uint32_t i = 0; i < n_old; i++) {
        if (!old[i])
            continue;
        uint32_t at = old[i]->hash & builder->mask;
        while (builder->slots[at])
            at = (at + 1) & builder->mask;
        builder->slots[at] = old[i];
    }
    g_free(old);
}

/* The slot of the key: free, or that of its entry. */
static struct sheet_entry **find(struct sheet_builder *builder, const uint32_t key[SHEET_KEYS], uint32_t hash)
{
    uint32_t at = hash & builder->mask;
    for (const struct sheet_entry *entry; (entry = builder->slots[at]); at = (at + 1) & builder->mask)
        if (entry->hash == hash && memcmp(entry->key, key, sizeof entry->key) == 0)
            break;
    return &builder->slots[at];
}

static void insert(struct sheet_builder *builder, struct sheet_entry **slot, const uint32_t key[SHEET_KEYS], uint32_t hash)
{
    struct sheet_entry *entry = arena_alloc(&builder->arena, sizeof *entry);
    memcpy(entry->key, key, sizeof entry->key);
    entry->hash = hash;
    measure_init_in(&entry->measure, &builder->arena);
    *slot = entry;
}

static bool refuse(GError **error, gint code, const char *what)
{
    g_set_error(error, SHEET_ERROR, code, "a row of a day sheet: %s", what);
    return false;
}

/* Merges a faultless measure into the row of the key. */
static bool put(struct sheet_builder *builder, const uint32_t key[SHEET_KEYS], const struct measure *measure, GError **error)
{
    uint32_t hash = (uint32_t)hash_bytes(key, SHEET_KEYS * sizeof *key);
    struct sheet_entry **slot = find(builder, key, hash);
    bool new = !*slot;
    if (new && builder->totals.rows == SHEET_ROWS_MAX)
        return refuse(error, SHEET_ERROR_LIMIT, "more of them than a sheet can hold");
    if (!new && (*slot)->measure.requests + measure->requests > TALLY_COUNT_MAX)
        return refuse(error, SHEET_ERROR_LIMIT, "more requests than can be counted");
    if (!sheet_totals_add(&builder->totals, new ? 1 : 0, measure))
        return refuse(error, SHEET_ERROR_LIMIT, "a sum passes what can be counted");
    if (new)
        insert(builder, slot, key, hash);
    measure_merge(&(*slot)->measure, measure);
    if (builder->totals.rows > builder->mask / 4u * 3u)
        grow(builder);
    return true;
}

/* ---- rows in ---- */

static bool take_name(struct sheet_builder *builder, struct view name, size_t least, size_t most, uint32_t *number)
{
    if (name.size < least || name.size > most)
        return false;
    *number = intern_add(builder->names, name);
    if (*number >= builder->clean->len) {
        guint before = builder->clean->len;
        g_byte_array_set_size(builder->clean, *number + 1);
        for (guint i = before; i <= *number; i++)
            builder->clean->data[i] = sheet_name_is_clean(intern_get(builder->names, i));
    }
    return builder->clean->data[*number];
}

static uint32_t take_pair(struct intern *pairs, uint32_t first, uint32_t second)
{
    const struct sheet_pair pair = {first, second};
    return intern_add(pairs, view_make(&pair, sizeof pair));
}

bool sheet_builder_add(struct sheet_builder *builder, const struct sheet_row *row, GError **error)
{
    uint32_t organization, client, method, template, key[SHEET_KEYS];
    const char *fault = sheet_measure_fault(&row->measure);
    if (fault)
        return refuse(error, SHEET_ERROR_ROW, fault);
    if (row->slot >= KEYS_SLOTS_PER_DAY)
        return refuse(error, SHEET_ERROR_ROW, "its slot is not below 96");
    if (!take_name(builder, row->organization, 0, EVENT_NAME_MAX, &organization) ||
        !take_name(builder, row->client, 1, EVENT_NAME_MAX, &client) ||
        !take_name(builder, row->user, 0, EVENT_NAME_MAX, &key[SHEET_KEY_USER]) ||
        !take_name(builder, row->method, 0, EVENT_METHOD_MAX, &method) ||
        !take_name(builder, row->template, 1, EVENT_ROUTE_MAX, &template) ||
        !take_name(builder, row->platform, 0, EVENT_NAME_MAX, &key[SHEET_KEY_PLATFORM]))
        return refuse(error, SHEET_ERROR_ROW, "a name is missing, too long or not clean UTF-8");
    key[SHEET_KEY_CLIENT] = take_pair(builder->clients, organization, client);
    key[SHEET_KEY_ROUTE] = take_pair(builder->routes, method, template);
    key[SHEET_KEY_SLOT] = row->slot;
    return put(builder, key, &row->measure, error);
}

/* ---- another sheet ---- */

struct merge {
    struct sheet_builder *builder;
    const struct sheet *sheet;
    uint32_t *names; /* by symbol of the sheet */
    GArray *routes;  /* uint32_t, by route of the client */
    struct sheet_rows rows;
};

static bool merge_client(struct merge *merge, uint32_t number, GError **error)
{
    struct sheet_rows *rows = &merge->rows;
    const uint32_t *names = merge->names;
    sheet_rows_read(rows, merge->sheet, number);
    uint32_t client = take_pair(merge->builder->clients, names[rows->organization], names[rows->client]);
    g_array_set_size(merge->routes, rows->n_routes);
    for (uint32_t i = 0; i < rows->n_routes; i++)
        g_array_index(merge->routes, uint32_t, i) =
            take_pair(merge->builder->routes, names[rows->method[i]], names[rows->template[i]]);
    for (uint32_t i = 0; i < rows->n_rows; i++) {
        struct measure measure;
        const uint32_t key[SHEET_KEYS] = {client, names[rows->user[i]], g_array_index(merge->routes, uint32_t, rows->route[i]),
                                          names[rows->platform[i]], rows->slot[i]};
        sheet_rows_measure(rows, i, &measure);
        if (!put(merge->builder, key, &measure, error))
            return false;
    }
    return true;
}

bool sheet_builder_merge(struct sheet_builder *builder, const struct sheet *sheet, GError **error)
{
    struct merge merge = {.builder = builder, .sheet = sheet, .routes = g_array_new(FALSE, FALSE, sizeof(uint32_t))};
    uint32_t n_symbols = sheet_symbol_count(sheet), n_clients = sheet_client_count(sheet);
    bool ok = true;
    merge.names = g_new(uint32_t, n_symbols);
    for (uint32_t i = 0; i < n_symbols; i++)
        (void)take_name(builder, sheet_symbol(sheet, i), 0, EVENT_ROUTE_MAX, &merge.names[i]); /* checked when it was opened */
    for (uint32_t i = 0; ok && i < n_clients; i++)
        ok = merge_client(&merge, i, error);
    sheet_rows_clear(&merge.rows);
    g_array_free(merge.routes, TRUE);
    g_free(merge.names);
    return ok;
}

/* ---- in order ---- */

struct order {
    struct sheet_sorted_row *rows;
    uint32_t n_rows;
    struct view *symbols; /* by rank */
    uint32_t n_symbols;
    uint32_t *rank;                       /* by name */
    struct sheet_pair *clients, *routes;  /* by place */
    uint32_t *client_place, *route_place; /* by number */
};

struct numbered_name {
    struct view name;
    uint32_t number;
};

static int compare_names(const void *a, const void *b)
{
    return sheet_compare_names(((const struct numbered_name *)a)->name, ((const struct numbered_name *)b)->name);
}

struct numbered_pair {
    struct sheet_pair pair;
    uint32_t number;
};

static int compare_pairs(const void *a, const void *b)
{
    const struct sheet_pair *x = &((const struct numbered_pair *)a)->pair, *y = &((const struct numbered_pair *)b)->pair;
    return x->first != y->first ? (x->first > y->first) - (x->first < y->first) : (x->second > y->second) - (x->second < y->second);
}

static int compare_rows(const void *a, const void *b)
{
    const struct sheet_sorted_row *x = a, *y = b;
    for (unsigned i = 0; i < SHEET_KEYS; i++)
        if (x->key[i] != y->key[i])
            return x->key[i] > y->key[i] ? 1 : -1;
    return 0;
}

static struct sheet_pair pair_get(const struct intern *pairs, uint32_t number)
{
    struct sheet_pair pair;
    struct view bytes = intern_get(pairs, number);
    g_assert(bytes.size == sizeof pair);
    memcpy(&pair, bytes.data, sizeof pair);
    return pair;
}

/* Keys stand beside the pointers, so that sorting does not run all over memory. */
static void collect_rows(struct sheet_builder *builder, struct order *order)
{
    order->rows = g_new(struct sheet_sorted_row, builder->totals.rows + 1);
    for (uint32_t i = 0; i <= builder->mask; i++) {
        if (!builder->slots[i])
            continue;
        struct sheet_sorted_row *row = &order->rows[order->n_rows++];
        memcpy(row->key, builder->slots[i]->key, sizeof row->key);
        row->measure = &builder->slots[i]->measure;
    }
    g_assert(order->n_rows == builder->totals.rows);
}

/* A byte for each name: whether a row has it. The empty one always counts as used. */
static uint8_t *names_used(const struct sheet_builder *builder, const struct order *order)
{
    uint8_t *used = g_new0(uint8_t, intern_count(builder->names));
    used[0] = 1;
    for (uint32_t i = 0; i < order->n_rows; i++) {
        const uint32_t *key = order->rows[i].key;
        const struct sheet_pair client = pair_get(builder->clients, key[SHEET_KEY_CLIENT]);
        const struct sheet_pair route = pair_get(builder->routes, key[SHEET_KEY_ROUTE]);
        used[client.first] = used[client.second] = used[route.first] = used[route.second] = 1;
        used[key[SHEET_KEY_USER]] = used[key[SHEET_KEY_PLATFORM]] = 1;
    }
    return used;
}

static void rank_names(const struct sheet_builder *builder, struct order *order)
{
    uint32_t n = intern_count(builder->names);
    g_autofree uint8_t *used = names_used(builder, order);
    g_autofree struct numbered_name *names = g_new(struct numbered_name, n);
    for (uint32_t i = 0; i < n; i++)
        if (used[i])
            names[order->n_symbols++] = (struct numbered_name){intern_get(builder->names, i), i};
    qsort(names, order->n_symbols, sizeof *names, compare_names);
    order->rank = g_new0(uint32_t, n);
    order->symbols = g_new(struct view, order->n_symbols);
    for (uint32_t i = 0; i < order->n_symbols; i++) {
        order->rank[names[i].number] = i;
        order->symbols[i] = names[i].name;
    }
}

/* Pairs by rank of their names. A pair that is in no row may have a place: it does no harm. */
static struct sheet_pair *place_pairs(const struct intern *pairs, const uint32_t *rank, uint32_t **places)
{
    uint32_t n = intern_count(pairs) - 1; /* number 0 is the empty string of the table */
    g_autofree struct numbered_pair *sorted = g_new(struct numbered_pair, (size_t)n + 1);
    for (uint32_t i = 0; i < n; i++) {
        struct sheet_pair pair = pair_get(pairs, i + 1);
        sorted[i] = (struct numbered_pair){{rank[pair.first], rank[pair.second]}, i + 1};
    }
    qsort(sorted, n, sizeof *sorted, compare_pairs);
    struct sheet_pair *placed = g_new(struct sheet_pair, (size_t)n + 1);
    *places = g_new0(uint32_t, (size_t)n + 1);
    for (uint32_t i = 0; i < n; i++) {
        placed[i] = sorted[i].pair;
        (*places)[sorted[i].number] = i;
    }
    return placed;
}

static void sort_rows(struct order *order)
{
    for (uint32_t i = 0; i < order->n_rows; i++) {
        uint32_t *key = order->rows[i].key;
        key[SHEET_KEY_CLIENT] = order->client_place[key[SHEET_KEY_CLIENT]];
        key[SHEET_KEY_USER] = order->rank[key[SHEET_KEY_USER]];
        key[SHEET_KEY_ROUTE] = order->route_place[key[SHEET_KEY_ROUTE]];
        key[SHEET_KEY_PLATFORM] = order->rank[key[SHEET_KEY_PLATFORM]];
    }
    qsort(order->rows, order->n_rows, sizeof *order->rows, compare_rows);
}

static void order_clear(struct order *order)
{
    g_free(order->rows);
    g_free(order->symbols);
    g_free(order->rank);
    g_free(order->clients);
    g_free(order->routes);
    g_free(order->client_place);
    g_free(order->route_place);
}

GBytes *sheet_builder_finish(struct sheet_builder *builder, const struct sheet_header *header, GError **error)
{
    g_assert(header->day < SHEET_DAY_END && header->revision > 0);
    g_assert(header->first_offset <= header->end_offset && header->end_offset <= INT64_MAX);
    struct order order = {0};
    collect_rows(builder, &order);
    rank_names(builder, &order);
    order.clients = place_pairs(builder->clients, order.rank, &order.client_place);
    order.routes = place_pairs(builder->routes, order.rank, &order.route_place);
    sort_rows(&order);
    const struct sheet_sorted sorted = {order.symbols, order.n_symbols, order.clients, order.routes, intern_count(builder->routes),
                                        order.rows,    order.n_rows};
    GBytes *bytes = sheet_write(&sorted, &builder->totals, header);
    order_clear(&order);
    end(builder);
    begin(builder);
    if (!bytes)
        g_set_error(error, SHEET_ERROR, SHEET_ERROR_LIMIT, "the day sheet would be larger than %d MiB", SHEET_SIZE_MAX >> 20);
    return bytes;
}
