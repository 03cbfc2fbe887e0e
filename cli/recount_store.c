/* recount_store: see recount_store.h. The measure's text is read here by a few lines of its own: only its first word is needed. */
#include "cli/recount_store.h"

#include "lib/keys.h"
#include "lib/number.h"

#include <string.h>

enum { PIPELINE = 500 };

struct store_reader {
    struct redis *redis; /* the server at hand */
    struct names *names;
    struct recount_store *into;
    int n_partitions;
    GHashTable *seen;    /* keys, since SCAN may name one twice */
    GHashTable *symbols; /* key of a table -> GHashTable symbol -> interned name */
    GPtrArray *waiting;  /* keys whose HGETALL is in the pipeline */
};

static bool bad(GError **error, const char *key, const char *what)
{
    g_set_error(error, REDIS_ERROR, REDIS_ERROR_REPLY, "%s in Redis: %s", key, what);
    return false;
}

/* ---- symbol tables ---- */

static void add_symbol(struct store_reader *reader, GHashTable *table, const char *kind, const struct redis_reply *reply, size_t i)
{
    struct view name = redis_reply_text(redis_reply_at(reply, i));
    uint64_t number;

    if (!number_read(redis_reply_text(redis_reply_at(reply, i + 1)), &number) || number > G_MAXUINT)
        return;
    if (*kind && (name.size == 0 || name.data[0] != *kind))
        return;
    name = view_make(name.data + strlen(kind), name.size - strlen(kind));
    g_hash_table_insert(table, GUINT_TO_POINTER((guint)number), (gpointer)(guintptr)names_get(reader->names, name));
}

/* kind: first letter of the names wanted, which is cut off; "" for all. Only when nothing is in the pipeline. */
static GHashTable *symbol_table(struct store_reader *reader, const char *key, const char *kind, GError **error)
{
    GHashTable *table = g_hash_table_lookup(reader->symbols, key);

    if (table)
        return table;
    struct redis_reply *reply = redis_call(reader->redis, error, "HGETALL %s", key);
    if (!reply)
        return NULL;
    table = g_hash_table_new(g_direct_hash, g_direct_equal);
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2)
        add_symbol(reader, table, kind, reply, i);
    redis_reply_free(reply);
    g_hash_table_insert(reader->symbols, g_strdup(key), table);
    return table;
}

/* ---- buckets ---- */

/* {p3}:s:<day>.<revision>:<slot>:<client> */
struct bucket_name {
    uint64_t partition, day, revision, slot, client;
};

static bool read_part(const char **cursor, const char *end, const char *before, uint64_t *value)
{
    size_t size = strlen(before);

    if ((size_t)(end - *cursor) < size || memcmp(*cursor, before, size) != 0)
        return false;
    *cursor += size;
    return number_scan(cursor, end, value);
}

static bool read_bucket_name(struct view key, struct bucket_name *name)
{
    const char *cursor = key.data;
    const char *end = key.data + key.size;

    return read_part(&cursor, end, "{p", &name->partition) && read_part(&cursor, end, "}:s:", &name->day) &&
           read_part(&cursor, end, ".", &name->revision) && read_part(&cursor, end, ":", &name->slot) &&
           read_part(&cursor, end, ":", &name->client) && cursor == end;
}

static bool is_sheeted(const struct store_reader *reader, const struct bucket_name *name)
{
    return name->revision <= (uint64_t)recount_sheets_revision(reader->into->sheets, (int)name->partition, (int64_t)name->day);
}

/* A symbol without a name: seen when a flush is being applied just now, or else a difference to be shown. */
static const char *nameless(struct store_reader *reader, uint64_t symbol)
{
    g_autofree char *name = g_strdup_printf("?%" G_GUINT64_FORMAT, symbol);

    return names_get(reader->names, view_of(name));
}

/* Organization and client of a bucket. */
static bool find_client(struct store_reader *reader, const struct bucket_name *name, struct counts_key *key, GError **error)
{
    char table_key[KEYS_MAX];

    keys_clients(table_key, (int)name->partition, (int64_t)name->day, (int)name->revision);
    GHashTable *table = symbol_table(reader, table_key, "", error);
    if (!table)
        return false;
    const char *both = g_hash_table_lookup(table, GUINT_TO_POINTER((guint)name->client));
    const char *separator = both ? strchr(both, KEYS_CLIENT_SEPARATOR) : NULL;
    key->organization = names_get(reader->names, view_make(both, separator ? (size_t)(separator - both) : 0));
    key->client = separator ? names_get(reader->names, view_of(separator + 1)) : nameless(reader, name->client);
    return true;
}

