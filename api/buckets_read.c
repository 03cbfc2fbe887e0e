/* buckets_read: one page for each member while its replies are outstanding; the reader's bound on questions bounds the pages
 * as well. When the last reply of a page has come, its routes and its client are added to the table, and another may use it. A page
 * counts as outstanding, too, while its questions are still being asked: replies to the first ones are read meanwhile. */
#include "api/buckets_read.h"

#include "api/client_sum.h"
#include "lib/number.h"

enum { NAME_TRIES = 3, NAMES_CLIENTS_MAX = 4096 /* of more that are read together, the names of routes are not kept */ };

/* A row that came before its route had a name. */
struct early {
    uint32_t route;
    int64_t slot;
    struct measure measure;
};

/* One call of buckets_read_slots. */
struct reading {
    struct reader *reader;
    const struct slot_tables *tables;
    const struct endpoints *endpoints;
    struct live_notes *notes;
    GHashTable *open;   /* struct page */
    struct page *spare; /* one that is over, for its memory; or NULL */
    struct early row;   /* the one at hand */
};

struct page {
    struct reading *reading;
    const struct generation *generation;
    const struct member *member;
    struct live_routes *known; /* NULL: nothing */
    struct client_sum sum;     /* routes by their symbols */
    GArray *early;             /* struct early */
    uint32_t outstanding;
    int name_tries;
    bool has_read_names;
};

static void early_clear(void *opaque)
{
    struct early *early = opaque;
    measure_clear(&early->measure);
}

static struct page *page_new(struct reading *reading)
{
    struct page *page = g_new0(struct page, 1);
    page->reading = reading;
    client_sum_init(&page->sum, reading->endpoints);
    page->early = g_array_new(FALSE, TRUE, sizeof(struct early));
    g_array_set_clear_func(page->early, early_clear);
    return page;
}

static void page_free(void *opaque)
{
    struct page *page = opaque;
    client_sum_clear(&page->sum);
    live_routes_release(page->known);
    g_array_free(page->early, TRUE);
    g_free(page);
}

static struct page *page_begin(struct reading *reading, const struct generation *generation, const struct member *member)
{
    struct page *page = reading->spare != NULL ? g_steal_pointer(&reading->spare) : page_new(reading);
    g_hash_table_add(reading->open, page);
    page->generation = generation;
    page->member = member;
    page->sum.known = page->known = live_routes_recall(reading->notes, generation, member->symbol);
    page->name_tries = 0;
    page->has_read_names = false;
    return page;
}

static void page_end(struct page *page)
{
    struct reading *reading = page->reading;
    client_sum_finish(&page->sum, page->member->name);
    g_clear_pointer(&page->known, live_routes_release);
    g_hash_table_steal(reading->open, page);
    if (reading->spare == NULL)
        reading->spare = page;
    else
        page_free(page);
}

/* ---- routes ---- */

/* Fields: "r" METHOD " " template -> symbol, "p" platform -> symbol. */
static bool read_routes(struct page *page, const struct redis_reply *reply)
{
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2) {
        struct view field = redis_reply_text(redis_reply_at(reply, i));
        uint64_t symbol;
        if (field.size == 0 || field.data[0] != 'r')
            continue;
        if (!number_read(redis_reply_text(redis_reply_at(reply, i + 1)), &symbol) || symbol > KEYS_ROUTES_MAX + 1)
            return false;
        client_sum_name(&page->sum, (uint32_t)symbol, view_make(field.data + 1, field.size - 1));
    }
    return true;
}

static void ask_routes(struct page *page);

static void count_row(struct page *page, uint32_t route, int64_t slot, const struct measure *measure)
{
    client_sum_turn(&page->sum, slot_tables_get(page->reading->tables, slot), page->member->name);
    client_sum_row(&page->sum, route, slot, measure);
}

static void count_early(struct page *page)
{
    for (guint i = 0; i < page->early->len; i++) {
        struct early *early = &g_array_index(page->early, struct early, i);
        client_sum_name(&page->sum, early->route, view_of(BUCKETS_UNKNOWN_ROUTE));
        count_row(page, early->route, early->slot, &early->measure);
    }
    g_array_set_size(page->early, 0);
}

static void learn_names(struct page *page)
{
    guint n;
    g_autofree const char **names = client_sum_names(&page->sum, &n);
    live_routes_learn(page->reading->notes, page->generation, page->member->symbol, names, n);
}

static bool early_are_named(struct page *page)
{
    for (guint i = 0; i < page->early->len; i++)
        if (!client_sum_is_named(&page->sum, g_array_index(page->early, struct early, i).route))
            return false;
    return true;
}

/* One thing less is outstanding. The aggregator writes names before the rows that use them, so asking once more finds them. */
static void release(struct page *page)
{
    if (--page->outstanding > 0)
        return;
    if (!early_are_named(page) && page->name_tries++ < NAME_TRIES) {
        ask_routes(page);
        return;
    }
    if (page->has_read_names)
        learn_names(page);
    count_early(page);
    page_end(page);
}

static void take_routes(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    (void)a, (void)b;
    struct page *page = opaque;
    page->has_read_names = true;
    if (read_routes(page, reply))
        release(page);
    else
        reader_fail(reader, "The routes of client %u in generation %d.%d of partition %d are not symbols.", page->member->symbol,
                    (int)page->generation->day, page->generation->revision, page->generation->partition);
}

