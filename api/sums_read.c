#include "api/sums_read.h"

#include "lib/number.h"
#include "lib/open_sum.h"

/* One call of sums_read. */
struct reading {
    const struct members *members;
    const struct slot_tables *tables;
    bool *torn;
    struct measure sum;      /* the one at hand */
    struct open_sum in_slot; /* of the reply at hand */
    struct tally closed[HISTOGRAM_BUCKETS];
    GString *name;
};

/* A generation, with its members. Lives until its replies have come. */
struct group {
    struct reading *reading;
    const struct generation *generation;
    guint first, end;
};

/* What a slot has by each of its three ways to be summed up. */
struct requests {
    uint64_t by_client, by_route, by_minute;
};

static int64_t slot_of(const struct group *group, size_t slot_of_day)
{
    return group->generation->day * KEYS_SLOTS_PER_DAY + (int64_t)slot_of_day;
}

static void tear(const struct group *group, size_t slot_of_day)
{
    group->reading->torn[slot_of(group, slot_of_day) - group->reading->tables->first_slot] = true;
}

static bool add_minutes(struct usage_table *table, int64_t slot, struct view text, uint64_t *requests)
{
    uint64_t minutes[KEYS_SLOT_MINUTES];
    if (!number_read_list(text, minutes, KEYS_SLOT_MINUTES))
        return false;
    for (int i = 0; i < KEYS_SLOT_MINUTES; i++) {
        usage_table_add_minute_requests(table, slot * KEYS_SLOT_MINUTES + i, minutes[i]);
        *requests += minutes[i];
    }
    return true;
}

/* A client that is not among the members is a newer one: then the sums do not agree. */
static void add_client(const struct group *group, struct usage_table *table, int64_t slot, struct view symbol,
                       struct requests *requests)
{
    struct reading *reading = group->reading;
    const struct member *member = members_by_symbol(reading->members, group->first, group->end, symbol);
    if (member == NULL)
        return;
    usage_table_add_client(table, member->name, &reading->sum, slot);
    open_sum_add(&reading->in_slot, &reading->sum);
    requests->by_client += reading->sum.requests;
}

static void add_route(struct reading *reading, struct usage_table *table, int64_t slot, struct view name, struct requests *requests)
{
    g_string_truncate(reading->name, 0);
    g_string_append_len(reading->name, name.data, (gssize)name.size);
    usage_table_add_route(table, reading->name->str, &reading->sum, slot);
    requests->by_route += reading->sum.requests;
}

static bool add_field(const struct group *group, int64_t slot, struct view field, struct view text, struct requests *requests)
{
    struct reading *reading = group->reading;
    struct usage_table *table = slot_tables_get(reading->tables, slot);
    if (view_is(field, "m"))
        return add_minutes(table, slot, text, &requests->by_minute);
    if (field.size < 2 || !measure_parse_again(&reading->sum, text))
        return false;
    const struct view name = view_make(field.data + 1, field.size - 1);
    if (field.data[0] == 'c')
        add_client(group, table, slot, name, requests);
    else
        add_route(reading, table, slot, name, requests);
    return true;
}

static void refuse(struct reader *reader, const struct group *group, size_t slot_of_day)
{
    const struct generation *g = group->generation;
    reader_fail(reader, "The sums of slot %zu in generation %d.%d of partition %d cannot be read.", slot_of_day, (int)g->day,
                g->revision, g->partition);
}

static void take_sums(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t slot_of_day, size_t b)
{
    (void)b;
    const struct group *group = opaque;
    struct reading *reading = group->reading;
    const int64_t slot = slot_of(group, slot_of_day);
    struct requests requests = {0, 0, 0};
    open_sum_empty(&reading->in_slot);
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2)
        if (!add_field(group, slot, redis_reply_text(redis_reply_at(reply, i)), redis_reply_text(redis_reply_at(reply, i + 1)),
                       &requests)) {
            refuse(reader, group, slot_of_day);
            return;
        }
    if (requests.by_client < group->generation->totals[slot_of_day] || requests.by_route != requests.by_client ||
        requests.by_minute != requests.by_client) {
        tear(group, slot_of_day);
        return;
    }
    const struct measure whole = open_sum_close(&reading->in_slot, reading->closed);
    usage_table_add_slot(slot_tables_get(reading->tables, slot), slot, &whole);
}

static void take_minutes(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t slot_of_day, size_t b)
{
    (void)b;
    const struct group *group = opaque;
    const int64_t slot = slot_of(group, slot_of_day);
    uint64_t requests = 0;
    if (redis_reply_kind(reply) == REDIS_STRING &&
        !add_minutes(slot_tables_get(group->reading->tables, slot), slot, redis_reply_text(reply), &requests))
        refuse(reader, group, slot_of_day);
    if (requests < group->generation->totals[slot_of_day])
        tear(group, slot_of_day);
}

static void ask_slot(struct reader *reader, struct group *group, int slot)
{
    const struct generation *g = group->generation;
    char key[KEYS_MAX];
    const size_t size = keys_slot_sums(key, g->partition, g->day, g->revision, slot);
    const struct view argv[] = {view_of(g->in_sheet ? "HGET" : "HGETALL"), view_make(key, size), view_of("m")};
    reader_ask(reader, g->partition, argv, g->in_sheet ? 3 : 2,
               (struct reader_then){.take = g->in_sheet ? take_minutes : take_sums, .opaque = group, .a = (size_t)slot});
}

static void ask_group(struct reader *reader, struct group *group)
{
    const struct generation *g = group->generation;
    const struct slot_tables *tables = group->reading->tables;
    const struct slot_range range = {tables->first_slot, tables->first_slot + tables->n_slots - 1};
    int slot, end = generation_slots(g, range, &slot);
    for (; slot < end; slot++) {
        const struct usage_table *table = slot_tables_get(tables, slot_of(group, (size_t)slot));
        if (table == NULL || (g->has_totals && g->totals[slot] == 0) || (g->in_sheet && table->n_minutes == 0))
            continue;
        if (g->has_totals)
            ask_slot(reader, group, slot);
        else
            tear(group, (size_t)slot);
    }
}

bool sums_read(struct reader *reader, const struct members *members, const struct slot_tables *tables, bool *torn, GError **error)
{
    struct reading reading = {.members = members, .tables = tables, .torn = torn, .name = g_string_new(NULL)};
    g_autoptr(GPtrArray) groups = g_ptr_array_new_with_free_func(g_free);
    measure_init(&reading.sum);
    open_sum_open(&reading.in_slot);
    for (guint first = 0, end; first < members->list->len; first = end) {
        uint32_t index = g_array_index(members->list, struct member, first).generation;
        end = members_of(members, index, &first);
        struct group *group = g_new(struct group, 1);
        *group = (struct group){&reading, &g_array_index(members->generations, struct generation, index), first, end};
        g_ptr_array_add(groups, group);
        ask_group(reader, group);
    }
    bool ok = reader_finish(reader, error);
    measure_clear(&reading.sum);
    open_sum_clear(&reading.in_slot);
    g_string_free(reading.name, TRUE);
    return ok;
}