/* "200:15,404:2 17 …", or "404 9001 …" for a single request. */
static bool add_statuses(struct store_reader *reader, struct counts_key *key, struct view measure)
{
    const char *cursor = measure.data;
    const char *end = measure.data + measure.size;
    uint64_t single;

    if (number_scan(&cursor, end, &single) && cursor < end && *cursor == ' ') {
        key->status = (uint32_t)single;
        counts_add(reader->into->counts, key, 1);
        return true;
    }
    cursor = measure.data;
    while (cursor < end) {
        uint64_t status, n;
        if (!number_scan(&cursor, end, &status) || cursor == end || *cursor++ != ':' || !number_scan(&cursor, end, &n) ||
            cursor == end)
            return false;
        key->status = (uint32_t)status;
        counts_add(reader->into->counts, key, n);
        if (*cursor++ == ' ')
            return true;
    }
    return false;
}

/* "route.user.platform measure" */
static bool add_line(struct store_reader *reader, GHashTable *routes, struct counts_key *key, struct view line)
{
    const char *cursor = line.data;
    const char *end = line.data + line.size;
    const char *blank = memchr(line.data, ' ', line.size);
    uint64_t route;

    if (!blank || !number_scan(&cursor, end, &route))
        return false;
    key->route = g_hash_table_lookup(routes, GUINT_TO_POINTER((guint)route));
    if (!key->route)
        key->route = nameless(reader, route);
    return add_statuses(reader, key, view_make(blank + 1, (size_t)(end - blank - 1)));
}

static bool add_lines(struct store_reader *reader, GHashTable *routes, struct counts_key *key, struct view lines)
{
    const char *end = lines.data + lines.size;

    for (const char *line = lines.data; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (!stop || !add_line(reader, routes, key, view_make(line, (size_t)(stop - line))))
            return false;
        line = stop + 1;
    }
    return true;
}

static bool add_bucket(struct store_reader *reader, const char *key_text, const struct redis_reply *reply, GError **error)
{
    struct bucket_name name;
    struct counts_key key = {0};
    char table_key[KEYS_MAX];

    if (!read_bucket_name(view_of(key_text), &name) || name.partition >= (uint64_t)reader->n_partitions)
        return bad(error, key_text, "no such bucket can be");
    if (is_sheeted(reader, &name))
        return true;
    key.day = (int64_t)name.day;
    keys_routes(table_key, (int)name.partition, key.day, (int)name.revision, (uint32_t)name.client);
    GHashTable *routes = symbol_table(reader, table_key, "r", error);
    if (!routes || !find_client(reader, &name, &key, error))
        return false;
    for (size_t i = 1; i < redis_reply_count(reply); i += 2)
        if (!add_lines(reader, routes, &key, redis_reply_text(redis_reply_at(reply, i))))
            return bad(error, key_text, "a line cannot be understood");
    reader->into->buckets++;
    return true;
}

/* ---- minutes and sorted sets: sums ---- */

enum series_value { OF_MEASURE, OF_SCORE, OF_MINUTES };

/* How the key of each kind begins after its partition, what its values are, whether a slot follows, and, where kinds share a key,
 * how the kind's fields begin. */
static const struct {
    const char *begin;
    enum series_value value;
    bool slot;
    char field;
} series_keys[SERIES_N_KINDS] = {
    [SERIES_MINUTES] = {"}:m:", OF_MEASURE, false, 0},       [SERIES_MINUTE_CLIENTS] = {"}:zm:", OF_SCORE, false, 0},
    [SERIES_SLOT_CLIENTS] = {"}:zs:", OF_SCORE, true, 0},    [SERIES_SLOT_ROUTES] = {"}:zr:", OF_SCORE, true, 0},
    [SERIES_SUM_CLIENTS] = {"}:ss:", OF_MEASURE, true, 'c'}, [SERIES_SUM_ROUTES] = {"}:ss:", OF_MEASURE, true, 'r'},
    [SERIES_SUM_MINUTES] = {"}:ss:", OF_MINUTES, true, 'm'},
};

