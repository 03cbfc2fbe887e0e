#include "api/alerts.h"

#include "api/caller.h"
#include "lib/hex.h"
#include "lib/log.h"
#include "lib/number.h"
#include <gnutls/crypto.h>

#define TIME_KEY ALERTS_KEY ":time"
#define RECOVERED_KEY ALERTS_KEY ":recovered"
#define STATE_KEY ALERTS_KEY ":state"
#define LEVELS_KEY ALERTS_KEY ":levels"
#define REMOVED_KEY ALERTS_KEY ":removed"
#define VERSION_KEY ALERTS_KEY ":version"
#define DELIVERIES_KEY "{daybook}:deliveries"

enum {
    ANEW_MS = 30 * 1000,
    VERSION_BYTES = 8,
    VERSION_SIZE = 2 * VERSION_BYTES + 1,
    REPLY_DONE = 1,
    /* Of the scripts' arguments: command, body, number of keys, keys, then theirs. */
    HEAD_N = 3,
    KEYS_N = 7,
    OWN_N = 6,
};

/* KEYS of all scripts. */
static const char *const keys[KEYS_N] = {ALERTS_KEY, TIME_KEY, RECOVERED_KEY, STATE_KEY, LEVELS_KEY, VERSION_KEY, DELIVERIES_KEY};

/* ARGV: id, created, what it says, field of levels, level, version, deliveries…; without what it says only the deliveries are
 * added, for more are to come. A level that is not above one that was raised is none. */
static const char raise_script[] =
    "local raised = ARGV[4] ~= '' and tonumber(redis.call('HGET', KEYS[5], ARGV[4]) or 0) or -1 "
    "local function level() if ARGV[4] ~= '' then redis.call('HSET', KEYS[5], ARGV[4], ARGV[5]) end end "
    "if raised >= tonumber(ARGV[5]) then return 0 end "
    "if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then level() return 0 end "
    "for i = 7, #ARGV do redis.call('ZADD', KEYS[7], 'NX', ARGV[2], ARGV[i]) end "
    "if ARGV[3] == '' then return 0 end "
    "redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1]) "
    "redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) "
    "level() "
    "redis.call('SET', KEYS[6], ARGV[6]) "
    "return 1";

/* ARGV: id, now, "" (more are to come) or "1", version, deliveries… */
static const char recover_script[] =
    "if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 or redis.call('HEXISTS', KEYS[3], ARGV[1]) == 1 then return 0 end "
    "for i = 5, #ARGV do redis.call('ZADD', KEYS[7], 'NX', ARGV[2], ARGV[i]) end "
    "if ARGV[3] == '' then return 0 end "
    "redis.call('HSET', KEYS[3], ARGV[1], ARGV[2]) "
    "redis.call('SET', KEYS[6], ARGV[4]) "
    "return 1";

/* ARGV: how many may stay, time before which all go, version. The index goes last: what is not gone from it is removed once more.
 */
static const char trim_script[] =
    "local n = math.max(redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[1]), redis.call('ZCOUNT', KEYS[2], '-inf', '(' .. ARGV[2])) "
    "if n <= 0 then return 0 end "
    "local ids = redis.call('ZRANGE', KEYS[2], 0, math.min(n, 1000) - 1) "
    "redis.call('INCRBY', KEYS[7], #ids) "
    "redis.call('HDEL', KEYS[1], unpack(ids)) "
    "redis.call('HDEL', KEYS[3], unpack(ids)) "
    "redis.call('HDEL', KEYS[4], unpack(ids)) "
    "redis.call('SET', KEYS[6], ARGV[3]) "
    "redis.call('ZREM', KEYS[2], unpack(ids)) "
    "return #ids";

/* ARGV: id, state, version. */
static const char state_script[] = "if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end "
                                   "redis.call('HSET', KEYS[4], ARGV[1], ARGV[2]) "
                                   "redis.call('SET', KEYS[6], ARGV[3]) "
                                   "return 1";

/* ---- asking ---- */

/* A name that no version had: after a rollback none comes again for something else. */
static void make_version(char out[VERSION_SIZE])
{
    uint8_t random[VERSION_BYTES];
    int failed = gnutls_rnd(GNUTLS_RND_NONCE, random, sizeof random);
    g_assert(failed == 0);
    hex_write(out, random, sizeof random);
}

