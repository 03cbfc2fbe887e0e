#include "aggregator/frozen.h"

#include "lib/keys.h"
#include "lib/number.h"

/* A piece is as many hashes as lately had so many rows: some milliseconds. */
enum { COMMANDS_FIRST = 32, COMMANDS_MAX = 400, PIECE_ROWS = 10000 };

/* A client of the generation, and the slots that it has buckets in. */
struct frozen_client {
    struct frozen *frozen;
    uint32_t number;
    struct view organization, name;
    char *text; /* behind both */
    uint64_t slots[2];
    bool named;                            /* its names are asked for */
    GPtrArray *routes, *platforms, *users; /* char * by symbol - 1; only while its buckets are read */
};

struct frozen_slot {
    struct frozen_client *client;
    int slot;
};

struct frozen {
    int partition, revision;
    int64_t day;
    struct sheet_builder *builder;
    GPtrArray *clients; /* by number - 1; NULL: none of that number */
    bool listed;
    guint next;     /* client to be read */
    int next_slot;  /* and from which slot on */
    guint commands; /* of the next piece */
    GArray *slots;  /* struct frozen_slot: those that are asked for */
};

static void client_free(gpointer opaque)
{
    struct frozen_client *client = opaque;
    if (!client)
        return;
    GPtrArray **const tables[] = {&client->routes, &client->platforms, &client->users};
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
        g_clear_pointer(tables[i], g_ptr_array_unref);
    g_free(client->text);
    g_free(client);
}

struct frozen *frozen_new(int partition, int64_t day, int revision, struct sheet_builder *builder)
{
    struct frozen *frozen = g_new0(struct frozen, 1);
    frozen->partition = partition;
    frozen->day = day;
    frozen->revision = revision;
    frozen->builder = builder;
    frozen->commands = COMMANDS_FIRST;
    frozen->clients = g_ptr_array_new_with_free_func(client_free);
    frozen->slots = g_array_sized_new(FALSE, FALSE, sizeof(struct frozen_slot), COMMANDS_MAX + KEYS_SLOTS_PER_DAY);
    return frozen;
}

void frozen_free(struct frozen *frozen)
{
    if (!frozen)
        return;
    g_ptr_array_free(frozen->clients, TRUE);
    g_array_free(frozen->slots, TRUE);
    g_free(frozen);
}

static bool damaged(GError **error, const char *what)
{
    g_set_error(error, COMMIT_ERROR, COMMIT_ERROR_DAMAGED, "the buckets of a sealed day in Redis are damaged: %s", what);
    return false;
}

/* ---- which clients, and when ---- */

static bool clients_listed(void *opaque, const struct redis_reply *reply, GError **error)
{
    struct frozen *frozen = opaque;
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2) {
        uint64_t number;
        struct view name = redis_reply_text(redis_reply_at(reply, i));
        const char *separator = name.size ? memchr(name.data, KEYS_CLIENT_SEPARATOR, name.size) : NULL;
        if (!separator || !number_read(redis_reply_text(redis_reply_at(reply, i + 1)), &number) || number == 0 ||
            number > KEYS_CLIENTS_MAX + 1)
            return damaged(error, "a client's name or symbol");
        struct frozen_client *client = g_new0(struct frozen_client, 1);
        size_t at = (size_t)(separator - name.data);
        client->frozen = frozen;
        client->number = (uint32_t)number;
        client->text = g_strndup(name.data, name.size);
        client->organization = view_make(client->text, at);
        client->name = view_make(client->text + at + 1, name.size - at - 1);
        if (frozen->clients->len < number)
            g_ptr_array_set_size(frozen->clients, (gint)number);
        client_free(frozen->clients->pdata[number - 1]);
        frozen->clients->pdata[number - 1] = client;
    }
    return true;
}

static struct frozen_client *find_client(const struct frozen *frozen, uint64_t number)
{
    return number == 0 || number > frozen->clients->len ? NULL : frozen->clients->pdata[number - 1];
}

static bool slot_listed(void *opaque, const struct redis_reply *reply, GError **error)
{
    const struct frozen_slot *slot = opaque;
    const struct frozen *frozen = slot->client->frozen;
    for (size_t i = 0; i < redis_reply_count(reply); i++) {
        uint64_t number;
        struct frozen_client *client;
        if (!number_read(redis_reply_text(redis_reply_at(reply, i)), &number) || !(client = find_client(frozen, number)))
            return damaged(error, "a slot has a client that has no name");
        client->slots[slot->slot / 64] |= UINT64_C(1) << (slot->slot % 64);
    }
    return true;
}

