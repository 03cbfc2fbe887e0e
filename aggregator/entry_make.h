/* entry_make: fetches what an entry of the ledger is built from (ledger_build.h), one partition after the other. */
#ifndef DAYBOOK_ENTRY_MAKE_H
#define DAYBOOK_ENTRY_MAKE_H

#include "aggregator/closing_reader.h"
#include "lib/archive.h"

/* Where the entry goes in the chain. */
struct entry_place {
    uint64_t n;
    const uint8_t *previous;           /* checksum of entry n - 1; NULL: there is none */
    const struct ledger_entry *before; /* the day's entry of the revision before; NULL: it is in Redis, or there is none */
};

/* The entry of the day and revision, and its bytes. archive: where sheets are that Redis has lost; may be NULL. An error of
 * REDIS_ERROR_LOST: the connection failed; all others: the day cannot be entered as it is. */
struct ledger_entry *entry_make(struct closing_reader *reader, struct archive *archive, const struct closing_entry *wanted,
                                const struct entry_place *place, GBytes **record, GError **error);

#endif
