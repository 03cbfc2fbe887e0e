/* lag: see lag.h. */
#include "cli/lag.h"

#include "cli/impossible.h"
#include "lib/keys.h"
#include "lib/number.h"

enum { WATERMARK_TIMEOUT_MS = 10000 };

static char *text_of(const struct redis_reply *reply)
{
    struct view text = redis_reply_text(reply);

    return g_strndup(text.size ? text.data : "", text.size);
}

static bool read_commit(struct redis *redis, int partition, struct lag_partition *lag, GError **error)
{
    char commit[KEYS_MAX], meta[KEYS_MAX];

    keys_plain(commit, partition, "commit");
    keys_plain(meta, partition, "meta");
    struct redis_reply *reply = redis_call(redis, error, "HMGET %s next state topic", commit);
    if (!reply)
        return false;
    struct view next = redis_reply_text(redis_reply_at(reply, 0));
    bool ok = redis_reply_count(reply) == 3 && (next.size == 0 || number_read_signed(next, &lag->next));
    if (ok) {
        lag->state = text_of(redis_reply_at(reply, 1));
        lag->topic = text_of(redis_reply_at(reply, 2));
    }
    redis_reply_free(reply);
    if (!ok) {
        g_set_error(error, REDIS_ERROR, REDIS_ERROR_REPLY, "%s in Redis is no commit record", commit);
        return false;
    }
    reply = redis_call(redis, error, "HGET %s topics", meta);
    if (!reply)
        return false;
    number_read_signed(redis_reply_text(reply), &lag->n_topics);
    redis_reply_free(reply);
    return true;
}

bool lag_read_commits(const struct redis_settings *settings, int n_partitions, struct lag *lag, GError **error)
{
    bool cluster = g_str_has_prefix(settings->url, "redis+cluster:");
    struct redis *redis = NULL;
    bool ok = true;

    lag_clear(lag);
    lag->n_partitions = n_partitions;
    lag->partitions = g_new0(struct lag_partition, (gsize)n_partitions);
    for (int i = 0; ok && i < n_partitions; i++) {
        char key[KEYS_MAX];
        keys_plain(key, i, "commit");
        if (cluster)
            g_clear_pointer(&redis, redis_free);
        if (!redis)
            redis = redis_connect(settings, key, error);
        ok = redis && read_commit(redis, i, &lag->partitions[i], error);
    }
    if (redis)
        redis_free(redis);
    return ok;
}

bool lag_read_log(struct kafka_reader *reader, struct lag *lag, GError **error)
{
    for (int i = 0; i < lag->n_partitions; i++) {
        struct lag_partition *partition = &lag->partitions[i];
        if (!kafka_reader_watermarks(reader, i, WATERMARK_TIMEOUT_MS, &partition->low, &partition->end, error))
            return false;
    }
    return true;
}

void lag_clear(struct lag *lag)
{
    for (int i = 0; i < lag->n_partitions; i++) {
        g_free(lag->partitions[i].state);
        g_free(lag->partitions[i].topic);
    }
    g_clear_pointer(&lag->partitions, g_free);
    lag->n_partitions = 0;
}

bool lag_check_topic(const struct lag *lag, const char *topic, const char *made, GError **error)
{
    for (int i = 0; i < lag->n_partitions; i++) {
        const struct lag_partition *partition = &lag->partitions[i];
        if (partition->topic[0] && strcmp(partition->topic, topic) != 0)
            return impossible(error, "partition %d in Redis was counted from topic %s, not from %s", i, partition->topic, topic);
        if (partition->n_topics > 0)
            return impossible(error,
                              "partition %d in Redis holds the counts of %" G_GINT64_FORMAT
                              " earlier topics too (an embedded broker begins a new one at each start): they cannot be %s",
                              i, partition->n_topics, made);
    }
    return true;
}

int64_t lag_total(const struct lag *lag, const char *topic)
{
    int64_t total = 0;

    for (int i = 0; i < lag->n_partitions; i++) {
        const struct lag_partition *partition = &lag->partitions[i];
        bool counted = g_strcmp0(partition->topic, topic) == 0;
        total += partition->end - MAX(partition->low, counted ? partition->next : 0);
    }
    return total;
}
