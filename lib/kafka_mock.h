/* kafka_mock: librdkafka's mock cluster as the embedded broker of `daybook dev`. In memory, loopback, for trying out.
 *
 * It keeps about 5 MB per partition and drops silently what exceeds that, and it stamps no log-append time: see docs. */
#ifndef DAYBOOK_KAFKA_MOCK_H
#define DAYBOOK_KAFKA_MOCK_H

#include <glib.h>

struct kafka_mock;
struct kafka_mock *kafka_mock_new(const char *topic, int partitions, GError **error);
const char *kafka_mock_brokers(const struct kafka_mock *mock); /* borrowed */
void kafka_mock_free(struct kafka_mock *mock);

/* For tests: the next n produce requests fail with this error code of Kafka's protocol (29: TOPIC_AUTHORIZATION_FAILED, …). */
void kafka_mock_refuse_produce(struct kafka_mock *mock, int error_code, int n);
/* For tests: connections are cut and refused while it is down. */
void kafka_mock_set_up(struct kafka_mock *mock, gboolean up);

#endif
