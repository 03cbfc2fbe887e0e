/* verify_chain: are the entries of the ledger a chain, is each what it says of itself, and are all copies alike? One thread. */
#ifndef DAYBOOK_CLI_VERIFY_CHAIN_H
#define DAYBOOK_CLI_VERIFY_CHAIN_H

#include "cli/chain.h"
#include "cli/finding.h"
#include "lib/archive.h"

struct chain_check {
    const struct chain *chain;
    struct shards *shards;
    struct archive *archive; /* NULL: none is compared */
    uint64_t archived;       /* out: entries that are in the archive, and alike */
    bool progress;           /* to stderr */
};

/* Sets *finding to the first difference, or NULL. False: it cannot be found out. */
bool verify_chain(struct chain_check *check, struct finding **finding, GError **error);

#endif
