/* series: requests per partition and bucket of time, in each of the ways in which Redis keeps them; what `daybook recount` compares
 * beside the counts of cli/counts.h. One thread.
 *
 * One sum over all clients is enough here: who has an event in the right slot bucket, but not in the minute or not in a sorted set,
 * shows up in the sum. */
#ifndef DAYBOOK_CLI_SERIES_H
#define DAYBOOK_CLI_SERIES_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* As in lib/keys.h. The log's counts are kept under SERIES_MINUTES and SERIES_SLOT_CLIENTS; the others must agree with them. A slot
 * may be without the last three: who began it had none. If it has one of them it has all: whoever reads the key adds 0 at least. */
enum series_kind {
    SERIES_MINUTES,        /* {p}:m:   number is the minute since 1970 */
    SERIES_MINUTE_CLIENTS, /* {p}:zm: */
    SERIES_SLOT_CLIENTS,   /* {p}:zs:  number is the day · KEYS_SLOTS_PER_DAY + slot */
    SERIES_SLOT_ROUTES,    /* {p}:zr: */
    SERIES_SUM_CLIENTS,    /* {p}:ss: */
    SERIES_SUM_ROUTES,     /* {p}:ss: */
    SERIES_SUM_MINUTES,    /* {p}:ss: */
    SERIES_N_KINDS,
};
const char *series_kind_name(enum series_kind kind);

struct series_key {
    enum series_kind kind;
    int partition;
    int64_t number;
    int revision; /* of a slot's day; 0 for minutes: all revisions together */
};

struct series;
struct series *series_new(void);
void series_free(struct series *series);
void series_add(struct series *series, struct series_key key, uint64_t n);
uint64_t series_get(const struct series *series, struct series_key key);

struct series_difference {
    struct series_key key;
    uint64_t log, redis;
};
/* What may be gone from Redis, and is not looked at. */
struct series_limits {
    const int64_t *oldest_minute; /* by partition: the first minute that must still be there */
    /* Has a sheet taken the place of the revision's buckets? NULL: of none. */
    bool (*is_sheeted)(const void *opaque, int partition, int64_t day, int revision);
    const void *opaque;
};

/* All differences, by kind, partition and number: GArray of struct series_difference; caller unrefs. compared: how many buckets
 * were. */
GArray *series_compare(const struct series *log, const struct series *redis, const struct series_limits *limits, size_t *compared);

#endif
