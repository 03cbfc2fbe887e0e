/* The reader: given partitions from given offsets, through librdkafka's simple consumer.
 *
 * The simple consumer knows no group, stores no offset and starts each partition on a queue that we choose. A new assignment gets a
 * new queue: a message that was fetched for the assignment before is in the old queue and goes with it, whatever thread was about
 * to add it. That is the whole argument why kafka_reader_poll never returns one.
 *
 * auto.offset.reset=error: an offset that is no longer, or not yet, in the log is an event for the owner, never a jump.
 *
 * Prefetching is bounded, in bytes and messages. But librdkafka 2.0.2 looks only once a second whether its queue, once full, has
 * room again: nothing wakes the thread of the broker, and reading falls to one queue a second (measured: 24 instead of 97 MB/s at
 * 16 MiB). Therefore, each time half a queue was taken out, the leaders are asked for the end of their partitions. The answer is
 * not waited for; that there is something to send is what wakes the thread. */
#include "lib/kafka_internal.h"
#include <string.h>

enum { POLL_SLICE_MS = 20, BATCH_MAX = 1024, FAILURE_SIZE = 512, WAKE_MS = 1, VALUE_SIZE = 32 };
enum { REACH_EVERY_MS = 1000, REACH_MS = 100 };

#define QUEUE_MESSAGES "queued.min.messages"
#define QUEUE_KBYTES "queued.max.messages.kbytes"

struct kafka_reader {
    rd_kafka_t *rk;
    rd_kafka_topic_t *rkt;
    rd_kafka_queue_t *queue; /* of the present assignment, NULL when there is none */
    int *partitions;         /* started, n_partitions of them */
    size_t n_partitions;
    char *topic;
    guint64 taken_bytes, taken_messages;  /* out of the queue since the leaders were last woken */
    guint64 half_bytes, half_messages;    /* half of what the queue holds */
    bool cut_off;                         /* no broker is reached; what was heard of ends of partitions may be wrong by now */
    gint64 reach_us;                      /* monotonic; when a cut off reader looks again */
    char failure[FAILURE_SIZE];           /* what on_error was told; "" once it was handed out */
    char handed_out[FAILURE_SIZE];        /* the text of the last event of that kind */
    rd_kafka_message_t *batch[BATCH_MAX]; /* scratch of kafka_reader_poll */
};

static const struct kafka_option reader_options[] = {
    {"auto.offset.reset", "error"},   {"enable.auto.commit", "false"},       {"enable.auto.offset.store", "false"},
    {"enable.partition.eof", "true"}, {"allow.auto.create.topics", "false"}, {"check.crcs", "true"},
    {"fetch.wait.max.ms", "100"},     {"fetch.error.backoff.ms", "100"},     {QUEUE_MESSAGES, "100000"},
    {QUEUE_KBYTES, "16384"},
};

/* That a topic or partition is not there (any more) comes this way, not as a message. */
static void on_error(rd_kafka_t *rk, int err, const char *reason, void *opaque)
{
    struct kafka_reader *reader = (struct kafka_reader *)opaque;

    switch (err) {
    case RD_KAFKA_RESP_ERR__FATAL:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        g_strlcpy(reader->failure, reason, sizeof reader->failure);
        break;
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
        reader->cut_off = true;
        kafka_log_error(rk, err, reason);
        break;
    default:
        kafka_log_error(rk, err, reason);
    }
}

/* The operator may have set another bound. */
static guint64 half_of(const struct kafka_reader *reader, const char *property, guint64 unit)
{
    char text[VALUE_SIZE];
    size_t size = sizeof text;
    guint64 value = 0;

    if (rd_kafka_conf_get(rd_kafka_conf(reader->rk), property, text, &size) == RD_KAFKA_CONF_OK)
        g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT32, &value, NULL);
    return MAX(value * unit / 2, 1);
}

struct kafka_reader *kafka_reader_new(const struct kafka_settings *settings, const char *topic, GError **error)
{
    rd_kafka_conf_t *conf = kafka_conf_new(settings, reader_options, G_N_ELEMENTS(reader_options), error);
    struct kafka_reader *reader;