/* A script with own arguments, and the names among `rest`. */
struct script {
    const char *body;
    const char *own[OWN_N];
    size_t n_own;
    const char *last_key; /* in the place of DELIVERIES_KEY; or NULL */
};

static void run(struct reader *reader, const struct script *script, const GPtrArray *rest, guint first, guint end,
                struct reader_then then)
{
    struct view argv[HEAD_N + KEYS_N + OWN_N + ALERTS_DELIVERIES_AT_ONCE] = {view_of("EVAL"), view_of(script->body),
                                                                             view_of(G_STRINGIFY(7))};
    size_t n = HEAD_N;
    G_STATIC_ASSERT(KEYS_N == 7);
    for (size_t i = 0; i < KEYS_N; i++)
        argv[n++] = view_of(keys[i]);
    if (script->last_key != NULL)
        argv[n - 1] = view_of(script->last_key);
    for (size_t i = 0; i < script->n_own; i++)
        argv[n++] = view_of(script->own[i]);
    for (guint i = first; i < end; i++)
        argv[n++] = view_of(g_ptr_array_index((GPtrArray *)(uintptr_t)rest, i));
    reader_ask(reader, READER_CONTROL, argv, n, then);
}

static void take_outcome(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    enum alerts_outcome *outcome = opaque;
    (void)reader, (void)a, (void)b;
    *outcome = redis_reply_integer(reply) == REPLY_DONE ? ALERTS_DONE : ALERTS_BEFORE;
}

/* The script for all deliveries; `more` is the argument that is "" until the last of them are added. */
static void run_with_deliveries(struct reader *reader, struct script *script, size_t more, const GPtrArray *deliveries,
                                enum alerts_outcome *outcome)
{
    const char *last = script->own[more];
    guint n = deliveries != NULL ? deliveries->len : 0, first = 0;
    *outcome = ALERTS_UNKNOWN;
    script->own[more] = "";
    for (; n - first > ALERTS_DELIVERIES_AT_ONCE; first += ALERTS_DELIVERIES_AT_ONCE)
        run(reader, script, deliveries, first, first + ALERTS_DELIVERIES_AT_ONCE, (struct reader_then){0});
    script->own[more] = last;
    run(reader, script, deliveries, first, n, (struct reader_then){.take = take_outcome, .opaque = outcome});
}

static void text_of(char out[NUMBER_MAX + 1], int64_t value)
{
    out[number_write_signed(out, value)] = '\0';
}

void alerts_ask_raise(struct reader *reader, const struct alert *alert, const GPtrArray *deliveries, const char *level_field,
                      enum alerts_outcome *outcome)
{
    char created[NUMBER_MAX + 1], level[NUMBER_MAX + 1], version[VERSION_SIZE];
    g_autofree char *json = alert_keep(alert);
    make_version(version);
    text_of(created, alert->created_ms);
    text_of(level, alert->level);
    struct script script = {
        raise_script, {alert->id, created, json, level_field != NULL ? level_field : "", level, version}, OWN_N, NULL};
    run_with_deliveries(reader, &script, 2, deliveries, outcome);
}

void alerts_ask_recover(struct reader *reader, const char *id, const GPtrArray *deliveries, int64_t now_ms,
                        enum alerts_outcome *outcome)
{
    char now[NUMBER_MAX + 1], version[VERSION_SIZE];
    make_version(version);
    text_of(now, now_ms);
    struct script script = {recover_script, {id, now, "1", version}, 4, NULL};
    run_with_deliveries(reader, &script, 2, deliveries, outcome);
}

void alerts_ask_keep(struct reader *reader, const char *id, int64_t now_ms)
{
    char now[NUMBER_MAX + 1];
    text_of(now, now_ms);
    const struct view argv[] = {view_of("ZADD"), view_of(TIME_KEY), view_of("XX"), view_of(now), view_of(id)};
    reader_ask(reader, READER_CONTROL, argv, G_N_ELEMENTS(argv), (struct reader_then){0});
}

