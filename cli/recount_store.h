/* recount_store: what Redis holds, as counts: the newest sheet of every partition and day, every slot bucket that is there of later
 * revisions, and the sums of minute buckets and sorted sets. One thread.
 *
 * The keys are found by SCAN, not by what other keys say of them: a bucket that nothing points to is a difference too. Only buckets
 * that are in a sheet are passed over: they stay for a while, and go. */
#ifndef DAYBOOK_CLI_RECOUNT_STORE_H
#define DAYBOOK_CLI_RECOUNT_STORE_H

#include "cli/counts.h"
#include "cli/recount_sheets.h"
#include "cli/series.h"

struct recount_store {
    struct counts *counts;
    struct series *series;
    struct recount_sheets *sheets;
    uint64_t buckets; /* slot buckets read */
};

/* Where it is read from; borrowed. */
struct recount_source {
    const struct redis_settings *settings;
    int n_partitions;
    struct archive *archive; /* for sheets that Redis no longer has; may be NULL */
};

void recount_store_init(struct recount_store *store);
void recount_store_clear(struct recount_store *store);
/* Adds everything that is there. */
bool recount_store_read(struct recount_store *store, const struct recount_source *source, struct names *names, GError **error);

#endif
