/* lag: how far each partition is counted, beside how far its log reaches. One thread. */
#ifndef DAYBOOK_CLI_LAG_H
#define DAYBOOK_CLI_LAG_H

#include "lib/kafka.h"
#include "lib/redis.h"

struct lag_partition {
    int64_t next;     /* first offset that is not counted; 0 when nothing was */
    int64_t low;      /* first offset that is in the log */
    int64_t end;      /* offset after the last one */
    char *state;      /* of the commit record; "" when there is none */
    char *topic;      /* that next belongs to; "" when nothing was counted */
    int64_t n_topics; /* counted before that one */
};

struct lag {
    int n_partitions;
    struct lag_partition *partitions;
};

/* Fills in next, state, topic and n_topics of n partitions from their commit records and meta. On a cluster a connection for each
 * partition is made, else one serves all. */
bool lag_read_commits(const struct redis_settings *redis, int n_partitions, struct lag *lag, GError **error);
/* Fills in low and end. */
bool lag_read_log(struct kafka_reader *reader, struct lag *lag, GError **error);
void lag_clear(struct lag *lag);
/* False: what a partition counted is not of this topic, or of earlier ones, too: then this log alone cannot explain it. made: what
 * cannot be done with those ("recounted"). */
bool lag_check_topic(const struct lag *lag, const char *topic, const char *made, GError **error);
/* Records of `topic` that are in the log and not counted. */
int64_t lag_total(const struct lag *lag, const char *topic);

#endif
