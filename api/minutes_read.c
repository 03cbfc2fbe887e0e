#include "api/minutes_read.h"

#include "lib/number.h"

/* The members of one generation. Lives until its replies have come. */
struct group {
    struct usage_table *table;
    const struct members *members;
    const struct generation *generation;
    guint first, end;
    uint64_t active[2]; /* of any member */
};

static bool is_few(const struct group *group)
{
    return group->end - group->first <= MEMBERS_FEW;
}

static struct member *member_at(const struct group *group, guint index)
{
    return &g_array_index(group->members->list, struct member, index);
}

/* ---- replies; `minute` is counted from 1970 ---- */

static void take_score(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t minute, size_t b)
{
    (void)reader, (void)b;
    uint64_t requests;
    if (number_read(redis_reply_text(reply), &requests))
        usage_table_add_minute_requests(opaque, (int64_t)minute, requests);
}

static void take_scores(struct view symbol, struct view score, void *opaque, size_t minute)
{
    const struct group *group = opaque;
    uint64_t requests;
    if (members_by_symbol(group->members, group->first, group->end, symbol) != NULL && number_read(score, &requests))
        usage_table_add_minute_requests(group->table, (int64_t)minute, requests);
}

static void add_measure(struct reader *reader, const struct group *group, struct view text, size_t minute)
{
    struct measure measure;
    if (measure_parse(&measure, text))
        usage_table_add_minute(group->table, (int64_t)minute, &measure);
    else
        reader_fail(reader, "Minute %zu in partition %d holds what is not a measure.", minute, group->generation->partition);
    measure_clear(&measure);
}

static void take_measure(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t minute, size_t b)
{
    (void)b;
    if (redis_reply_kind(reply) == REDIS_STRING)
        add_measure(reader, opaque, redis_reply_text(reply), minute);
}

static void take_measures(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t minute, size_t b)
{
    (void)b;
    const struct group *group = opaque;
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2)
        if (members_by_symbol(group->members, group->first, group->end, redis_reply_text(redis_reply_at(reply, i))) != NULL)
            add_measure(reader, group, redis_reply_text(redis_reply_at(reply, i + 1)), minute);
}

/* ---- questions ---- */

static void ask_score(struct reader *reader, const struct group *group, const struct member *member, int64_t minute)
{
    const struct generation *g = group->generation;
    char key[KEYS_MAX], symbol[NUMBER_MAX];
    const struct view argv[] = {view_of("ZSCORE"), view_make(key, keys_minute_clients(key, g->partition, minute, g->revision)),
                                view_make(symbol, number_write(symbol, member->symbol))};
    reader_ask(reader, g->partition, argv, G_N_ELEMENTS(argv),
               (struct reader_then){.take = take_score, .opaque = group->table, .a = (size_t)minute});
}

static void ask_scores(struct reader *reader, struct group *group, int64_t minute)
{
    const struct generation *g = group->generation;
    char key[KEYS_MAX];
    keys_minute_clients(key, g->partition, minute, g->revision);
    reader_scan(reader, g->partition, "ZSCAN", key, NULL,
                (struct reader_pairs){.each = take_scores, .opaque = group, .a = (size_t)minute, .once = true});
}

static void ask_measure(struct reader *reader, struct group *group, const struct member *member, int64_t minute)
{
    const struct generation *g = group->generation;
    char key[KEYS_MAX], symbol[NUMBER_MAX];
    size_t size = keys_minute(key, g->partition, minute, g->revision, member->symbol / KEYS_CLIENTS_PER_SHARD);
    const struct view argv[] = {view_of("HGET"), view_make(key, size), view_make(symbol, number_write(symbol, member->symbol))};
    reader_ask(reader, g->partition, argv, G_N_ELEMENTS(argv),
               (struct reader_then){.take = take_measure, .opaque = group, .a = (size_t)minute});
}

/* Every shard that holds a member. */
static void ask_measures(struct reader *reader, struct group *group, int64_t minute)
{
    const struct generation *g = group->generation;
    for (guint i = group->first; i < group->end; i++) {
        uint32_t shard = member_at(group, i)->symbol / KEYS_CLIENTS_PER_SHARD;
        if (i > group->first && shard == member_at(group, i - 1)->symbol / KEYS_CLIENTS_PER_SHARD)
            continue;
        char key[KEYS_MAX];
        const struct view argv[] = {view_of("HGETALL"), view_make(key, keys_minute(key, g->partition, minute, g->revision, shard))};
        reader_ask(reader, g->partition, argv, G_N_ELEMENTS(argv),
                   (struct reader_then){.take = take_measures, .opaque = group, .a = (size_t)minute});
    }
}

static void ask_minute(struct reader *reader, struct group *group, int64_t minute, int slot)
{
    bool measures = group->table->minutes != NULL;
    if (!is_few(group)) {
        if (measures)
            ask_measures(reader, group, minute);
        else
            ask_scores(reader, group, minute);
        return;
    }
    for (guint i = group->first; i < group->end; i++) {
        if (!member_is_active(member_at(group, i), slot))
            continue;
        if (measures)
            ask_measure(reader, group, member_at(group, i), minute);
        else
            ask_score(reader, group, member_at(group, i), minute);
    }
}

static void ask_group(struct reader *reader, struct group *group)
{
    const struct usage_table *table = group->table;
    int64_t first = table->first_minute / KEYS_SLOT_MINUTES;
    struct slot_range range = {first, first + table->n_minutes / KEYS_SLOT_MINUTES - 1};
    int slot, end = generation_slots(group->generation, range, &slot);
    for (; slot < end; slot++) {
        if ((group->active[slot / 64] >> (slot % 64) & 1) == 0)
            continue;
        int64_t minute = (group->generation->day * KEYS_SLOTS_PER_DAY + slot) * KEYS_SLOT_MINUTES;
        for (int i = 0; i < KEYS_SLOT_MINUTES; i++)
            ask_minute(reader, group, minute + i, slot);
    }
}

/* Asks about one table; the groups are added to those that have to live until the replies have come. */
static void ask_table(struct reader *reader, const struct members *members, struct usage_table *table, GPtrArray *groups)
{
    for (guint first = 0, end; first < members->list->len && table->n_minutes > 0; first = end) {
        uint32_t index = g_array_index(members->list, struct member, first).generation;
        end = members_of(members, index, &first);
        struct group *group = g_new(struct group, 1);
        *group = (struct group){table, members, &g_array_index(members->generations, struct generation, index), first, end, {0, 0}};
        g_ptr_array_add(groups, group);
        for (guint i = first; i < end; i++) {
            group->active[0] |= member_at(group, i)->active[0];
            group->active[1] |= member_at(group, i)->active[1];
        }
        ask_group(reader, group);
    }
}

bool minutes_read(struct reader *reader, const struct members *members, const GPtrArray *tables, GError **error)
{
    g_autoptr(GPtrArray) groups = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < tables->len; i++)
        ask_table(reader, members, g_ptr_array_index(tables, i), groups);
    return reader_finish(reader, error);
}
