#include "api/executions_cache.h"

struct entry {
    char *id;
    enum executions_state state; /* EXECUTION_MINE: claimed, and may be done in a moment */
    gint *stop;                  /* or NULL */
    struct v2_outcome *outcome;  /* EXECUTION_DONE */
    GList link;                  /* of `used`, with EXECUTION_DONE; data is the entry */
};

struct executions_cache {
    uint64_t bytes_max;
    GMutex lock;         /* of all below */
    GCond moved;         /* an entry left EXECUTION_MINE, or is gone */
    GHashTable *entries; /* id -> struct entry */
    GQueue used;         /* the longest unused first */
    uint64_t bytes;
    bool stopped;
};

static void entry_free(gpointer opaque)
{
    struct entry *entry = opaque;
    executions_flag_unref(entry->stop);
    v2_outcome_unref(entry->outcome);
    g_free(entry->id);
    g_free(entry);
}

struct executions_cache *executions_cache_new(uint64_t bytes_max)
{
    struct executions_cache *cache = g_new0(struct executions_cache, 1);
    cache->bytes_max = bytes_max;
    g_mutex_init(&cache->lock);
    g_cond_init(&cache->moved);
    g_queue_init(&cache->used);
    cache->entries = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, entry_free);
    return cache;
}

void executions_cache_free(struct executions_cache *cache)
{
    if (cache == NULL)
        return;
    g_hash_table_destroy(cache->entries);
    g_mutex_clear(&cache->lock);
    g_cond_clear(&cache->moved);
    g_free(cache);
}

void executions_flag_unref(gint *flag)
{
    if (flag != NULL)
        g_atomic_rc_box_release(flag);
}

/* ---- under the lock ---- */

static struct entry *find(struct executions_cache *cache, const char *id)
{
    return g_hash_table_lookup(cache->entries, id);
}

static void forget(struct executions_cache *cache, struct entry *entry)
{
    if (entry->outcome != NULL) {
        cache->bytes -= v2_outcome_bytes(entry->outcome);
        g_queue_unlink(&cache->used, &entry->link);
    }
    g_hash_table_remove(cache->entries, entry->id);
    g_cond_broadcast(&cache->moved);
}

static void touch(struct executions_cache *cache, struct entry *entry)
{
    g_queue_unlink(&cache->used, &entry->link);
    g_queue_push_tail_link(&cache->used, &entry->link);
}

/* The one that was just done stays, however large it is: somebody is about to ask for it. */
static void make_room(struct executions_cache *cache)
{
    while (cache->used.length > 1 && (cache->bytes > cache->bytes_max || cache->used.length > EXECUTIONS_CACHED_MAX))
        forget(cache, cache->used.head->data);
}

static void add(struct executions_cache *cache, const char *id)
{
    struct entry *entry = g_new0(struct entry, 1);
    entry->id = g_strdup(id);
    entry->state = EXECUTION_MINE;
    entry->link.data = entry;
    g_hash_table_insert(cache->entries, entry->id, entry);
}

/* The entry, when it is no longer one that may be done in a moment. */
static struct entry *wait_for(struct executions_cache *cache, const char *id)
{
    gint64 until_us = g_get_monotonic_time() + EXECUTIONS_WAIT_MS * G_TIME_SPAN_MILLISECOND;
    struct entry *entry = find(cache, id);
    while (entry != NULL && entry->state == EXECUTION_MINE) {
        if (!g_cond_wait_until(&cache->moved, &cache->lock, until_us))
            return find(cache, id);
        entry = find(cache, id);
    }
    return entry;
}

/* ---- from outside ---- */

enum executions_state executions_cache_claim(struct executions_cache *cache, const char *id, struct v2_outcome **outcome)
{
    enum executions_state state = EXECUTION_MINE;
    *outcome = NULL;
    g_mutex_lock(&cache->lock);
    struct entry *entry = wait_for(cache, id);
    if (entry == NULL) {
        add(cache, id);
    } else if (entry->state == EXECUTION_DONE) {
        touch(cache, entry);
        *outcome = v2_outcome_ref(entry->outcome);
        state = EXECUTION_DONE;
    } else {
        state = entry->state == EXECUTION_QUEUED ? EXECUTION_QUEUED : EXECUTION_RUNNING;
    }
    g_mutex_unlock(&cache->lock);
    return state;
}

gint *executions_cache_queue(struct executions_cache *cache, const char *id)
{
    gint *flag = g_atomic_rc_box_new0(gint);
    g_mutex_lock(&cache->lock);
    struct entry *entry = find(cache, id);
    if (entry != NULL && !cache->stopped) {
        entry->state = EXECUTION_QUEUED;
        executions_flag_unref(entry->stop);
        entry->stop = g_atomic_rc_box_acquire(flag);
        g_cond_broadcast(&cache->moved);
    } else {
        g_atomic_int_set(flag, 1); /* or was cancelled since it was claimed */
    }
    g_mutex_unlock(&cache->lock);
    return flag;
}

void executions_cache_run(struct executions_cache *cache, const char *id)
{
    g_mutex_lock(&cache->lock);
    struct entry *entry = find(cache, id);
    if (entry != NULL && entry->state == EXECUTION_QUEUED)
        entry->state = EXECUTION_RUNNING;
    g_mutex_unlock(&cache->lock);
}

/* An entry that is gone meanwhile was cancelled; one that is done already was cancelled, and then computed by another. */
void executions_cache_done(struct executions_cache *cache, const char *id, struct v2_outcome *outcome)
{
    g_mutex_lock(&cache->lock);
    struct entry *entry = find(cache, id);
    if (entry != NULL && entry->state != EXECUTION_DONE && outcome != NULL) {
        entry->state = EXECUTION_DONE;
        entry->outcome = v2_outcome_ref(outcome);
        cache->bytes += v2_outcome_bytes(outcome);
        g_queue_push_tail_link(&cache->used, &entry->link);
        make_room(cache);
        g_cond_broadcast(&cache->moved);
    } else if (entry != NULL && entry->state != EXECUTION_DONE) {
        forget(cache, entry);
    }
    g_mutex_unlock(&cache->lock);
}

void executions_cache_cancel(struct executions_cache *cache, const char *id)
{
    g_mutex_lock(&cache->lock);
    struct entry *entry = find(cache, id);
    if (entry != NULL) {
        if (entry->stop != NULL)
            g_atomic_int_set(entry->stop, 1);
        forget(cache, entry);
    }
    g_mutex_unlock(&cache->lock);
}

void executions_cache_stop(struct executions_cache *cache)
{
    GHashTableIter iter;
    gpointer value;
    g_mutex_lock(&cache->lock);
    cache->stopped = true;
    g_hash_table_iter_init(&iter, cache->entries);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct entry *entry = value;
        if (entry->stop != NULL)
            g_atomic_int_set(entry->stop, 1);
    }
    g_mutex_unlock(&cache->lock);
}
