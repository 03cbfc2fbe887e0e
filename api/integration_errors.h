/* integration_errors: what collectors refused, out of {pN}:refusals and {pN}:refused (lib/keys.h): exact counts, and the samples
 * that are kept.
 *
 * Days are those of the log's clock, in UTC, and so is a sample's time: when it was counted. So the samples of a partition are in
 * the order of their numbers, and what was purged is one number for each partition, in {daybook}:refused_purged (partition -> the
 * first number that is not purged): smaller ones are in no answer of any replica, even where a worker that claims the partition
 * writes its newest ones again. Counts are never purged; the aggregator removes them KEYS_REFUSALS_DAYS after their day.
 *
 * On a worker, with its reader after reader_begin. */
#ifndef DAYBOOK_INTEGRATION_ERRORS_H
#define DAYBOOK_INTEGRATION_ERRORS_H

#include "api/reader.h"
#include "lib/view.h"
#include <glib.h>

/* The place of a sample in the list: newest first, then by partition and number, both descending. */
struct integration_place {
    int64_t time_ms;
    int partition;
    uint64_t number; /* within the partition */
};

/* NULL: all. Days are included. */
struct integration_filter {
    int64_t from_day, to_day; /* since 1970; INT64_MIN and INT64_MAX: all */
    const char *collector, *reason;
};

struct integration_sample {
    struct integration_place place;
    int64_t refused_ms; /* the collector's clock; 0: not known (an import) */
    uint64_t count;     /* refused with the same sentence, in the same moment */
    struct view reason, collector, message, sample;
    char *text; /* owns them */
};

struct integration_sum {
    char *name;
    uint64_t count;
};

struct integration_errors {
    struct integration_filter filter; /* borrowed */
    struct integration_place after;
    bool has_after;
    guint wanted; /* samples */
    /* ---- what was found ---- */
    GPtrArray *samples;      /* struct integration_sample, in order, at most `wanted` */
    bool more;               /* there are further ones */
    uint64_t kept;           /* samples that fit the filter, of all pages */
    uint64_t purged;         /* ever */
    uint64_t total;          /* events and bodies; exact */
    GPtrArray *by_reason;    /* struct integration_sum, largest first */
    GPtrArray *by_collector; /* the same */
    /* ---- while reading ---- */
    uint64_t *first; /* by partition: the first number that is not purged */
    GHashTable *reasons, *collectors;
};

/* Call integration_errors_clear in any case. */
bool integration_errors_read(struct integration_errors *errors, struct reader *reader, GError **error);
void integration_errors_clear(struct integration_errors *errors);

/* Purges all samples from before this time, on all replicas, and removes them from Redis. *purged: how many there were. Doing it
 * twice does no harm. */
bool integration_errors_purge(struct reader *reader, int64_t before_ms, uint64_t *purged, GError **error);

#endif
