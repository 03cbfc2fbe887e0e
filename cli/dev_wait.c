/* dev_wait: see dev_wait.h. */
#include "cli/dev_wait.h"

#include "cli/dev_daemons.h"
#include "cli/lag.h"
#include "cli/net.h"
#include "lib/kafka.h"
#include "lib/redis.h"

#include <glib/gstdio.h>
#include <string.h>

enum {
    READY_TIMEOUT_MS = 60000,
    PROBE_TIMEOUT_MS = 1000,
    PROBE_PAUSE_US = 20000,
    TOPIC_TIMEOUT_MS = 5000,
    COUNTED_TIMEOUT_MS = 10000,
};
#define TOPIC_RETENTION_MS (INT64_C(35) * 86400 * 1000)

/* ---- one probe per kind of part: true when ready; an error ends the waiting ---- */

static bool probe_redis(struct dev_system *dev)
{
    const struct redis_settings settings = {
        .url = dev->redis_url, .connect_timeout_ms = PROBE_TIMEOUT_MS, .command_timeout_ms = PROBE_TIMEOUT_MS};
    struct redis *redis = redis_connect(&settings, NULL, NULL);
    struct redis_reply *reply = redis ? redis_call(redis, NULL, "PING") : NULL;
    bool ready = reply != NULL;

    if (reply)
        redis_reply_free(reply);
    if (redis)
        redis_free(redis);
    return ready;
}

static bool probe_embedded_broker(struct dev_system *dev)
{
    g_autofree char *path = dev_daemons_ready_file(dev);
    char *address = NULL;

    if (!g_file_get_contents(path, &address, NULL, NULL))
        return false;
    g_free(dev->brokers);
    dev->brokers = g_strstrip(address);
    g_unlink(path);
    return true;
}

static bool probe_kafka(struct dev_system *dev, GError **error)
{
    const struct kafka_settings settings = {.brokers = dev->brokers, .client_id = "daybook-dev"};
    g_autoptr(GError) cause = NULL;
    struct kafka_topic topic;

    /* Cheap first: a client of a port where nobody listens only logs. */
    if (dev_part_is_ours(dev, DEV_BROKER) && net_port_is_free(dev->state->ports[DEV_PORT_BROKER]))
        return false;
    if (kafka_topic_get(&settings, dev->state->topic, TOPIC_TIMEOUT_MS, &topic, &cause))
        return true;
    if (g_error_matches(cause, KAFKA_ERROR, KAFKA_ERROR_NO_TOPIC)) {
        g_clear_error(&cause);
        return kafka_topic_create(&settings, dev->state->topic, dev->options.partitions, 1, TOPIC_RETENTION_MS, TOPIC_TIMEOUT_MS,
                                  &cause);
    }
    if (g_error_matches(cause, KAFKA_ERROR, KAFKA_ERROR_CONFIG))
        g_propagate_error(error, g_steal_pointer(&cause));
    return false;
}

static bool probe_daemon(const struct dev_system *dev, enum dev_port port)
{
    return net_http_status(dev->state->ports[port], "/readyz", PROBE_TIMEOUT_MS) == 200;
}

static bool probe(struct dev_system *dev, enum dev_part part, GError **error)
{
    switch (part) {
    case DEV_REDIS:
        return probe_redis(dev);
    case DEV_BROKER:
        return strcmp(dev->options.broker, "embedded") == 0 ? probe_embedded_broker(dev) : probe_kafka(dev, error);
    case DEV_AGGREGATOR:
        return probe_daemon(dev, DEV_PORT_AGGREGATOR);
    case DEV_API:
        return probe_daemon(dev, DEV_PORT_API);
    case DEV_COLLECTOR:
        return probe_daemon(dev, DEV_PORT_COLLECTOR);
    case DEV_N_PARTS:
        break;
    }
    g_assert_not_reached();
}

/* ---- waiting ---- */

