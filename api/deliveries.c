#include "api/deliveries.h"

static bool wants(const struct channel *channel, const char *organization, uint32_t level, bool is_system)
{
    if (is_system)
        return channel->organization == NULL && channel->system;
    return level >= channel->min_level && (channel->organization == NULL || g_strcmp0(channel->organization, organization) == 0);
}

GPtrArray *deliveries_for(const struct registry_snapshot *snapshot, const char *organization, uint32_t level, bool is_system,
                          const char *alert_id, const char *event)
{
    GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init(&iter, snapshot->channels);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct channel *channel = value;
        if (wants(channel, organization, level, is_system))
            g_ptr_array_add(ids, g_strjoin(".", alert_id, event, channel->id, NULL));
    }
    return ids;
}
