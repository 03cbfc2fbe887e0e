/* arena: memory for many small things that all end together.
 *
 * What is allocated stays where it is until arena_clear, which frees everything at once: no walk over the things. An arena lives in
 * its user's struct; all zero is an empty one. Owned by one thread. */
#ifndef DAYBOOK_ARENA_H
#define DAYBOOK_ARENA_H

#include <stddef.h>

struct arena_block;
struct arena {
    struct arena_block *blocks; /* the newest first */
    char *next;
    size_t left;  /* bytes behind next in the newest block */
    size_t bytes; /* held from the system */
};

/* Memory for `size` bytes, aligned to 8, not cleared. Never NULL. */
void *arena_alloc(struct arena *arena, size_t size);
/* The same, all zero. */
void *arena_alloc0(struct arena *arena, size_t size);
void arena_clear(struct arena *arena);

#define arena_new(arena, type) ((type *)arena_alloc0((arena), sizeof(type)))

#endif
