#include "aggregator/symbols.h"

#include "aggregator/intmap.h"
#include "lib/intern.h"
#include "lib/keys.h"
#include "lib/number.h"

enum state { UNKNOWN, ASKED, LOADED };

/* Names in the order of their symbols 1, 2, 3, …; what is new since the last flush is a tail of it. */
struct table {
    struct intmap numbers; /* name -> symbol as a pointer */
    uint32_t n;
    GArray *fresh; /* uint32_t: names since the last flush */
    GArray *names; /* users only, uint32_t: names in the order of their symbols, for the block that is written next */
};

struct client {
    struct generation *generation;
    uint32_t number;
    enum state state;
    bool dirty;
    struct table tables[SYMBOL_KINDS];
    struct symbols *symbols;
};

struct generation_tables {
    struct symbols *symbols;
    struct generation *generation;
    enum state state;
    bool dirty;
    struct table table;    /* client names */
    struct intmap clients; /* symbol -> struct client */
};

struct symbols {
    int partition;
    struct intern *names;
    struct intmap pairs;       /* two names and the separator -> their name as a pointer */
    struct intmap generations; /* day and revision -> struct generation */
    GPtrArray *dirty_clients;
    GPtrArray *dirty_generations;
    GString *scratch;
    size_t bytes, dirty_bytes;
};

static const uint32_t caps[SYMBOL_KINDS] = {KEYS_ROUTES_MAX, KEYS_USERS_MAX, KEYS_PLATFORMS_MAX};
static const size_t SYMBOL_BYTES = 48; /* memory of one symbol in a table, roughly */

struct symbols *symbols_new(int partition)
{
    struct symbols *symbols = g_new0(struct symbols, 1);
    symbols->partition = partition;
    symbols->names = intern_new();
    symbols->dirty_clients = g_ptr_array_new();
    symbols->dirty_generations = g_ptr_array_new();
    symbols->scratch = g_string_new(NULL);
    return symbols;
}

static void table_clear(struct table *table)
{
    intmap_clear(&table->numbers, NULL);
    if (table->fresh)
        g_array_free(table->fresh, TRUE);
    if (table->names)
        g_array_free(table->names, TRUE);
}

static void client_free(gpointer opaque)
{
    struct client *client = opaque;
    for (size_t i = 0; i < SYMBOL_KINDS; i++)
        table_clear(&client->tables[i]);
    g_free(client);
}

static void generation_free(gpointer opaque)
{
    struct generation *generation = opaque;
    intmap_clear(&generation->tables->clients, client_free);
    table_clear(&generation->tables->table);
    g_free(generation->tables);
    g_free(generation);
}

void symbols_free(struct symbols *symbols)
{
    if (!symbols)
        return;
    intmap_clear(&symbols->generations, generation_free);
    intmap_clear(&symbols->pairs, NULL);
    intern_free(symbols->names);
    g_ptr_array_free(symbols->dirty_clients, TRUE);
    g_ptr_array_free(symbols->dirty_generations, TRUE);
    g_string_free(symbols->scratch, TRUE);
    g_free(symbols);
}

void symbols_trim(struct symbols *symbols)
{
    g_assert(symbols->dirty_clients->len == 0 && symbols->dirty_generations->len == 0);
    intmap_clear(&symbols->generations, generation_free);
    intmap_clear(&symbols->pairs, NULL);
    intern_free(symbols->names);
    symbols->names = intern_new();
    symbols->bytes = 0;
}

uint32_t symbols_name(struct symbols *symbols, struct view text)
{
    return intern_add(symbols->names, text);
}

void symbols_names(struct symbols *symbols, const struct view *texts, size_t n, uint32_t *names)
{
    intern_add_all(symbols->names, texts, n, names);
}