/* {p3}:m:<minute>.<revision>:<shard>, {p3}:zm:<minute>.<revision>, {p3}:zs:<day>.<revision>:<slot>; the first kind of it. */
static bool read_series_name(struct view key, struct series_key *name)
{
    const char *end = key.data + key.size;

    for (int kind = 0; kind < SERIES_N_KINDS; kind++) {
        const char *cursor = key.data;
        uint64_t partition, number, revision, slot = 0;
        if (!read_part(&cursor, end, "{p", &partition) || !read_part(&cursor, end, series_keys[kind].begin, &number) ||
            !read_part(&cursor, end, ".", &revision))
            continue;
        if (series_keys[kind].slot && !read_part(&cursor, end, ":", &slot))
            return false;
        if (series_keys[kind].slot)
            number = number * KEYS_SLOTS_PER_DAY + slot;
        else
            revision = 0;
        if (partition > G_MAXINT || revision > G_MAXINT)
            return false;
        *name = (struct series_key){(enum series_kind)kind, (int)partition, (int64_t)number, (int)revision};
        return true;
    }
    return false;
}

/* The minutes of a slot, added up. */
static bool read_minutes(struct view text, uint64_t *requests)
{
    uint64_t minutes[KEYS_SLOT_MINUTES];

    if (!number_read_list(text, minutes, KEYS_SLOT_MINUTES))
        return false;
    *requests = 0;
    for (int i = 0; i < KEYS_SLOT_MINUTES; i++)
        *requests += minutes[i];
    return true;
}

/* A score, minutes; or of a measure the second word, the requests, if it is not the short text of a single one. */
static bool read_requests(struct view text, enum series_value value, uint64_t *requests)
{
    const char *cursor = text.data;
    const char *end = text.data + text.size;

    if (value == OF_MINUTES)
        return read_minutes(text, requests);
    if (!number_scan(&cursor, end, requests))
        return false;
    if (value == OF_SCORE)
        return cursor == end;
    if (cursor < end && *cursor == ' ') {
        *requests = 1;
        return true;
    }
    cursor = memchr(text.data, ' ', text.size);
    return cursor && ++cursor < end && number_scan(&cursor, end, requests);
}

/* Which kinds a field of the key counts for: the requests go to the one of its first letter, to others with the same key none. */
static bool add_field(struct store_reader *reader, struct series_key key, struct view field, struct view value)
{
    const char *begin = series_keys[key.kind].begin;
    bool understood = false;

    for (int kind = (int)key.kind; kind < SERIES_N_KINDS && strcmp(series_keys[kind].begin, begin) == 0; kind++) {
        uint64_t requests = 0;
        char wanted = series_keys[kind].field;
        if (!wanted || (field.size > 0 && field.data[0] == wanted))
            understood = read_requests(value, series_keys[kind].value, &requests);
        key.kind = (enum series_kind)kind;
        series_add(reader->into->series, key, requests);
    }
    return understood;
}

static bool add_series(struct store_reader *reader, const char *key_text, const struct redis_reply *reply, GError **error)
{
    struct series_key key;

    if (!read_series_name(view_of(key_text), &key) || key.partition >= reader->n_partitions)
        return bad(error, key_text, "no such bucket can be");
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2)
        if (!add_field(reader, key, redis_reply_text(redis_reply_at(reply, i)), redis_reply_text(redis_reply_at(reply, i + 1))))
            return bad(error, key_text, "a value cannot be understood");
    return true;
}

/* ---- one server ---- */

static bool is_slot(const char *key)
{
    return strstr(key, "}:s:") != NULL;
}

/* Asks for a key's contents; false when it is of no interest. */
static bool ask(struct store_reader *reader, const char *key)
{
    struct series_key name;

    if (is_slot(key)) {
        redis_append_call(reader->redis, "HGETALL %s", key);
        return true;
    }
    if (!read_series_name(view_of(key), &name))
        return false;
    if (series_keys[name.kind].value == OF_SCORE)
        redis_append_call(reader->redis, "ZRANGE %s 0 -1 WITHSCORES", key);
    else
        redis_append_call(reader->redis, "HGETALL %s", key);
    return true;
}

static bool take_answer(struct store_reader *reader, const char *key, const struct redis_reply *reply, GError **error)
{
    if (redis_reply_kind(reply) != REDIS_ARRAY) {
        struct view text = redis_reply_text(reply);
        g_autofree char *what = g_strndup(text.size ? text.data : "", text.size);
        return bad(error, key, what);
    }
    return is_slot(key) ? add_bucket(reader, key, reply, error) : add_series(reader, key, reply, error);
}