void alerts_ask_state(struct reader *reader, const char *id, enum alert_state state)
{
    char version[VERSION_SIZE];
    make_version(version);
    const struct script script = {state_script, {id, alert_state_name(state), version}, 3, NULL};
    run(reader, &script, NULL, 0, 0, (struct reader_then){0});
}

static void take_count(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    (void)reader, (void)a, (void)b;
    *(uint64_t *)opaque = (uint64_t)MAX(redis_reply_integer(reply), 0);
}

void alerts_ask_trim(struct reader *reader, uint32_t keep, int64_t before_ms, uint64_t *removed)
{
    char most[NUMBER_MAX + 1], before[NUMBER_MAX + 1], version[VERSION_SIZE];
    make_version(version);
    text_of(most, keep);
    text_of(before, before_ms);
    const struct script script = {trim_script, {most, before, version}, 3, REMOVED_KEY};
    *removed = 0;
    run(reader, &script, NULL, 0, 0, (struct reader_then){.take = take_count, .opaque = removed});
}

/* ---- levels ---- */

void alerts_ask_levels(struct reader *reader, struct reader_pairs pairs)
{
    reader_scan(reader, READER_CONTROL, "HSCAN", LEVELS_KEY, NULL, pairs);
}

void alerts_ask_count_levels(struct reader *reader, uint64_t *n)
{
    const struct view argv[] = {view_of("HLEN"), view_of(LEVELS_KEY)};
    reader_ask(reader, READER_CONTROL, argv, G_N_ELEMENTS(argv), (struct reader_then){.take = take_count, .opaque = n});
}

void alerts_ask_forget_levels(struct reader *reader, const GPtrArray *fields)
{
    struct view argv[2 + ALERTS_DELIVERIES_AT_ONCE] = {view_of("HDEL"), view_of(LEVELS_KEY)};
    for (guint first = 0; first < fields->len; first += ALERTS_DELIVERIES_AT_ONCE) {
        guint n = MIN(fields->len - first, (guint)ALERTS_DELIVERIES_AT_ONCE);
        for (guint i = 0; i < n; i++)
            argv[2 + i] = view_of(g_ptr_array_index((GPtrArray *)(uintptr_t)fields, first + i));
        reader_ask(reader, READER_CONTROL, argv, 2 + n, (struct reader_then){0});
    }
}

/* ---- one ---- */

static struct alert *read_one(struct view id, struct view json)
{
    g_autoptr(GError) error = NULL;
    struct alert *alert = alert_read(id, json, &error);
    if (alert == NULL)
        log_warn("alert_left_out", "alert=%.*s reason=%s", (int)MIN(id.size, ALERT_ID_SIZE), id.data, error->message);
    return alert;
}

static void set_recovered(struct alert *alert, struct view text)
{
    int64_t time_ms;
    if (number_read_signed(text, &time_ms))
        alert->recovered_ms = time_ms;
}

static void set_state(struct alert *alert, struct view text)
{
    g_autofree char *name = g_strndup(text.data != NULL ? text.data : "", text.size);
    enum alert_state state;
    if (alert_state_parse(name, &state))
        alert->state = state;
}

struct finding {
    const char *id;
    struct alert *alert;
};

enum { FIND_RECORD, FIND_RECOVERED, FIND_STATE };

static void take_found(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t what, size_t b)
{
    struct finding *finding = opaque;
    struct view text = redis_reply_text(reply);
    (void)reader, (void)b;
    if (redis_reply_kind(reply) == REDIS_NIL)
        return;
    if (what == FIND_RECORD && finding->alert == NULL)
        finding->alert = read_one(view_of(finding->id), text);
    else if (what == FIND_RECOVERED && finding->alert != NULL)
        set_recovered(finding->alert, text);
    else if (what == FIND_STATE && finding->alert != NULL)
        set_state(finding->alert, text);
}

bool alerts_find(struct reader *reader, const char *id, struct alert **alert, GError **error)
{
    static const char *const hashes[] = {[FIND_RECORD] = ALERTS_KEY, [FIND_RECOVERED] = RECOVERED_KEY, [FIND_STATE] = STATE_KEY};
    struct finding finding = {id, NULL};
    for (size_t i = 0; i < G_N_ELEMENTS(hashes); i++) {
        const struct view argv[] = {view_of("HGET"), view_of(hashes[i]), view_of(id)};
        reader_ask(reader, READER_CONTROL, argv, G_N_ELEMENTS(argv),
                   (struct reader_then){.take = take_found, .opaque = &finding, .a = i});
    }
    bool ok = reader_finish(reader, error);
    if (!ok)
        g_clear_pointer(&finding.alert, alert_free);
    *alert = finding.alert;
    return ok;
}