static bool list(struct frozen *frozen, struct commit *commit, GError **error)
{
    char key[KEYS_MAX];
    struct frozen_client whole = {.frozen = frozen};
    struct frozen_slot slots[KEYS_SLOTS_PER_DAY];
    const struct view names[] = {view_of("HGETALL"),
                                 view_make(key, keys_clients(key, frozen->partition, frozen->day, frozen->revision))};
    commit_ask(commit, clients_listed, frozen, G_N_ELEMENTS(names), names);
    for (int slot = 0; slot < KEYS_SLOTS_PER_DAY; slot++) {
        slots[slot] = (struct frozen_slot){&whole, slot};
        size_t size = keys_slot_clients(key, frozen->partition, frozen->day, frozen->revision, slot);
        const struct view words[] = {view_of("ZRANGE"), view_make(key, size), view_of("0"), view_of("-1")};
        commit_ask(commit, slot_listed, &slots[slot], G_N_ELEMENTS(words), words);
    }
    frozen->listed = true;
    return commit_read(commit, error);
}

/* ---- one client ---- */

static bool put_name(GPtrArray *table, uint64_t number, uint64_t most, struct view name)
{
    if (number == 0 || number > most)
        return false;
    if (table->len < number)
        g_ptr_array_set_size(table, (gint)number);
    g_free(table->pdata[number - 1]);
    table->pdata[number - 1] = g_strndup(name.data, name.size);
    return true;
}

static bool routes_read(void *opaque, const struct redis_reply *reply, GError **error)
{
    struct frozen_client *client = opaque;
    client->routes = g_ptr_array_new_with_free_func(g_free);
    client->platforms = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2) {
        uint64_t number;
        struct view text = redis_reply_text(redis_reply_at(reply, i));
        bool route = text.size > 0 && text.data[0] == 'r';
        if (text.size == 0 || !number_read(redis_reply_text(redis_reply_at(reply, i + 1)), &number) ||
            !put_name(route ? client->routes : client->platforms, number, route ? KEYS_ROUTES_MAX + 1 : KEYS_PLATFORMS_MAX + 1,
                      view_make(text.data + 1, text.size - 1)))
            return damaged(error, "a route's or platform's symbol");
    }
    return true;
}

static bool users_read(void *opaque, const struct redis_reply *reply, GError **error)
{
    struct frozen_client *client = opaque;
    client->users = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2) {
        uint64_t block;
        struct view names = redis_reply_text(redis_reply_at(reply, i + 1));
        if (!number_read(redis_reply_text(redis_reply_at(reply, i)), &block) || block > KEYS_USERS_MAX)
            return damaged(error, "a block of users has no number");
        uint64_t number = block * KEYS_USERS_PER_BLOCK;
        for (const char *cursor = names.data, *end = names.data + names.size; cursor < end;) {
            const char *stop = memchr(cursor, '\n', (size_t)(end - cursor));
            if (!stop || !put_name(client->users, ++number, KEYS_USERS_MAX + 1, view_make(cursor, (size_t)(stop - cursor))))
                return damaged(error, "a block of users");
            cursor = stop + 1;
        }
    }
    return true;
}

/* Name of a symbol; 0 is none. */
static bool name_of(const GPtrArray *table, uint64_t symbol, struct view *name)
{
    *name = view_of("");
    if (symbol == 0)
        return true;
    if (symbol > table->len || !table->pdata[symbol - 1])
        return false;
    *name = view_of(table->pdata[symbol - 1]);
    return true;
}

/* "route.user.platform " at the cursor. */
static bool read_names(const struct frozen_client *client, const char **cursor, const char *end, struct sheet_row *row)
{
    uint64_t symbols[3];
    struct view route;
    for (size_t i = 0; i < G_N_ELEMENTS(symbols); i++)
        if (!number_scan(cursor, end, &symbols[i]) || *cursor == end || *(*cursor)++ != (i < 2 ? '.' : ' '))
            return false;
    if (symbols[0] == 0 || !name_of(client->routes, symbols[0], &route) || !name_of(client->users, symbols[1], &row->user) ||
        !name_of(client->platforms, symbols[2], &row->platform))
        return false;
    const char *blank = memchr(route.data, ' ', route.size);
    size_t at = blank ? (size_t)(blank - route.data) : 0; /* KEYS_OTHER has no method */
    row->method = view_make(route.data, at);
    row->template = blank ? view_make(blank + 1, route.size - at - 1) : route;
    row->organization = client->organization;
    row->client = client->name;
    return true;
}