uint32_t symbols_pair(struct symbols *symbols, uint32_t first, char separator, uint32_t second)
{
    void **place = intmap_place(&symbols->pairs, (uint64_t)first << 32 | second | (separator == ' ' ? UINT64_C(1) << 63 : 0));
    if (!*place) {
        struct view a = intern_get(symbols->names, first), b = intern_get(symbols->names, second);
        g_string_truncate(symbols->scratch, 0);
        g_string_append_len(symbols->scratch, a.data, (gssize)a.size);
        g_string_append_c(symbols->scratch, separator);
        g_string_append_len(symbols->scratch, b.data, (gssize)b.size);
        *place = GUINT_TO_POINTER(symbols_name(symbols, view_make(symbols->scratch->str, symbols->scratch->len)));
    }
    return GPOINTER_TO_UINT(*place);
}

struct view symbols_text(const struct symbols *symbols, uint32_t name)
{
    return intern_get(symbols->names, name);
}

size_t symbols_bytes(const struct symbols *symbols)
{
    return symbols->bytes + intern_bytes(symbols->names) + intmap_bytes(&symbols->pairs);
}

size_t symbols_dirty_bytes(const struct symbols *symbols)
{
    return symbols->dirty_bytes;
}

static bool bad_reply(GError **error, const char *what)
{
    g_set_error(error, COMMIT_ERROR, COMMIT_ERROR_DAMAGED, "a symbol table in Redis is damaged: %s", what);
    return false;
}

static uint32_t table_find(const struct table *table, uint32_t name)
{
    return GPOINTER_TO_UINT(intmap_get(&table->numbers, name));
}

static void table_put(struct symbols *symbols, struct table *table, uint32_t name, uint32_t number)
{
    *intmap_place(&table->numbers, name) = GUINT_TO_POINTER(number);
    table->n = MAX(table->n, number);
    if (table->names) {
        if (table->names->len < number)
            g_array_set_size(table->names, number);
        g_array_index(table->names, uint32_t, number - 1) = name;
    }
    symbols->bytes += SYMBOL_BYTES;
}

/* Symbol of a name, new if need be; a full table answers for KEYS_OTHER's name. */
static uint32_t table_number(struct symbols *symbols, struct table *table, uint32_t name, uint32_t cap, const char *other,
                             bool *over_cap)
{
    uint32_t number = table_find(table, name);
    if (number == 0 && table->n >= cap) {
        *over_cap = true;
        name = symbols_name(symbols, view_of(other));
        number = table_find(table, name);
    }
    if (number != 0)
        return number;
    if (!table->fresh)
        table->fresh = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    table_put(symbols, table, name, table->n + 1);
    g_array_append_val(table->fresh, name);
    symbols->dirty_bytes += intern_get(symbols->names, name).size + 16;
    return table->n;
}

/* ---- generations ---- */

/* Symbols are 1, 2, 3, … without a gap, each of one name. */
struct numbers {
    uint8_t seen[KEYS_CLIENTS_MAX / 8 + 1];
    uint32_t n, highest;
};

static bool take_number(struct numbers *numbers, const struct redis_reply *reply, uint32_t cap, uint32_t *number)
{
    uint64_t value;
    if (!number_read(redis_reply_text(reply), &value) || value == 0 || value > cap + 1)
        return false;
    *number = (uint32_t)value;
    uint8_t *byte = &numbers->seen[(value - 1) / 8], bit = (uint8_t)(1 << (value - 1) % 8);
    bool again = *byte & bit;
    *byte |= bit;
    numbers->n++;
    numbers->highest = MAX(numbers->highest, *number);
    return !again;
}

static bool clients_loaded(void *opaque, const struct redis_reply *reply, GError **error)
{
    struct generation_tables *tables = opaque;
    struct numbers numbers = {0};
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2) {
        uint32_t number;
        if (!take_number(&numbers, redis_reply_at(reply, i + 1), KEYS_CLIENTS_MAX, &number))
            return bad_reply(error, "a client's symbol is no number, over the cap, or another's");
        uint32_t name = symbols_name(tables->symbols, redis_reply_text(redis_reply_at(reply, i)));
        table_put(tables->symbols, &tables->table, name, number);
    }
    if (numbers.n != numbers.highest)
        return bad_reply(error, "a client is missing");
    tables->state = LOADED;
    return true;
}

