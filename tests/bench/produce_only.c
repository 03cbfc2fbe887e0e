/* bench-produce: produces batches of events with nothing but librdkafka (idempotent, acks=all, lz4): the limit beside which the
 * collector's rate is printed. The batches are made before the clock starts.
 *
 * bench-produce BROKERS TOPIC PARTITIONS EVENTS BATCH record|json; prints one line of JSON. */
#include "lib/record.h"
#include "tests/bench/cpu.h"
#include "tests/bench/load.h"
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char message[256];
    if (rd_kafka_conf_set(conf, name, value, message, sizeof message) != RD_KAFKA_CONF_OK) {
        fprintf(stderr, "bench-produce: %s\n", message);
        exit(1);
    }
}

static void on_report(rd_kafka_t *kafka, const rd_kafka_message_t *message, void *opaque)
{
    (void)kafka;
    guint64 *failed = opaque;
    *failed += message->err != 0;
}

static rd_kafka_t *producer(const char *brokers, guint64 *failed)
{
    char message[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", brokers);
    set(conf, "enable.idempotence", "true");
    set(conf, "compression.type", "lz4");
    set(conf, "linger.ms", "5");
    set(conf, "queue.buffering.max.kbytes", "65536");
    rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    rd_kafka_conf_set_opaque(conf, failed);
    rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_PRODUCER, conf, message, sizeof message);
    if (!kafka) {
        fprintf(stderr, "bench-produce: %s\n", message);
        exit(1);
    }
    return kafka;
}

static GBytes *make_record(struct load *load, int batch, guint64 number, int partitions)
{
    struct batch_builder *builder = batch_builder_new();
    struct event event;
    for (int i = 0; i < batch; i++) {
        load_next(load, &event);
        batch_builder_add(builder, &event);
    }
    struct batch_header header = {.partition = (uint32_t)(number % (guint64)partitions),
                                  .partition_count = (uint32_t)partitions,
                                  .sequence = number / (guint64)partitions + 1};
    GBytes *record = batch_builder_seal(builder, &header);
    batch_builder_free(builder);
    return record;
}

static GBytes *make_json(struct load *load, int batch)
{
    GString *text = g_string_new("[");
    struct event event;
    for (int i = 0; i < batch; i++) {
        load_next(load, &event);
        if (i)
            g_string_append_c(text, ',');
        load_json(&event, text);
    }
    g_string_append_c(text, ']');
    return g_string_free_to_bytes(text);
}

static void produce(rd_kafka_t *kafka, rd_kafka_topic_t *topic, int partition, GBytes *payload)
{
    gsize size;
    const void *data = g_bytes_get_data(payload, &size);
    while (rd_kafka_produce(topic, partition, RD_KAFKA_MSG_F_COPY, (void *)data, size, NULL, 0, NULL) != 0) {
        if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            fprintf(stderr, "bench-produce: %s\n", rd_kafka_err2str(rd_kafka_last_error()));
            exit(1);
        }
        rd_kafka_poll(kafka, 10);
    }
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        fprintf(stderr, "bench-produce: give brokers, topic, partitions, events, events a batch, and record or json.\n");
        return 2;
    }
    int partitions = (int)g_ascii_strtoll(argv[3], NULL, 10), batch = (int)g_ascii_strtoll(argv[5], NULL, 10);
    guint64 events = g_ascii_strtoull(argv[4], NULL, 10), n = events / (guint64)batch, bytes = 0, failed = 0;
    struct load *load = load_new(&(struct load_settings){1, events, 0, 0, false, false});
    g_autoptr(GPtrArray) payloads = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    for (guint64 i = 0; i < n; i++)
        g_ptr_array_add(payloads, g_str_equal(argv[6], "json") ? make_json(load, batch) : make_record(load, batch, i, partitions));
    rd_kafka_t *kafka = producer(argv[1], &failed);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(kafka, argv[2], NULL);
    double cpu = cpu_seconds();
    gint64 start_us = g_get_monotonic_time();
    for (guint i = 0; i < payloads->len; i++) {
        produce(kafka, topic, (int)(i % (guint)partitions), payloads->pdata[i]);
        bytes += g_bytes_get_size(payloads->pdata[i]);
        if (i % 64 == 0)
            rd_kafka_poll(kafka, 0);
    }
    rd_kafka_flush(kafka, 60000);
    double seconds = (double)(g_get_monotonic_time() - start_us) / 1e6;
    printf("{\"events\":%" G_GUINT64_FORMAT ",\"bytes\":%" G_GUINT64_FORMAT ",\"failed\":%" G_GUINT64_FORMAT
           ",\"seconds\":%.3f,\"cpu_seconds\":%.3f}\n",
           n * (guint64)batch, bytes, failed, seconds, cpu_seconds() - cpu);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(kafka);
    load_free(load);
    return failed ? 1 : 0;
}
