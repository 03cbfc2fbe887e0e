/* recount_store: what Redis holds, as counts: every slot bucket that is there, of all days and revisions, and the sums of minute
 * buckets and sorted sets. One thread.
 *
 * The keys are found by SCAN, not by what other keys say of them: a bucket that nothing points to is a difference too. */
#ifndef DAYBOOK_CLI_RECOUNT_STORE_H
#define DAYBOOK_CLI_RECOUNT_STORE_H

#include "cli/counts.h"
#include "cli/series.h"
#include "lib/redis.h"

struct recount_store {
    struct counts *counts;
    struct series *series;
    uint64_t buckets; /* slot buckets read */
};

void recount_store_init(struct recount_store *store);
void recount_store_clear(struct recount_store *store);
/* Adds everything that is there. */
bool recount_store_read(struct recount_store *store, const struct redis_settings *settings, int n_partitions, struct names *names,
                        GError **error);

#endif
