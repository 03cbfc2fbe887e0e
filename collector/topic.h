/* topic: asks Kafka for the topic, makes it if it is missing, and judges its number of partitions. */
#ifndef DAYBOOK_TOPIC_H
#define DAYBOOK_TOPIC_H

#include "lib/config.h"
#include "lib/kafka.h"

struct topic {
    struct kafka_settings kafka; /* strings borrowed from the configuration */
    const char *name;
    int create_partitions; /* 0: never made */
    int create_replication;
    int64_t create_retention_ms;
    bool said_timestamps; /* that they are not log-append times: once */
};
void topic_init(struct topic *topic, const struct config *config);

enum topic_verdict {
    TOPIC_READY,
    TOPIC_UNREACHABLE, /* no broker answers */
    TOPIC_MISSING,     /* it is not there (and was not made) */
    TOPIC_SHRUNK,      /* it has fewer partitions than it had, or than the journal holds batches for */
    TOPIC_REFUSED,     /* the configuration is wrong: no time will mend it */
};
/* least: partitions that it must have at least; was_known: it was there before, so it is not made anew. With TOPIC_READY
 * *partitions is set, otherwise *message to a sentence that the caller frees. Blocks for about timeout_ms, twice that when it makes
 * one. */
enum topic_verdict topic_check(struct topic *topic, uint32_t least, bool was_known, int timeout_ms, uint32_t *partitions,
                               char **message);

#endif
