/* buckets_read: open buckets as they stand in Redis. */
#include "aggregator/buckets_private.h"

#include "lib/number.h"

static bool damaged(GError **error, const char *what)
{
    g_set_error(error, COMMIT_ERROR, COMMIT_ERROR_DAMAGED, "a bucket in Redis is damaged: %s", what);
    return false;
}

size_t bucket_key(const struct bucket *bucket, char *key)
{
    int partition = bucket->span->buckets->partition;
    if (bucket->minute)
        return keys_minute(key, partition, bucket->minute->minute, bucket->minute->revision, bucket->shard);
    const struct slot *slot = bucket->slot_client->slot;
    return keys_slot(key, partition, slot->day, slot->revision, slot->index, bucket->slot_client->number);
}

/* "route.user.platform" at the cursor. */
static bool read_combination(const char **cursor, const char *end, uint64_t *key)
{
    uint64_t route, user, platform;
    if (!number_scan(cursor, end, &route) || *cursor == end || *(*cursor)++ != '.' || !number_scan(cursor, end, &user) ||
        *cursor == end || *(*cursor)++ != '.' || !number_scan(cursor, end, &platform))
        return false;
    if (route >> ROUTE_BITS || user >> USER_BITS || platform >> PLATFORM_BITS)
        return false;
    *key = combination((uint32_t)route, (uint32_t)user, (uint32_t)platform);
    return true;
}

/* False for a text that is no measure, and for a cell that is there already: then it stands in another bucket too. */
static bool load_cell(struct bucket *bucket, uint64_t key, struct view text)
{
    struct measure measure;
    if (intmap_get(&bucket->span->cells, key) || !measure_parse(&measure, text))
        return false;
    cell_set(bucket_cell(bucket, key), &measure);
    measure_clear(&measure);
    return true;
}

static bool shard_loaded(void *opaque, const struct redis_reply *reply, GError **error)
{
    struct bucket *bucket = opaque;
    struct view lines = redis_reply_text(reply); /* nil: empty */
    const char *cursor = lines.data, *end = lines.data + lines.size;
    uint64_t client = (uint64_t)bucket->slot_client->number << 32;
    while (cursor < end) {
        uint64_t key;
        const char *line_end = memchr(cursor, '\n', (size_t)(end - cursor));
        if (!line_end || !read_combination(&cursor, line_end, &key) || *cursor++ != ' ' ||
            bits(key, ROUTE_BITS, USER_BITS) / KEYS_USERS_PER_SHARD != bucket->shard ||
            !load_cell(bucket, client | key, view_make(cursor, (size_t)(line_end - cursor))))
            return damaged(error, "a line of a slot cannot be read");
        cursor = line_end + 1;
    }
    bucket->state = BUCKET_LOADED;
    return true;
}

static bool minute_loaded(void *opaque, const struct redis_reply *reply, GError **error)
{
    struct bucket *bucket = opaque;
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2) {
        uint64_t client;
        if (!number_read(redis_reply_text(redis_reply_at(reply, i)), &client) || client > UINT32_MAX ||
            client / KEYS_CLIENTS_PER_SHARD != bucket->shard ||
            !load_cell(bucket, client, redis_reply_text(redis_reply_at(reply, i + 1))))
            return damaged(error, "a field of a minute cannot be read");
    }
    bucket->state = BUCKET_LOADED;
    return true;
}

void bucket_ask(struct bucket *bucket, struct commit *commit)
{
    char key[KEYS_MAX], shard[NUMBER_MAX];
    const struct view words[] = {view_of(bucket->minute ? "HGETALL" : "HGET"), view_make(key, bucket_key(bucket, key)),
                                 view_make(shard, number_write(shard, bucket->shard))};
    commit_ask(commit, bucket->minute ? minute_loaded : shard_loaded, bucket, bucket->minute ? 2 : 3, words);
    bucket->state = BUCKET_ASKED;
}

/* Redis writes whole scores without a fraction up to 2^53 or so; more than that would not be exact anyway. */
static bool read_score(const struct redis_reply *reply, uint64_t *requests)
{
    return number_read(redis_reply_text(reply), requests);
}