static void ask_routes(struct page *page)
{
    const struct generation *g = page->generation;
    char key[KEYS_MAX];
    const struct view argv[] = {view_of("HGETALL"),
                                view_make(key, keys_routes(key, g->partition, g->day, g->revision, page->member->symbol))};
    page->outstanding++;
    reader_ask(page->reading->reader, g->partition, argv, G_N_ELEMENTS(argv),
               (struct reader_then){.take = take_routes, .opaque = page});
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
    return measure_parse_again(&row->measure, view_make(blank + 1, (size_t)(end - blank - 1)));
}

static bool count_line(struct page *page, struct view line, int64_t slot)
{
    struct early *row = &page->reading->row;
    if (!read_line(line, row))
        return false;
    if (client_sum_is_named(&page->sum, row->route)) {
        count_row(page, row->route, slot, &row->measure);
        return true;
    }
    row->slot = slot;
    g_array_append_val(page->early, *row);
    measure_init(&row->measure);
    return true;
}

/* A shard of the slot: lines, each ended by a line feed. */
static bool count_lines(struct page *page, struct view lines, int64_t slot)
{
    const char *end = lines.data + lines.size;
    for (const char *line = lines.data; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (!stop || !count_line(page, view_make(line, (size_t)(stop - line)), slot))
            return false;
        line = stop + 1;
    }
    return true;
}

static void take_slot(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t slot_of_day, size_t b)
{
    (void)b;
    struct page *page = opaque;
    int64_t slot = page->generation->day * KEYS_SLOTS_PER_DAY + (int64_t)slot_of_day;
    for (size_t i = 1; i < redis_reply_count(reply); i += 2) {
        if (count_lines(page, redis_reply_text(redis_reply_at(reply, i)), slot))
            continue;
        reader_fail(reader, "Slot %d of client %u in generation %d.%d of partition %d holds what is not a measure.",
                    (int)slot_of_day, page->member->symbol, (int)page->generation->day, page->generation->revision,
                    page->generation->partition);
        return;
    }
    release(page);
}

static struct slot_range range_of(const struct slot_tables *tables)
{
    return (struct slot_range){tables->first_slot, tables->first_slot + tables->n_slots - 1};
}

static bool is_wanted(const struct slot_tables *tables, const struct generation *generation, const struct member *member, int slot)
{
    return member_is_active(member, slot) && slot_tables_get(tables, generation->day * KEYS_SLOTS_PER_DAY + slot) != NULL;
}

static void ask_slots(struct page *page)
{
    const struct generation *g = page->generation;
    const struct member *member = page->member;
    const struct slot_tables *tables = page->reading->tables;
    int slot, end = generation_slots(g, range_of(tables), &slot);
    for (; slot < end; slot++) {
        char key[KEYS_MAX];
        if (!is_wanted(tables, g, member, slot))
            continue;
        const struct view argv[] = {view_of("HGETALL"),
                                    view_make(key, keys_slot(key, g->partition, g->day, g->revision, slot, member->symbol))};
        page->outstanding++;
        reader_ask(page->reading->reader, g->partition, argv, G_N_ELEMENTS(argv),
                   (struct reader_then){.take = take_slot, .opaque = page, .a = (size_t)slot});
    }
}

/* Of what is not wanted the routes are not read either. */
static bool is_wanted_at_all(const struct slot_tables *tables, const struct generation *generation, const struct member *member)
{
    int slot, end = generation_slots(generation, range_of(tables), &slot);
    for (; slot < end; slot++)
        if (is_wanted(tables, generation, member, slot))
            return true;
    return false;
}

struct slot_tables slot_tables_whole(struct usage_table *table)
{
    return (struct slot_tables){table->window->first_slot, table->window->n_slots, table, NULL};
}

struct usage_table *slot_tables_get(const struct slot_tables *tables, int64_t slot)
{
    return tables->whole != NULL ? tables->whole : tables->tables[slot - tables->first_slot];
}

bool buckets_read_slots(struct reader *reader, const struct members *members, const struct endpoints *endpoints,
                        const struct slot_tables *tables, struct live_notes *notes, GError **error)
{
    struct reading reading = {.reader = reader, .tables = tables, .endpoints = endpoints, .notes = notes};
    if (members->list->len > NAMES_CLIENTS_MAX)
        reading.notes = NULL;
    reading.open = g_hash_table_new_full(NULL, NULL, page_free, NULL);
    for (guint i = 0; i < members->list->len; i++) {
        const struct member *member = &g_array_index(members->list, struct member, i);
        const struct generation *generation = &g_array_index(members->generations, struct generation, member->generation);
        if (generation->in_sheet || !is_wanted_at_all(tables, generation, member))
            continue;
        struct page *page = page_begin(&reading, generation, member);
        page->outstanding = 1;
        if (page->known == NULL)
            ask_routes(page);
        ask_slots(page);
        release(page);
    }
    bool ok = reader_finish(reader, error);
    g_assert(!ok || g_hash_table_size(reading.open) == 0);
    g_hash_table_destroy(reading.open);
    if (reading.spare != NULL)
        page_free(reading.spare);
    early_clear(&reading.row);
    return ok;
}
