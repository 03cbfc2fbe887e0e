#include "api/deliveries.h"

#include "lib/number.h"

enum { TEXT_SIZE = NUMBER_MAX + 1 };

bool deliveries_wants(const struct channel *channel, const char *organization, uint32_t level, bool is_system)
{
    if (is_system)
        return channel->organization == NULL && channel->system;
    return level >= channel->min_level && (channel->organization == NULL || g_strcmp0(channel->organization, organization) == 0);
}

GPtrArray *deliveries_for(const struct registry_snapshot *snapshot, const char *organization, uint32_t level, bool is_system,
                          const char *alert_id, const char *event)
{
    GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init(&iter, snapshot->channels);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct channel *channel = value;
        if (deliveries_wants(channel, organization, level, is_system))
            g_ptr_array_add(ids, g_strjoin(".", alert_id, event, channel->id, NULL));
    }
    return ids;
}

/* ---- scripts ---- */

/* KEYS of all: pending, info, dead. */

/* ARGV: new time, then id and time of each. Those that were taken. */
static const char claim_script[] = "local moves, taken = {}, {} "
                                   "for i = 2, #ARGV, 2 do "
                                   "  if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i]) or -1) == tonumber(ARGV[i + 1]) then "
                                   "    moves[#moves + 1] = ARGV[1] "
                                   "    moves[#moves + 1] = ARGV[i] "
                                   "    taken[#taken + 1] = ARGV[i] "
                                   "  end "
                                   "end "
                                   "if #taken > 0 then redis.call('ZADD', KEYS[1], 'XX', unpack(moves)) end "
                                   "return taken";

/* ARGV: id, its time, tries, new time. */
static const char postpone_script[] =
    "if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or -1) ~= tonumber(ARGV[2]) then return 0 end "
    "redis.call('HSET', KEYS[2], ARGV[1], ARGV[3]) "
    "redis.call('ZADD', KEYS[1], 'XX', ARGV[4], ARGV[1]) "
    "return 1";

/* The same; the new time is when it was given up. */
static const char bury_script[] =
    "if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or -1) ~= tonumber(ARGV[2]) then return 0 end "
    "redis.call('HSET', KEYS[2], ARGV[1], ARGV[3]) "
    "redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1]) "
    "redis.call('ZREM', KEYS[1], ARGV[1]) "
    "return 1";

/* ARGV: id. */
static const char remove_script[] = "local n = redis.call('ZREM', KEYS[1], ARGV[1]) + redis.call('ZREM', KEYS[3], ARGV[1]) "
                                    "redis.call('HDEL', KEYS[2], ARGV[1]) "
                                    "return n";

/* ARGV: id, time. */
static const char retry_script[] =
    "if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and not redis.call('ZSCORE', KEYS[3], ARGV[1]) then return 0 end "
    "redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1]) "
    "redis.call('ZREM', KEYS[3], ARGV[1]) "
    "redis.call('HSET', KEYS[2], ARGV[1], '{\"urgent\":1}') "
    "return 1";

/* ARGV: how many may stay, time, how many at most are given up now. */
static const char bound_script[] = "local n = math.min(redis.call('ZCARD', KEYS[1]) - tonumber(ARGV[1]), tonumber(ARGV[3])) "
                                   "if n <= 0 then return 0 end "
                                   "for _, id in ipairs(redis.call('ZREVRANGE', KEYS[1], 0, n - 1)) do "
                                   "  redis.call('HSETNX', KEYS[2], id, '{\"lastError\":\"Too many deliveries were pending.\"}') "
                                   "  redis.call('ZADD', KEYS[3], ARGV[2], id) "
                                   "  redis.call('ZREM', KEYS[1], id) "
                                   "end "
                                   "return n";

enum { HEAD_N = 6 }; /* of a script's arguments: command, body, number of keys, keys */
#define SCRIPT(body)                                                                                     \
    view_of("EVAL"), view_of(body), view_of("3"), view_of(DELIVERIES_KEY), view_of(DELIVERIES_INFO_KEY), \
        view_of(DELIVERIES_DEAD_KEY)

static void ask(struct reader *reader, const struct view *argv, size_t argc, struct reader_then then)
{
    reader_ask(reader, READER_CONTROL, argv, argc, then);
}

static void text_of(char out[TEXT_SIZE], int64_t value)
{
    out[number_write_signed(out, value)] = '\0';
}

/* ---- reading ---- */

void deliveries_page_init(struct deliveries_page *page)
{
    *page = (struct deliveries_page){.entries = g_array_new(FALSE, FALSE, sizeof(struct deliveries_entry))};
}