static bool clients_loaded(void *opaque, const struct redis_reply *reply, GError **error)
{
    struct slot *slot = opaque;
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2) {
        uint64_t number, requests;
        if (!number_read(redis_reply_text(redis_reply_at(reply, i)), &number) || number > UINT32_MAX ||
            !read_score(redis_reply_at(reply, i + 1), &requests))
            return damaged(error, "a member of a slot's sorted set of clients is no number");
        slot_client_get(slot, (uint32_t)number, false)->sum.measure.requests = requests;
        slot->requests += requests;
    }
    return true;
}

static bool routes_loaded(void *opaque, const struct redis_reply *reply, GError **error)
{
    struct slot *slot = opaque;
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2) {
        uint32_t name = symbols_name(slot->span.buckets->symbols, redis_reply_text(redis_reply_at(reply, i)));
        if (!read_score(redis_reply_at(reply, i + 1), &slot_route_get(slot, name)->sum.measure.requests))
            return damaged(error, "a score of a slot's sorted set of routes is no whole number");
    }
    return true;
}

static bool read_minutes(struct slot *slot, struct view text, uint64_t *requests)
{
    if (!number_read_list(text, slot->minutes, KEYS_SLOT_MINUTES))
        return false;
    for (int i = 0; i < KEYS_SLOT_MINUTES; i++)
        *requests += slot->minutes[i];
    return true;
}

/* In the place of the number alone; its requests, or 0 where they are not that number. False: it is no measure. */
static bool take_sum(struct open_sum *sum, struct view text, uint64_t *requests)
{
    struct measure measure;
    if (!measure_parse(&measure, text))
        return false;
    if (sum && sum->measure.requests == measure.requests) {
        open_sum_empty(sum);
        open_sum_add(sum, &measure);
        *requests += measure.requests;
    }
    measure_clear(&measure);
    return true;
}

/* What a field of the sums is about; NULL: nothing that the slot has. */
static struct open_sum *sum_of(const struct slot *slot, struct view field)
{
    uint64_t number;
    const struct view name = view_make(field.data + 1, field.size - 1);
    if (field.data[0] == 'c') {
        struct slot_client *client = number_read(name, &number) ? intmap_get(&slot->clients, number) : NULL;
        return client ? &client->sum : NULL;
    }
    struct score *route = intmap_get(&slot->routes, symbols_name(slot->span.buckets->symbols, name));
    return route ? &route->sum : NULL;
}

/* Where they do not add up to what was counted there were too many, or another version, which had no sums, has counted, too. */
static bool sums_loaded(void *opaque, const struct redis_reply *reply, GError **error)
{
    struct slot *slot = opaque;
    uint64_t by_minute = 0, by_client = 0, by_route = 0;
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2) {
        const struct view field = redis_reply_text(redis_reply_at(reply, i)), text = redis_reply_text(redis_reply_at(reply, i + 1));
        bool minutes = view_is(field, "m"), client = field.size > 0 && field.data[0] == 'c';
        if (field.size == 0 || !(minutes ? read_minutes(slot, text, &by_minute)
                                         : take_sum(sum_of(slot, field), text, client ? &by_client : &by_route)))
            return damaged(error, "a sum of a slot cannot be read");
    }
    if (by_minute != slot->requests || by_client != slot->requests || by_route != slot->requests)
        slot->sums = redis_reply_count(reply) > 0 ? SUMS_LEFT : SUMS_NONE;
    slot->state = BUCKET_LOADED;
    return true;
}

void slot_ask(struct slot *slot, struct commit *commit)
{
    char clients[KEYS_MAX], routes[KEYS_MAX], sums[KEYS_MAX];
    int partition = slot->span.buckets->partition;
    struct view words[] = {view_of("ZRANGE"), {NULL, 0}, view_of("0"), view_of("-1"), view_of("WITHSCORES")};
    words[1] = view_make(clients, keys_slot_clients(clients, partition, slot->day, slot->revision, slot->index));
    commit_ask(commit, clients_loaded, slot, G_N_ELEMENTS(words), words);
    words[1] = view_make(routes, keys_slot_routes(routes, partition, slot->day, slot->revision, slot->index));
    commit_ask(commit, routes_loaded, slot, G_N_ELEMENTS(words), words);
    const struct view all[] = {view_of("HGETALL"),
                               view_make(sums, keys_slot_sums(sums, partition, slot->day, slot->revision, slot->index))};
    commit_ask(commit, sums_loaded, slot, G_N_ELEMENTS(all), all);
    slot->state = BUCKET_ASKED;
}
