/* counts: see counts.h. */
#include "cli/counts.h"

struct names {
    GStringChunk *chunk;
    GString *scratch;
};

struct names *names_new(void)
{
    struct names *names = g_new(struct names, 1);

    names->chunk = g_string_chunk_new(64 * 1024);
    names->scratch = g_string_new(NULL);
    return names;
}

void names_free(struct names *names)
{
    g_string_chunk_free(names->chunk);
    g_string_free(names->scratch, TRUE);
    g_free(names);
}

const char *names_get(struct names *names, struct view text)
{
    g_string_truncate(names->scratch, 0);
    g_string_append_len(names->scratch, text.size ? text.data : "", (gssize)text.size);
    return g_string_chunk_insert_const(names->chunk, names->scratch->str);
}

/* ---- sums ---- */

static const struct {
    const char *field, *help;
} sums[COUNTS_N_SUMS] = {
#define X(name, field, help) [COUNTS_##name] = {field, help},
    COUNTS_SUMS(X)
#undef X
};

const char *counts_sum_field(enum counts_sum sum)
{
    return sums[sum].field;
}

const char *counts_sum_help(enum counts_sum sum)
{
    return sums[sum].help;
}

/* ---- cells ---- */

struct cell {
    struct counts_key key;
    uint64_t n;
};

static guint cell_hash(gconstpointer pointer)
{
    const struct counts_key *key = pointer;
    guint hash = g_direct_hash(key->client);

    hash = hash * 31 + g_direct_hash(key->route);
    hash = hash * 31 + g_direct_hash(key->organization);
    hash = hash * 31 + (guint)key->day;
    return hash * 31 + key->status;
}

static gboolean cell_equal(gconstpointer a, gconstpointer b)
{
    const struct counts_key *x = a;
    const struct counts_key *y = b;

    return x->client == y->client && x->route == y->route && x->organization == y->organization && x->day == y->day &&
           x->status == y->status;
}

struct counts *counts_new(void)
{
    struct counts *counts = g_new0(struct counts, 1);

    /* A cell begins with its key: it is key and value at once. */
    counts->cells = g_hash_table_new_full(cell_hash, cell_equal, g_free, NULL);
    return counts;
}

void counts_free(struct counts *counts)
{
    if (!counts)
        return;
    g_hash_table_destroy(counts->cells);
    g_free(counts);
}

void counts_add(struct counts *counts, const struct counts_key *key, uint64_t n)
{
    struct cell *cell = g_hash_table_lookup(counts->cells, key);

    if (!cell) {
        cell = g_new(struct cell, 1);
        *cell = (struct cell){.key = *key};
        g_hash_table_insert(counts->cells, cell, cell);
    }
    cell->n += n;
}

uint64_t counts_get(const struct counts *counts, const struct counts_key *key)
{
    const struct cell *cell = g_hash_table_lookup(counts->cells, key);

    return cell ? cell->n : 0;
}

/* ---- comparison ---- */

static int compare_rows(gconstpointer a, gconstpointer b)
{
    const struct counts_key *x = &((const struct counts_row *)a)->key;
    const struct counts_key *y = &((const struct counts_row *)b)->key;
    int order;

    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    if ((order = g_strcmp0(x->organization, y->organization)) != 0 || (order = g_strcmp0(x->client, y->client)) != 0 ||
        (order = g_strcmp0(x->route, y->route)) != 0)
        return order;
    return x->status < y->status ? -1 : x->status > y->status;
}

GArray *counts_compare(const struct counts *log, const struct counts *redis)
{
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(struct counts_row));
    GHashTableIter iter;
    gpointer pointer;

    g_hash_table_iter_init(&iter, log->cells);
    while (g_hash_table_iter_next(&iter, &pointer, NULL)) {
        const struct cell *cell = pointer;
        struct counts_row row = {cell->key, cell->n, counts_get(redis, &cell->key)};
        g_array_append_val(rows, row);
    }
    g_hash_table_iter_init(&iter, redis->cells);
    while (g_hash_table_iter_next(&iter, &pointer, NULL)) {
        const struct cell *cell = pointer;
        struct counts_row row = {cell->key, 0, cell->n};
        if (!g_hash_table_contains(log->cells, &cell->key))
            g_array_append_val(rows, row);
    }
    g_array_sort(rows, compare_rows);
    return rows;
}
