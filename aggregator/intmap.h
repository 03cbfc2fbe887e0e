/* intmap: 64-bit keys to pointers that are not NULL; open addressing, no removal of single keys. Owned by one thread. */
#ifndef DAYBOOK_INTMAP_H
#define DAYBOOK_INTMAP_H

#include "lib/intern.h"
#include <glib.h>
#include <stddef.h>
#include <stdint.h>

struct intmap_entry {
    uint64_t key;
    void *value; /* NULL: free */
};

/* The map lives in its user's struct; all zero is an empty one. */
struct intmap {
    struct intmap_entry *entries;
    size_t n, mask;
};

void intmap_clear(struct intmap *map, GDestroyNotify free_value);
void *intmap_get(const struct intmap *map, uint64_t key); /* NULL: not there */
/* The place of the key's value, made (NULL) if it was not there: the caller must fill it at once. Valid until the next change. */
void **intmap_place(struct intmap *map, uint64_t key);
/* Begins to bring what intmap_get will look at. */
static inline void intmap_prefetch(const struct intmap *map, uint64_t key)
{
    if (map->entries)
        __builtin_prefetch(&map->entries[hash_mix(key) & map->mask]);
}
size_t intmap_bytes(const struct intmap *map);

/* for (struct intmap_entry *e = NULL; (e = intmap_next(&map, e));) */
struct intmap_entry *intmap_next(const struct intmap *map, struct intmap_entry *entry);

#endif
