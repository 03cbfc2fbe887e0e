#include "collector/import_sender.h"
#include "lib/crashpoint.h"
#include "lib/log.h"

enum { POLL_MS = 100 };

struct import_sender {
    const struct kafka_settings *settings;
    const char *topic;
    struct kafka_producer *producer;
    GQueue unacknowledged; /* owned struct import_batch, in the order of sending */
    size_t bytes;          /* of them */
    uint64_t acknowledged; /* counts up */
};

/* On our thread, inside of a poll. Batches of one partition are acknowledged in order; other partitions overtake. */
static void delivered(void *opaque, void *message_opaque, bool ok)
{
    struct import_sender *sender = opaque;
    GList *link = message_opaque;
    if (!ok)
        return; /* it stays in the queue and is sent again by the next producer */
    struct import_batch *batch = link->data;
    sender->bytes -= g_bytes_get_size(batch->record);
    sender->acknowledged++;
    g_queue_delete_link(&sender->unacknowledged, link);
    import_batch_free(batch);
    crashpoint("import_acknowledged");
}

struct import_sender *import_sender_new(const struct kafka_settings *settings, const char *topic, GError **error)
{
    struct import_sender *sender = g_new0(struct import_sender, 1);
    sender->settings = settings;
    sender->topic = topic;
    g_queue_init(&sender->unacknowledged);
    sender->producer = kafka_producer_new(settings, topic, delivered, sender, error);
    if (sender->producer)
        return sender;
    import_sender_free(sender);
    return NULL;
}

void import_sender_free(struct import_sender *sender)
{
    if (sender == NULL)
        return;
    if (sender->producer)
        kafka_producer_free(sender->producer);
    g_queue_clear_full(&sender->unacknowledged, (GDestroyNotify)import_batch_free);
    g_free(sender);
}

/* Puts the batch of a link into the producer. False when the producer is dead. */
static bool put(struct import_sender *sender, GList *link)
{
    const struct import_batch *batch = link->data;
    gsize size = 0;
    const void *data = g_bytes_get_data(batch->record, &size);
    for (;;) {
        enum kafka_send sent = kafka_producer_send(sender->producer, (int)batch->partition, data, size, link);
        if (sent != KAFKA_SEND_FULL)
            return sent == KAFKA_SENT;
        kafka_producer_poll(sender->producer, POLL_MS);
        if (kafka_producer_failed(sender->producer, NULL))
            return false;
    }
}

/* Puts all of the queue again, in order. */
static bool put_all(struct import_sender *sender)
{
    GList *link = sender->unacknowledged.head;
    while (link) {
        GList *next = link->next; /* put() may poll, and so free the link; those behind it are not sent yet, and stay */
        if (!put(sender, link))
            return false;
        link = next;
    }
    return true;
}

/* A producer that met a fatal error is replaced, until one takes all that is unacknowledged. */
static bool revive(struct import_sender *sender, GError **error)
{
    const char *why = NULL;
    while (sender->producer == NULL || kafka_producer_failed(sender->producer, &why)) {
        log_warn("import_producer_restarted", "message=%s", why ? why : "");
        if (sender->producer)
            kafka_producer_free(sender->producer);
        sender->producer = kafka_producer_new(sender->settings, sender->topic, delivered, sender, error);
        if (sender->producer == NULL)
            return false;
        if (!put_all(sender))
            g_usleep(POLL_MS * 1000);
    }
    return true;
}

bool import_sender_send(struct import_sender *sender, struct import_batch *batch, GError **error)
{
    g_queue_push_tail(&sender->unacknowledged, batch);
    sender->bytes += g_bytes_get_size(batch->record);
    (void)put(sender, sender->unacknowledged.tail);
    crashpoint("import_sent");
    do {
        kafka_producer_poll(sender->producer, sender->bytes > IMPORT_UNACKNOWLEDGED_MAX ? POLL_MS : 0);
        if (!revive(sender, error))
            return false;
    } while (sender->bytes > IMPORT_UNACKNOWLEDGED_MAX);
    return true;
}

bool import_sender_flush(struct import_sender *sender, int timeout_ms, GError **error)
{
    uint64_t seen = sender->acknowledged;
    int64_t since_us = g_get_monotonic_time();
    while (sender->unacknowledged.length > 0) {
        kafka_producer_poll(sender->producer, POLL_MS);
        if (!revive(sender, error))
            return false;
        if (sender->acknowledged != seen) {
            seen = sender->acknowledged;
            since_us = g_get_monotonic_time();
        } else if (g_get_monotonic_time() - since_us > timeout_ms * INT64_C(1000)) {
            g_set_error(error, IMPORT_ERROR, IMPORT_ERROR_TIMEOUT, "%u batches were not acknowledged by Kafka within %d s.",
                        sender->unacknowledged.length, timeout_ms / 1000);
            return false;
        }
    }
    return true;
}
