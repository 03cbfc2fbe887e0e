/* fence: keeps the aggregator from partitions that are being restored.
 *
 * While it stands, a partition's commit record has state=restoring and a token of ours: whoever owned it is refused at its next
 * command, and a claim is told to wait (aggregator/store.c). Every write that goes through the fence is refused in turn when
 * another restore, or a live aggregator, has the partition. A fence that its process leaves standing is one that the next restore
 * takes over. One thread. */
#ifndef DAYBOOK_CLI_FENCE_H
#define DAYBOOK_CLI_FENCE_H

#include "cli/shards.h"

struct fence;

/* The shards are borrowed. */
struct fence *fence_new(struct shards *shards);
/* What stands is left standing. */
void fence_free(struct fence *fence);
bool fence_raise(struct fence *fence, int partition, GError **error);
/* argv: a command that writes to one key of the partition, argv[1]; at most FENCE_ARGS_MAX words. NULL: refused, or it failed. */
enum { FENCE_ARGS_MAX = 1000 };
struct redis_reply *fence_write(struct fence *fence, int partition, size_t argc, const struct view *argv, GError **error);
/* The same with words, to the first NULL; the reply is dropped. */
bool fence_set(struct fence *fence, int partition, GError **error, ...) G_GNUC_NULL_TERMINATED;
/* state=live. */
bool fence_lower(struct fence *fence, int partition, GError **error);

#endif
