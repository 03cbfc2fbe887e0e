/* bench-generate: puts a load (load.h) on a Kafka topic as real Records, and optionally the first of the same events, one a message
 * as a SingleEvent, on a second topic for the Python peer.
 *
 * The same arguments give the same messages, byte for byte, whenever and wherever it runs. The events are dealt to `streams`
 * streams by a hash of their number, as if so many collectors had taken them; each stream cuts a batch for a partition at `batch`
 * events. With a pace they are sent as their time comes, a tenth of a second of them at once. Prints one line of JSON. */
#include "rows.pb-c.h"
#include "lib/kafka.h"
#include "lib/record.h"
#include "tests/bench/cpu.h"
#include "tests/bench/load.h"
#include <stdio.h>
#include <stdlib.h>

enum { STREAMS_MAX = 16, PARTITIONS_MAX = 256, SEND_TIMEOUT_MS = 60000 };

static struct {
    char *brokers, *topic, *singles_topic;
    gint64 events, singles, seed, start_ms, span_ms, per_second;
    int partitions, streams, batch;
    gboolean hostile, no_users;
} options = {.events = 1000000, .seed = 1, .start_ms = 0, .partitions = 4, .streams = 3, .batch = 500};

static const GOptionEntry entries[] = {
    {"brokers", 0, 0, G_OPTION_ARG_STRING, &options.brokers, "Kafka", "HOST:PORT"},
    {"topic", 0, 0, G_OPTION_ARG_STRING, &options.topic, "topic for Records, created where missing", "NAME"},
    {"singles-topic", 0, 0, G_OPTION_ARG_STRING, &options.singles_topic, "topic for single events", "NAME"},
    {"events", 0, 0, G_OPTION_ARG_INT64, &options.events, "how many", "N"},
    {"singles", 0, 0, G_OPTION_ARG_INT64, &options.singles, "how many of them also as single events", "N"},
    {"seed", 0, 0, G_OPTION_ARG_INT64, &options.seed, "seed", "N"},
    {"start-ms", 0, 0, G_OPTION_ARG_INT64, &options.start_ms, "time of the first event, Unix ms", "MS"},
    {"span-ms", 0, 0, G_OPTION_ARG_INT64, &options.span_ms, "through which the times ascend (an hour)", "MS"},
    {"per-second", 0, 0, G_OPTION_ARG_INT64, &options.per_second, "how many a second, of now; instead of start and span", "N"},
    {"partitions", 0, 0, G_OPTION_ARG_INT, &options.partitions, "of the topics", "N"},
    {"streams", 0, 0, G_OPTION_ARG_INT, &options.streams, "how many collectors are imitated", "N"},
    {"batch", 0, 0, G_OPTION_ARG_INT, &options.batch, "events a batch", "N"},
    {"hostile", 0, 0, G_OPTION_ARG_NONE, &options.hostile, "uniform over clients, routes and statuses", NULL},
    {"no-users", 0, 0, G_OPTION_ARG_NONE, &options.no_users, "leave out users", NULL},
    G_OPTION_ENTRY_NULL,
};

struct output {
    struct kafka_producer *records;
    struct kafka_producer *singles; /* NULL: none wanted */
    struct batch_builder *open[STREAMS_MAX][PARTITIONS_MAX];
    uint64_t sequence[STREAMS_MAX][PARTITIONS_MAX];
    uint64_t batches, bytes;
};

G_NORETURN static void die(const char *what, GError *error)
{
    fprintf(stderr, "bench-generate: %s: %s\n", what, error ? error->message : "failed");
    exit(1);
}

static void on_delivered(void *opaque, void *message_opaque, bool ok)
{
    (void)opaque;
    (void)message_opaque;
    if (!ok)
        die("a message was not delivered", NULL);
}

static void send_all(struct kafka_producer *producer, int partition, const void *data, size_t size)
{
    enum kafka_send sent;
    while ((sent = kafka_producer_send(producer, partition, data, size, NULL)) == KAFKA_SEND_FULL)
        kafka_producer_poll(producer, 10);
    if (sent == KAFKA_SEND_FATAL)
        die("the producer died", NULL);
}

/* A stream id is made of the seed and the stream's number. */
static void seal(struct output *out, int stream, int partition)
{
    struct batch_builder *builder = out->open[stream][partition];
    if (!builder || batch_builder_count(builder) == 0)
        return;
    struct batch_header header = {
        .partition = (uint32_t)partition,
        .partition_count = (uint32_t)options.partitions,
        .sequence = ++out->sequence[stream][partition],
        .created_ms = options.start_ms,
    };
    g_autofree char *name = g_strdup_printf("%016" G_GINT64_MODIFIER "x%08x", (guint64)options.seed, (unsigned)stream);
    memcpy(header.stream_id, name + 8, STREAM_ID_SIZE);
    g_autoptr(GBytes) record = batch_builder_seal(builder, &header);
    gsize size;
    const void *data = g_bytes_get_data(record, &size);
    send_all(out->records, partition, data, size);
    if ((++out->batches & 63) == 0)
        kafka_producer_poll(out->records, 0);
    out->bytes += size;
}

static void add(struct output *out, const struct event *event, uint64_t number)
{
    uint32_t partition = partition_of(event->organization, event->client, (uint32_t)options.partitions);
    int stream = (int)((number * UINT64_C(0x9E3779B97F4A7C15) >> 40) % (uint64_t)options.streams);
    struct batch_builder **builder = &out->open[stream][partition];
    if (!*builder)
        *builder = batch_builder_new();
    batch_builder_add(*builder, event);
    if (batch_builder_count(*builder) >= (size_t)options.batch)
        seal(out, stream, (int)partition);
}

