/* chain: the ledger as Redis holds it: all entries in order, read whole. One thread; what was read does not change. */
#ifndef DAYBOOK_CLI_CHAIN_H
#define DAYBOOK_CLI_CHAIN_H

#include "cli/shards.h"
#include "lib/ledger.h"

struct chain_link {
    uint64_t n;
    GBytes *record; /* NULL: Redis has none */
    uint8_t checksum[LEDGER_CHECKSUM_SIZE];
    struct ledger_entry *entry; /* NULL: there is no record, or it cannot be read: fault says why */
    char *fault;
};

struct chain {
    uint64_t last;     /* n of the last entry, as {p0}:meta has it; 0: the ledger is empty */
    char *checksum;    /* of the last one, likewise; "" when there is none */
    uint64_t archived; /* n of the last one in the archive, likewise */
    GPtrArray *links;  /* struct chain_link; number i has n = i + 1 */
};

struct chain *chain_read(struct shards *shards, GError **error);
void chain_free(struct chain *chain);
/* Every entry can be read. That they are a chain is not checked. */
bool chain_check(const struct chain *chain, GError **error);
/* The entry of a day and revision; revision 0: the newest. NULL: there is none. Only entries that can be read are found. */
const struct chain_link *chain_find(const struct chain *chain, int64_t day, uint32_t revision);
/* A later revision of the day was made to erase a user: the sheets of this one may be gone. */
bool chain_is_erased(const struct chain *chain, int64_t day, uint32_t revision);

#define CHAIN_ERROR chain_error_quark()
GQuark chain_error_quark(void);
enum chain_error { CHAIN_ERROR_DAMAGED };

#endif
