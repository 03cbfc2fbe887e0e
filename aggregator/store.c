#include "aggregator/store.h"

#include "lib/keys.h"

#define FENCE                                             \
    "local c = redis.call('HMGET', KEYS[1], 'tok', 'n') " \
    "if c[1] ~= ARGV[1] or (c[2] or '0') ~= ARGV[2] then return redis.error_reply('FENCED another owner') end "
#define REPLID "string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')"
#define SAME_HISTORY "if " REPLID " ~= ARGV[3] then return redis.error_reply('FENCED another history') end "

const char *const store_scripts[STORE_N_SCRIPTS] = {
    [STORE_CLAIM] = "local state = redis.call('HGET', KEYS[1], 'state') or 'live' "
                    "if state ~= 'live' then return {state} end "
                    "redis.call('HSET', KEYS[1], 'tok', ARGV[1]) "
                    "local c = redis.call('HMGET', KEYS[1], 'n', 'next', 'topic', 'fp', 'pay') "
                    "return {state, " REPLID ", c[1] or '0', c[2] or '0', c[3] or '', c[4] or '', c[5] or ''}",
    [STORE_COMMIT] = FENCE SAME_HISTORY "return redis.call('HSET', KEYS[1], 'n', ARGV[4], 'next', ARGV[5], 'topic', ARGV[6], "
                                        "'fp', ARGV[7], 'state', 'live', 'pay', ARGV[8])",
    [STORE_APPLY] = FENCE "return redis.call(ARGV[3], KEYS[2], unpack(ARGV, 4))",
    [STORE_SHEET] = FENCE SAME_HISTORY "return redis.call('SET', KEYS[2], ARGV[4], 'NX')",
    [STORE_GUARD] = FENCE SAME_HISTORY "return 1",
};

const char *store_script_sha(enum store_script script)
{
    static gsize done;
    static char shas[STORE_N_SCRIPTS][41];
    if (g_once_init_enter(&done)) {
        for (size_t i = 0; i < STORE_N_SCRIPTS; i++) {
            g_autofree char *sha = g_compute_checksum_for_string(G_CHECKSUM_SHA1, store_scripts[i], -1);
            g_strlcpy(shas[i], sha, sizeof shas[i]);
        }
        g_once_init_leave(&done, 1);
    }
    return shas[script];
}

struct redis_store {
    struct store store;
    struct redis *redis;
};

static void redis_store_append(struct store *store, size_t argc, const struct view *argv)
{
    redis_append(((struct redis_store *)store)->redis, argc, argv);
}

static bool redis_store_send(struct store *store, GError **error)
{
    return redis_send(((struct redis_store *)store)->redis, error);
}

static struct redis_reply *redis_store_read(struct store *store, GError **error)
{
    return redis_read(((struct redis_store *)store)->redis, error);
}

static void redis_store_free(struct store *store)
{
    redis_free(((struct redis_store *)store)->redis);
    g_free(store);
}

static const struct store_ops redis_ops = {redis_store_append, redis_store_send, redis_store_read, redis_store_free};

struct store *store_connect(const struct redis_settings *settings, int partition, GError **error)
{
    char key[KEYS_MAX];
    keys_plain(key, partition, "commit");
    struct redis *redis = redis_connect(settings, key, error);
    if (!redis)
        return NULL;
    for (size_t i = 0; i < STORE_N_SCRIPTS; i++) {
        char sha[41];
        if (!redis_script_load(redis, store_scripts[i], sha, error)) {
            redis_free(redis);
            return NULL;
        }
        g_assert_cmpstr(sha, ==, store_script_sha((enum store_script)i));
    }
    struct redis_store *store = g_new0(struct redis_store, 1);
    store->store.ops = &redis_ops;
    store->redis = redis;
    return &store->store;
}