static void copy_text(char *to, size_t size, struct view from, char **field)
{
    g_assert(from.size < size);
    memcpy(to, from.data, from.size);
    to[from.size] = '\0';
    *field = to;
}

static void send_single(struct output *out, const struct event *event)
{
    char texts[6][128];
    uint8_t packed[1024];
    Daybook__Bench__SingleEvent single = DAYBOOK__BENCH__SINGLE_EVENT__INIT;
    copy_text(texts[0], sizeof texts[0], event->organization, &single.organization);
    copy_text(texts[1], sizeof texts[1], event->client, &single.client);
    if (event->user.size)
        copy_text(texts[2], sizeof texts[2], event->user, &single.user);
    copy_text(texts[3], sizeof texts[3], event->method, &single.method);
    copy_text(texts[4], sizeof texts[4], event->route, &single.route);
    if (event->id.size)
        copy_text(texts[5], sizeof texts[5], event->id, &single.id);
    single.time_ms = (uint64_t)event->time_ms;
    single.status = event->status;
    single.latency_us = event->latency_us;
    single.request_bytes = event->request_bytes;
    single.response_bytes = event->response_bytes;
    g_assert(daybook__bench__single_event__get_packed_size(&single) <= sizeof packed);
    size_t size = daybook__bench__single_event__pack(&single, packed);
    send_all(out->singles, (int)partition_of(event->organization, event->client, (uint32_t)options.partitions), packed, size);
    kafka_producer_poll(out->singles, 0);
}

static struct kafka_producer *open_topic(const struct kafka_settings *settings, const char *topic)
{
    GError *error = NULL;
    if (!kafka_topic_create(settings, topic, options.partitions, 1, G_GINT64_CONSTANT(7) * 86400000, 30000, &error))
        die("creating the topic", error);
    struct kafka_producer *producer = kafka_producer_new(settings, topic, on_delivered, NULL, &error);
    if (!producer)
        die("starting the producer", error);
    return producer;
}

static void check_options(void)
{
    if (!options.brokers || !options.topic || options.events < 1 || options.batch < 1 || options.batch > RECORD_EVENTS_MAX ||
        options.partitions < 1 || options.partitions > PARTITIONS_MAX || options.streams < 1 || options.streams > STREAMS_MAX) {
        fprintf(stderr, "bench-generate: --brokers and --topic are needed, and numbers within their limits; see --help.\n");
        exit(2);
    }
}

static void seal_all(struct output *out)
{
    for (int stream = 0; stream < options.streams; stream++)
        for (int partition = 0; partition < options.partitions; partition++)
            seal(out, stream, partition);
    kafka_producer_poll(out->records, 0);
}

/* Before event i: waits until its time has come. */
static void keep_pace(struct output *out, gint64 i)
{
    enum { TIMES_A_SECOND = 10 };
    if (options.per_second == 0 || i % MAX(options.per_second / TIMES_A_SECOND, 1) != 0)
        return;
    seal_all(out);
    gint64 wait_us = options.start_ms * 1000 + i * G_USEC_PER_SEC / options.per_second - g_get_real_time();
    if (wait_us > 0)
        g_usleep((gulong)wait_us);
}

static void close_all(struct output *out)
{
    seal_all(out);
    for (int stream = 0; stream < options.streams; stream++)
        for (int partition = 0; partition < options.partitions; partition++)
            if (out->open[stream][partition])
                batch_builder_free(out->open[stream][partition]);
    if (!kafka_producer_flush(out->records, SEND_TIMEOUT_MS) ||
        (out->singles && !kafka_producer_flush(out->singles, SEND_TIMEOUT_MS)))
        die("flushing", NULL);
    kafka_producer_free(out->records);
    if (out->singles)
        kafka_producer_free(out->singles);
}

int main(int argc, char **argv)
{
    GError *error = NULL;
    g_autoptr(GOptionContext) context = g_option_context_new("- put a benchmark's load on Kafka");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error))
        die("reading the options", error);
    check_options();
    if (options.per_second > 0) {
        options.start_ms = g_get_real_time() / 1000;
        options.span_ms = options.events * 1000 / options.per_second;
    }
    struct load_settings load_settings = {(uint64_t)options.seed, (uint64_t)options.events, options.start_ms,
                                          options.span_ms,        options.hostile,          options.no_users};
    struct kafka_settings settings = {.brokers = options.brokers, .client_id = "bench-generate"};
    struct load *load = load_new(&load_settings);
    struct output *out = g_new0(struct output, 1);
    gint64 start_us = g_get_monotonic_time();
    out->records = open_topic(&settings, options.topic);
    if (options.singles_topic)
        out->singles = open_topic(&settings, options.singles_topic);
    for (gint64 i = 0; i < options.events; i++) {
        struct event event;
        keep_pace(out, i);
        load_next(load, &event);
        add(out, &event, (uint64_t)i);
        if (out->singles && i < options.singles)
            send_single(out, &event);
    }
    close_all(out);
    printf("{\"events\":%" G_GINT64_FORMAT ",\"batches\":%" G_GUINT64_FORMAT ",\"bytes\":%" G_GUINT64_FORMAT
           ",\"seconds\":%.3f,\"cpu_seconds\":%.3f}\n",
           options.events, out->batches, out->bytes, (double)(g_get_monotonic_time() - start_us) / 1e6, cpu_seconds());
    g_free(out);
    load_free(load);
    return 0;
}