/* ---- all ---- */

struct alerts_cache {
    GMutex lock;
    struct alerts_list *list; /* the newest; NULL: none was read yet */
};

struct alerts_cache *alerts_cache_new(void)
{
    struct alerts_cache *cache = g_new0(struct alerts_cache, 1);
    g_mutex_init(&cache->lock);
    return cache;
}

void alerts_cache_free(struct alerts_cache *cache)
{
    if (cache == NULL)
        return;
    if (cache->list != NULL)
        alerts_list_release(cache->list);
    g_mutex_clear(&cache->lock);
    g_free(cache);
}

void alerts_list_release(struct alerts_list *list)
{
    if (!g_atomic_int_dec_and_test(&list->users))
        return;
    g_ptr_array_free(list->all, TRUE);
    g_free(list->version);
    g_free(list);
}

static struct alerts_list *list_ref(struct alerts_list *list)
{
    g_atomic_int_inc(&list->users);
    return list;
}

static void free_alert(void *alert)
{
    alert_free(alert);
}

struct loading {
    struct alerts_list *list;
    GHashTable *by_id; /* borrowed from the list */
};

static void take_record(struct view name, struct view value, void *opaque, size_t a)
{
    struct loading *loading = opaque;
    (void)a;
    if (g_hash_table_size(loading->by_id) >= ALERTS_MAX)
        return;
    struct alert *alert = read_one(name, value);
    if (alert == NULL)
        return;
    if (g_hash_table_contains(loading->by_id, alert->id)) {
        alert_free(alert);
        return;
    }
    g_hash_table_insert(loading->by_id, alert->id, alert);
    g_ptr_array_add(loading->list->all, alert);
}

static void take_detail(struct view name, struct view value, void *opaque, size_t what)
{
    const struct loading *loading = opaque;
    g_autofree char *id = g_strndup(name.data, name.size);
    struct alert *alert = g_hash_table_lookup(loading->by_id, id);
    if (alert != NULL && what == FIND_RECOVERED)
        set_recovered(alert, value);
    else if (alert != NULL)
        set_state(alert, value);
}

static void take_text(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    struct view text = redis_reply_text(reply);
    (void)reader, (void)a, (void)b;
    *(char **)opaque = g_strndup(text.data != NULL ? text.data : "", text.size);
}

static void ask_text(struct reader *reader, const char *key, char **text)
{
    const struct view argv[] = {view_of("GET"), view_of(key)};
    reader_ask(reader, READER_CONTROL, argv, G_N_ELEMENTS(argv), (struct reader_then){.take = take_text, .opaque = text});
}

static gint compare_newest(gconstpointer a, gconstpointer b)
{
    const struct alert *const *x = a, *const *y = b;
    if ((*x)->created_ms != (*y)->created_ms)
        return (*x)->created_ms < (*y)->created_ms ? 1 : -1;
    return strcmp((*y)->id, (*x)->id);
}

/* Records first: what belongs to one that came meanwhile is read with the next version. */
static bool read_list(struct reader *reader, struct alerts_list *list, GError **error)
{
    g_autofree char *removed = NULL;
    struct loading loading = {list, g_hash_table_new(g_str_hash, g_str_equal)};
    reader_scan(reader, READER_CONTROL, "HSCAN", ALERTS_KEY, NULL, (struct reader_pairs){.each = take_record, .opaque = &loading});
    ask_text(reader, REMOVED_KEY, &removed);
    bool ok = reader_finish(reader, error);
    if (ok) {
        reader_scan(reader, READER_CONTROL, "HSCAN", RECOVERED_KEY, NULL,
                    (struct reader_pairs){.each = take_detail, .opaque = &loading, .a = FIND_RECOVERED});
        reader_scan(reader, READER_CONTROL, "HSCAN", STATE_KEY, NULL,
                    (struct reader_pairs){.each = take_detail, .opaque = &loading, .a = FIND_STATE});
        ok = reader_finish(reader, error);
    }
    g_hash_table_destroy(loading.by_id);
    if (removed == NULL || !number_read(view_of(removed), &list->removed))
        list->removed = 0;
    g_ptr_array_sort(list->all, compare_newest);
    return ok;
}

