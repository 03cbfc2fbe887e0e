#include "collector/journal_group.h"

static void position_clear(gpointer data)
{
    struct journal_position *position = data;
    g_clear_pointer(&position->name, g_free);
    g_clear_pointer(&position->value, g_bytes_unref);
}

static void batch_clear(gpointer data)
{
    journal_batch_clear(data);
}

struct journal_group *journal_group_new(void)
{
    struct journal_group *group = g_new0(struct journal_group, 1);
    group->batches = g_array_new(FALSE, FALSE, sizeof(struct journal_batch));
    g_array_set_clear_func(group->batches, batch_clear);
    group->positions = g_array_new(FALSE, FALSE, sizeof(struct journal_position));
    g_array_set_clear_func(group->positions, position_clear);
    return group;
}

void journal_group_free(struct journal_group *group)
{
    if (!group)
        return;
    g_array_unref(group->batches);
    g_array_unref(group->positions);
    g_free(group);
}

bool journal_group_is_empty(const struct journal_group *group)
{
    return group->batches->len == 0 && group->positions->len == 0;
}

void journal_group_take_batch(struct journal_group *group, const struct journal_batch *batch)
{
    group->bytes += g_bytes_get_size(batch->record);
    g_array_append_val(group->batches, *batch);
}

void journal_group_set_position(struct journal_group *group, struct view name, GBytes *value)
{
    for (guint i = 0; i < group->positions->len; i++) {
        struct journal_position *known = &g_array_index(group->positions, struct journal_position, i);
        if (view_equal(view_of(known->name), name)) {
            g_bytes_ref(value);
            g_bytes_unref(known->value);
            known->value = value;
            return;
        }
    }
    struct journal_position position = {g_strndup(name.data, name.size), g_bytes_ref(value)};
    g_array_append_val(group->positions, position);
}
