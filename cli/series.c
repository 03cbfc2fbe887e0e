/* series: see series.h. */
#include "cli/series.h"

#include "lib/keys.h"

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
    bool optional;         /* nothing at all is no difference */
} kinds[SERIES_N_KINDS] = {
    [SERIES_MINUTES] = {"minute buckets", SERIES_MINUTES, false},
    [SERIES_MINUTE_CLIENTS] = {"clients of the minute", SERIES_MINUTES, false},
    [SERIES_SLOT_CLIENTS] = {"clients of the slot", SERIES_SLOT_CLIENTS, false},
    [SERIES_SLOT_ROUTES] = {"routes of the slot", SERIES_SLOT_CLIENTS, false},
    [SERIES_SUM_CLIENTS] = {"sums of the slot by client", SERIES_SLOT_CLIENTS, true},
    [SERIES_SUM_ROUTES] = {"sums of the slot by route", SERIES_SLOT_CLIENTS, true},
    [SERIES_SUM_MINUTES] = {"sums of the slot by minute", SERIES_SLOT_CLIENTS, true},
};

const char *series_kind_name(enum series_kind kind)
{
    return kinds[kind].name;
}

static guint cell_hash(gconstpointer pointer)
{
    const struct series_key *key = pointer;

    return g_int64_hash(&key->number) * 31 + (guint)key->partition * 7 + (guint)key->revision * 5 + (guint)key->kind;
}

static gboolean cell_equal(gconstpointer a, gconstpointer b)
{
    const struct series_key *x = a;
    const struct series_key *y = b;

    return x->number == y->number && x->partition == y->partition && x->kind == y->kind && x->revision == y->revision;
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
    const struct series_limits *limits;
    GArray *differences;
    size_t compared;
};

static bool may_be_gone(const struct series_limits *limits, struct series_key key)
{
    if (kinds[key.kind].base == SERIES_MINUTES)
        return key.number < limits->oldest_minute[key.partition];
    return limits->is_sheeted && limits->is_sheeted(limits->opaque, key.partition, key.number / KEYS_SLOTS_PER_DAY, key.revision);
}

static struct series_key base_of(struct series_key key)
{
    return (struct series_key){kinds[key.kind].base, key.partition, key.number, key.revision};
}

/* key is of Redis. */
static void compare_one(struct comparison *comparison, struct series_key key)
{
    struct series_difference row = {key, series_get(comparison->log, base_of(key)), series_get(comparison->redis, key)};

    if (may_be_gone(comparison->limits, key) ||
        (kinds[key.kind].optional && !g_hash_table_contains(comparison->redis->cells, &key)))
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
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return x->revision < y->revision ? -1 : x->revision > y->revision;
}

GArray *series_compare(const struct series *log, const struct series *redis, const struct series_limits *limits, size_t *compared)
{
    struct comparison comparison = {log, redis, limits, g_array_new(FALSE, FALSE, sizeof(struct series_difference)), 0};
    GHashTableIter iter;
    gpointer pointer;

    g_hash_table_iter_init(&iter, log->cells);
    while (g_hash_table_iter_next(&iter, &pointer, NULL)) {
        struct series_key key = ((const struct cell *)pointer)->key;
        for (int kind = 0; kind < SERIES_N_KINDS; kind++) {
            if (kinds[kind].base == key.kind)
                compare_one(&comparison, (struct series_key){(enum series_kind)kind, key.partition, key.number, key.revision});
        }
    }
    g_hash_table_iter_init(&iter, redis->cells);
    while (g_hash_table_iter_next(&iter, &pointer, NULL)) {
        struct series_key key = ((const struct cell *)pointer)->key;
        struct series_key base = base_of(key);
        if (!g_hash_table_contains(log->cells, &base))
            compare_one(&comparison, key);
    }
    g_array_sort(comparison.differences, compare_rows);
    *compared = comparison.compared;
    return comparison.differences;
}