    if (!conf)
        return NULL;
    reader = g_new0(struct kafka_reader, 1);
    rd_kafka_conf_set_opaque(conf, reader);
    rd_kafka_conf_set_error_cb(conf, on_error);
    reader->topic = g_strdup(topic);
    reader->rk = kafka_handle_new(RD_KAFKA_CONSUMER, conf, error);
    reader->rkt = reader->rk ? rd_kafka_topic_new(reader->rk, topic, NULL) : NULL;
    if (reader->rkt) {
        reader->half_bytes = half_of(reader, QUEUE_KBYTES, 1024);
        reader->half_messages = half_of(reader, QUEUE_MESSAGES, 1);
        return reader;
    }
    if (reader->rk)
        g_set_error(error, KAFKA_ERROR, KAFKA_ERROR_CONFIG, "\"%s\" cannot be the name of a Kafka topic: %s.", topic,
                    rd_kafka_err2str(rd_kafka_last_error()));
    kafka_reader_free(reader);
    return NULL;
}

static void reader_unassign(struct kafka_reader *reader)
{
    for (size_t i = 0; i < reader->n_partitions; i++)
        rd_kafka_consume_stop(reader->rkt, reader->partitions[i]);
    g_clear_pointer(&reader->partitions, g_free);
    reader->n_partitions = 0;
    if (reader->queue)
        rd_kafka_queue_destroy(reader->queue);
    reader->queue = NULL;
    reader->failure[0] = '\0';
}

void kafka_reader_free(struct kafka_reader *reader)
{
    if (!reader)
        return;
    reader_unassign(reader);
    if (reader->rkt)
        rd_kafka_topic_destroy(reader->rkt);
    kafka_handle_free(reader->rk);
    g_free(reader->topic);
    g_free(reader);
}

bool kafka_reader_assign(struct kafka_reader *reader, const struct kafka_position *positions, size_t n, GError **error)
{
    reader_unassign(reader);
    reader->queue = rd_kafka_queue_new(reader->rk);
    reader->partitions = g_new(int, n);
    for (size_t i = 0; i < n; i++) {
        g_assert(positions[i].offset >= 0);
        if (rd_kafka_consume_start_queue(reader->rkt, positions[i].partition, positions[i].offset, reader->queue)) {
            g_autofree char *what =
                g_strdup_printf("Partition %d of Kafka topic %s cannot be read", positions[i].partition, reader->topic);
            kafka_error_set(error, rd_kafka_last_error(), what);
            reader_unassign(reader);
            return false;
        }
        reader->partitions[reader->n_partitions++] = positions[i].partition;
    }
    return true;
}

static enum kafka_event event_of(rd_kafka_resp_err_t err)
{
    switch (err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        return KAFKA_MESSAGE;
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        return KAFKA_END_OF_PARTITION;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
        return KAFKA_OUT_OF_RANGE;
    default:
        return KAFKA_READ_ERROR;
    }
}

static void message_fill(struct kafka_message *message, rd_kafka_message_t *from)
{
    rd_kafka_timestamp_type_t type;

    message->event = event_of(from->err);
    message->partition = from->partition;
    message->offset = from->offset;
    message->timestamp_ms = from->err ? -1 : rd_kafka_message_timestamp(from, &type);
    message->data = from->payload; /* of an error: its text */
    message->size = from->len;
    message->handle = from;
}

/* See the top of the file. */
static void wake_leaders(struct kafka_reader *reader)
{
    rd_kafka_topic_partition_list_t *list;

    if (reader->taken_bytes < reader->half_bytes && reader->taken_messages < reader->half_messages)
        return;
    reader->taken_bytes = 0;
    reader->taken_messages = 0;
    list = rd_kafka_topic_partition_list_new((int)reader->n_partitions);
    for (size_t i = 0; i < reader->n_partitions; i++)
        rd_kafka_topic_partition_list_add(list, reader->topic, reader->partitions[i])->offset = RD_KAFKA_OFFSET_END;
    rd_kafka_offsets_for_times(reader->rk, list, WAKE_MS);
    rd_kafka_topic_partition_list_destroy(list);
}