struct generation *symbols_generation(struct symbols *symbols, struct commit *commit, int64_t day, int revision, int64_t horizon)
{
    void **place = intmap_place(&symbols->generations, ((uint64_t)day << 24) | (uint64_t)revision);
    struct generation *generation = *place;
    if (!generation) {
        *place = generation = g_new0(struct generation, 1);
        *generation = (struct generation){.day = day, .revision = revision, .tables = g_new0(struct generation_tables, 1)};
        generation->tables->symbols = symbols;
        generation->tables->generation = generation;
        bool fresh = day * (KEYS_DAY_MS / KEYS_MINUTE_MS) > horizon;
        generation->tables->state = fresh ? LOADED : UNKNOWN;
        symbols->bytes += sizeof *generation + sizeof *generation->tables;
    }
    if (generation->tables->state == UNKNOWN) {
        char key[KEYS_MAX];
        const struct view words[] = {view_of("HGETALL"), view_make(key, keys_clients(key, symbols->partition, day, revision))};
        commit_ask(commit, clients_loaded, generation->tables, G_N_ELEMENTS(words), words);
        generation->tables->state = ASKED;
    }
    return generation->tables->state == LOADED ? generation : NULL;
}

/* ---- clients ---- */

static bool routes_loaded(void *opaque, const struct redis_reply *reply, GError **error)
{
    struct client *client = opaque;
    struct numbers routes = {0}, platforms = {0};
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2) {
        struct view text = redis_reply_text(redis_reply_at(reply, i));
        uint32_t number;
        bool route = text.size > 0 && text.data[0] == 'r', platform = text.size > 0 && text.data[0] == 'p';
        enum symbol_kind kind = route ? SYMBOL_ROUTE : SYMBOL_PLATFORM;
        if ((!route && !platform) || !take_number(route ? &routes : &platforms, redis_reply_at(reply, i + 1), caps[kind], &number))
            return bad_reply(error, "a symbol is no number, over the cap, or another's");
        uint32_t name = symbols_name(client->symbols, view_make(text.data + 1, text.size - 1));
        table_put(client->symbols, &client->tables[kind], name, number);
    }
    if (routes.n != routes.highest || platforms.n != platforms.highest)
        return bad_reply(error, "a route or platform is missing");
    return true;
}

/* Names of a block, in the order of their symbols. */
static bool load_block(struct client *client, uint64_t block, struct view names, GError **error)
{
    uint64_t number = block * KEYS_USERS_PER_BLOCK;
    for (const char *cursor = names.data, *end = names.data + names.size; cursor < end;) {
        const char *stop = memchr(cursor, '\n', (size_t)(end - cursor));
        if (!stop || ++number > KEYS_USERS_MAX + 1)
            return bad_reply(error, "a block of users is cut, or over the cap");
        uint32_t name = symbols_name(client->symbols, view_make(cursor, (size_t)(stop - cursor)));
        table_put(client->symbols, &client->tables[SYMBOL_USER], name, (uint32_t)number);
        cursor = stop + 1;
    }
    return true;
}

static bool users_loaded(void *opaque, const struct redis_reply *reply, GError **error)
{
    struct client *client = opaque;
    client->state = LOADED;
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2) {
        uint64_t block;
        if (!number_read(redis_reply_text(redis_reply_at(reply, i)), &block) || block > UINT32_MAX / KEYS_USERS_PER_BLOCK)
            return bad_reply(error, "a block of users has no number");
        if (!load_block(client, block, redis_reply_text(redis_reply_at(reply, i + 1)), error))
            return false;
    }
    return true;
}

