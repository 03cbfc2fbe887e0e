/* counts: requests per client, route, status and UTC day, and some sums beside them: what `daybook recount` compares. One thread.
 *
 * Texts are interned in a pool that the compared tables share, so that a key is compared by its pointers. Memory grows with the
 * number of different keys: that is the command's purpose, and its bound. */
#ifndef DAYBOOK_CLI_COUNTS_H
#define DAYBOOK_CLI_COUNTS_H

#include "lib/view.h"
#include <glib.h>

struct names;
struct names *names_new(void);
void names_free(struct names *names);
/* The one copy of a text without NUL bytes; lives as long as the pool. */
const char *names_get(struct names *names, struct view text);

struct counts_key {
    int64_t day;                               /* since 1970-01-01, UTC */
    const char *organization, *client, *route; /* of one pool; route is METHOD " " template */
    uint32_t status;
};

/* Sums over everything, as in {pN}:meta (lib/keys.h). */
#define COUNTS_SUMS(X)                                                    \
    X(EVENTS, "events", "events counted")                                 \
    X(DUPLICATES, "duplicates", "events dropped by their id")             \
    X(DUPLICATE_BATCHES, "duplicate_batches", "batches that came again")  \
    X(DUPLICATE_BATCH_EVENTS, "duplicate_batch_events", "events in them") \
    X(QUARANTINED, "quarantined", "records quarantined")                  \
    X(QUARANTINED_EVENTS, "quarantined_events", "events in them")         \
    X(GAPS, "gaps", "gaps in sequences")                                  \
    X(GAP_BATCHES, "gap_batches", "batches missing in them")              \
    X(REFUSED, "refused", "events and bodies that collectors refused")
enum counts_sum {
#define X(name, field, help) COUNTS_##name,
    COUNTS_SUMS(X)
#undef X
        COUNTS_N_SUMS,
};
const char *counts_sum_field(enum counts_sum sum);
const char *counts_sum_help(enum counts_sum sum);

struct counts {
    GHashTable *cells; /* struct counts_key -> uint64_t */
    uint64_t sums[COUNTS_N_SUMS];
};

struct counts *counts_new(void);
void counts_free(struct counts *counts);
void counts_add(struct counts *counts, const struct counts_key *key, uint64_t n);
uint64_t counts_get(const struct counts *counts, const struct counts_key *key);

/* One row of a comparison. */
struct counts_row {
    struct counts_key key;
    uint64_t log, redis;
};
/* All keys that either has, sorted by day, organization, client, route, status: GArray of struct counts_row; caller unrefs. */
GArray *counts_compare(const struct counts *log, const struct counts *redis);

#endif
