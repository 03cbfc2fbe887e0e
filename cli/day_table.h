/* day_table: how far every day is in every partition, as Redis says, and what its closing waits for. One thread. */
#ifndef DAYBOOK_CLI_DAY_TABLE_H
#define DAYBOOK_CLI_DAY_TABLE_H

#include "cli/shards.h"
#include "lib/ledger.h"

/* A day in one partition. */
struct day_part {
    struct day_state state;
    uint64_t open_events; /* that no seal has ended yet */
};

struct day_row {
    int64_t day;
    struct day_part *parts; /* by partition */
};

struct day_table {
    int n_partitions;
    GPtrArray *rows;   /* struct day_row, ascending by day: the days of which any partition knows something */
    int64_t first_day; /* of the log's clock; -1: nothing was counted */
};

struct day_table *day_table_read(struct shards *shards, GError **error);
void day_table_free(struct day_table *table);
/* NULL: no partition knows anything of it. */
const struct day_row *day_table_find(const struct day_table *table, int64_t day);
/* The last day up to which every day is closed; false: there is none. A day before the log's first one of which nothing is known is
 * closed and empty. */
bool day_table_finalized(const struct day_table *table, int64_t *day);

/* The last revision that any partition has sealed. */
int day_row_sealed(const struct day_table *table, const struct day_row *row);
/* The revision that will hold all that has come for the day so far: the one that is sealed somewhere, or one more where events came
 * since. */
int day_row_target(const struct day_table *table, const struct day_row *row);
/* The last revision in the ledger. */
int day_row_ledgered(const struct day_row *row);
/* What the day waits for until that revision is in the ledger; NULL: nothing. Caller frees. */
char *day_row_waits_for(const struct day_table *table, const struct day_row *row, int revision);

#endif
