/* report_table: groups lie in an array in the order in which they came, found by open addressing over their numbers: few bytes to
 * touch for each row, and the array can be sorted in place. */
#include "api/report_table.h"

#include "lib/intern.h"

enum { FIRST_SLOTS = 1024, AT_ONCE = 32 };

struct report_table {
    uint32_t groups_max;
    struct intern *names;
    struct report_addend *groups;
    uint32_t n, capacity;
    uint32_t *slots; /* 0: free; else one more than the index of a group */
    uint32_t mask;
    uint32_t *by_place; /* once it is sorted: numbers of names, in their order; groups then have places in this */
};

struct report_table *report_table_new(uint32_t groups_max)
{
    struct report_table *table = g_new0(struct report_table, 1);
    table->groups_max = groups_max;
    table->names = intern_new();
    table->mask = FIRST_SLOTS - 1;
    table->slots = g_new0(uint32_t, FIRST_SLOTS);
    return table;
}

void report_table_free(struct report_table *table)
{
    if (table == NULL)
        return;
    intern_free(table->names);
    g_free(table->groups);
    g_free(table->slots);
    g_free(table->by_place);
    g_free(table);
}

void report_table_reset(struct report_table *table)
{
    intern_reset(table->names);
    table->n = 0;
    memset(table->slots, 0, ((size_t)table->mask + 1) * sizeof *table->slots);
}

uint32_t report_table_name(struct report_table *table, struct view name)
{
    return intern_add(table->names, name);
}

/* ---- adding ---- */

static uint64_t hash_key(const struct report_key *key)
{
    uint64_t words[REPORT_NAMES / 2];
    G_STATIC_ASSERT(sizeof words == sizeof *key);
    memcpy(words, key, sizeof words);
    return hash_mix(words[0] ^ hash_mix(words[1] ^ (words[2] * UINT64_C(0x9E3779B97F4A7C15))));
}

/* Its slot, or the free one where it belongs. */
static uint32_t *find(const struct report_table *table, const struct report_key *key, uint64_t hash)
{
    for (uint64_t at = hash;; at++) {
        uint32_t *slot = &table->slots[at & table->mask];
        if (*slot == 0 || memcmp(&table->groups[*slot - 1].key, key, sizeof *key) == 0)
            return slot;
    }
}

static void grow(struct report_table *table)
{
    g_free(table->slots);
    table->mask = table->mask * 2 + 1;
    table->slots = g_new0(uint32_t, (size_t)table->mask + 1);
    for (uint32_t i = 0; i < table->n; i++)
        *find(table, &table->groups[i].key, hash_key(&table->groups[i].key)) = i + 1;
}

static bool add_group(struct report_table *table, uint32_t *slot, const struct report_addend *group, GError **error)
{
    if (table->n == table->groups_max) {
        g_set_error(error, REPORT_ERROR, REPORT_ERROR_LIMIT,
                    "A period of the answer has more than %u groups. Group by less, or filter by client, template or another name.",
                    table->groups_max);
        return false;
    }
    if (table->n == table->capacity) {
        table->capacity = MAX(FIRST_SLOTS / 2, table->capacity * 2);
        table->groups = g_renew(struct report_addend, table->groups, table->capacity);
    }
    table->groups[table->n++] = *group;
    *slot = table->n;
    if (table->n > table->mask / 2)
        grow(table);
    return true;
}

static bool add_one(struct report_table *table, const struct report_addend *addend, uint64_t hash, GError **error)
{
    uint32_t *slot = find(table, &addend->key, hash);
    if (*slot == 0)
        return add_group(table, slot, addend, error);
    if (report_counts_add(&table->groups[*slot - 1].counts, &addend->counts))
        return true;
    g_set_error(error, REPORT_ERROR, REPORT_ERROR_OVERFLOW, "A sum passes 64 bits: the sheets of these days cannot be right.");
    return false;
}

/* First the slots are on their way from memory, then the groups. */
static bool add_some(struct report_table *table, const struct report_addend *addends, uint32_t n, GError **error)
{
    uint64_t hashes[AT_ONCE];
    for (uint32_t i = 0; i < n; i++) {
        hashes[i] = hash_key(&addends[i].key);
        __builtin_prefetch(&table->slots[hashes[i] & table->mask]);
    }
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t slot = table->slots[hashes[i] & table->mask];
        if (slot == 0)
            continue;
        __builtin_prefetch(&table->groups[slot - 1], 1);
        __builtin_prefetch((const char *)&table->groups[slot] - 1, 1);
    }
    for (uint32_t i = 0; i < n; i++)
        if (!add_one(table, &addends[i], hashes[i], error))
            return false;
    return true;
}

bool report_table_add(struct report_table *table, const struct report_addend *addends, uint32_t n, GError **error)
{
    for (uint32_t i = 0; i < n; i += AT_ONCE)
        if (!add_some(table, addends + i, MIN(AT_ONCE, n - i), error))
            return false;
    return true;
}