static rd_kafka_resp_err_t reach(struct kafka_reader *reader, int timeout_ms)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t err = rd_kafka_metadata(reader->rk, 0, reader->rkt, &metadata, timeout_ms);
    if (!err)
        rd_kafka_metadata_destroy(metadata);
    return err;
}

/* Nothing says that a broker is reached again: messages may have been fetched before, or there may be none. */
static void look_for_brokers(struct kafka_reader *reader)
{
    gint64 now_us = g_get_monotonic_time();

    if (!reader->cut_off || now_us < reader->reach_us)
        return;
    reader->reach_us = now_us + REACH_EVERY_MS * G_TIME_SPAN_MILLISECOND;
    if (!reach(reader, REACH_MS))
        reader->cut_off = false;
}

/* What on_error was told, as an event of its own. */
static size_t take_failure(struct kafka_reader *reader, struct kafka_message *message)
{
    if (reader->failure[0] == '\0')
        return 0;
    memcpy(reader->handed_out, reader->failure, sizeof reader->handed_out);
    reader->failure[0] = '\0';
    *message = (struct kafka_message){.event = KAFKA_READ_ERROR, .partition = -1, .offset = -1, .timestamp_ms = -1};
    message->data = reader->handed_out;
    message->size = strlen(reader->handed_out);
    return 1;
}

size_t kafka_reader_poll(struct kafka_reader *reader, struct kafka_message *messages, size_t max, int timeout_ms)
{
    gint64 deadline_us = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
    size_t wanted = MIN(max, (size_t)BATCH_MAX);
    int slice_ms = 0; /* first what is there: librdkafka waits for a full batch or the whole time */
    ssize_t n;

    rd_kafka_poll(reader->rk, 0);
    if (!reader->queue) {
        g_usleep((gulong)MAX(timeout_ms, 0) * 1000);
        return 0;
    }
    for (;;) {
        n = rd_kafka_consume_batch_queue(reader->queue, slice_ms, reader->batch, wanted);
        gint64 left_ms = (deadline_us - g_get_monotonic_time()) / 1000;
        if (n != 0 || left_ms <= 0 || reader->failure[0] != '\0')
            break;
        slice_ms = (int)MIN(left_ms, POLL_SLICE_MS);
    }
    for (ssize_t i = 0; i < n; i++) {
        message_fill(&messages[i], reader->batch[i]);
        reader->taken_bytes += messages[i].size;
        reader->taken_messages++;
    }
    wake_leaders(reader);
    look_for_brokers(reader);
    return n > 0 ? (size_t)n : take_failure(reader, messages);
}

void kafka_message_clear(struct kafka_message *message)
{
    if (message->handle)
        rd_kafka_message_destroy((rd_kafka_message_t *)message->handle);
    message->handle = NULL;
    message->data = NULL;
    message->size = 0;
}

bool kafka_reader_watermarks(struct kafka_reader *reader, int partition, int timeout_ms, int64_t *low, int64_t *high,
                             GError **error)
{
    /* While no broker is reached, the second waits for ever in librdkafka 2.0.2, whatever its timeout. */
    rd_kafka_resp_err_t err = reach(reader, timeout_ms);

    if (!err)
        err = rd_kafka_query_watermark_offsets(reader->rk, reader->topic, partition, low, high, timeout_ms);
    if (!err)
        return true;
    g_autofree char *what =
        g_strdup_printf("The ends of partition %d of Kafka topic %s cannot be asked for", partition, reader->topic);
    kafka_error_set(error, err, what);
    return false;
}

int64_t kafka_reader_end(const struct kafka_reader *reader, int partition)
{
    int64_t low, high;

    if (reader->cut_off || rd_kafka_get_watermark_offsets(reader->rk, reader->topic, partition, &low, &high))
        return -1;
    return MAX(high, -1);
}