static bool add_lines(const struct frozen_slot *slot, struct view lines, GError **error)
{
    const char *cursor = lines.data, *end = lines.data + lines.size;
    while (cursor < end) {
        struct sheet_row row = {.slot = (uint32_t)slot->slot};
        const char *stop = memchr(cursor, '\n', (size_t)(end - cursor));
        if (!stop || !read_names(slot->client, &cursor, stop, &row) ||
            !measure_parse(&row.measure, view_make(cursor, (size_t)(stop - cursor))))
            return damaged(error, "a line of a slot cannot be read");
        bool ok = sheet_builder_add(slot->client->frozen->builder, &row, error);
        measure_clear(&row.measure);
        if (!ok)
            return false;
        cursor = stop + 1;
    }
    return true;
}

static bool slot_read(void *opaque, const struct redis_reply *reply, GError **error)
{
    for (size_t i = 0; i < redis_reply_count(reply); i++)
        if (!add_lines(opaque, redis_reply_text(redis_reply_at(reply, i)), error))
            return false;
    return true;
}

static void ask_names(struct frozen *frozen, struct commit *commit, struct frozen_client *client)
{
    char key[KEYS_MAX];
    client->named = true;
    size_t size = keys_routes(key, frozen->partition, frozen->day, frozen->revision, client->number);
    const struct view routes[] = {view_of("HGETALL"), view_make(key, size)};
    commit_ask(commit, routes_read, client, G_N_ELEMENTS(routes), routes);
    size = keys_users(key, frozen->partition, frozen->day, frozen->revision, client->number);
    const struct view users[] = {view_of("HGETALL"), view_make(key, size)};
    commit_ask(commit, users_read, client, G_N_ELEMENTS(users), users);
}

static void ask_slot(struct frozen *frozen, struct commit *commit, struct frozen_client *client, int slot)
{
    char key[KEYS_MAX];
    struct frozen_slot asked = {client, slot};
    g_array_append_val(frozen->slots, asked); /* there is room: it does not move */
    size_t size = keys_slot(key, frozen->partition, frozen->day, frozen->revision, slot, client->number);
    const struct view words[] = {view_of("HVALS"), view_make(key, size)};
    commit_ask(commit, slot_read, &g_array_index(frozen->slots, struct frozen_slot, frozen->slots->len - 1), G_N_ELEMENTS(words),
               words);
}

/* Asks for what is next of the client at hand; goes to the next one when that was all. */
static void ask_more(struct frozen *frozen, struct commit *commit)
{
    struct frozen_client *client = frozen->clients->pdata[frozen->next];
    if (client && !client->named)
        ask_names(frozen, commit, client);
    for (; client && frozen->next_slot < KEYS_SLOTS_PER_DAY; frozen->next_slot++) {
        if (!(client->slots[frozen->next_slot / 64] >> (frozen->next_slot % 64) & 1))
            continue;
        if (commit_asked(commit) >= frozen->commands)
            return;
        ask_slot(frozen, commit, client, frozen->next_slot);
    }
    frozen->next++;
    frozen->next_slot = 0;
}

bool frozen_step(struct frozen *frozen, struct commit *commit, bool *done, GError **error)
{
    if (!frozen->listed) {
        *done = false;
        return list(frozen, commit, error);
    }
    guint first = frozen->next;
    uint64_t rows = sheet_builder_totals(frozen->builder)->rows;
    g_array_set_size(frozen->slots, 0);
    while (frozen->next < frozen->clients->len && commit_asked(commit) < frozen->commands)
        ask_more(frozen, commit);
    bool ok = commit_read(commit, error);
    rows = sheet_builder_totals(frozen->builder)->rows - rows;
    frozen->commands = rows > PIECE_ROWS ? MAX(frozen->commands / 2, 3) : MIN(frozen->commands * 2, COMMANDS_MAX);
    for (guint i = first; i < frozen->next; i++)
        g_clear_pointer(&frozen->clients->pdata[i], client_free);
    *done = frozen->next == frozen->clients->len;
    return ok;
}
