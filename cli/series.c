/* series: see series.h. */
#include "cli/series.h"

struct cell {
    struct series_key key;
    uint64_t n;
};

struct series {
    GHashTable *cells; /* struct cell, key and value at once */
};

static const struct {
    const char *name;
    enum series_kind base; /* where the log's count is kept */
} kinds[SERIES_N_KINDS] = {
    [SERIES_MINUTES] = {"minute buckets", SERIES_MINUTES},
    [SERIES_MINUTE_CLIENTS] = {"clients of the minute", SERIES_MINUTES},
    [SERIES_SLOT_CLIENTS] = {"clients of the slot", SERIES_SLOT_CLIENTS},
    [SERIES_SLOT_ROUTES] = {"routes of the slot", SERIES_SLOT_CLIENTS},
};

const char *series_kind_name(enum series_kind kind)
{
    return kinds[kind].name;
}

static guint cell_hash(gconstpointer pointer)
{
    const struct series_key *key = pointer;

    return g_int64_hash(&key->number) * 31 + (guint)key->partition * 7 + (guint)key->kind;
}

static gboolean cell_equal(gconstpointer a, gconstpointer b)
{
    const struct series_key *x = a;
    const struct series_key *y = b;

    return x->number == y->number && x->partition == y->partition && x->kind == y->kind;
}

struct series *series_new(void)
{
    struct series *series = g_new(struct series, 1);

    series->cells = g_hash_table_new_full(cell_hash, cell_equal, g_free, NULL);
    return series;
}

void series_free(struct series *series)
{
    if (!series)
        return;
    g_hash_table_destroy(series->cells);
    g_free(series);
}

void series_add(struct series *series, struct series_key key, uint64_t n)
{
    struct cell *cell = g_hash_table_lookup(series->cells, &key);

    if (!cell) {
        cell = g_new(struct cell, 1);
        *cell = (struct cell){.key = key};
        g_hash_table_insert(series->cells, cell, cell);
    }
    cell->n += n;
}

uint64_t series_get(const struct series *series, struct series_key key)
{
    const struct cell *cell = g_hash_table_lookup(series->cells, &key);

    return cell ? cell->n : 0;
}

/* ---- comparison ---- */

struct comparison {
    const struct series *log, *redis;
    const int64_t *oldest_minute;
    GArray *differences;
    size_t compared;
};

/* key is of Redis. */
static void compare_one(struct comparison *comparison, struct series_key key)
{
    struct series_key base = {kinds[key.kind].base, key.partition, key.number};
    struct series_difference row = {key, series_get(comparison->log, base), series_get(comparison->redis, key)};

    if (base.kind == SERIES_MINUTES && key.number < comparison->oldest_minute[key.partition])
        return;
    comparison->compared++;
    if (row.log != row.redis)
        g_array_append_val(comparison->differences, row);
}

static int compare_rows(gconstpointer a, gconstpointer b)
{
    const struct series_key *x = &((const struct series_difference *)a)->key;
    const struct series_key *y = &((const struct series_difference *)b)->key;

    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->partition != y->partition)
        return x->partition < y->partition ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

GArray *series_compare(const struct series *log, const struct series *redis, const int64_t *oldest_minute, size_t *compared)
{
    struct comparison comparison = {log, redis, oldest_minute, g_array_new(FALSE, FALSE, sizeof(struct series_difference)), 0};
    GHashTableIter iter;
    gpointer pointer;

    g_hash_table_iter_init(&iter, log->cells);
    while (g_hash_table_iter_next(&iter, &pointer, NULL)) {
        struct series_key key = ((const struct cell *)pointer)->key;
        for (int kind = 0; kind < SERIES_N_KINDS; kind++) {
            if (kinds[kind].base == key.kind)
                compare_one(&comparison, (struct series_key){(enum series_kind)kind, key.partition, key.number});
        }
    }
    g_hash_table_iter_init(&iter, redis->cells);
    while (g_hash_table_iter_next(&iter, &pointer, NULL)) {
        struct series_key key = ((const struct cell *)pointer)->key;
        struct series_key base = {kinds[key.kind].base, key.partition, key.number};
        if (!g_hash_table_contains(log->cells, &base))
            compare_one(&comparison, key);
    }
    g_array_sort(comparison.differences, compare_rows);
    *compared = comparison.compared;
    return comparison.differences;
}
