#include "lib/arena.h"

#include <glib.h>
#include <string.h>

/* Blocks double up to a size that malloc still takes from its heap: from mmap each would cost its page faults again. */
enum { BLOCK_FIRST = 4 * 1024, BLOCK_MAX = 64 * 1024, ALIGN = 8 };

struct arena_block {
    struct arena_block *before;
};

static void add_block(struct arena *arena, size_t size)
{
    size_t wanted = CLAMP(arena->bytes, (size_t)BLOCK_FIRST, (size_t)BLOCK_MAX);
    size_t total = MAX(wanted, size + sizeof(struct arena_block));
    struct arena_block *block = g_malloc(total);
    block->before = arena->blocks;
    arena->blocks = block;
    arena->next = (char *)(block + 1);
    arena->left = total - sizeof *block;
    arena->bytes += total;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t rounded = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    g_assert(rounded >= size);
    if (arena->left < rounded || !arena->next) /* of an empty arena nothing is no memory either */
        add_block(arena, rounded);
    void *at = arena->next;
    arena->next += rounded;
    arena->left -= rounded;
    return at;
}

void *arena_alloc0(struct arena *arena, size_t size)
{
    return memset(arena_alloc(arena, size), 0, size);
}

void arena_clear(struct arena *arena)
{
    for (struct arena_block *block = arena->blocks, *before; block; block = before) {
        before = block->before;
        g_free(block);
    }
    *arena = (struct arena){0};
}