static void ask_client(struct symbols *symbols, struct commit *commit, struct client *client)
{
    char routes[KEYS_MAX], users[KEYS_MAX];
    const struct generation *g = client->generation;
    const struct view r[] = {view_of("HGETALL"),
                             view_make(routes, keys_routes(routes, symbols->partition, g->day, g->revision, client->number))};
    const struct view u[] = {view_of("HGETALL"),
                             view_make(users, keys_users(users, symbols->partition, g->day, g->revision, client->number))};
    commit_ask(commit, routes_loaded, client, G_N_ELEMENTS(r), r);
    commit_ask(commit, users_loaded, client, G_N_ELEMENTS(u), u);
    client->state = ASKED;
}

static struct client *client_new(struct symbols *symbols, struct generation *generation, uint32_t number, enum state state)
{
    struct client *client = g_new0(struct client, 1);
    client->generation = generation;
    client->number = number;
    client->state = state;
    client->symbols = symbols;
    client->tables[SYMBOL_USER].names = g_array_new(FALSE, TRUE, sizeof(uint32_t));
    symbols->bytes += sizeof *client + SYMBOL_BYTES;
    return client;
}

struct client *symbols_client(struct symbols *symbols, struct commit *commit, struct generation *generation, uint32_t name,
                              bool *over_cap)
{
    static const char other[] = {KEYS_CLIENT_SEPARATOR, '{', 'o', 't', 'h', 'e', 'r', '}', 0};
    struct generation_tables *tables = generation->tables;
    uint32_t known = tables->table.n;
    uint32_t number = table_number(symbols, &tables->table, name, KEYS_CLIENTS_MAX, other, over_cap);
    bool fresh = number > known;
    if (fresh && !tables->dirty) {
        tables->dirty = true;
        g_ptr_array_add(symbols->dirty_generations, generation);
    }
    void **place = intmap_place(&tables->clients, number);
    if (!*place)
        *place = client_new(symbols, generation, number, fresh ? LOADED : UNKNOWN);
    struct client *client = *place;
    if (client->state == UNKNOWN)
        ask_client(symbols, commit, client);
    return client->state == LOADED ? client : NULL;
}

uint32_t symbols_client_number(const struct client *client)
{
    return client->number;
}

void symbols_prefetch(const struct client *client, enum symbol_kind kind, uint32_t name)
{
    if (name != 0)
        intmap_prefetch(&client->tables[kind].numbers, name);
}

/* A block of users is written whole: of the open one, what it has already. */
static size_t open_block_bytes(const struct symbols *symbols, const struct table *table, uint32_t n)
{
    size_t bytes = 0;
    for (uint32_t at = n / KEYS_USERS_PER_BLOCK * KEYS_USERS_PER_BLOCK; at < n; at++)
        bytes += intern_get(symbols->names, g_array_index(table->names, uint32_t, at)).size + 1;
    return bytes;
}

uint32_t symbols_number(struct symbols *symbols, struct client *client, enum symbol_kind kind, uint32_t name, bool *over_cap)
{
    if (name == 0)
        return 0;
    struct table *table = &client->tables[kind];
    uint32_t known = table->n;
    uint32_t number = table_number(symbols, table, name, caps[kind], KEYS_OTHER, over_cap);
    if (number <= known)
        return number;
    if (kind == SYMBOL_USER && table->fresh->len == 1)
        symbols->dirty_bytes += open_block_bytes(symbols, table, known);
    if (!client->dirty) {
        client->dirty = true;
        symbols->dirty_bytes += 2 * KEYS_MAX; /* its two keys */
        g_ptr_array_add(symbols->dirty_clients, client);
    }
    return number;
}

/* ---- flush ---- */

