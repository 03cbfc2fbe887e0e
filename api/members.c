#include "api/members.h"

#include "lib/civil.h"
#include "lib/number.h"

/* ---- generations ---- */

/* Meta's "cnt:<day>.<revision>" -> events. */
static bool read_generation(struct view field, struct generation *generation)
{
    static const char prefix[] = "cnt:";
    const size_t skip = sizeof prefix - 1;
    if (field.size <= skip || memcmp(field.data, prefix, skip) != 0)
        return false;
    const char *cursor = field.data + skip, *end = field.data + field.size;
    uint64_t day, revision;
    if (!number_scan(&cursor, end, &day) || cursor == end || *cursor++ != '.' || !number_scan(&cursor, end, &revision))
        return false;
    if (cursor != end || day > INT32_MAX || revision > INT32_MAX)
        return false;
    generation->day = (int64_t)day;
    generation->revision = (int)revision;
    return true;
}

static void take_meta(struct view name, struct view value, void *opaque, size_t partition)
{
    uint64_t events;
    struct generation generation = {.partition = (int)partition};
    if (!read_generation(name, &generation) || !number_read(value, &events) || events == 0)
        return;
    generation.events = events;
    g_array_append_val((GArray *)opaque, generation);
}

static int compare_generations(gconstpointer a, gconstpointer b)
{
    const struct generation *x = a, *y = b;
    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    if (x->partition != y->partition)
        return x->partition < y->partition ? -1 : 1;
    return (x->revision > y->revision) - (x->revision < y->revision);
}

/* Redis may have shown a field of meta twice. */
static void drop_repeated_generations(GArray *generations)
{
    guint kept = 0;
    for (guint i = 0; i < generations->len; i++) {
        struct generation *generation = &g_array_index(generations, struct generation, i);
        if (kept > 0 && compare_generations(generation, &g_array_index(generations, struct generation, kept - 1)) == 0)
            continue;
        g_array_index(generations, struct generation, kept++) = *generation;
    }
    g_array_set_size(generations, kept);
}

GArray *members_generations(struct reader *reader, GError **error)
{
    GArray *generations = g_array_new(FALSE, TRUE, sizeof(struct generation));
    for (int partition = 0; partition < reader_partitions(reader); partition++) {
        char key[KEYS_MAX];
        keys_plain(key, partition, "meta");
        reader_scan(reader, partition, "HSCAN", key, "cnt:*",
                    (struct reader_pairs){.each = take_meta, .opaque = generations, .a = (size_t)partition});
    }
    if (!reader_finish(reader, error)) {
        g_array_free(generations, TRUE);
        return NULL;
    }
    g_array_sort(generations, compare_generations);
    drop_repeated_generations(generations);
    return generations;
}

static void take_count(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    (void)reader, (void)a, (void)b;
    *(uint32_t *)opaque = (uint32_t)MIN(redis_reply_integer(reply), UINT32_MAX);
}

static void take_totals(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    (void)a, (void)b;
    uint64_t *totals = opaque;
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2) {
        uint64_t slot, requests;
        if (number_read(redis_reply_text(redis_reply_at(reply, i)), &slot) && slot < KEYS_SLOTS_PER_DAY &&
            number_read(redis_reply_text(redis_reply_at(reply, i + 1)), &requests))
            totals[slot] = requests;
        else
            reader_fail(reader, "The totals of a generation are not requests of slots.");
    }
}

/* Totals first: whoever is in them is among the clients. */
static void ask_counts(struct reader *reader, struct generation *g, uint64_t *totals)
{
    char key[KEYS_MAX];
    const struct view all[] = {view_of("HGETALL"), view_make(key, keys_totals(key, g->partition, g->day, g->revision))};
    reader_ask(reader, g->partition, all, G_N_ELEMENTS(all), (struct reader_then){.take = take_totals, .opaque = totals});
    const struct view clients[] = {view_of("HLEN"), view_make(key, keys_clients(key, g->partition, g->day, g->revision))};
    reader_ask(reader, g->partition, clients, G_N_ELEMENTS(clients),
               (struct reader_then){.take = take_count, .opaque = &g->clients});
}

