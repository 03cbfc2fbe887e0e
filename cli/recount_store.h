/* recount_store: what Redis holds, as counts: every slot bucket that is there, of all days and revisions. One thread.
 *
 * The keys are found by SCAN, not by what other keys say of them: a bucket that nothing points to is a difference too. */
#ifndef DAYBOOK_CLI_RECOUNT_STORE_H
#define DAYBOOK_CLI_RECOUNT_STORE_H

#include "cli/counts.h"
#include "lib/redis.h"

/* Adds everything to counts; buckets is how many hashes were read. */
bool recount_store_read(const struct redis_settings *settings, int n_partitions, struct names *names, struct counts *counts,
                        uint64_t *buckets, GError **error);

#endif
