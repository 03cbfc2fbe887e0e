#include "aggregator/intmap.h"

enum { FIRST = 8 };

void intmap_clear(struct intmap *map, GDestroyNotify free_value)
{
    if (free_value)
        for (struct intmap_entry *e = NULL; (e = intmap_next(map, e));)
            free_value(e->value);
    g_free(map->entries);
    *map = (struct intmap){0};
}

void *intmap_get(const struct intmap *map, uint64_t key)
{
    if (map->n == 0)
        return NULL;
    size_t at = hash_mix(key) & map->mask;
    for (; map->entries[at].value; at = (at + 1) & map->mask)
        if (map->entries[at].key == key)
            return map->entries[at].value;
    return NULL;
}

static void grow(struct intmap *map)
{
    struct intmap old = *map;
    map->mask = old.entries ? old.mask * 2 + 1 : FIRST - 1;
    map->entries = g_new0(struct intmap_entry, map->mask + 1);
    for (struct intmap_entry *e = NULL; (e = intmap_next(&old, e));) {
        size_t at = hash_mix(e->key) & map->mask;
        while (map->entries[at].value)
            at = (at + 1) & map->mask;
        map->entries[at] = *e;
    }
    g_free(old.entries);
}

void **intmap_place(struct intmap *map, uint64_t key)
{
    if (!map->entries || (map->n + 1) * 3 > (map->mask + 1) * 2)
        grow(map);
    size_t at = hash_mix(key) & map->mask;
    for (; map->entries[at].value; at = (at + 1) & map->mask)
        if (map->entries[at].key == key)
            return &map->entries[at].value;
    map->entries[at].key = key;
    map->n++;
    return &map->entries[at].value;
}

size_t intmap_bytes(const struct intmap *map)
{
    return map->entries ? (map->mask + 1) * sizeof *map->entries : 0;
}

struct intmap_entry *intmap_next(const struct intmap *map, struct intmap_entry *entry)
{
    if (!map->entries)
        return NULL;
    for (entry = entry ? entry + 1 : map->entries; entry <= map->entries + map->mask; entry++)
        if (entry->value)
            return entry;
    return NULL;
}