/* Events were asked for before: so the totals are of no fewer, if each flush since the generation began wrote them. */
static void check_totals(struct generation *g)
{
    uint64_t sum = 0;
    for (int slot = 0; slot < KEYS_SLOTS_PER_DAY; slot++)
        sum += g->totals[slot];
    g->has_totals = sum >= g->events;
}

uint64_t *members_count(struct reader *reader, GArray *generations, GError **error)
{
    uint64_t *totals = g_new0(uint64_t, (gsize)MAX(generations->len, 1) * KEYS_SLOTS_PER_DAY);
    for (guint i = 0; i < generations->len; i++)
        ask_counts(reader, &g_array_index(generations, struct generation, i), totals + (gsize)i * KEYS_SLOTS_PER_DAY);
    if (!reader_finish(reader, error)) {
        g_free(totals);
        return NULL;
    }
    for (guint i = 0; i < generations->len; i++) {
        struct generation *generation = &g_array_index(generations, struct generation, i);
        generation->totals = totals + (gsize)i * KEYS_SLOTS_PER_DAY;
        check_totals(generation);
    }
    return totals;
}

int generation_slots(const struct generation *generation, struct slot_range range, int *first)
{
    int64_t midnight = generation->day * KEYS_SLOTS_PER_DAY;
    *first = (int)CLAMP(range.first - midnight, 0, KEYS_SLOTS_PER_DAY);
    return (int)CLAMP(range.last + 1 - midnight, 0, KEYS_SLOTS_PER_DAY);
}

/* ---- who ---- */

bool members_one(const struct scope *scope)
{
    return scope->key != NULL && scope->organization != NULL;
}

static void add_member(struct members *members, size_t generation, struct view name, struct view symbol)
{
    uint64_t number;
    if (!number_read(symbol, &number) || number == 0 || number > UINT32_MAX)
        return;
    struct member member = {.generation = (uint32_t)generation, .symbol = (uint32_t)number};
    member.name = g_string_chunk_insert_len(members->names, name.data, (gssize)name.size);
    g_array_append_val(members->list, member);
}

static void take_client(struct view name, struct view value, void *opaque, size_t generation)
{
    add_member(opaque, generation, name, value);
}

struct one {
    struct members *members;
    struct view name;
};

static void take_symbol(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t generation, size_t b)
{
    (void)reader, (void)b;
    const struct one *one = opaque;
    if (redis_reply_kind(reply) == REDIS_STRING)
        add_member(one->members, generation, one->name, redis_reply_text(reply));
}

/* Redis' glob characters in a name stand for themselves. */
static void append_literal(GString *pattern, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("*?[]\\^-", *text) != NULL)
            g_string_append_c(pattern, '\\');
        g_string_append_c(pattern, *text);
    }
}

/* The field names of clients asked for, as a glob; NULL: all. */
static char *client_pattern(const struct scope *scope)
{
    if (scope->key == NULL && scope->organization == NULL)
        return NULL;
    GString *pattern = g_string_new(NULL);
    if (scope->organization != NULL)
        append_literal(pattern, scope->organization);
    else
        g_string_append_c(pattern, '*');
    g_string_append_c(pattern, KEYS_CLIENT_SEPARATOR);
    if (scope->key != NULL)
        append_literal(pattern, scope->key);
    else
        g_string_append_c(pattern, '*');
    return g_string_free(pattern, FALSE);
}

static int compare_members(gconstpointer a, gconstpointer b)
{
    const struct member *x = a, *y = b;
    if (x->generation != y->generation)
        return x->generation < y->generation ? -1 : 1;
    return (x->symbol > y->symbol) - (x->symbol < y->symbol);
}

