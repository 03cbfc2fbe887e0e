/* buckets_read: one sheet for each member while its replies are outstanding; the reader's bound on questions bounds the sheets
 * as well. When the last reply of a sheet has come, its routes and its client are added to the table and it is freed. A sheet
 * counts as outstanding, too, while its questions are still being asked: replies to the first ones are read meanwhile. */
#include "api/buckets_read.h"

#include "lib/number.h"

enum { NAME_TRIES = 3 };

struct route {
    char *name; /* METHOD " " template; NULL: not known yet */
    bool wanted;
    struct measure measure;
    int64_t last_slot;
};

/* A row that came before its route had a name. */
struct early {
    uint32_t route;
    int64_t slot;
    struct measure measure;
};

/* One call of buckets_read_slots. */
struct reading {
    struct reader *reader;
    struct usage_table *table;
    const char *endpoint;
    GHashTable *open; /* struct sheet */
};

struct sheet {
    struct reading *reading;
    const struct generation *generation;
    const struct member *member;
    GArray *routes; /* struct route, by symbol */
    GArray *early;  /* struct early */
    uint32_t outstanding;
    int name_tries;
};

static void route_clear(void *opaque)
{
    struct route *route = opaque;
    g_free(route->name);
    measure_clear(&route->measure);
}

static void early_clear(void *opaque)
{
    struct early *early = opaque;
    measure_clear(&early->measure);
}

static struct sheet *sheet_new(struct reading *reading, const struct generation *generation, const struct member *member)
{
    struct sheet *sheet = g_new(struct sheet, 1);
    *sheet = (struct sheet){.reading = reading, .generation = generation, .member = member};
    g_hash_table_add(reading->open, sheet);
    sheet->routes = g_array_new(FALSE, TRUE, sizeof(struct route));
    g_array_set_clear_func(sheet->routes, route_clear);
    sheet->early = g_array_new(FALSE, TRUE, sizeof(struct early));
    g_array_set_clear_func(sheet->early, early_clear);
    return sheet;
}

static void sheet_free(void *opaque)
{
    struct sheet *sheet = opaque;
    g_array_free(sheet->routes, TRUE);
    g_array_free(sheet->early, TRUE);
    g_free(sheet);
}

static struct route *route_at(struct sheet *sheet, uint32_t symbol)
{
    if (symbol >= sheet->routes->len)
        g_array_set_size(sheet->routes, symbol + 1);
    return &g_array_index(sheet->routes, struct route, symbol);
}

static void count_row(struct sheet *sheet, struct route *route, int64_t slot, const struct measure *measure)
{
    if (!route->wanted)
        return;
    usage_table_add_slot(sheet->reading->table, slot, measure);
    measure_merge(&route->measure, measure);
    route->last_slot = MAX(route->last_slot, slot);
}

static void finish_sheet(struct sheet *sheet)
{
    struct measure client;
    measure_init(&client);
    int64_t last_slot = 0;
    for (guint i = 0; i < sheet->routes->len; i++) {
        const struct route *route = &g_array_index(sheet->routes, struct route, i);
        if (route->measure.requests == 0)
            continue;
        usage_table_add_route(sheet->reading->table, route->name, &route->measure, route->last_slot);
        measure_merge(&client, &route->measure);
        last_slot = MAX(last_slot, route->last_slot);
    }
    usage_table_add_client(sheet->reading->table, sheet->member->name, &client, last_slot);
    measure_clear(&client);
}

/* ---- routes ---- */

static void name_route(struct sheet *sheet, uint32_t symbol, struct view name)
{
    struct route *route = route_at(sheet, symbol);
    if (route->name != NULL)
        return;
    route->name = g_strndup(name.data, name.size);
    route->wanted = sheet->reading->endpoint == NULL || strcmp(route->name, sheet->reading->endpoint) == 0;
}

/* Fields: "r" METHOD " " template -> symbol, "p" platform -> symbol. */
static bool read_routes(struct sheet *sheet, const struct redis_reply *reply)
{
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2) {
        struct view field = redis_reply_text(redis_reply_at(reply, i));
        uint64_t symbol;
        if (field.size == 0 || field.data[0] != 'r')
            continue;
        if (!number_read(redis_reply_text(redis_reply_at(reply, i + 1)), &symbol) || symbol > KEYS_ROUTES_MAX + 1)
            return false;
        name_route(sheet, (uint32_t)symbol, view_make(field.data + 1, field.size - 1));
    }
    return true;
}

static void ask_routes(struct sheet *sheet);

static void count_early(struct sheet *sheet)
{
    for (guint i = 0; i < sheet->early->len; i++) {
        struct early *early = &g_array_index(sheet->early, struct early, i);
        name_route(sheet, early->route, view_of(BUCKETS_UNKNOWN_ROUTE));
        count_row(sheet, route_at(sheet, early->route), early->slot, &early->measure);
    }
    g_array_set_size(sheet->early, 0);
}

static bool early_are_named(struct sheet *sheet)
{
    for (guint i = 0; i < sheet->early->len; i++)
        if (route_at(sheet, g_array_index(sheet->early, struct early, i).route)->name == NULL)
            return false;
    return true;
}

