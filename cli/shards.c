/* shards: see shards.h. */
#include "cli/shards.h"

#include "lib/keys.h"
#include "lib/number.h"

#include <string.h>

#define TOPIC_KEY "daybook:topic" /* hash: topic, partitions; the aggregator writes it */
enum { TIMEOUT_MS = 30000, PARTITIONS_MAX = 4096 };

struct shards {
    struct redis_settings settings;
    bool cluster;
    int n;
    char *topic;
    struct redis **links; /* by partition; outside of a cluster only the first */
};

static bool read_topic(struct shards *shards, GError **error)
{
    struct redis *redis = redis_connect(&shards->settings, TOPIC_KEY, error);
    struct redis_reply *reply = redis ? redis_call(redis, error, "HMGET " TOPIC_KEY " partitions topic") : NULL;
    uint64_t n = 0;

    if (reply) {
        struct view topic = redis_reply_text(redis_reply_at(reply, 1));
        number_read(redis_reply_text(redis_reply_at(reply, 0)), &n);
        shards->topic = g_strndup(topic.size ? topic.data : "", topic.size);
    }
    if (reply && (n < 1 || n > PARTITIONS_MAX))
        g_set_error(error, REDIS_ERROR, REDIS_ERROR_REPLY,
                    "Redis holds no counts: " TOPIC_KEY " does not say how many partitions there are (the aggregator writes it)");
    shards->n = n <= PARTITIONS_MAX ? (int)n : 0;
    redis_reply_free(reply);
    if (redis)
        redis_free(redis);
    return shards->n > 0;
}

static struct shards *shards_start(const char *url)
{
    struct shards *shards = g_new0(struct shards, 1);

    shards->settings = (struct redis_settings){.url = url, .connect_timeout_ms = TIMEOUT_MS, .command_timeout_ms = TIMEOUT_MS};
    shards->cluster = g_str_has_prefix(url, "redis+cluster:");
    return shards;
}

struct shards *shards_open(const char *url, GError **error)
{
    struct shards *shards = shards_start(url);

    if (!read_topic(shards, error)) {
        shards_free(shards);
        return NULL;
    }
    shards->links = g_new0(struct redis *, (gsize)shards->n);
    return shards;
}

struct shards *shards_new(const char *url, int n_partitions)
{
    struct shards *shards = shards_start(url);

    shards->n = n_partitions;
    shards->topic = g_strdup("");
    shards->links = g_new0(struct redis *, (gsize)n_partitions);
    return shards;
}

void shards_free(struct shards *shards)
{
    if (!shards)
        return;
    for (int i = 0; shards->links && i < shards->n; i++) {
        if (shards->links[i])
            redis_free(shards->links[i]);
    }
    g_free(shards->links);
    g_free(shards->topic);
    g_free(shards);
}

int shards_count(const struct shards *shards)
{
    return shards->n;
}

const char *shards_topic(const struct shards *shards)
{
    return shards->topic;
}

struct redis *shards_get(struct shards *shards, int partition, GError **error)
{
    struct redis **link = &shards->links[shards->cluster ? partition : 0];
    char key[KEYS_MAX];

    g_assert(partition >= 0 && partition < shards->n);
    if (*link && redis_broken(*link))
        g_clear_pointer(link, redis_free);
    keys_plain(key, partition, "meta");
    if (!*link)
        *link = redis_connect(&shards->settings, key, error);
    return *link;
}

struct redis_reply *shards_hash(struct shards *shards, int partition, const char *kind, GError **error)
{
    struct redis *redis = shards_get(shards, partition, error);
    char key[KEYS_MAX];

    keys_plain(key, partition, kind);
    return redis ? redis_call(redis, error, "HGETALL %s", key) : NULL;
}
