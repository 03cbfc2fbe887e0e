/* bench-read: reads a topic from its start with nothing but librdkafka, decoding nothing: the limit beside which the aggregator's
 * rate is printed. Spoken to directly, not through lib/kafka.h, for that is part of what is compared.
 *
 * bench-read BROKERS TOPIC PARTITIONS; prints one line of JSON. */
#include "tests/bench/cpu.h"
#include <glib.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

enum { POLL_MS = 20, POLL_MESSAGES = 1000 };

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char message[256];
    if (rd_kafka_conf_set(conf, name, value, message, sizeof message) != RD_KAFKA_CONF_OK) {
        fprintf(stderr, "bench-read: %s\n", message);
        exit(1);
    }
}

static rd_kafka_t *consumer(const char *brokers)
{
    char message[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", brokers);
    set(conf, "group.id", "bench-read");
    set(conf, "enable.partition.eof", "true");
    set(conf, "enable.auto.commit", "false");
    set(conf, "queued.min.messages", "1000000");
    set(conf, "queued.max.messages.kbytes", "262144");
    rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_CONSUMER, conf, message, sizeof message);
    if (!kafka) {
        fprintf(stderr, "bench-read: %s\n", message);
        exit(1);
    }
    rd_kafka_poll_set_consumer(kafka);
    return kafka;
}

static void assign(rd_kafka_t *kafka, const char *topic, int partitions)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int i = 0; i < partitions; i++)
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = 0;
    rd_kafka_assign(kafka, list);
    rd_kafka_topic_partition_list_destroy(list);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "bench-read: give brokers, topic and the number of partitions.\n");
        return 2;
    }
    int partitions = (int)g_ascii_strtoll(argv[3], NULL, 10), left = partitions;
    rd_kafka_t *kafka = consumer(argv[1]);
    assign(kafka, argv[2], partitions);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(kafka);
    rd_kafka_message_t *messages[POLL_MESSAGES];
    guint64 n_messages = 0, bytes = 0;
    gint64 first_us = 0, last_us = 0;
    while (left > 0) {
        ssize_t n = rd_kafka_consume_batch_queue(queue, POLL_MS, messages, POLL_MESSAGES);
        for (ssize_t i = 0; i < n; i++) {
            if (messages[i]->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
                left--;
            else if (!messages[i]->err) {
                n_messages++;
                bytes += messages[i]->len;
            }
            rd_kafka_message_destroy(messages[i]);
        }
        last_us = n > 0 ? g_get_monotonic_time() : last_us;
        first_us = first_us ? first_us : last_us;
    }
    printf("{\"messages\":%" G_GUINT64_FORMAT ",\"bytes\":%" G_GUINT64_FORMAT ",\"seconds\":%.3f,\"cpu_seconds\":%.3f}\n",
           n_messages, bytes, (double)(last_us - first_us) / 1e6, cpu_seconds());
    rd_kafka_queue_destroy(queue);
    rd_kafka_consumer_close(kafka);
    rd_kafka_destroy(kafka);
    return 0;
}
