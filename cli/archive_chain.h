/* archive_chain: the ledger as the archive holds it: checked to be a chain; its entries are read again when they are wanted. One
 * thread. */
#ifndef DAYBOOK_CLI_ARCHIVE_CHAIN_H
#define DAYBOOK_CLI_ARCHIVE_CHAIN_H

#include "lib/archive.h"

struct archived_entry { /* number i has n = i + 1 */
    uint32_t day, revision;
    enum seal_reason reason;
    int64_t closed_at_ms;
    uint8_t checksum[LEDGER_CHECKSUM_SIZE];
};

struct archive_chain {
    struct archive *archive; /* borrowed */
    GArray *entries;         /* struct archived_entry */
};

/* Reads and checks all entries. NULL: one is missing or damaged, or they are no chain; the error names it. */
struct archive_chain *archive_chain_read(struct archive *archive, bool progress, GError **error);
void archive_chain_free(struct archive_chain *chain);
guint archive_chain_count(const struct archive_chain *chain);
const struct archived_entry *archive_chain_at(const struct archive_chain *chain, guint i);
/* The bytes of the Record, with the checksum that it had. */
GBytes *archive_chain_record(const struct archive_chain *chain, guint i, GError **error);
/* The day is there in a later revision with reason erasure: its older sheets are gone for good. */
bool archive_chain_is_erased(const struct archive_chain *chain, int64_t day, int revision);

#define ARCHIVE_CHAIN_ERROR archive_chain_error_quark()
GQuark archive_chain_error_quark(void);
enum archive_chain_error { ARCHIVE_CHAIN_ERROR_BROKEN };

#endif