/* One thing less is outstanding. The aggregator writes names before the rows that use them, so asking once more finds them. */
static void release(struct sheet *sheet)
{
    if (--sheet->outstanding > 0)
        return;
    if (!early_are_named(sheet) && sheet->name_tries++ < NAME_TRIES) {
        ask_routes(sheet);
        return;
    }
    count_early(sheet);
    finish_sheet(sheet);
    g_hash_table_remove(sheet->reading->open, sheet);
}

static void take_routes(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    (void)a, (void)b;
    struct sheet *sheet = opaque;
    if (read_routes(sheet, reply))
        release(sheet);
    else
        reader_fail(reader, "The routes of client %u in generation %d.%d of partition %d are not symbols.", sheet->member->symbol,
                    (int)sheet->generation->day, sheet->generation->revision, sheet->generation->partition);
}

static void ask_routes(struct sheet *sheet)
{
    const struct generation *g = sheet->generation;
    char key[KEYS_MAX];
    const struct view argv[] = {view_of("HGETALL"),
                                view_make(key, keys_routes(key, g->partition, g->day, g->revision, sheet->member->symbol))};
    sheet->outstanding++;
    reader_ask(sheet->reading->reader, g->partition, argv, G_N_ELEMENTS(argv),
               (struct reader_then){.take = take_routes, .opaque = sheet});
}

/* ---- slots ---- */

/* "route.user.platform measure": all users and platforms of a route are one here. */
static bool read_line(struct view line, struct early *row)
{
    const char *cursor = line.data, *end = line.data + line.size;
    const char *blank = memchr(line.data, ' ', line.size);
    uint64_t symbol;
    if (!number_scan(&cursor, end, &symbol) || symbol > KEYS_ROUTES_MAX + 1 || cursor == end || *cursor != '.' || !blank)
        return false;
    row->route = (uint32_t)symbol;
    return measure_parse(&row->measure, view_make(blank + 1, (size_t)(end - blank - 1)));
}

static bool count_line(struct sheet *sheet, struct view line, int64_t slot)
{
    struct early row = {.slot = slot};
    if (!read_line(line, &row))
        return false;
    struct route *route = route_at(sheet, row.route);
    if (route->name == NULL) {
        g_array_append_val(sheet->early, row);
        return true;
    }
    count_row(sheet, route, slot, &row.measure);
    measure_clear(&row.measure);
    return true;
}

/* A shard of the slot: lines, each ended by a line feed. */
static bool count_lines(struct sheet *sheet, struct view lines, int64_t slot)
{
    const char *end = lines.data + lines.size;
    for (const char *line = lines.data; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (!stop || !count_line(sheet, view_make(line, (size_t)(stop - line)), slot))
            return false;
        line = stop + 1;
    }
    return true;
}

static void take_slot(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t slot_of_day, size_t b)
{
    (void)b;
    struct sheet *sheet = opaque;
    int64_t slot = sheet->generation->day * KEYS_SLOTS_PER_DAY + (int64_t)slot_of_day;
    for (size_t i = 1; i < redis_reply_count(reply); i += 2) {
        if (count_lines(sheet, redis_reply_text(redis_reply_at(reply, i)), slot))
            continue;
        reader_fail(reader, "Slot %d of client %u in generation %d.%d of partition %d holds what is not a measure.",
                    (int)slot_of_day, sheet->member->symbol, (int)sheet->generation->day, sheet->generation->revision,
                    sheet->generation->partition);
        return;
    }
    release(sheet);
}

static struct slot_range window_range(const struct window *window)
{
    return (struct slot_range){window->first_slot, window->first_slot + window->n_slots - 1};
}

static void ask_slots(struct sheet *sheet)
{
    const struct generation *g = sheet->generation;
    const struct member *member = sheet->member;
    int slot, end = generation_slots(g, window_range(sheet->reading->table->window), &slot);
    for (; slot < end; slot++) {
        char key[KEYS_MAX];
        if (!member_is_active(member, slot))
            continue;
        const struct view argv[] = {view_of("HGETALL"),
                                    view_make(key, keys_slot(key, g->partition, g->day, g->revision, slot, member->symbol))};
        sheet->outstanding++;
        reader_ask(sheet->reading->reader, g->partition, argv, G_N_ELEMENTS(argv),
                   (struct reader_then){.take = take_slot, .opaque = sheet, .a = (size_t)slot});
    }
}

static bool is_active_at_all(const struct member *member)
{
    return (member->active[0] | member->active[1]) != 0;
}

bool buckets_read_slots(struct reader *reader, const struct members *members, const char *endpoint, struct usage_table *table,
                        GError **error)
{
    struct reading reading = {.reader = reader, .table = table, .endpoint = endpoint};
    reading.open = g_hash_table_new_full(NULL, NULL, sheet_free, NULL);
    for (guint i = 0; i < members->list->len; i++) {
        const struct member *member = &g_array_index(members->list, struct member, i);
        if (!is_active_at_all(member))
            continue;
        struct sheet *sheet =
            sheet_new(&reading, &g_array_index(members->generations, struct generation, member->generation), member);
        sheet->outstanding = 1;
        ask_routes(sheet);
        ask_slots(sheet);
        release(sheet);
    }
    bool ok = reader_finish(reader, error);
    g_assert(!ok || g_hash_table_size(reading.open) == 0);
    g_hash_table_destroy(reading.open);
    return ok;
}
