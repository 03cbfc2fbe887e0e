/* system_state: how the system itself is, as Redis tells it, and the conditions that people should know of.
 *
 * What is read: the board of the aggregators ({daybook}:workers), and of each partition the log clock, the heartbeats, the gaps and
 * how far its days are; and the index of the ledger. Redis may hold the work of older versions or of nobody: text that cannot be
 * read is passed over, never an error, and what nobody says is no condition.
 *
 * A condition is known by its type and its subject, and `since_ms` does not move while it lasts: it follows from the data, so every
 * replica says the same. (The one beginning that no data tells, that of a filling journal, is kept in {daybook}:conditions.)
 *
 * - sequence_gap: batches of a collector's stream are missing in the log. Subject: "stream <32 hex digits> on <date>", of all
 *   partitions, by the day of the log clock when it was noticed; since: the beginning of that day. It ends when the day is in the
 *   ledger, which says it for ever, or a day after the day's end.
 * - silent_collector: no heartbeat of a collector for longer than silent_after, as far as the log was read: where an aggregator is
 *   behind, or away, nobody becomes silent by that, and whoever is silent stays so (doubtful). Subject: its name; since: its newest
 *   heartbeat. A collector that is stopped does not say so: it is as silent as one that failed. It ends when the collector speaks
 *   again, or silent_until after that heartbeat: then it was taken away. Imports have no heartbeats.
 * - partition_not_sealed: a day is not in the ledger sealed_after after its end, or late events of one are not, so long after the
 *   last of them. Subject: "day <date>"; since: when it should have been; the message names the step and the partitions that it
 *   waits for.
 * - journal_filling: a collector's newest heartbeat says that its journal holds more than journal_bytes, or events older than
 *   journal_age. Subject: its name; since: when it was first seen to be so.
 * - lag_without_progress: a partition stands still in front of records that are there, or its worker does not reach Kafka, or
 *   nobody counts it, for longer than lag.
 *   Subject: "partition 3"; since: when it last moved, or was last heard of.
 *
 * Everything is bounded: SYSTEM_CONDITIONS_MAX conditions of each type (those that began last are doubtful), SYSTEM_COLLECTORS_MAX
 * collectors. Times are wall clock, ms. A result belongs to the caller; the settings are plain data, to be shared. */
#ifndef DAYBOOK_SYSTEM_STATE_H
#define DAYBOOK_SYSTEM_STATE_H

#include "api/ledger_index.h"
#include "api/reader.h"

enum {
    SYSTEM_CONDITIONS_MAX = 200,
    SYSTEM_COLLECTORS_MAX = 10000,
    SYSTEM_BOARD_STALE_MS = 60000, /* an older entry of the board: nobody works on that partition */
    SYSTEM_DAYS_MAX = 32,          /* days that are not closed: the oldest */
};

struct system_settings {
    struct ledger_cache *ledger; /* borrowed */
    int64_t silent_after_ms, silent_until_ms, sealed_after_ms, lag_ms;
    int64_t journal_bytes, journal_age_ms;
};

struct condition {
    const char *type;        /* constant: one of the five above */
    char *subject, *message; /* message: a sentence or two for people */
    int64_t since_ms;
};
void condition_free(struct condition *condition); /* NULL is allowed */

/* ---- what is read, and what it was judged from ---- */

enum system_partition_state {
    SYSTEM_PARTITION_UNKNOWN, /* there is no board */
    SYSTEM_PARTITION_COUNTING,
    SYSTEM_PARTITION_STANDING, /* records are there, and it has not moved for longer than lag */
    SYSTEM_PARTITION_UNOWNED   /* no worker has said anything of it for SYSTEM_BOARD_STALE_MS */
};
const char *system_partition_state_name(enum system_partition_state state); /* "unknown", "counting", "standing", "unowned" */

struct system_partition {
    enum system_partition_state state;
    int64_t next, high;  /* first record not counted, and the end of the log as the worker knew it; -1: not known */
    int64_t said_ms;     /* when; 0: never */
    int64_t standing_ms; /* since when it stands in front of records; 0: it does not */
    int64_t clock_ms;    /* its log clock; 0: it had no record */
    char *worker;        /* NULL: none said anything */
};

struct system_collector {
    char *name;
    int64_t heard_ms; /* its clock in the newest heartbeat */
    bool silent;
    uint64_t journal_bytes;
    int64_t journal_oldest_ms;                       /* 0: nothing waits */
    uint64_t received, accepted, rejected, excluded; /* since that run began */
};

struct system_day {
    int64_t day;
    bool due;  /* it should be closed by now */
    char *why; /* what it waits for, a sentence */
};

struct system_state {
    GPtrArray *partitions; /* struct system_partition, by number */
    GPtrArray *collectors; /* struct system_collector, by name */
    GPtrArray *days;       /* struct system_day, ascending: days that are over, and not in the ledger */
    GPtrArray *conditions; /* struct condition, ascending by type, then since, then subject */
    GPtrArray *doubtful;   /* struct condition that cannot be told now: none begins by that, and none that lasts ends */
};
void system_state_free(struct system_state *state); /* NULL is allowed */
/* NULL with an error (Redis cannot be reached). Between reader_begin and the reader's deadline; asks {daybook}:conditions to be
 * changed where needed. */
struct system_state *system_state_look(struct reader *reader, const struct system_settings *settings, int64_t now_ms,
                                       GError **error);

#endif
