/* ledger_read: entries of the ledger, proved.
 *
 * An entry is handed out only if the SHA-256 of its bytes is the one that the entry behind it gives as its previous checksum, or,
 * of the last entry, the one in {p0}:meta. A copy in Redis that is missing, no entry, or another entry is replaced by the
 * archive's; where there is none either, READER_ERROR_COPY names the key and both checksums. */
#ifndef DAYBOOK_LEDGER_READ_H
#define DAYBOOK_LEDGER_READ_H

#include "api/ledger_index.h"
#include "lib/archive.h"

struct ledger_place {
    struct reader *reader;
    struct ledger_index *index;
    struct archive *archive; /* NULL: there is none */
    bool alone;              /* ledger_read.c's own: no other entry is asked about */
};

/* The entry of a line in full; ledger_entry_free it. NULL with an error. */
struct ledger_entry *ledger_read_entry(const struct ledger_place *place, guint position, struct ledger_summary *summary,
                                       GError **error);
/* What the entries of the lines from first to end - 1 say in short, into summaries[end - first]. */
bool ledger_read_summaries(const struct ledger_place *place, guint first, guint end, struct ledger_summary *summaries,
                           GError **error);

/* What an entry says of its day, for those who read its sheets. */
struct ledger_closing {
    struct ledger_summary summary;
    GPtrArray *sheets; /* as ledger_index_recall_sheets hands them out */
};
/* Of the lines at n positions, into closings[n]. False with an error: those that were read have their sheets, others NULL. */
bool ledger_read_closings(const struct ledger_place *place, const guint *positions, guint n, struct ledger_closing *closings,
                          GError **error);

#endif
