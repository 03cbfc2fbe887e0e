#include "collector/topic.h"

#include "lib/log.h"

enum { DAY_MS = 86400000 };

void topic_init(struct topic *topic, const struct config *config)
{
    *topic = (struct topic){
        .kafka = {.brokers = config_string(config, "kafka.brokers"),
                  .client_id = config_string(config, "kafka.client_id"),
                  .properties = config_list(config, "kafka.properties")},
        .name = config_string(config, "kafka.topic"),
        .create_partitions = (int)config_int(config, "kafka.create_partitions"),
        .create_replication = (int)config_int(config, "kafka.create_replication"),
        .create_retention_ms = config_int(config, "kafka.create_retention_days") * DAY_MS,
    };
}

static enum topic_verdict verdict_of(const GError *error)
{
    switch (error->code) {
    case KAFKA_ERROR_CONFIG:
        return TOPIC_REFUSED;
    case KAFKA_ERROR_NO_TOPIC:
        return TOPIC_MISSING;
    default:
        return TOPIC_UNREACHABLE;
    }
}

static bool make(const struct topic *topic, uint32_t least, int timeout_ms, GError **error)
{
    int partitions = MAX(topic->create_partitions, (int)least);
    if (!kafka_topic_create(&topic->kafka, topic->name, partitions, topic->create_replication, topic->create_retention_ms,
                            timeout_ms, error))
        return false;
    log_info("topic_made", "topic=%s partitions=%d", topic->name, partitions);
    return true;
}

static enum topic_verdict judge(struct topic *topic, const struct kafka_topic *info, uint32_t least, uint32_t *partitions,
                                char **message)
{
    *partitions = (uint32_t)info->partitions;
    if (*partitions < least) {
        *message = g_strdup_printf(
            "Topic %s has %u partitions, but batches were numbered for %u: a topic must never lose partitions. Restore "
            "them, or set kafka.topic to a new name and journal.dir to a new directory.",
            topic->name, *partitions, least);
        return TOPIC_SHRUNK;
    }
    if (info->config_known && !info->log_append_time && !topic->said_timestamps)
        log_warn("topic_timestamps", "topic=%s expected=%s", topic->name, "message.timestamp.type=LogAppendTime");
    topic->said_timestamps = true;
    return TOPIC_READY;
}

enum topic_verdict topic_check(struct topic *topic, uint32_t least, bool was_known, int timeout_ms, uint32_t *partitions,
                               char **message)
{
    g_autoptr(GError) error = NULL;
    struct kafka_topic info;
    if (kafka_topic_get(&topic->kafka, topic->name, timeout_ms, &info, &error))
        return judge(topic, &info, least, partitions, message);
    if (g_error_matches(error, KAFKA_ERROR, KAFKA_ERROR_NO_TOPIC) && topic->create_partitions > 0 && !was_known) {
        g_clear_error(&error);
        if (make(topic, least, timeout_ms, &error) && kafka_topic_get(&topic->kafka, topic->name, timeout_ms, &info, &error))
            return judge(topic, &info, least, partitions, message);
    }
    *message =
        was_known && error->code == KAFKA_ERROR_NO_TOPIC
            ? g_strdup_printf("Topic %s is gone, though batches were numbered for it: it is not made again by itself.", topic->name)
            : g_strdup(error->message);
    return verdict_of(error);
}
