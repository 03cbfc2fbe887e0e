/* recount_sheets: the part of the counts that sheets have taken over: of every partition and day that has one, the newest. One
 * thread. */
#ifndef DAYBOOK_CLI_RECOUNT_SHEETS_H
#define DAYBOOK_CLI_RECOUNT_SHEETS_H

#include "cli/counts.h"
#include "cli/shards.h"
#include "lib/archive.h"

struct recount_sheets;

/* Adds what the sheets hold to the counts. archive: where sheets are that Redis no longer has; NULL: nowhere. */
struct recount_sheets *recount_sheets_read(struct shards *shards, struct archive *archive, struct names *names,
                                           struct counts *counts, GError **error);
void recount_sheets_free(struct recount_sheets *sheets);
/* The revision whose sheet was taken: buckets up to it are in there. 0: none. */
int recount_sheets_revision(const struct recount_sheets *sheets, int partition, int64_t day);
/* How many sheets were read. */
size_t recount_sheets_count(const struct recount_sheets *sheets);

#endif