/* The kept list if it is of this version and not old. */
static struct alerts_list *known_list(struct alerts_cache *cache, const char *version)
{
    g_mutex_lock(&cache->lock);
    struct alerts_list *list = cache->list;
    if (list != NULL && strcmp(list->version, version) == 0 &&
        g_get_monotonic_time() - list->read_us < ANEW_MS * G_TIME_SPAN_MILLISECOND)
        list = list_ref(list);
    else
        list = NULL;
    g_mutex_unlock(&cache->lock);
    return list;
}

static void keep_list(struct alerts_cache *cache, struct alerts_list *list)
{
    g_mutex_lock(&cache->lock);
    struct alerts_list *before = cache->list;
    cache->list = list_ref(list);
    g_mutex_unlock(&cache->lock);
    if (before != NULL)
        alerts_list_release(before);
}

struct alerts_list *alerts_cache_take(struct alerts_cache *cache, struct reader *reader, GError **error)
{
    g_autofree char *version = NULL;
    ask_text(reader, VERSION_KEY, &version);
    if (!reader_finish(reader, error))
        return NULL;
    struct alerts_list *list = known_list(cache, version);
    if (list != NULL)
        return list;
    list = g_new0(struct alerts_list, 1);
    list->users = 1;
    list->read_us = g_get_monotonic_time();
    list->version = g_steal_pointer(&version);
    list->all = g_ptr_array_new_with_free_func(free_alert);
    if (!read_list(reader, list, error)) {
        alerts_list_release(list);
        return NULL;
    }
    keep_list(cache, list);
    return list;
}

/* ---- filters ---- */

void alerts_filter_init(struct alerts_filter *filter)
{
    *filter = (struct alerts_filter){.active = -1, .from_ms = INT64_MIN, .to_ms = INT64_MAX};
}

bool alerts_filter_narrow(struct alerts_filter *filter, const struct caller *caller)
{
    if (caller->organization == NULL)
        return true;
    filter->without_system = true;
    if (filter->organization == NULL)
        filter->organization = caller->organization;
    if (filter->client == NULL)
        filter->client = caller->client;
    return strcmp(filter->organization, caller->organization) == 0 &&
           (caller->client == NULL || strcmp(filter->client, caller->client) == 0);
}

static bool is_of(const char *wanted, const char *value)
{
    return wanted == NULL || g_strcmp0(wanted, value) == 0;
}

static bool is_among(uint32_t bits, unsigned bit)
{
    return bits == 0 || (bits >> bit & 1) != 0;
}

bool alerts_filter_has(const struct alerts_filter *filter, const struct alert *alert)
{
    bool is_system = alert->kind == ALERT_SYSTEM;
    if (is_system && (filter->without_system || filter->periods != 0 || filter->level != 0))
        return false;
    return is_of(filter->organization, alert->organization) && is_of(filter->client, alert->client) &&
           is_of(filter->metric, alert->metric) && is_among(filter->kinds, alert->kind) &&
           (filter->states != 0 ? is_among(filter->states, alert->state) : alert->state != ALERT_DELETED) &&
           is_among(filter->periods, alert->period) && (filter->level == 0 || filter->level == alert->level) &&
           (filter->active < 0 || (filter->active == 1) == (alert->recovered_ms == 0)) && alert->created_ms >= filter->from_ms &&
           alert->created_ms < filter->to_ms;
}

GPtrArray *alerts_newest(const struct alerts_list *list, const struct alerts_filter *filter, guint n)
{
    GPtrArray *newest = g_ptr_array_new();
    for (guint i = 0; i < list->all->len && newest->len < n; i++)
        if (alerts_filter_has(filter, g_ptr_array_index(list->all, i)))
            g_ptr_array_add(newest, g_ptr_array_index(list->all, i));
    return newest;
}