bool report_table_merge(struct report_table *into, const struct report_table *from, GError **error)
{
    const uint32_t n_names = intern_count(from->names);
    g_autofree uint32_t *names = g_new(uint32_t, n_names);
    for (uint32_t i = 0; i < n_names; i++)
        names[i] = intern_add(into->names, intern_get(from->names, i));
    for (uint32_t i = 0; i < from->n; i += AT_ONCE) {
        struct report_addend addends[AT_ONCE];
        const uint32_t n = MIN(AT_ONCE, from->n - i);
        memcpy(addends, from->groups + i, n * sizeof *addends);
        for (uint32_t a = 0; a < n; a++)
            for (unsigned k = 0; k < REPORT_NAMES; k++)
                addends[a].key.names[k] = names[addends[a].key.names[k]];
        if (!add_some(into, addends, n, error))
            return false;
    }
    return true;
}

/* ---- rows ---- */

static int compare_names(struct view a, struct view b)
{
    const size_t common = MIN(a.size, b.size);
    const int order = common > 0 ? memcmp(a.data, b.data, common) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare_groups(const struct report_addend *a, const struct report_addend *b, const struct intern *names)
{
    if (a->counts.requests != b->counts.requests)
        return a->counts.requests > b->counts.requests ? -1 : 1;
    for (unsigned k = 0; k < REPORT_NAMES; k++)
        if (a->key.names[k] != b->key.names[k])
            return compare_names(intern_get(names, a->key.names[k]), intern_get(names, b->key.names[k]));
    return 0;
}

/* Moves the first of a heap, in which a group comes behind its children, down to where it belongs. */
static void sift(struct report_table *table, uint32_t n)
{
    struct report_addend *groups = table->groups, moved = groups[0];
    uint32_t at = 0;
    for (uint32_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && compare_groups(&groups[child], &groups[child + 1], table->names) < 0)
            child++;
        if (compare_groups(&groups[child], &moved, table->names) <= 0)
            break;
        groups[at] = groups[child];
    }
    groups[at] = moved;
}

static gint compare_as_groups(gconstpointer a, gconstpointer b, gpointer opaque)
{
    return compare_groups(a, b, opaque);
}

/* Of many groups few are wanted: no need to sort all. An array in reverse order is a heap. */
static void keep_top(struct report_table *table, uint32_t top)
{
    g_qsort_with_data(table->groups, (gint)top, sizeof *table->groups, compare_as_groups, table->names);
    for (uint32_t i = 0; i < top / 2; i++) {
        const struct report_addend kept = table->groups[i];
        table->groups[i] = table->groups[top - 1 - i];
        table->groups[top - 1 - i] = kept;
    }
    for (uint32_t i = top; i < table->n; i++)
        if (compare_groups(&table->groups[i], &table->groups[0], table->names) < 0) {
            table->groups[0] = table->groups[i];
            sift(table, top);
        }
    table->n = top;
}

static gint compare_numbers(gconstpointer a, gconstpointer b, gpointer opaque)
{
    const struct intern *names = opaque;
    return compare_names(intern_get(names, *(const uint32_t *)a), intern_get(names, *(const uint32_t *)b));
}

static gint compare_ranks(gconstpointer a, gconstpointer b)
{
    const struct report_addend *x = a, *y = b;
    if (x->counts.requests != y->counts.requests)
        return x->counts.requests > y->counts.requests ? -1 : 1;
    for (unsigned k = 0; k < REPORT_NAMES; k++)
        if (x->key.names[k] != y->key.names[k])
            return x->key.names[k] < y->key.names[k] ? -1 : 1;
    return 0;
}

/* Many groups share few names: those are sorted, and groups then by the places of their names. */
static void rank_names(struct report_table *table)
{
    const uint32_t n = intern_count(table->names);
    g_autofree uint32_t *places = g_new(uint32_t, n);
    table->by_place = g_renew(uint32_t, table->by_place, n);
    for (uint32_t i = 0; i < n; i++)
        table->by_place[i] = i;
    g_qsort_with_data(table->by_place, (gint)n, sizeof *table->by_place, compare_numbers, table->names);
    for (uint32_t i = 0; i < n; i++)
        places[table->by_place[i]] = i;
    for (uint32_t i = 0; i < table->n; i++)
        for (unsigned k = 0; k < REPORT_NAMES; k++)
            table->groups[i].key.names[k] = places[table->groups[i].key.names[k]];
}

void report_table_sort(struct report_table *table, uint32_t top)
{
    if (top > 0 && top < table->n)
        keep_top(table, top);
    rank_names(table);
    qsort(table->groups, table->n, sizeof *table->groups, compare_ranks);
}

uint32_t report_table_rows(const struct report_table *table)
{
    return table->n;
}

void report_table_get(const struct report_table *table, uint32_t i, struct report_row *row)
{
    g_assert(i < table->n);
    for (unsigned k = 0; k < REPORT_NAMES; k++)
        row->names[k] = intern_get(table->names, table->by_place[table->groups[i].key.names[k]]);
    row->counts = table->groups[i].counts;
}
