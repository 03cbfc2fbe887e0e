/* erase_days: which closed days still name a user. One thread. */
#ifndef DAYBOOK_CLI_ERASE_DAYS_H
#define DAYBOOK_CLI_ERASE_DAYS_H

#include "cli/shards.h"
#include "lib/archive.h"

/* Days (int64_t, ascending) of which a sheet names the user, and no later revision of that partition was made to erase somebody:
 * its predecessors go. Reads every sheet of the ledger. Caller unrefs; NULL with an error. */
GArray *erase_days_find(struct shards *shards, struct archive *archive, const char *user, GError **error);

#endif
