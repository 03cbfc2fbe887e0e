/* intern: open addressing over an array of numbers; strings lie one after the other in blocks that never move. */
#include "lib/intern.h"

#include <glib.h>

enum { BLOCK_SIZE = 64 * 1024, FIRST_SLOTS = 256 };

struct entry {
    const char *data;
    uint32_t size;
    uint32_t hash;
};

struct intern {
    struct entry *entries;
    uint32_t n, capacity;
    uint32_t *slots; /* number + 1, 0: free */
    uint32_t mask;
    GPtrArray *blocks;
    size_t block_used, block_size; /* of the last block */
    size_t bytes;
};

uint64_t hash_bytes(const void *data, size_t size)
{
    static gsize seed_set;
    static uint64_t seed;
    if (g_once_init_enter(&seed_set)) {
        seed = ((uint64_t)g_random_int() << 32) | g_random_int();
        g_once_init_leave(&seed_set, 1);
    }
    const unsigned char *p = data;
    uint64_t hash = seed ^ size;
    for (; size >= 8; p += 8, size -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        hash = hash_mix(hash ^ word);
    }
    uint64_t tail = 0;
    if (size > 0)
        memcpy(&tail, p, size);
    return hash_mix(hash ^ tail ^ ((uint64_t)size << 56));
}

struct intern *intern_new(void)
{
    struct intern *intern = g_new0(struct intern, 1);
    intern->blocks = g_ptr_array_new_with_free_func(g_free);
    intern->mask = FIRST_SLOTS - 1;
    intern->slots = g_new0(uint32_t, FIRST_SLOTS);
    intern_add(intern, view_of(""));
    return intern;
}

void intern_free(struct intern *intern)
{
    if (!intern)
        return;
    g_ptr_array_free(intern->blocks, TRUE);
    g_free(intern->entries);
    g_free(intern->slots);
    g_free(intern);
}

void intern_reset(struct intern *intern)
{
    g_ptr_array_set_size(intern->blocks, 0);
    intern->block_used = intern->block_size = intern->bytes = 0;
    intern->n = 0;
    memset(intern->slots, 0, ((size_t)intern->mask + 1) * sizeof *intern->slots);
    intern_add(intern, view_of(""));
}

static const char *store(struct intern *intern, struct view text)
{
    if (intern->block_size - intern->block_used < text.size || intern->block_size == 0) {
        intern->block_size = MAX((size_t)BLOCK_SIZE, text.size);
        intern->block_used = 0;
        intern->bytes += intern->block_size;
        g_ptr_array_add(intern->blocks, g_malloc(intern->block_size));
    }
    char *at = (char *)g_ptr_array_index(intern->blocks, intern->blocks->len - 1) + intern->block_used;
    if (text.size > 0)
        memcpy(at, text.data, text.size);
    intern->block_used += text.size;
    return at;
}

static void grow_slots(struct intern *intern)
{
    uint32_t mask = intern->mask * 2 + 1;
    g_free(intern->slots);
    intern->slots = g_new0(uint32_t, (size_t)mask + 1);
    intern->mask = mask;
    for (uint32_t i = 0; i < intern->n; i++) {
        uint32_t at = intern->entries[i].hash & mask;
        while (intern->slots[at])
            at = (at + 1) & mask;
        intern->slots[at] = i + 1;
    }
}

uint32_t intern_add(struct intern *intern, struct view text)
{
    uint32_t hash = (uint32_t)hash_bytes(text.data, text.size);
    uint32_t at = hash & intern->mask;
    for (; intern->slots[at]; at = (at + 1) & intern->mask) {
        const struct entry *entry = &intern->entries[intern->slots[at] - 1];
        if (entry->hash == hash && view_equal(view_make(entry->data, entry->size), text))
            return intern->slots[at] - 1;
    }
    g_assert(intern->n < INT32_MAX && text.size <= UINT32_MAX);
    if (intern->n == intern->capacity) {
        intern->capacity = intern->capacity ? 2 * intern->capacity : 64;
        intern->entries = g_renew(struct entry, intern->entries, intern->capacity);
    }
    uint32_t number = intern->n++;
    intern->entries[number] = (struct entry){store(intern, text), (uint32_t)text.size, hash};
    intern->slots[at] = number + 1;
    if (intern->n > intern->mask / 2)
        grow_slots(intern);
    return number;
}

struct view intern_get(const struct intern *intern, uint32_t number)
{
    g_assert(number < intern->n);
    return view_make(intern->entries[number].data, intern->entries[number].size);
}

uint32_t intern_count(const struct intern *intern)
{
    return intern->n;
}

size_t intern_bytes(const struct intern *intern)
{
    return intern->bytes + intern->capacity * sizeof *intern->entries + ((size_t)intern->mask + 1) * sizeof *intern->slots;
}
