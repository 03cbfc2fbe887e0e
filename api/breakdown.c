#include "api/breakdown.h"

#include "api/measured.h"
#include "lib/keys.h"

__extension__ typedef unsigned __int128 wide;

enum { METHOD_SPACE = ' ' };

static void add_entry(GArray *list, const char *name, const struct measure *measure, int64_t last_slot)
{
    const struct entry entry = {name, 0, measure, measure->requests, measured_failed(measure), last_slot};
    g_array_append_val(list, entry);
}

static GArray *list_new(void)
{
    return g_array_new(FALSE, TRUE, sizeof(struct entry));
}

static GArray *list_of(GHashTable *lines)
{
    GArray *list = list_new();
    GHashTableIter iterator;
    gpointer value;
    g_hash_table_iter_init(&iterator, lines);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        const struct usage_line *line = value;
        add_entry(list, line->name, &line->measure, line->last_slot);
    }
    return list;
}

static GArray *list_of_statuses(const struct usage_table *table, const struct measure *total)
{
    GArray *list = list_new();
    for (uint32_t i = 0; i < total->statuses.n; i++) {
        const struct tally *tally = &total->statuses.items[i];
        struct entry entry = {
            .status = tally->key, .requests = tally->count, .errors = tally->key >= MEASURED_FIRST_ERROR ? tally->count : 0};
        entry.last_slot = tally->key < G_N_ELEMENTS(table->status_last) ? table->status_last[tally->key] : -1;
        g_array_append_val(list, entry);
    }
    return list;
}

/* ---- methods: sums of the endpoints that begin with them ---- */

/* The sums are made here and only lent to the entries as constant. */
static void sum_free(void *opaque)
{
    measure_clear(opaque);
    g_free(opaque);
}

/* The word before the blank; what has none ("{other}") is its own method. */
static const char *method_of(const char *endpoint, GStringChunk *names)
{
    const char *blank = strchr(endpoint, METHOD_SPACE);
    g_autofree char *method = blank ? g_strndup(endpoint, (size_t)(blank - endpoint)) : g_strdup(endpoint);
    return g_string_chunk_insert_const(names, method);
}

/* Position in the list of the entry for a method, new if need be. index: the method's name as the chunk has it -> position + 1. */
static guint position_of(GArray *list, GPtrArray *sums, GHashTable *index, const char *method)
{
    guint position = GPOINTER_TO_UINT(g_hash_table_lookup(index, method));
    if (position > 0)
        return position - 1;
    const struct entry entry = {.name = method, .measure = g_new0(struct measure, 1), .last_slot = -1};
    g_ptr_array_add(sums, (struct measure *)entry.measure);
    g_array_append_val(list, entry);
    g_hash_table_insert(index, (char *)method, GUINT_TO_POINTER(list->len));
    return list->len - 1;
}

static GArray *list_of_methods(const GArray *endpoints, GPtrArray *sums, GStringChunk *names)
{
    GArray *list = list_new();
    GHashTable *index = g_hash_table_new(NULL, NULL);
    for (guint i = 0; i < endpoints->len; i++) {
        const struct entry *endpoint = &g_array_index(endpoints, struct entry, i);
        guint position = position_of(list, sums, index, method_of(endpoint->name, names));
        struct entry *method = &g_array_index(list, struct entry, position);
        measure_merge(g_ptr_array_index(sums, position), endpoint->measure);
        method->requests += endpoint->requests;
        method->errors += endpoint->errors;
        method->last_slot = MAX(method->last_slot, endpoint->last_slot);
    }
    g_hash_table_destroy(index);
    return list;
}

/* ---- order ---- */

static int compare_counts(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* Averages as fractions, exactly; status codes have none and are equal. */
static int compare_latency(const struct entry *a, const struct entry *b)
{
    if (a->measure == NULL || b->measure == NULL)
        return 0;
    wide left = (wide)a->measure->latency_sum_us * b->requests, right = (wide)b->measure->latency_sum_us * a->requests;
    return (left > right) - (left < right);
}

struct order {
    int sort;
    bool ascending;
    bool count_errors; /* in a list of errors, "requests" are the failed ones */
};

static int compare_by(const struct entry *a, const struct entry *b, const struct order *order)
{
    switch (order->sort) {
    case USAGE_BY_ERRORS:
        return compare_counts(a->errors, b->errors);
    case USAGE_BY_LATENCY:
        return compare_latency(a, b);
    case USAGE_BY_TIMESTAMP:
        return (a->last_slot > b->last_slot) - (a->last_slot < b->last_slot);
    default:
        return order->count_errors ? compare_counts(a->errors, b->errors) : compare_counts(a->requests, b->requests);
    }
}

static int compare_entries(gconstpointer x, gconstpointer y, gpointer opaque)
{
    const struct entry *a = x, *b = y;
    const struct order *order = opaque;
    int difference = compare_by(a, b, order);
    if (difference != 0)
        return order->ascending ? difference : -difference;
    if (a->name != NULL && b->name != NULL)
        return strcmp(a->name, b->name);
    return (a->status > b->status) - (a->status < b->status);
}

static GArray *failing(const GArray *list)
{
    GArray *only = list_new();
    for (guint i = 0; i < list->len; i++)
        if (g_array_index(list, struct entry, i).errors > 0)
            g_array_append_val(only, g_array_index(list, struct entry, i));
    return only;
}

struct breakdown *breakdown_new(const struct usage_table *table, const struct measure *total, const struct usage_params *params)
{
    struct breakdown *breakdown = g_new0(struct breakdown, 1);
    breakdown->sums = g_ptr_array_new_with_free_func(sum_free);
    breakdown->names = g_string_chunk_new(256);
    breakdown->endpoints = list_of(table->routes);
    breakdown->keys = list_of(table->clients);
    breakdown->statuses = list_of_statuses(table, total);
    breakdown->methods = list_of_methods(breakdown->endpoints, breakdown->sums, breakdown->names);
    breakdown->failing_endpoints = failing(breakdown->endpoints);
    breakdown->failing_statuses = failing(breakdown->statuses);
    struct order order = {params->sort, params->ascending != 0, false};
    GArray *const lists[] = {breakdown->endpoints, breakdown->methods, breakdown->statuses, breakdown->keys};
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
        g_array_sort_with_data(lists[i], compare_entries, &order);
    order.count_errors = true;
    g_array_sort_with_data(breakdown->failing_endpoints, compare_entries, &order);
    g_array_sort_with_data(breakdown->failing_statuses, compare_entries, &order);
    return breakdown;
}

void breakdown_free(struct breakdown *breakdown)
{
    GArray *const lists[] = {breakdown->endpoints, breakdown->methods,           breakdown->statuses,
                             breakdown->keys,      breakdown->failing_endpoints, breakdown->failing_statuses};
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
        g_array_free(lists[i], TRUE);
    g_ptr_array_free(breakdown->sums, TRUE);
    g_string_chunk_free(breakdown->names);
    g_free(breakdown);
}

guint breakdown_page(const GArray *list, const struct usage_params *params, guint *first)
{
    *first = MIN((guint)params->offset, list->len);
    return MIN(*first + (guint)params->limit, list->len);
}

guint breakdown_longest(const struct breakdown *breakdown, const struct usage_params *params)
{
    guint longest = MAX(MAX(breakdown->methods->len, breakdown->statuses->len), breakdown->keys->len);
    return params->exclude_endpoints ? longest : MAX(longest, breakdown->endpoints->len);
}