static void flush_table(struct symbols *symbols, struct table *table, const char *prefix, struct payload *payload)
{
    if (!table->fresh)
        return;
    uint32_t number = table->n - table->fresh->len;
    for (guint i = 0; i < table->fresh->len; i++) {
        char text[NUMBER_MAX];
        struct view name = intern_get(symbols->names, g_array_index(table->fresh, uint32_t, i));
        g_string_assign(symbols->scratch, prefix);
        g_string_append_len(symbols->scratch, name.data, (gssize)name.size);
        payload_add_pair(payload, view_make(symbols->scratch->str, symbols->scratch->len),
                         view_make(text, number_write(text, ++number)));
    }
    g_array_free(table->fresh, TRUE);
    table->fresh = NULL;
}

/* New users fill up the last block and begin further ones; a block is written whole. */
static void flush_users(struct symbols *symbols, struct table *table, struct payload *payload)
{
    if (!table->fresh)
        return;
    uint32_t first = (table->n - table->fresh->len) / KEYS_USERS_PER_BLOCK * KEYS_USERS_PER_BLOCK; /* of its block, from 0 on */
    for (uint32_t at = first; at < table->n;) {
        char field[NUMBER_MAX];
        size_t size = number_write(field, at / KEYS_USERS_PER_BLOCK);
        g_string_truncate(symbols->scratch, 0);
        for (uint32_t end = MIN(at + KEYS_USERS_PER_BLOCK, table->n); at < end; at++) {
            struct view name = intern_get(symbols->names, g_array_index(table->names, uint32_t, at));
            g_string_append_len(symbols->scratch, name.data, (gssize)name.size);
            g_string_append_c(symbols->scratch, '\n');
        }
        payload_add_pair(payload, view_make(field, size), view_make(symbols->scratch->str, symbols->scratch->len));
    }
    g_array_free(table->fresh, TRUE);
    table->fresh = NULL;
}

static void flush_client(struct symbols *symbols, struct client *client, struct payload *payload)
{
    char key[KEYS_MAX];
    const struct generation *g = client->generation;
    size_t size = keys_routes(key, symbols->partition, g->day, g->revision, client->number);
    payload_begin(payload, PAYLOAD_HSET, view_make(key, size));
    flush_table(symbols, &client->tables[SYMBOL_ROUTE], "r", payload);
    flush_table(symbols, &client->tables[SYMBOL_PLATFORM], "p", payload);
    size = keys_users(key, symbols->partition, g->day, g->revision, client->number);
    payload_begin(payload, PAYLOAD_HSET, view_make(key, size));
    flush_users(symbols, &client->tables[SYMBOL_USER], payload);
    client->dirty = false;
}

static void flush_counts(struct symbols *symbols, struct mirror *meta)
{
    for (struct intmap_entry *e = NULL; (e = intmap_next(&symbols->generations, e));) {
        struct generation *generation = e->value;
        char field[64];
        g_snprintf(field, sizeof field, "cnt:%" G_GINT64_FORMAT ".%d", generation->day, generation->revision);
        mirror_add(meta, field, (int64_t)generation->counted);
        generation->counted = 0;
    }
}

void symbols_flush(struct symbols *symbols, struct payload *payload, struct mirror *meta)
{
    for (guint i = 0; i < symbols->dirty_generations->len; i++) {
        struct generation *generation = g_ptr_array_index(symbols->dirty_generations, i);
        char key[KEYS_MAX];
        size_t size = keys_clients(key, symbols->partition, generation->day, generation->revision);
        payload_begin(payload, PAYLOAD_HSET, view_make(key, size));
        flush_table(symbols, &generation->tables->table, "", payload);
        generation->tables->dirty = false;
    }
    for (guint i = 0; i < symbols->dirty_clients->len; i++)
        flush_client(symbols, g_ptr_array_index(symbols->dirty_clients, i), payload);
    g_ptr_array_set_size(symbols->dirty_generations, 0);
    g_ptr_array_set_size(symbols->dirty_clients, 0);
    flush_counts(symbols, meta);
    symbols->dirty_bytes = 0;
}
