/* The producer: the journal is the queue, this is the pipe.
 *
 * Order is the guarantee. The collector counts batches 1, 2, 3… per partition, and the aggregator drops what is not above the last
 * number it saw; so a batch that was passed over and sent again later would be lost. Idempotence keeps the order through retries;
 * enable.gapless.guarantee turns a message that fails alone into a fatal error, before a later one can overtake it. Whatever
 * failed, the producer is dead from then on: its owner makes another and sends again from the oldest unacknowledged.
 *
 * Of each partition the first message goes alone, and the others follow when it is acknowledged. For a broker that does not know a
 * producer yet takes whatever of it comes first (KAFKA-15591, mended in brokers of 2026): if a first request is refused, since the
 * partition is just being led by another broker, or made, and a second one behind it is taken, the first is lost without an error.
 *
 * A message never times out (message.timeout.ms=0): the journal holds it anyway, and five minutes, the default, is a short outage.
 */
#include "lib/kafka_internal.h"
#include "lib/log.h"
#include <errno.h>

enum { FAILURE_SIZE = 512, PURGE_WAIT_MS = 50, PURGE_ROUNDS = 40 };

struct kafka_producer {
    rd_kafka_t *rk;
    rd_kafka_topic_t *rkt;
    kafka_delivered delivered;
    void *opaque;
    GArray *began; /* by partition: enum began */
    int in_flight; /* sent and not yet called back */
    bool failed;
    bool freeing;
    char failure[FAILURE_SIZE];
};

enum began { NOT_BEGUN, FIRST_SENT, BEGUN };

static const struct kafka_option producer_options[] = {
    {"enable.idempotence", "true"},
    {"enable.gapless.guarantee", "true"},
    {"acks", "all"},
    {"message.timeout.ms", "0"},
    {"compression.codec", "lz4"},
    {"queue.buffering.max.kbytes", "16384"},
    {"queue.buffering.max.messages", "100000"},
    {"linger.ms", "5"},
};

static void producer_fail(struct kafka_producer *producer, const char *reason)
{
    if (producer->failed || producer->freeing)
        return;
    producer->failed = true;
    g_strlcpy(producer->failure, reason, sizeof producer->failure);
}

static enum began *began_at(struct kafka_producer *producer, int partition)
{
    if ((guint)partition >= producer->began->len)
        g_array_set_size(producer->began, (guint)partition + 1);
    return &g_array_index(producer->began, enum began, partition);
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    struct kafka_producer *producer = (struct kafka_producer *)opaque;

    (void)rk;
    producer->in_flight--;
    g_assert(producer->in_flight >= 0);
    if (message->err)
        producer_fail(producer, rd_kafka_err2str(message->err));
    else
        *began_at(producer, message->partition) = BEGUN;
    if (producer->delivered)
        producer->delivered(producer->opaque, message->_private, message->err == RD_KAFKA_RESP_ERR_NO_ERROR);
}

static void on_error(rd_kafka_t *rk, int err, const char *reason, void *opaque)
{
    struct kafka_producer *producer = (struct kafka_producer *)opaque;
    char text[FAILURE_SIZE];

    if (err == RD_KAFKA_RESP_ERR__FATAL) {
        rd_kafka_resp_err_t code = rd_kafka_fatal_error(rk, text, sizeof text);
        g_autofree char *sentence = g_strdup_printf("%s: %s", rd_kafka_err2name(code), text);
        producer_fail(producer, sentence);
    } else {
        kafka_log_error(rk, err, reason);
    }
}

struct kafka_producer *kafka_producer_new(const struct kafka_settings *settings, const char *topic, kafka_delivered delivered,
                                          void *opaque, GError **error)
{
    rd_kafka_conf_t *conf = kafka_conf_new(settings, producer_options, G_N_ELEMENTS(producer_options), error);
    struct kafka_producer *producer;

    if (!conf)
        return NULL;
    producer = g_new0(struct kafka_producer, 1);
    producer->delivered = delivered;
    producer->opaque = opaque;
    producer->began = g_array_new(FALSE, TRUE, sizeof(enum began)); /* NOT_BEGUN */
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_opaque(conf, producer);
    producer->rk = kafka_handle_new(RD_KAFKA_PRODUCER, conf, error);
    producer->rkt = producer->rk ? rd_kafka_topic_new(producer->rk, topic, NULL) : NULL;
    if (producer->rkt)
        return producer;
    if (producer->rk) {
        g_set_error(error, KAFKA_ERROR, KAFKA_ERROR_CONFIG, "\"%s\" cannot be the name of a Kafka topic: %s.", topic,
                    rd_kafka_err2str(rd_kafka_last_error()));
        rd_kafka_destroy(producer->rk);
    }
    g_array_free(producer->began, TRUE);
    g_free(producer);
    return NULL;
}

void kafka_producer_free(struct kafka_producer *producer)
{
    if (!producer)
        return;
    producer->freeing = true;
    rd_kafka_purge(producer->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    for (int i = 0; producer->in_flight > 0 && i < PURGE_ROUNDS; i++)
        rd_kafka_poll(producer->rk, PURGE_WAIT_MS);
    if (producer->in_flight > 0)
        log_warn("kafka_purge_incomplete", "messages=%d", producer->in_flight);
    rd_kafka_topic_destroy(producer->rkt);
    rd_kafka_destroy(producer->rk);
    g_array_free(producer->began, TRUE);
    g_free(producer);
}

enum kafka_send kafka_producer_send(struct kafka_producer *producer, int partition, const void *data, size_t size,
                                    void *message_opaque)
{
    if (producer->failed)
        return KAFKA_SEND_FATAL;
    if (*began_at(producer, partition) == FIRST_SENT)
        return KAFKA_SEND_FULL;
    /* librdkafka copies (F_COPY) and does not write, but its parameter lacks the const. */
    union {
        const void *in;
        void *out;
    } payload = {data};
    if (rd_kafka_produce(producer->rkt, partition, RD_KAFKA_MSG_F_COPY, payload.out, size, NULL, 0, message_opaque) == 0) {
        producer->in_flight++;
        enum began *began = began_at(producer, partition);
        *began = MAX(*began, FIRST_SENT);
        return KAFKA_SENT;
    }
    rd_kafka_resp_err_t err = rd_kafka_last_error();
    if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        return KAFKA_SEND_FULL;
    log_error("kafka_send_refused", "partition=%d size_bytes=%zu reason=%s", partition, size, rd_kafka_err2str(err));
    producer_fail(producer, rd_kafka_err2str(err));
    return KAFKA_SEND_FATAL;
}

int kafka_producer_poll(struct kafka_producer *producer, int timeout_ms)
{
    return rd_kafka_poll(producer->rk, timeout_ms);
}

bool kafka_producer_failed(const struct kafka_producer *producer, const char **message)
{
    if (message)
        *message = producer->failed ? producer->failure : NULL;
    return producer->failed;
}

bool kafka_producer_flush(struct kafka_producer *producer, int timeout_ms)
{
    rd_kafka_flush(producer->rk, timeout_ms);
    return producer->in_flight == 0;
}

int kafka_producer_in_flight(const struct kafka_producer *producer)
{
    return producer->in_flight;
}
