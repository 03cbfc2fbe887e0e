#include "api/live_cache.h"

enum { ENTRY_BYTES = 128 /* beside the key and what is kept */ };

struct entry {
    GList link; /* data is the entry; in the order, the one used last at the head */
    char *key;
    size_t bytes;
    struct live_kept *kept;
};

struct live_cache {
    size_t bytes_max;
    GMutex lock;
    GHashTable *entries; /* key -> struct entry; under lock, like the next two */
    GQueue order;
    size_t bytes;
};

/* ---- references ---- */

void live_kept_init(struct live_kept *kept, size_t bytes, void (*free)(struct live_kept *kept))
{
    *kept = (struct live_kept){.users = 1, .bytes = bytes, .free = free};
}

struct live_kept *live_kept_ref(struct live_kept *kept)
{
    g_atomic_int_inc(&kept->users);
    return kept;
}

void live_kept_unref(struct live_kept *kept)
{
    if (kept != NULL && g_atomic_int_dec_and_test(&kept->users))
        kept->free(kept);
}

/* ---- keeping ---- */

static void entry_free(void *opaque)
{
    struct entry *entry = opaque;
    live_kept_unref(entry->kept);
    g_free(entry->key);
    g_free(entry);
}

struct live_cache *live_cache_new(size_t bytes_max)
{
    struct live_cache *cache = g_new0(struct live_cache, 1);
    cache->bytes_max = bytes_max;
    g_mutex_init(&cache->lock);
    cache->entries = g_hash_table_new(g_str_hash, g_str_equal);
    g_queue_init(&cache->order);
    return cache;
}

static struct entry *steal(struct live_cache *cache, struct entry *entry)
{
    g_queue_unlink(&cache->order, &entry->link);
    g_hash_table_remove(cache->entries, entry->key);
    cache->bytes -= entry->bytes;
    return entry;
}

void live_cache_free(struct live_cache *cache)
{
    if (cache == NULL)
        return;
    while (cache->order.tail != NULL)
        entry_free(steal(cache, cache->order.tail->data));
    g_hash_table_destroy(cache->entries);
    g_mutex_clear(&cache->lock);
    g_free(cache);
}

struct live_kept *live_cache_take(struct live_cache *cache, const char *key)
{
    struct live_kept *kept = NULL;
    if (cache == NULL)
        return NULL;
    g_mutex_lock(&cache->lock);
    struct entry *entry = g_hash_table_lookup(cache->entries, key);
    if (entry != NULL) {
        g_queue_unlink(&cache->order, &entry->link);
        g_queue_push_head_link(&cache->order, &entry->link);
        kept = live_kept_ref(entry->kept);
    }
    g_mutex_unlock(&cache->lock);
    return kept;
}

/* What has to go is freed by the caller, without the lock. */
static GSList *make_room(struct live_cache *cache)
{
    GSList *gone = NULL;
    while (cache->bytes > cache->bytes_max)
        gone = g_slist_prepend(gone, steal(cache, cache->order.tail->data));
    return gone;
}

void live_cache_put(struct live_cache *cache, const char *key, struct live_kept *kept)
{
    if (cache == NULL)
        return;
    struct entry *entry = g_new0(struct entry, 1);
    *entry = (struct entry){.key = g_strdup(key), .kept = live_kept_ref(kept)};
    entry->link.data = entry;
    entry->bytes = ENTRY_BYTES + strlen(key) + kept->bytes;
    g_mutex_lock(&cache->lock);
    struct entry *before = g_hash_table_lookup(cache->entries, key);
    if (before != NULL)
        steal(cache, before);
    g_hash_table_insert(cache->entries, entry->key, entry);
    g_queue_push_head_link(&cache->order, &entry->link);
    cache->bytes += entry->bytes;
    GSList *gone = make_room(cache);
    g_mutex_unlock(&cache->lock);
    if (before != NULL)
        entry_free(before);
    g_slist_free_full(gone, entry_free);
}

size_t live_cache_bytes(struct live_cache *cache)
{
    g_mutex_lock(&cache->lock);
    size_t bytes = cache->bytes;
    g_mutex_unlock(&cache->lock);
    return bytes;
}

size_t live_cache_bytes_max(const struct live_cache *cache)
{
    return cache != NULL ? cache->bytes_max : 0;
}

void live_cache_append_name(GString *key, const char *name)
{
    g_string_append_c(key, name != NULL ? '=' : '-');
    g_string_append(key, name != NULL ? name : "");
    g_string_append_c(key, '\x1e');
}
