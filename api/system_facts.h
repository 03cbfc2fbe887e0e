/* system_facts: what Redis says of the system itself, as it is read for system_state, which judges it.
 *
 * Two steps: system_facts_read reads all but the days; system_facts_read_days what the partitions say of given days. Text that
 * cannot be read is passed over. Owned by one thread. */
#ifndef DAYBOOK_SYSTEM_FACTS_H
#define DAYBOOK_SYSTEM_FACTS_H

#include "api/system_state.h"
#include "lib/ledger.h"

/* hash: partition -> "next high time_ms standing_ms worker", and "since" -> when somebody wrote the first of it
 * (aggregator/board.h). */
#define SYSTEM_BOARD_KEY "{daybook}:workers"
/* hash: subject of a journal_filling condition -> since */
#define SYSTEM_KEPT_KEY "{daybook}:conditions"

enum { SYSTEM_STREAMS_MAX = 100000, SYSTEM_GAPS_MAX = 10000 };

/* Gaps of a stream on a day, in all partitions. */
struct system_gap {
    char *stream; /* hex */
    int64_t day;
    uint64_t batches; /* that are missing; saturating */
    int partition;    /* of one of them, like the next */
    uint64_t expected, got;
    guint n;
};

/* Events of a day that are not sealed, over all partitions. */
struct system_open {
    int64_t day;
    int revision;    /* highest that they will have */
    int64_t last_ms; /* log clock when the last one came */
    int partition;   /* of that one */
};

struct system_facts {
    struct ledger_index *index;
    GPtrArray *partitions; /* struct system_partition, by number; not judged */
    bool has_board;
    int64_t board_since_ms; /* 0: not known */
    int64_t first_ms;       /* log clock at the log's first record; -1: none */
    GHashTable *collectors; /* name -> struct system_collector */
    GHashTable *streams;    /* stream, hex -> name of its collector */
    GHashTable *gaps;       /* "stream day" -> struct system_gap */
    GHashTable *open;       /* day -> struct system_open */
    GHashTable *kept;       /* subject -> int64_t, since */
};

/* NULL with an error. */
struct system_facts *system_facts_read(struct reader *reader, struct ledger_cache *ledger, GError **error);
void system_facts_free(struct system_facts *facts); /* NULL is allowed */

/* states[partition * n_days + i] is what the partition says of days[i]; to be freed with g_free. At most SYSTEM_DAYS_MAX days. NULL
 * with an error. */
struct day_state *system_facts_read_days(struct reader *reader, const int64_t *days, size_t n_days, GError **error);

void system_partition_free(struct system_partition *partition);
void system_collector_free(struct system_collector *collector);

#endif