static bool flush_waiting(struct store_reader *reader, GError **error)
{
    g_autoptr(GPtrArray) replies = g_ptr_array_new_with_free_func((GDestroyNotify)redis_reply_free);
    bool ok = true;

    /* All replies first: symbol tables are asked for on the same connection. */
    for (guint i = 0; i < reader->waiting->len; i++) {
        struct redis_reply *reply = redis_read(reader->redis, error);
        if (!reply)
            return false;
        g_ptr_array_add(replies, reply);
    }
    for (guint i = 0; ok && i < replies->len; i++)
        ok = take_answer(reader, g_ptr_array_index(reader->waiting, i), g_ptr_array_index(replies, i), error);
    g_ptr_array_set_size(reader->waiting, 0);
    return ok;
}

static bool take_keys(struct store_reader *reader, const struct redis_reply *keys, GError **error)
{
    for (size_t i = 0; i < redis_reply_count(keys); i++) {
        struct view key = redis_reply_text(redis_reply_at(keys, i));
        char *text = g_strndup(key.data, key.size);
        if (!g_hash_table_add(reader->seen, text) || !ask(reader, text))
            continue;
        g_ptr_array_add(reader->waiting, text);
        if (reader->waiting->len >= PIPELINE && !flush_waiting(reader, error))
            return false;
    }
    return flush_waiting(reader, error);
}

static bool read_server(struct store_reader *reader, GError **error)
{
    g_autofree char *cursor = g_strdup("0");

    do {
        struct redis_reply *reply = redis_call(reader->redis, error, "SCAN %s MATCH {p*}:* COUNT 2000", cursor);
        if (!reply)
            return false;
        struct view next = redis_reply_text(redis_reply_at(reply, 0));
        g_free(cursor);
        cursor = g_strndup(next.data, next.size);
        bool ok = take_keys(reader, redis_reply_at(reply, 1), error);
        redis_reply_free(reply);
        if (!ok)
            return false;
    } while (strcmp(cursor, "0") != 0);
    return true;
}

/* ---- sums ---- */

static bool add_sums(struct store_reader *reader, int partition, GError **error)
{
    char key[KEYS_MAX];

    keys_plain(key, partition, "meta");
    for (int sum = 0; sum < COUNTS_N_SUMS; sum++) {
        uint64_t value = 0;
        struct redis_reply *reply = redis_call(reader->redis, error, "HGET %s %s", key, counts_sum_field((enum counts_sum)sum));
        if (!reply)
            return false;
        number_read(redis_reply_text(reply), &value);
        redis_reply_free(reply);
        reader->into->counts->sums[sum] += value;
    }
    return true;
}

static bool read_sums(struct store_reader *reader, struct shards *shards, GError **error)
{
    bool ok = true;

    for (int i = 0; ok && i < reader->n_partitions; i++) {
        reader->redis = shards_get(shards, i, error);
        ok = reader->redis && add_sums(reader, i, error);
    }
    return ok;
}

void recount_store_init(struct recount_store *store)
{
    store->counts = counts_new();
    store->series = series_new();
    store->sheets = NULL;
    store->buckets = 0;
}

void recount_store_clear(struct recount_store *store)
{
    g_clear_pointer(&store->counts, counts_free);
    g_clear_pointer(&store->series, series_free);
    g_clear_pointer(&store->sheets, recount_sheets_free);
}

static bool read_servers(struct store_reader *reader, const struct redis_settings *settings, GError **error)
{
    g_autoptr(GPtrArray) servers = redis_connect_all(settings, error);
    bool ok = servers != NULL;

    for (guint i = 0; ok && i < servers->len; i++) {
        reader->redis = g_ptr_array_index(servers, i);
        ok = read_server(reader, error);
    }
    return ok;
}

/* The sheets first: a bucket that gets into one meanwhile is there for two days more. */
bool recount_store_read(struct recount_store *store, const struct recount_source *source, struct names *names, GError **error)
{
    struct shards *shards = shards_new(source->settings->url, source->n_partitions);
    struct store_reader reader = {
        .names = names,
        .into = store,
        .n_partitions = source->n_partitions,
        .seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .symbols = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_destroy),
        .waiting = g_ptr_array_new(),
    };

    store->sheets = recount_sheets_read(shards, source->archive, names, store->counts, error);
    bool ok = store->sheets && read_servers(&reader, source->settings, error) && read_sums(&reader, shards, error);
    shards_free(shards);
    g_hash_table_destroy(reader.seen);
    g_hash_table_destroy(reader.symbols);
    g_ptr_array_free(reader.waiting, TRUE);
    return ok;
}