static void drop_repeated_members(GArray *list)
{
    guint kept = 0;
    for (guint i = 0; i < list->len; i++) {
        struct member *member = &g_array_index(list, struct member, i);
        if (kept > 0 && compare_members(member, &g_array_index(list, struct member, kept - 1)) == 0)
            continue;
        g_array_index(list, struct member, kept++) = *member;
    }
    g_array_set_size(list, kept);
}

static void ask_who(struct members *members, struct reader *reader, guint index, const char *pattern, struct one *one)
{
    const struct generation *g = &g_array_index(members->generations, struct generation, index);
    char key[KEYS_MAX];
    size_t size = keys_clients(key, g->partition, g->day, g->revision);
    if (one->name.data == NULL) {
        reader_scan(reader, g->partition, "HSCAN", key, pattern,
                    (struct reader_pairs){.each = take_client, .opaque = members, .a = index});
        return;
    }
    const struct view argv[] = {view_of("HGET"), view_make(key, size), one->name};
    reader_ask(reader, g->partition, argv, G_N_ELEMENTS(argv),
               (struct reader_then){.take = take_symbol, .opaque = one, .a = index});
}

struct members *members_new(const GArray *generations)
{
    struct members *members = g_new(struct members, 1);
    *members = (struct members){.generations = generations};
    members->list = g_array_new(FALSE, TRUE, sizeof(struct member));
    members->names = g_string_chunk_new(4096);
    return members;
}

void members_add(struct members *members, uint32_t generation, uint32_t symbol, const char *name)
{
    struct member member = {.generation = generation, .symbol = symbol};
    member.name = g_string_chunk_insert(members->names, name);
    g_array_append_val(members->list, member);
}

void members_sort(struct members *members)
{
    g_array_sort(members->list, compare_members);
    drop_repeated_members(members->list);
}

struct members *members_find(struct reader *reader, const GArray *generations, guint first, guint n, const struct scope *scope,
                             GError **error)
{
    struct members *members = members_new(generations);
    g_autofree char *pattern = client_pattern(scope);
    g_autofree char *name =
        members_one(scope) ? g_strdup_printf("%s%c%s", scope->organization, KEYS_CLIENT_SEPARATOR, scope->key) : NULL;
    struct one one = {members, view_of(name)};
    for (guint i = first; i < first + n; i++)
        ask_who(members, reader, i, pattern, &one);
    if (!reader_finish(reader, error)) {
        members_free(members);
        return NULL;
    }
    members_sort(members);
    return members;
}

void members_free(struct members *members)
{
    if (members == NULL)
        return;
    g_array_free(members->list, TRUE);
    g_string_chunk_free(members->names);
    g_free(members->scores);
    g_free(members);
}

/* ---- when ---- */

bool member_is_active(const struct member *member, int slot_of_day)
{
    return (member->active[slot_of_day / 64] >> (slot_of_day % 64) & 1) != 0;
}

void members_keep_scores(struct members *members)
{
    g_assert(members->scores == NULL);
    members->scores = g_new0(uint64_t, (size_t)members->list->len * KEYS_SLOTS_PER_DAY);
}

uint64_t members_score(const struct members *members, guint index, int slot_of_day)
{
    return members->scores[(size_t)index * KEYS_SLOTS_PER_DAY + (size_t)slot_of_day];
}

/* False: the score is no number of requests. */
static bool see(struct members *members, struct member *member, size_t slot_of_day, struct view score)
{
    uint64_t requests;
    if (!number_read(score, &requests))
        return false;
    member->active[slot_of_day / 64] |= UINT64_C(1) << (slot_of_day % 64);
    if (members->scores != NULL)
        members->scores[(size_t)(member - &g_array_index(members->list, struct member, 0)) * KEYS_SLOTS_PER_DAY + slot_of_day] =
            requests;
    return true;
}

