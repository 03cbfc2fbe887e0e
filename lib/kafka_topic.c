/* Topic administration.
 *
 * The handle is a consumer's, because a producer's request for metadata makes the broker create a missing topic with its own
 * defaults. The embedded broker knows neither CreateTopics nor DescribeConfigs; librdkafka then says "unsupported feature". */
#include "lib/kafka_internal.h"
#include "lib/log.h"
#include <string.h>

enum { ERRSTR_SIZE = 512, PAUSE_MS = 50 };

struct admin {
    rd_kafka_t *rk;
    gint64 deadline_us; /* monotonic */
    const char *topic;
    int broker_id; /* one that answered; -1: none yet */
};

static bool admin_open(struct admin *admin, const struct kafka_settings *settings, const char *topic, int timeout_ms,
                       GError **error)
{
    static const struct kafka_option options[] = {{"allow.auto.create.topics", "false"}};
    rd_kafka_conf_t *conf = kafka_conf_new(settings, options, G_N_ELEMENTS(options), error);

    admin->topic = topic;
    admin->broker_id = -1;
    admin->deadline_us = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
    admin->rk = conf ? kafka_handle_new(RD_KAFKA_CONSUMER, conf, error) : NULL;
    return admin->rk != NULL;
}

static int admin_left_ms(const struct admin *admin)
{
    gint64 left_us = admin->deadline_us - g_get_monotonic_time();

    return left_us > 0 ? (int)(left_us / 1000) + 1 : 0;
}

/* One look at the metadata. err is the topic's; 0 only when every partition has a leader. */
static rd_kafka_resp_err_t admin_ask(struct admin *admin, rd_kafka_topic_t *rkt, int *partitions)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t err = rd_kafka_metadata(admin->rk, 0, rkt, &metadata, admin_left_ms(admin));

    if (err)
        return err;
    admin->broker_id = metadata->broker_cnt > 0 ? metadata->brokers[0].id : -1;
    if (metadata->topic_cnt != 1) {
        err = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    } else {
        const struct rd_kafka_metadata_topic *topic = &metadata->topics[0];
        err = topic->err;
        *partitions = topic->partition_cnt;
        for (int i = 0; !err && i < topic->partition_cnt; i++)
            err = topic->partitions[i].err;
        if (!err && topic->partition_cnt == 0)
            err = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    }
    rd_kafka_metadata_destroy(metadata);
    return err;
}

/* Asks until the topic is there with all its leaders. A missing topic is an answer unless wait_for_it. */
static bool admin_partitions(struct admin *admin, bool wait_for_it, int *partitions, GError **error)
{
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(admin->rk, admin->topic, NULL);
    rd_kafka_resp_err_t err = rkt ? RD_KAFKA_RESP_ERR__TIMED_OUT : rd_kafka_last_error();
    int known = 0;

    while (rkt && admin_left_ms(admin) > 0) {
        err = admin_ask(admin, rkt, &known);
        enum kafka_error code = kafka_error_code(err);
        if (!err || !(code == KAFKA_ERROR_UNREACHABLE || (wait_for_it && code == KAFKA_ERROR_NO_TOPIC)))
            break;
        g_usleep(PAUSE_MS * 1000);
    }
    if (rkt)
        rd_kafka_topic_destroy(rkt);
    *partitions = known;
    /* A partition without a leader is an outage, but its number is known and the topic is there. */
    if (!err || (known > 0 && err == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE))
        return true;
    g_autofree char *what = g_strdup_printf("Kafka topic %s cannot be asked for", admin->topic);
    kafka_error_set(error, err, what);
    return false;
}

/* The value of message.timestamp.type, borrowed from event; NULL with *err when it is not said. */
static const char *timestamp_type(rd_kafka_event_t *event, rd_kafka_resp_err_t *err)
{
    const rd_kafka_DescribeConfigs_result_t *result = rd_kafka_event_DescribeConfigs_result(event);
    size_t n = 0;
    size_t n_entries = 0;
    const rd_kafka_ConfigResource_t **resources = result ? rd_kafka_DescribeConfigs_result_resources(result, &n) : NULL;

    *err = rd_kafka_event_error(event);
    if (*err || n != 1)
        return NULL;
    *err = rd_kafka_ConfigResource_error(resources[0]);
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resources[0], &n_entries);
    for (size_t i = 0; i < n_entries; i++)
        if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), "message.timestamp.type") == 0)
            return rd_kafka_ConfigEntry_value(entries[i]);
    return NULL;
}

static rd_kafka_AdminOptions_t *admin_options(const struct admin *admin, rd_kafka_admin_op_t op)
{
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(admin->rk, op);
    char text[ERRSTR_SIZE];

    rd_kafka_AdminOptions_set_request_timeout(options, MAX(admin_left_ms(admin), 1), text, sizeof text);
    return options;
}

