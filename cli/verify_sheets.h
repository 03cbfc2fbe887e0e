/* verify_sheets: is every sheet there, unchanged, in Redis and in the archive, and does the ledger say what the sheets hold? Reads
 * with several threads, a day at a time; the difference that it finds is the first one all the same. */
#ifndef DAYBOOK_CLI_VERIFY_SHEETS_H
#define DAYBOOK_CLI_VERIFY_SHEETS_H

#include "cli/chain.h"
#include "cli/dates.h"
#include "cli/finding.h"
#include "lib/archive.h"

struct sheets_count {
    uint64_t days, revisions;
    uint64_t in_redis, in_archive; /* sheets that are as they must be */
    uint64_t removed;              /* from Redis, after keep_days: these are in the archive */
    uint64_t erased;               /* gone, since a later revision has erased a user */
    uint64_t rows, events;
};

struct sheets_check {
    const struct chain *chain; /* without faults */
    const char *redis_url;
    int n_partitions;
    struct archive *archive; /* NULL: none is compared */
    struct date_range range;
    int64_t kept_from; /* sheets of earlier days may be in the archive only */
    int threads;
    bool progress;             /* to stderr */
    struct sheets_count count; /* out */
};

/* Sets *finding to the first difference, or NULL. False: it cannot be found out. */
bool verify_sheets(struct sheets_check *check, struct finding **finding, GError **error);

/* "2026-10-05, revision 1, partition 3: " and the text. Caller frees. */
char *verify_sheets_where(const struct sheet_name *name, const char *text);

#endif
