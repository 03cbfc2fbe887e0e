/* ledger_build: an entry of the ledger, from the sheets of all partitions and what the partitions say of the day.
 *
 * Partitions are added one after the other, so that the sheets of one only are in memory at a time; besides, the requests of every
 * organization of the day and every client that differs from the revision before (about 100 bytes each) until the entry is made.
 * What does not fit an entry (lib/ledger.h) is chosen by size, then by name, so that it follows from the sheets alone.
 * Owned by one thread. */
#ifndef DAYBOOK_LEDGER_BUILD_H
#define DAYBOOK_LEDGER_BUILD_H

#include "lib/ledger.h"
#include "lib/sheet.h"

enum { LEDGER_BUILD_BYTES_MAX = 900000 }; /* of an entry: Kafka's usual limit is 1 MiB a message */

#define LEDGER_BUILD_ERROR ledger_build_error_quark()
GQuark ledger_build_error_quark(void);
enum ledger_build_error { LEDGER_BUILD_ERROR_CONTRADICTION };

struct ledger_build;

/* Entry n; previous: the checksum of the one before it, NULL for the first. */
struct ledger_build *ledger_build_new(uint64_t n, const uint8_t *previous, int64_t day, int revision);
void ledger_build_free(struct ledger_build *build);
/* Of a later revision: the day's entry before, with which the sums must agree. */
void ledger_build_continue(struct ledger_build *build, const struct ledger_entry *before);
/* Whether the entry before has this partition: then the sheet before is wanted too. */
bool ledger_build_wants_before(const struct ledger_build *build, uint32_t partition);
/* Partitions ascend. Takes the day. before: the sheet of the revision before, if it is wanted (NULL: an erasure removed it). False:
 * they contradict each other.
 */
bool ledger_build_add(struct ledger_build *build, struct partition_day *day, const struct sheet *sheet, const struct sheet *before,
                      GError **error);
/* The entry, and its bytes (may be NULL); NULL: the sums contradict the entry before. */
struct ledger_entry *ledger_build_finish(struct ledger_build *build, GBytes **record, GError **error);

#endif
