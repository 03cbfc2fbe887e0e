/* verify_totals: does the ledger say what the sheets hold? Pure functions; each gives the first difference, or NULL. */
#ifndef DAYBOOK_CLI_VERIFY_TOTALS_H
#define DAYBOOK_CLI_VERIFY_TOTALS_H

#include "cli/finding.h"
#include "lib/ledger.h"
#include "lib/sheet.h"

/* The sheet's header and sums against what the entry says of the partition. */
struct finding *verify_totals_sheet(const struct ledger_entry *entry, const struct partition_day *said, const struct sheet *sheet);
/* sums: of all sheets of the entry, as in cli/client_sums.h. */
struct finding *verify_totals_organizations(const struct ledger_entry *entry, GHashTable *sums);
/* before: of the revision before. */
struct finding *verify_totals_differences(const struct ledger_entry *entry, GHashTable *sums, GHashTable *before);

#endif
