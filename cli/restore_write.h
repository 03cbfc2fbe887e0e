/* restore_write: puts what the archive has into Redis, through the fence, and keeps account of it. Nothing that is there is ever
 * written over: what differs becomes a problem that is said at the end. One thread. */
#ifndef DAYBOOK_CLI_RESTORE_WRITE_H
#define DAYBOOK_CLI_RESTORE_WRITE_H

#include "cli/archive_chain.h"
#include "cli/fence.h"

struct restore_count {
    guint64 there, restored;
};

struct restore {
    struct archive_chain *chain;
    struct shards *shards;
    struct fence *fence;
    int64_t kept_from; /* sheets of earlier days stay in the archive alone */
    bool progress;     /* to stderr */
    /* Account. */
    struct restore_count sheets, entries, generations, days;
    guint64 n_problems;
    GPtrArray *problems; /* texts of the first ones */
};

/* The shards, the chain, kept_from and progress are given. */
void restore_begin(struct restore *restore);
void restore_end(struct restore *restore);
void restore_problem(struct restore *restore, const char *format, ...) G_GNUC_PRINTF(2, 3);
void restore_progress(const struct restore *restore, const char *what, guint64 done, guint64 of);
void restore_progress_end(const struct restore *restore);

struct restore_field {
    const char *kind, *field; /* see keys_plain() */
    struct view value;
    bool compare; /* another value is a problem */
};
/* A field of the partition's hash, if it is not there; count may be NULL. */
bool restore_field(struct restore *restore, int partition, const struct restore_field *field, struct restore_count *count,
                   GError **error);
/* The sheet with that checksum, if there is none in Redis. */
bool restore_sheet(struct restore *restore, const struct sheet_name *name, const uint8_t checksum[LEDGER_CHECKSUM_SIZE],
                   GError **error);
/* Entry i of the chain: {p0}:ledger and {p0}:entries. */
bool restore_entry(struct restore *restore, guint i, struct view record, GError **error);
/* {pN}:closed of one entry. */
bool restore_generation(struct restore *restore, const struct ledger_entry *entry, const struct partition_day *day, GError **error);

#endif