static bool admin_describe(const struct admin *admin, struct kafka_topic *info, GError **error)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(admin->rk);
    rd_kafka_AdminOptions_t *options = admin_options(admin, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, admin->topic);
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__TIMED_OUT;
    const char *type = NULL;
    char text[ERRSTR_SIZE];

    /* Any broker can answer; librdkafka would ask the controller, which the embedded broker never names, and time out. */
    if (admin->broker_id >= 0)
        rd_kafka_AdminOptions_set_broker(options, admin->broker_id, text, sizeof text);
    rd_kafka_DescribeConfigs(admin->rk, &resource, 1, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, MAX(admin_left_ms(admin), 1));
    if (event)
        type = timestamp_type(event, &err);
    info->config_known = type != NULL;
    info->log_append_time = type && strcmp(type, "LogAppendTime") == 0;
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_ConfigResource_destroy(resource);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    if (!err || err == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE)
        return true;
    if (err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED || err == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED) {
        log_warn("kafka_topic_settings_hidden", "topic=%s reason=%s", admin->topic, rd_kafka_err2str(err));
        return true;
    }
    g_autofree char *what = g_strdup_printf("The settings of Kafka topic %s cannot be read", admin->topic);
    kafka_error_set(error, err, what);
    return false;
}

bool kafka_topic_get(const struct kafka_settings *settings, const char *topic, int timeout_ms, struct kafka_topic *info,
                     GError **error)
{
    struct admin admin;

    memset(info, 0, sizeof *info);
    if (!admin_open(&admin, settings, topic, timeout_ms, error))
        return false;
    bool ok = admin_partitions(&admin, false, &info->partitions, error) && admin_describe(&admin, info, error);
    kafka_handle_free(admin.rk);
    return ok;
}

/* What the broker said of the one topic that was to be created. */
static rd_kafka_resp_err_t created(rd_kafka_event_t *event, char *text, size_t text_size)
{
    const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(event);
    size_t n = 0;
    const rd_kafka_topic_result_t **topics = result ? rd_kafka_CreateTopics_result_topics(result, &n) : NULL;
    rd_kafka_resp_err_t err = rd_kafka_event_error(event);
    const char *reason = rd_kafka_event_error_string(event);

    if (!err && n == 1) {
        err = rd_kafka_topic_result_error(topics[0]);
        reason = rd_kafka_topic_result_error_string(topics[0]);
    }
    g_strlcpy(text, reason ? reason : rd_kafka_err2str(err), text_size);
    return err;
}

/* Somebody else may have been faster: that is fine too. */
static bool admin_create(const struct admin *admin, rd_kafka_NewTopic_t *topic, GError **error)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(admin->rk);
    rd_kafka_AdminOptions_t *options = admin_options(admin, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__TIMED_OUT;
    char text[ERRSTR_SIZE];

    g_strlcpy(text, rd_kafka_err2str(err), sizeof text);
    rd_kafka_CreateTopics(admin->rk, &topic, 1, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, MAX(admin_left_ms(admin), 1));
    if (event) {
        err = created(event, text, sizeof text);
        rd_kafka_event_destroy(event);
    }
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    if (!err || err == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        return true;
    g_set_error(error, KAFKA_ERROR, (gint)kafka_error_code(err), "Kafka topic %s cannot be created: %s.", admin->topic, text);
    return false;
}

static rd_kafka_NewTopic_t *new_topic(const char *topic, int partitions, int replication, int64_t retention_ms, GError **error)
{
    char text[ERRSTR_SIZE];
    char retention[32];
    rd_kafka_NewTopic_t *spec = rd_kafka_NewTopic_new(topic, partitions, replication, text, sizeof text);

    if (!spec) {
        g_set_error(error, KAFKA_ERROR, KAFKA_ERROR_CONFIG, "Kafka topic %s cannot be created: %s.", topic, text);
        return NULL;
    }
    g_snprintf(retention, sizeof retention, "%" G_GINT64_FORMAT, (gint64)retention_ms);
    rd_kafka_NewTopic_set_config(spec, "message.timestamp.type", "LogAppendTime");
    rd_kafka_NewTopic_set_config(spec, "cleanup.policy", "delete");
    rd_kafka_NewTopic_set_config(spec, "retention.ms", retention);
    return spec;
}

/* deviation: a topic has that many properties. */
bool kafka_topic_create(const struct kafka_settings *settings, const char *topic, int partitions, int replication,
                        int64_t retention_ms, int timeout_ms, GError **error)
{
    struct admin admin;
    int known;
    bool ok = false;
    rd_kafka_NewTopic_t *spec = new_topic(topic, partitions, replication, retention_ms, error);

    if (!spec)
        return false;
    if (admin_open(&admin, settings, topic, timeout_ms, error)) {
        GError *missing = NULL;
        ok = admin_partitions(&admin, false, &known, &missing);
        if (!ok && g_error_matches(missing, KAFKA_ERROR, KAFKA_ERROR_NO_TOPIC)) {
            g_clear_error(&missing);
            ok = admin_create(&admin, spec, error) && admin_partitions(&admin, true, &known, error);
        }
        if (missing)
            g_propagate_error(error, missing);
        kafka_handle_free(admin.rk);
    }
    rd_kafka_NewTopic_destroy(spec);
    return ok;
}
