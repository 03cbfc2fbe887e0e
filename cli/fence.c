/* fence: see fence.h. Every write is a script with one writing command, as the aggregator's are (aggregator/commit.h says why). */
#include "cli/fence.h"

#include "lib/crashpoint.h"
#include "lib/hex.h"
#include "lib/keys.h"

#include <gnutls/crypto.h>

static const char script[] = "local c = redis.call('HMGET', KEYS[1], 'tok', 'state') "
                             "if c[1] ~= ARGV[1] or c[2] ~= 'restoring' then return redis.error_reply('FENCED another owner') end "
                             "return redis.call(ARGV[2], KEYS[2], unpack(ARGV, 3))";

struct fence {
    struct shards *shards;
    char token[33], sha[41];
};

struct fence *fence_new(struct shards *shards)
{
    uint8_t bytes[16];
    struct fence *fence = g_new0(struct fence, 1);
    int failed = gnutls_rnd(GNUTLS_RND_NONCE, bytes, sizeof bytes);

    g_assert(failed == 0);
    hex_write(fence->token, bytes, sizeof bytes);
    fence->shards = shards;
    return fence;
}

void fence_free(struct fence *fence)
{
    g_free(fence);
}

bool fence_raise(struct fence *fence, int partition, GError **error)
{
    char key[KEYS_MAX];
    struct redis *redis = shards_get(fence->shards, partition, error);

    keys_plain(key, partition, "commit");
    if (!redis || !redis_script_load(redis, script, fence->sha, error))
        return false;
    struct redis_reply *reply = redis_call(redis, error, "HSET %s state restoring tok %s", key, fence->token);
    redis_reply_free(reply);
    return reply != NULL;
}

struct redis_reply *fence_write(struct fence *fence, int partition, size_t argc, const struct view *argv, GError **error)
{
    char key[KEYS_MAX];
    struct redis *redis = shards_get(fence->shards, partition, error);
    struct view words[FENCE_ARGS_MAX + 6];

    g_assert(argc >= 2 && argc <= FENCE_ARGS_MAX);
    if (!redis)
        return NULL;
    crashpoint("restore.write");
    words[0] = view_of("EVALSHA");
    words[1] = view_of(fence->sha);
    words[2] = view_of("2");
    words[3] = view_make(key, keys_plain(key, partition, "commit"));
    words[4] = argv[1];
    words[5] = view_of(fence->token);
    words[6] = argv[0];
    for (size_t i = 2; i < argc; i++)
        words[5 + i] = argv[i];
    struct redis_reply *reply = redis_command(redis, argc + 5, words, error);
    if (!reply)
        g_prefix_error(error, "partition %d, %.*s: ", partition, (int)argv[1].size, argv[1].data);
    return reply;
}

bool fence_set(struct fence *fence, int partition, GError **error, ...)
{
    struct view argv[16];
    size_t argc = 0;
    va_list words;

    va_start(words, error);
    for (const char *word = va_arg(words, const char *); word; word = va_arg(words, const char *)) {
        g_assert(argc < G_N_ELEMENTS(argv));
        argv[argc++] = view_of(word);
    }
    va_end(words);
    struct redis_reply *reply = fence_write(fence, partition, argc, argv, error);
    redis_reply_free(reply);
    return reply != NULL;
}

bool fence_lower(struct fence *fence, int partition, GError **error)
{
    char key[KEYS_MAX];

    keys_plain(key, partition, "commit");
    return fence_set(fence, partition, error, "HSET", key, "state", "live", (const char *)NULL);
}
