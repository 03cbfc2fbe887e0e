/* intern: open addressing over pointers to the strings. Hash, number and bytes of a string lie together: to find one takes two
 * looks into memory. */
#include "lib/intern.h"

#include "lib/arena.h"
#include <glib.h>

enum { FIRST_SLOTS = 256, SOME = 64 };

struct text {
    uint32_t hash, number, size;
    char data[];
};

struct intern {
    struct text **texts; /* by number */
    uint32_t n, capacity;
    struct text **slots; /* NULL: free */
    uint32_t mask;
    struct arena arena; /* of the texts */
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
    intern->mask = FIRST_SLOTS - 1;
    intern->slots = g_new0(struct text *, FIRST_SLOTS);
    intern_add(intern, view_of(""));
    return intern;
}

void intern_free(struct intern *intern)
{
    if (!intern)
        return;
    arena_clear(&intern->arena);
    g_free(intern->texts);
    g_free(intern->slots);
    g_free(intern);
}

void intern_reset(struct intern *intern)
{
    arena_clear(&intern->arena);
    intern->n = 0;
    memset(intern->slots, 0, ((size_t)intern->mask + 1) * sizeof(struct text *));
    intern_add(intern, view_of(""));
}

static void put_slot(struct intern *intern, struct text *text)
{
    uint32_t at = text->hash & intern->mask;
    while (intern->slots[at])
        at = (at + 1) & intern->mask;
    intern->slots[at] = text;
}

static void grow_slots(struct intern *intern)
{
    intern->mask = intern->mask * 2 + 1;
    g_free(intern->slots);
    intern->slots = g_new0(struct text *, (size_t)intern->mask + 1);
    for (uint32_t i = 0; i < intern->n; i++)
        put_slot(intern, intern->texts[i]);
}

static struct text *store(struct intern *intern, struct view from, uint32_t hash)
{
    g_assert(intern->n < INT32_MAX && from.size <= UINT32_MAX);
    struct text *text = arena_alloc(&intern->arena, sizeof *text + from.size);
    *text = (struct text){hash, intern->n, (uint32_t)from.size};
    if (from.size > 0)
        memcpy(text->data, from.data, from.size);
    if (intern->n == intern->capacity) {
        intern->capacity = intern->capacity ? 2 * intern->capacity : 64;
        intern->texts = g_renew(struct text *, intern->texts, intern->capacity);
    }
    intern->texts[intern->n++] = text;
    return text;
}

static uint32_t add_hashed(struct intern *intern, struct view from, uint32_t hash)
{
    uint32_t at = hash & intern->mask;
    for (const struct text *text; (text = intern->slots[at]); at = (at + 1) & intern->mask)
        if (text->hash == hash && view_equal(view_make(text->data, text->size), from))
            return text->number;
    struct text *text = store(intern, from, hash);
    intern->slots[at] = text;
    if (intern->n > intern->mask / 2)
        grow_slots(intern);
    return text->number;
}

uint32_t intern_add(struct intern *intern, struct view text)
{
    return add_hashed(intern, text, (uint32_t)hash_bytes(text.data, text.size));
}

static void add_some(struct intern *intern, const struct view *texts, size_t n, uint32_t *numbers)
{
    uint32_t hashes[SOME];
    for (size_t i = 0; i < n; i++) {
        hashes[i] = (uint32_t)hash_bytes(texts[i].data, texts[i].size);
        __builtin_prefetch(&intern->slots[hashes[i] & intern->mask]);
    }
    for (size_t i = 0; i < n; i++)
        __builtin_prefetch(intern->slots[hashes[i] & intern->mask]); /* of NULL it does nothing */
    for (size_t i = 0; i < n; i++)
        numbers[i] = add_hashed(intern, texts[i], hashes[i]);
}

void intern_add_all(struct intern *intern, const struct view *texts, size_t n, uint32_t *numbers)
{
    for (size_t i = 0; i < n; i += SOME)
        add_some(intern, texts + i, MIN(n - i, (size_t)SOME), numbers + i);
}

struct view intern_get(const struct intern *intern, uint32_t number)
{
    g_assert(number < intern->n);
    return view_make(intern->texts[number]->data, intern->texts[number]->size);
}

uint32_t intern_count(const struct intern *intern)
{
    return intern->n;
}

size_t intern_bytes(const struct intern *intern)
{
    return intern->arena.bytes + (intern->capacity + (size_t)intern->mask + 1) * sizeof(struct text *);
}