/* Where a broker that is not embedded will be. */
static void set_brokers(struct dev_system *dev)
{
    g_free(dev->brokers);
    if (strcmp(dev->options.broker, "kafka") == 0)
        dev->brokers = g_strdup_printf("127.0.0.1:%d", dev->state->ports[DEV_PORT_BROKER]);
    else if (strcmp(dev->options.broker, "embedded") == 0)
        dev->brokers = NULL;
    else
        dev->brokers = g_strdup(dev->options.broker);
}

/* Sets the error and returns true when there is no point in waiting on. */
static bool is_hopeless(struct dev_system *dev, enum dev_part part, gint64 deadline_us, GError **error)
{
    struct child *child = &dev->children[part];

    if (dev->interrupted()) {
        g_set_error(error, DEV_ERROR, DEV_ERROR_INTERRUPTED, "interrupted");
        return true;
    }
    if (dev_part_is_ours(dev, part) && !child_alive(child)) {
        g_autofree char *end = child_end(child);
        g_set_error(error, DEV_ERROR, DEV_ERROR_START, "%s ended with %s before it was ready", child->name, end);
        return true;
    }
    if (g_get_monotonic_time() < deadline_us)
        return false;
    if (dev_part_is_ours(dev, part))
        g_set_error(error, DEV_ERROR, DEV_ERROR_START, "%s was not ready after %d s", child->name, READY_TIMEOUT_MS / 1000);
    else
        g_set_error(error, DEV_ERROR, DEV_ERROR_START, "%s does not answer at %s", child->name,
                    part == DEV_REDIS ? dev->redis_url : dev->brokers);
    return true;
}

bool dev_wait_ready(struct dev_system *dev, enum dev_part part, GError **error)
{
    int timeout_ms = dev_part_is_ours(dev, part) ? READY_TIMEOUT_MS : READY_TIMEOUT_MS / 4;
    gint64 deadline_us = g_get_monotonic_time() + (gint64)timeout_ms * 1000;

    if (part == DEV_BROKER)
        set_brokers(dev);
    for (;;) {
        g_autoptr(GError) cause = NULL;
        if (probe(dev, part, &cause))
            return true;
        if (cause) {
            g_propagate_error(error, g_steal_pointer(&cause));
            return false;
        }
        if (is_hopeless(dev, part, deadline_us, error))
            return false;
        g_usleep(PROBE_PAUSE_US);
    }
}

/* Records not counted yet, or -1 when that cannot be found out. */
static int64_t uncounted(const struct dev_system *dev, struct kafka_reader *reader, GError **error)
{
    const struct redis_settings redis = {
        .url = dev->redis_url, .connect_timeout_ms = PROBE_TIMEOUT_MS, .command_timeout_ms = PROBE_TIMEOUT_MS};
    struct lag lag = {0};
    int64_t total = -1;

    if (lag_read_commits(&redis, dev->options.partitions, &lag, error) && lag_read_log(reader, &lag, error))
        total = lag_total(&lag, dev->state->topic);
    lag_clear(&lag);
    return total;
}

void dev_wait_counted(const struct dev_system *dev)
{
    const struct kafka_settings kafka = {.brokers = dev->brokers, .client_id = "daybook-dev"};
    gint64 deadline_us = g_get_monotonic_time() + (gint64)COUNTED_TIMEOUT_MS * 1000;
    g_autoptr(GError) error = NULL;
    struct kafka_reader *reader = kafka_reader_new(&kafka, dev->state->topic, &error);
    int64_t left = reader ? uncounted(dev, reader, &error) : -1;

    while (left > 0 && g_get_monotonic_time() < deadline_us) {
        g_usleep(PROBE_PAUSE_US);
        left = uncounted(dev, reader, &error);
    }
    if (left > 0)
        fprintf(dev->out, "%" G_GINT64_FORMAT " records of the embedded broker's log were not counted and are lost with it\n",
                left);
    else if (left < 0)
        fprintf(dev->out, "it is not known whether everything was counted: %s\n", error->message);
    if (reader)
        kafka_reader_free(reader);
}