void deliveries_page_clear(struct deliveries_page *page)
{
    g_array_free(page->entries, TRUE);
    *page = (struct deliveries_page){0};
}

struct deliveries_entry *deliveries_page_at(const struct deliveries_page *page, guint i)
{
    return &g_array_index(page->entries, struct deliveries_entry, i);
}

/* Whoever put there what is none of ours, finds it there still. */
static void add_entry(GArray *entries, struct view id, struct view score)
{
    struct deliveries_entry entry = {0};
    struct delivery delivery;
    if (!delivery_parse(id, &delivery) || !number_read_signed(score, &entry.at_ms))
        return;
    memcpy(entry.id, id.data, id.size);
    g_array_append_val(entries, entry);
}

static void take_entries(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    struct deliveries_page *page = opaque;
    size_t n = redis_reply_count(reply);
    (void)reader, (void)a, (void)b;
    page->seen += (uint32_t)(n / 2);
    for (size_t i = 0; i + 1 < n; i += 2)
        add_entry(page->entries, redis_reply_text(redis_reply_at(reply, i)), redis_reply_text(redis_reply_at(reply, i + 1)));
}

void deliveries_ask_range(struct reader *reader, const char *key, uint64_t first, uint32_t n, struct deliveries_page *page)
{
    char from[TEXT_SIZE], to[TEXT_SIZE];
    text_of(from, (int64_t)first);
    text_of(to, (int64_t)(first + n) - 1);
    const struct view argv[] = {view_of("ZRANGE"), view_of(key), view_of(from), view_of(to), view_of("WITHSCORES")};
    ask(reader, argv, G_N_ELEMENTS(argv), (struct reader_then){.take = take_entries, .opaque = page});
}

static void ask_until(struct reader *reader, const char *key, int64_t until_ms, uint64_t first, struct deliveries_page *page)
{
    char until[TEXT_SIZE], from[TEXT_SIZE], n[TEXT_SIZE];
    text_of(until, until_ms);
    text_of(from, (int64_t)first);
    text_of(n, DELIVERIES_PAGE);
    const struct view argv[] = {view_of("ZRANGEBYSCORE"), view_of(key),     view_of("-inf"), view_of(until),
                                view_of("WITHSCORES"),    view_of("LIMIT"), view_of(from),   view_of(n)};
    ask(reader, argv, G_N_ELEMENTS(argv), (struct reader_then){.take = take_entries, .opaque = page});
}

void deliveries_ask_due(struct reader *reader, int64_t now_ms, uint64_t first, struct deliveries_page *page)
{
    ask_until(reader, DELIVERIES_KEY, now_ms, first, page);
}

static void take_tries(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    (void)reader, (void)a, (void)b;
    delivery_tries_read(redis_reply_text(reply), opaque);
}

void deliveries_ask_tries(struct reader *reader, struct deliveries_entry *entries, guint n)
{
    for (guint i = 0; i < n; i++) {
        const struct view argv[] = {view_of("HGET"), view_of(DELIVERIES_INFO_KEY), view_of(entries[i].id)};
        ask(reader, argv, G_N_ELEMENTS(argv), (struct reader_then){.take = take_tries, .opaque = &entries[i].tries});
    }
}

static void take_count(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    (void)reader, (void)a, (void)b;
    *(int64_t *)opaque = redis_reply_integer(reply);
}

static void ask_count(struct reader *reader, const char *key, int64_t *count)
{
    const struct view argv[] = {view_of("ZCARD"), view_of(key)};
    ask(reader, argv, G_N_ELEMENTS(argv), (struct reader_then){.take = take_count, .opaque = count});
}

void deliveries_ask_rank(struct reader *reader, const char *key, int64_t time_ms, uint64_t *rank)
{
    char before[TEXT_SIZE + 1] = "(";
    text_of(before + 1, time_ms);
    const struct view argv[] = {view_of("ZCOUNT"), view_of(key), view_of("-inf"), view_of(before)};
    ask(reader, argv, G_N_ELEMENTS(argv), (struct reader_then){.take = take_count, .opaque = rank});
}

static void take_time(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    int64_t time_ms;
    (void)reader, (void)a, (void)b;
    if (number_read_signed(redis_reply_text(reply), &time_ms))
        *(int64_t *)opaque = time_ms;
}

void deliveries_ask_time(struct reader *reader, const char *key, const char *id, int64_t *time_ms)
{
    const struct view argv[] = {view_of("ZSCORE"), view_of(key), view_of(id)};
    ask(reader, argv, G_N_ELEMENTS(argv), (struct reader_then){.take = take_time, .opaque = time_ms});
}

