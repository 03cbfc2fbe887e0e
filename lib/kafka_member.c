/* The group member: learns which partitions are its own, and nothing else.
 *
 * Eager assignment with static membership: a worker that comes back within the session time-out finds its partitions as they were,
 * and nobody else's move. On an assignment librdkafka must be answered by assign(); an empty list is answered, so that it joins,
 * beats its heart and follows rebalances, but fetches nothing and asks for no stored offset. The reader (another handle) reads.
 *
 * A callback with n == 0 is made before librdkafka is told that the partitions were let go, so no other member has them before it
 * returned, unless it took longer than max.poll.interval.ms or the broker has thrown us out meanwhile; the commit record is the
 * defence against that. */
#include "lib/kafka_internal.h"
#include "lib/log.h"
#include <stdlib.h>
#include <string.h>

enum { FAILURE_SIZE = 512 };

struct kafka_member {
    rd_kafka_t *rk;
    char *topic;
    kafka_assigned assigned;
    void *opaque;
    size_t n_owned; /* partitions that the owner believes are its own */
    bool failed;
    char failure[FAILURE_SIZE];
};

static int compare_ints(const void *a, const void *b)
{
    int x = *(const int *)a;
    int y = *(const int *)b;

    return (x > y) - (x < y);
}

static void member_give(struct kafka_member *member, const rd_kafka_topic_partition_list_t *list)
{
    g_autofree int *partitions = g_new(int, (gsize)list->cnt + 1);
    size_t n = 0;

    for (int i = 0; i < list->cnt; i++)
        if (strcmp(list->elems[i].topic, member->topic) == 0)
            partitions[n++] = list->elems[i].partition;
    qsort(partitions, n, sizeof *partitions, compare_ints);
    member->n_owned = n;
    member->assigned(member->opaque, partitions, n);
}

static void member_take_all(struct kafka_member *member)
{
    if (member->n_owned == 0)
        return;
    member->n_owned = 0;
    member->assigned(member->opaque, NULL, 0);
}

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *list, void *opaque)
{
    struct kafka_member *member = (struct kafka_member *)opaque;

    if (err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(0);
        rd_kafka_assign(rk, none);
        rd_kafka_topic_partition_list_destroy(none);
        member_give(member, list);
        return;
    }
    member_take_all(member);
    rd_kafka_assign(rk, NULL);
}

/* The group does not want us any more: others may own our partitions already. */
static void member_fail(struct kafka_member *member)
{
    rd_kafka_fatal_error(member->rk, member->failure, sizeof member->failure);
    member->failed = true;
    member_take_all(member);
}

static void on_error(rd_kafka_t *rk, int err, const char *reason, void *opaque)
{
    struct kafka_member *member = (struct kafka_member *)opaque;

    if (err == RD_KAFKA_RESP_ERR__FATAL)
        member_fail(member);
    else
        kafka_log_error(rk, err, reason);
}

static rd_kafka_conf_t *member_conf(const struct kafka_settings *settings, const char *group, const char *instance_id,
                                    GError **error)
{
    const struct kafka_option options[] = {
        {"group.id", group},
        {"group.instance.id", instance_id ? instance_id : ""},
        {"partition.assignment.strategy", "range"},
        {"session.timeout.ms", "10000"},
        {"heartbeat.interval.ms", "1000"},
        {"allow.auto.create.topics", "false"},
        {"enable.auto.offset.store", "false"},
        {"enable.auto.commit", "false"},
    };

    return kafka_conf_new(settings, options, G_N_ELEMENTS(options), error);
}

static bool member_subscribe(struct kafka_member *member, GError **error)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, member->topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t err = rd_kafka_subscribe(member->rk, topics);

    rd_kafka_topic_partition_list_destroy(topics);
    if (!err)
        return true;
    g_autofree char *what = g_strdup_printf("Kafka topic %s cannot be subscribed to", member->topic);
    kafka_error_set(error, err, what);
    return false;
}

/* deviation: who, where, and whom to tell are seven things. */
struct kafka_member *kafka_member_new(const struct kafka_settings *settings, const char *group, const char *instance_id,
                                      const char *topic, kafka_assigned assigned, void *opaque, GError **error)
{
    /* A static member that comes back is handed its old partitions without a look at what it subscribes to now. With another topic
     * it must be another member, or it would have none until the next rebalance. */
    g_autofree char *member_id = instance_id && *instance_id ? g_strdup_printf("%s.%s", instance_id, topic) : NULL;
    rd_kafka_conf_t *conf = member_conf(settings, group, member_id, error);
    struct kafka_member *member;

    if (!conf)
        return NULL;
    member = g_new0(struct kafka_member, 1);
    member->topic = g_strdup(topic);
    member->assigned = assigned;
    member->opaque = opaque;
    rd_kafka_conf_set_opaque(conf, member);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    member->rk = kafka_handle_new(RD_KAFKA_CONSUMER, conf, error);
    if (member->rk)
        rd_kafka_poll_set_consumer(member->rk);
    if (member->rk && member_subscribe(member, error))
        return member;
    kafka_handle_free(member->rk);
    g_free(member->topic);
    g_free(member);
    return NULL;
}

void kafka_member_poll(struct kafka_member *member, int timeout_ms)
{
    rd_kafka_message_t *message = rd_kafka_consumer_poll(member->rk, timeout_ms);

    if (!message)
        return;
    /* Nothing is fetched, so this is an error: a topic that is not there, a group we may not join, another with our instance id. */
    if (message->err == RD_KAFKA_RESP_ERR__FATAL)
        member_fail(member);
    else if (message->err)
        kafka_log_error(member->rk, message->err, rd_kafka_message_errstr(message));
    rd_kafka_message_destroy(message);
}

bool kafka_member_failed(const struct kafka_member *member, const char **message)
{
    if (message)
        *message = member->failed ? member->failure : NULL;
    return member->failed;
}

void kafka_member_free(struct kafka_member *member)
{
    if (!member)
        return;
    member_take_all(member);
    rd_kafka_consumer_close(member->rk); /* calls on_rebalance once more; nothing is owned by then */
    rd_kafka_destroy(member->rk);
    g_free(member->topic);
    g_free(member);
}
