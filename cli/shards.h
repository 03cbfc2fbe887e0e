/* shards: connections to the Redis servers that hold the partitions; one for all outside of a cluster. One thread. */
#ifndef DAYBOOK_CLI_SHARDS_H
#define DAYBOOK_CLI_SHARDS_H

#include "lib/redis.h"

struct shards;

/* Asks Redis how many partitions there are. url is borrowed. */
struct shards *shards_open(const char *url, GError **error);
/* The same when their number is known; asks nothing. */
struct shards *shards_new(const char *url, int n_partitions);
void shards_free(struct shards *shards);
int shards_count(const struct shards *shards);         /* partitions */
const char *shards_topic(const struct shards *shards); /* that was counted last; "" when none was */
/* The connection to a partition's server; borrowed. A broken one is made anew. */
struct redis *shards_get(struct shards *shards, int partition, GError **error);

/* HGETALL of a partition's key; see keys_plain(). An array always. Caller frees. */
struct redis_reply *shards_hash(struct shards *shards, int partition, const char *kind, GError **error);

#endif
