/* live_cache: what was read for live answers and is wanted again, in memory up to a number of bytes; the things longest unused go
 * first.
 *
 * What is kept never changes and is counted by reference, so it can be used while it is replaced. A key is any text that says all
 * on which the thing depends, or what it can be checked by is in the thing itself: this only keeps. Thread-safe. */
#ifndef DAYBOOK_LIVE_CACHE_H
#define DAYBOOK_LIVE_CACHE_H

#include <glib.h>
#include <stdbool.h>

/* The first member of what is kept. */
struct live_kept {
    gint users;   /* references */
    size_t bytes; /* of memory, all of it */
    void (*free)(struct live_kept *kept);
};

struct live_cache;

/* bytes_max 0: nothing is kept. */
struct live_cache *live_cache_new(size_t bytes_max);
void live_cache_free(struct live_cache *cache); /* NULL is allowed */
/* With a reference; NULL: there is none, or no cache (NULL). */
struct live_kept *live_cache_take(struct live_cache *cache, const char *key);
/* In the place of what has the key. The cache takes a reference of its own. */
void live_cache_put(struct live_cache *cache, const char *key, struct live_kept *kept);
size_t live_cache_bytes(struct live_cache *cache);
/* Writes a name into a key: what is NULL is not what is "". */
void live_cache_append_name(GString *key, const char *name);
/* bytes_max; 0 of no cache (NULL). */
size_t live_cache_bytes_max(const struct live_cache *cache);

/* With one reference. */
void live_kept_init(struct live_kept *kept, size_t bytes, void (*free)(struct live_kept *kept));
struct live_kept *live_kept_ref(struct live_kept *kept);
void live_kept_unref(struct live_kept *kept); /* NULL is allowed */

#endif
