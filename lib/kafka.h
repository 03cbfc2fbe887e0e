/* kafka: the only door to librdkafka.
 *
 * Four things: a producer to given partitions; a reader of given partitions from given offsets (no group, no stored offsets); a
 * group member that only learns which partitions are its own; topic administration. And the embedded broker (lib/kafka_mock.h).
 *
 * Every object belongs to the thread that made it, and callbacks run on that thread inside its _poll. Errors are GErrors of
 * KAFKA_ERROR whose code says what to do. */
#ifndef DAYBOOK_KAFKA_H
#define DAYBOOK_KAFKA_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define KAFKA_ERROR kafka_error_quark()
GQuark kafka_error_quark(void);
enum kafka_error {
    KAFKA_ERROR_CONFIG,      /* a property is wrong: exit 2 */
    KAFKA_ERROR_UNREACHABLE, /* try again later */
    KAFKA_ERROR_NO_TOPIC,
    KAFKA_ERROR_FATAL, /* the object is dead: free it and make another */
    KAFKA_ERROR_OTHER,
};

struct kafka_settings {
    const char *brokers; /* host:port,host:port */
    const char *client_id;
    const char *const *properties; /* "name=value", passed to librdkafka last (security and the like); may be NULL */
};

/* ---- topic ---- */
struct kafka_topic {
    int partitions;
    bool log_append_time; /* message.timestamp.type=LogAppendTime */
    bool config_known;    /* false: the broker does not answer DescribeConfigs (the embedded one) */
};
/* Asks for the topic. KAFKA_ERROR_NO_TOPIC if there is none. */
bool kafka_topic_get(const struct kafka_settings *settings, const char *topic, int timeout_ms, struct kafka_topic *info,
                     GError **error);
/* Creates it with LogAppendTime, cleanup.policy=delete, retention_ms; succeeds when it exists already. */
bool kafka_topic_create(const struct kafka_settings *settings, const char *topic, int partitions, int replication,
                        int64_t retention_ms, int timeout_ms, GError **error);

/* ---- producer: idempotent, acks=all, message.timeout.ms=0, lz4, explicit partition, small queue (16 MiB) ---- */
struct kafka_producer;
/* Called from kafka_producer_poll for every message sent, in any order between partitions, in order within one.
 * ok=false only after a fatal error or a purge at free: the message may or may not be in the log. */
typedef void (*kafka_delivered)(void *opaque, void *message_opaque, bool ok);

struct kafka_producer *kafka_producer_new(const struct kafka_settings *settings, const char *topic, kafka_delivered delivered,
                                          void *opaque, GError **error);
/* Purges what is queued (callbacks run with ok=false) and frees. */
void kafka_producer_free(struct kafka_producer *producer);
enum kafka_send { KAFKA_SENT, KAFKA_SEND_FULL, KAFKA_SEND_FATAL };
/* Copies the payload. FULL: poll and try again; also while the first message of the partition is not acknowledged. FATAL: recreate.
 * A message that is too large for the broker is FATAL with a log line. */
enum kafka_send kafka_producer_send(struct kafka_producer *producer, int partition, const void *data, size_t size,
                                    void *message_opaque);
int kafka_producer_poll(struct kafka_producer *producer, int timeout_ms); /* events served */
/* True once a fatal error was met; message is borrowed. */
bool kafka_producer_failed(const struct kafka_producer *producer, const char **message);
bool kafka_producer_flush(struct kafka_producer *producer, int timeout_ms); /* true: nothing is in flight any more */
int kafka_producer_in_flight(const struct kafka_producer *producer);

/* ---- reader ---- */
struct kafka_reader;
struct kafka_position {
    int partition;
    int64_t offset;
};
enum kafka_event { KAFKA_MESSAGE, KAFKA_END_OF_PARTITION, KAFKA_OUT_OF_RANGE, KAFKA_READ_ERROR };
struct kafka_message {
    enum kafka_event event;
    int partition; /* -1: an error that the text assigns (the topic or a partition is not there) */
    int64_t offset;
    int64_t timestamp_ms; /* Kafka's, -1 when not available */
    const void *data;     /* valid until kafka_message_clear; of KAFKA_READ_ERROR and KAFKA_OUT_OF_RANGE a text */
    size_t size;
    void *handle;
};
struct kafka_reader *kafka_reader_new(const struct kafka_settings *settings, const char *topic, GError **error);
void kafka_reader_free(struct kafka_reader *reader);
/* Replaces the whole assignment; offsets are absolute (no negative ones). Messages of the assignment before are never returned
 * after. */
bool kafka_reader_assign(struct kafka_reader *reader, const struct kafka_position *positions, size_t n, GError **error);
/* Up to max messages, waits at most timeout_ms for the first ones. Each must be cleared. */
size_t kafka_reader_poll(struct kafka_reader *reader, struct kafka_message *messages, size_t max, int timeout_ms);
void kafka_message_clear(struct kafka_message *message);
/* First offset still there, and the one after the last. */
bool kafka_reader_watermarks(struct kafka_reader *reader, int partition, int timeout_ms, int64_t *low, int64_t *high,
                             GError **error);
/* The offset after the last one as the broker said it when it was last read from, without asking; -1: it has not said yet, or no
 * broker is reached (at most a second after one is again, as long as the reader is polled). */
int64_t kafka_reader_end(const struct kafka_reader *reader, int partition);

/* ---- group membership only: eager (range), static membership; never fetches, never commits ---- */
struct kafka_member;
/* n partitions are ours now; it is the whole list. n == 0: all were taken away, and the callback returns only when this process has
 * stopped working on them. */
typedef void (*kafka_assigned)(void *opaque, const int *partitions, size_t n);
struct kafka_member *kafka_member_new(const struct kafka_settings *settings, const char *group, const char *instance_id,
                                      const char *topic, kafka_assigned assigned, void *opaque, GError **error);
void kafka_member_poll(struct kafka_member *member, int timeout_ms);
/* True once a fatal error was met (another process took our instance id); partitions were taken away before. message is borrowed.
 */
bool kafka_member_failed(const struct kafka_member *member, const char **message);
/* Callback with n == 0 first, then leaves and frees. A static member (instance_id) only goes silent: its partitions move after
 * session.timeout.ms (10 s), or stay if it is back before. instance_id NULL: an ordinary member, whose partitions move at once. */
void kafka_member_free(struct kafka_member *member);

#endif