void deliveries_ask_counts(struct reader *reader, struct deliveries_counts *counts)
{
    ask_count(reader, DELIVERIES_KEY, &counts->pending);
    ask_count(reader, DELIVERIES_DEAD_KEY, &counts->dead);
}

/* ---- changing ---- */

static bool is_among(const struct redis_reply *ids, const char *id)
{
    for (size_t i = 0; i < redis_reply_count(ids); i++)
        if (view_is(redis_reply_text(redis_reply_at(ids, i)), id))
            return true;
    return false;
}

static void take_claim(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t n, size_t b)
{
    struct deliveries_entry *entries = opaque;
    (void)reader, (void)b;
    for (size_t i = 0; i < n; i++)
        if (!is_among(reply, entries[i].id))
            entries[i].at_ms = 0;
}

void deliveries_ask_claim(struct reader *reader, struct deliveries_entry *entries, guint n, int64_t to_ms)
{
    g_assert(n <= DELIVERIES_PAGE);
    char to[TEXT_SIZE], times[DELIVERIES_PAGE][TEXT_SIZE];
    struct view argv[HEAD_N + 1 + 2 * DELIVERIES_PAGE] = {SCRIPT(claim_script)};
    text_of(to, to_ms);
    argv[HEAD_N] = view_of(to);
    for (guint i = 0; i < n; i++) {
        text_of(times[i], entries[i].at_ms);
        argv[HEAD_N + 1 + 2 * i] = view_of(entries[i].id);
        argv[HEAD_N + 2 + 2 * i] = view_of(times[i]);
        entries[i].at_ms = to_ms;
    }
    if (n > 0)
        ask(reader, argv, HEAD_N + 1 + 2 * n, (struct reader_then){.take = take_claim, .opaque = entries, .a = n});
}

static void note(struct reader *reader, const char *script, const struct deliveries_entry *entry, int64_t to_ms)
{
    char at[TEXT_SIZE], to[TEXT_SIZE];
    g_autofree char *tries = delivery_tries_write(&entry->tries);
    text_of(at, entry->at_ms);
    text_of(to, to_ms);
    const struct view argv[] = {SCRIPT(script), view_of(entry->id), view_of(at), view_of(tries), view_of(to)};
    ask(reader, argv, G_N_ELEMENTS(argv), (struct reader_then){0});
}

void deliveries_ask_postpone(struct reader *reader, const struct deliveries_entry *entry, int64_t to_ms)
{
    note(reader, postpone_script, entry, to_ms);
}

void deliveries_ask_bury(struct reader *reader, const struct deliveries_entry *entry, int64_t now_ms)
{
    note(reader, bury_script, entry, now_ms);
}

static void take_was_there(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    bool *was_there = opaque;
    (void)reader, (void)a, (void)b;
    if (was_there != NULL)
        *was_there = redis_reply_integer(reply) > 0;
}

void deliveries_ask_remove(struct reader *reader, const char *id, bool *was_there)
{
    const struct view argv[] = {SCRIPT(remove_script), view_of(id)};
    ask(reader, argv, G_N_ELEMENTS(argv), (struct reader_then){.take = take_was_there, .opaque = was_there});
}

void deliveries_ask_retry(struct reader *reader, const char *id, int64_t now_ms, bool *was_there)
{
    char now[TEXT_SIZE];
    text_of(now, now_ms);
    const struct view argv[] = {SCRIPT(retry_script), view_of(id), view_of(now)};
    ask(reader, argv, G_N_ELEMENTS(argv), (struct reader_then){.take = take_was_there, .opaque = was_there});
}

/* ---- sweeping ---- */

/* One field of the info, and whether somebody still needs it. */
struct leftover {
    char *id;
    int64_t first_ms;
    bool is_pending, is_dead;
};

static void free_leftover(void *opaque)
{
    struct leftover *leftover = opaque;
    g_free(leftover->id);
    g_free(leftover);
}

static void take_info(struct view name, struct view value, void *opaque, size_t a)
{
    struct delivery_tries tries;
    struct leftover *leftover = g_new0(struct leftover, 1);
    (void)a;
    delivery_tries_read(value, &tries);
    *leftover = (struct leftover){.id = g_strndup(name.data, name.size), .first_ms = tries.first_ms};
    g_ptr_array_add(opaque, leftover);
}

static void take_is_there(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    (void)reader, (void)a, (void)b;
    *(bool *)opaque = redis_reply_kind(reply) != REDIS_NIL;
}

