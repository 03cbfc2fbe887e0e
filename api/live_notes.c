#include "api/live_notes.h"

static void thing_unref(void *thing)
{
    live_kept_unref(thing);
}

void live_notes_init(struct live_notes *notes, struct live_cache *cache, const struct live_base *base, struct reader *reader)
{
    *notes = (struct live_notes){.cache = cache, .base = base, .reader = reader};
    notes->keys = g_ptr_array_new_with_free_func(g_free);
    notes->things = g_ptr_array_new_with_free_func(thing_unref);
    notes->touched = g_new0(struct live_stamp *, (gsize)base->partitions);
}

void live_notes_clear(struct live_notes *notes)
{
    if (notes->keys == NULL)
        return;
    for (int partition = 0; partition < notes->base->partitions; partition++)
        g_free(notes->touched[partition]);
    g_free(notes->touched);
    g_ptr_array_free(notes->keys, TRUE);
    g_ptr_array_free(notes->things, TRUE);
    *notes = (struct live_notes){.cache = NULL};
}

const struct live_stamp *live_notes_owner(const struct live_notes *notes, int partition)
{
    return &notes->base->stamps[partition];
}

char *live_notes_key(const char *kind, const struct scope *scope, const struct generation *generation)
{
    GString *key = g_string_new(kind);
    g_string_append_c(key, '\x1e');
    if (scope != NULL) {
        live_cache_append_name(key, scope->organization);
        live_cache_append_name(key, scope->key);
    }
    if (generation != NULL)
        g_string_append_printf(key, "%d %" G_GINT64_FORMAT ".%d", generation->partition, generation->day, generation->revision);
    return g_string_free(key, FALSE);
}

void live_notes_add(struct live_notes *notes, char *key, struct live_kept *thing)
{
    g_ptr_array_add(notes->keys, key);
    g_ptr_array_add(notes->things, thing);
}

void live_notes_touch(struct live_notes *notes, int partition)
{
    if (notes->touched[partition] == NULL)
        notes->touched[partition] = g_new0(struct live_stamp, 1);
}

void live_notes_ask_again(struct live_notes *notes)
{
    for (int partition = 0; notes->things->len > 0 && partition < notes->base->partitions; partition++)
        if (notes->touched[partition] != NULL)
            live_stamp_ask(notes->reader, partition, notes->touched[partition]);
}

/* Every owner of what was touched stays: simpler than to know which thing is of which. */
static bool all_stay(const struct live_notes *notes)
{
    for (int partition = 0; partition < notes->base->partitions; partition++)
        if (notes->touched[partition] != NULL &&
            !live_stamp_same_owner(notes->touched[partition], live_notes_owner(notes, partition)))
            return false;
    return true;
}

void live_notes_keep(struct live_notes *notes)
{
    bool stay = all_stay(notes);
    for (guint i = 0; stay && i < notes->things->len; i++)
        live_cache_put(notes->cache, g_ptr_array_index(notes->keys, i), g_ptr_array_index(notes->things, i));
    g_ptr_array_set_size(notes->keys, 0);
    g_ptr_array_set_size(notes->things, 0);
}