guint members_of(const struct members *members, uint32_t generation, guint *first)
{
    guint low = 0, high = members->list->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        if (g_array_index(members->list, struct member, middle).generation < generation)
            low = middle + 1;
        else
            high = middle;
    }
    *first = low;
    while (low < members->list->len && g_array_index(members->list, struct member, low).generation == generation)
        low++;
    return low;
}

struct member *members_by_symbol(const struct members *members, guint first, guint end, struct view symbol)
{
    uint64_t number;
    if (!number_read(symbol, &number))
        return NULL;
    while (first < end) {
        guint middle = first + (end - first) / 2;
        struct member *member = &g_array_index(members->list, struct member, middle);
        if (member->symbol == number)
            return member;
        if (member->symbol < number)
            first = middle + 1;
        else
            end = middle;
    }
    return NULL;
}

static void refuse_score(struct reader *reader, const struct member *member, size_t slot)
{
    reader_fail(reader, "The score of client %u in slot %d is no number of requests.", member->symbol, (int)slot);
}

/* Members of one generation, for a walk over the clients of a slot. */
struct walk {
    struct members *members;
    struct reader *reader;
    guint first, end;
};

static void take_score(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t slot, size_t index)
{
    struct members *members = opaque;
    struct member *member = &g_array_index(members->list, struct member, index);
    if (redis_reply_kind(reply) == REDIS_STRING && !see(members, member, slot, redis_reply_text(reply)))
        refuse_score(reader, member, slot);
}

static void take_active(struct view symbol, struct view score, void *opaque, size_t slot)
{
    const struct walk *walk = opaque;
    struct member *member = members_by_symbol(walk->members, walk->first, walk->end, symbol);
    if (member != NULL && !see(walk->members, member, slot, score))
        refuse_score(walk->reader, member, slot);
}

static void ask_few(struct reader *reader, const struct generation *g, const struct walk *walk, struct view key, int slot)
{
    for (guint i = walk->first; i < walk->end; i++) {
        const struct member *member = &g_array_index(walk->members->list, struct member, i);
        char symbol[NUMBER_MAX];
        const struct view argv[] = {view_of("ZSCORE"), key, view_make(symbol, number_write(symbol, member->symbol))};
        reader_ask(reader, g->partition, argv, G_N_ELEMENTS(argv),
                   (struct reader_then){.take = take_score, .opaque = walk->members, .a = (size_t)slot, .b = i});
    }
}

static void ask_active(struct reader *reader, const struct generation *g, struct walk *walk, struct slot_range range)
{
    int slot, end = generation_slots(g, range, &slot);
    for (; slot < end; slot++) {
        char key[KEYS_MAX];
        if (g->has_totals && g->totals[slot] == 0)
            continue;
        struct view name = view_make(key, keys_slot_clients(key, g->partition, g->day, g->revision, slot));
        if (walk->end - walk->first <= MEMBERS_FEW)
            ask_few(reader, g, walk, name, slot);
        else
            reader_scan(reader, g->partition, "ZSCAN", key, NULL,
                        (struct reader_pairs){.each = take_active, .opaque = walk, .a = (size_t)slot});
    }
}

bool members_see(struct members *members, struct reader *reader, const struct slot_range *ranges, guint n, GError **error)
{
    g_autoptr(GPtrArray) walks = g_ptr_array_new_with_free_func(g_free);
    for (guint first = 0, end; first < members->list->len; first = end) {
        uint32_t index = g_array_index(members->list, struct member, first).generation;
        const struct generation *g = &g_array_index(members->generations, struct generation, index);
        end = members_of(members, index, &first);
        struct walk *walk = g_new(struct walk, 1);
        *walk = (struct walk){members, reader, first, end};
        g_ptr_array_add(walks, walk);
        for (guint i = 0; i < n; i++)
            ask_active(reader, g, walk, ranges[i]);
    }
    return reader_finish(reader, error);
}