static void ask_is_there(struct reader *reader, const char *key, const char *id, bool *is_there)
{
    const struct view argv[] = {view_of("ZSCORE"), view_of(key), view_of(id)};
    ask(reader, argv, G_N_ELEMENTS(argv), (struct reader_then){.take = take_is_there, .opaque = is_there});
}

static void judge(struct reader *reader, const struct leftover *leftover, int64_t *oldest_ms)
{
    const struct view argv[] = {view_of("HDEL"), view_of(DELIVERIES_INFO_KEY), view_of(leftover->id)};
    if (!leftover->is_pending && !leftover->is_dead)
        ask(reader, argv, G_N_ELEMENTS(argv), (struct reader_then){0});
    if (leftover->is_pending && leftover->first_ms > 0 && (*oldest_ms == 0 || leftover->first_ms < *oldest_ms))
        *oldest_ms = leftover->first_ms;
}

static bool sweep_info(struct reader *reader, int64_t *oldest_ms, GError **error)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(free_leftover);
    *oldest_ms = 0;
    reader_scan(reader, READER_CONTROL, "HSCAN", DELIVERIES_INFO_KEY, NULL,
                (struct reader_pairs){.each = take_info, .opaque = all});
    if (!reader_finish(reader, error))
        return false;
    for (guint i = 0; i < all->len; i++) {
        struct leftover *leftover = g_ptr_array_index(all, i);
        ask_is_there(reader, DELIVERIES_KEY, leftover->id, &leftover->is_pending);
        ask_is_there(reader, DELIVERIES_DEAD_KEY, leftover->id, &leftover->is_dead);
    }
    if (!reader_finish(reader, error))
        return false;
    for (guint i = 0; i < all->len; i++)
        judge(reader, g_ptr_array_index(all, i), oldest_ms);
    return reader_finish(reader, error);
}

/* Only from the dead ones: it may be pending again. What it leaves in the info goes with the rest. */
static void ask_forget(struct reader *reader, const char *id)
{
    const struct view argv[] = {view_of("ZREM"), view_of(DELIVERIES_DEAD_KEY), view_of(id)};
    ask(reader, argv, G_N_ELEMENTS(argv), (struct reader_then){0});
}

/* A page of dead ones; *more: there may be others. */
static bool sweep_dead(struct reader *reader, uint32_t dead_max, int64_t before_ms, bool *more, GError **error)
{
    struct deliveries_counts counts = {0};
    struct deliveries_page old, oldest;
    deliveries_page_init(&old);
    deliveries_page_init(&oldest);
    ask_until(reader, DELIVERIES_DEAD_KEY, before_ms, 0, &old);
    deliveries_ask_range(reader, DELIVERIES_DEAD_KEY, 0, DELIVERIES_PAGE, &oldest);
    deliveries_ask_counts(reader, &counts);
    bool ok = reader_finish(reader, error);
    int64_t beyond = MAX(counts.dead - (int64_t)dead_max, (int64_t)old.entries->len);
    for (guint i = 0; ok && i < oldest.entries->len && i < beyond; i++)
        ask_forget(reader, deliveries_page_at(&oldest, i)->id);
    *more = beyond >= DELIVERIES_PAGE && oldest.entries->len > 0;
    deliveries_page_clear(&old);
    deliveries_page_clear(&oldest);
    return ok && reader_finish(reader, error);
}

bool deliveries_bound(struct reader *reader, uint32_t most, int64_t now_ms, uint64_t *n, GError **error)
{
    char stay[TEXT_SIZE], now[TEXT_SIZE], page[TEXT_SIZE];
    int64_t some = DELIVERIES_PAGE;
    text_of(stay, most);
    text_of(now, now_ms);
    text_of(page, DELIVERIES_PAGE);
    const struct view argv[] = {SCRIPT(bound_script), view_of(stay), view_of(now), view_of(page)};
    for (*n = 0; some == DELIVERIES_PAGE; *n += (uint64_t)some) {
        some = 0;
        ask(reader, argv, G_N_ELEMENTS(argv), (struct reader_then){.take = take_count, .opaque = &some});
        if (!reader_finish(reader, error))
            return false;
    }
    return true;
}

bool deliveries_sweep(struct reader *reader, uint32_t dead_max, int64_t before_ms, int64_t *oldest_ms, GError **error)
{
    bool more = true;
    while (more)
        if (!sweep_dead(reader, dead_max, before_ms, &more, error))
            return false;
    return sweep_info(reader, oldest_ms, error);
}
