/* placement: of which closed days it is known in which partition each client's rows are.
 *
 * Collectors put a client's events into partition_of(organization, client, partitions), but while partitions are added some still
 * count with the old number, so that is no proof. What is certain is what the sheets of a closed day show: who has opened all of
 * them, and found every client where its name belongs, knows it of that day for ever. It is noted here, and in Redis for other
 * replicas and later runs:
 *
 *   {daybook}:placement   hash   number of an entry of the ledger -> "<partitions> <first 16 hex digits of the entry's SHA-256>"
 *
 * A question about one client then opens one sheet of such a day instead of all. What is lost, or no longer that of the entry,
 * costs time only. At most PLACEMENT_MAX days are remembered. Thread-safe. */
#ifndef DAYBOOK_PLACEMENT_H
#define DAYBOOK_PLACEMENT_H

#include "api/closed_days.h"

enum { PLACEMENT_MAX = 1 << 17 };

struct placement;

struct placement *placement_new(void);
void placement_free(struct placement *placement);

/* Whether all of the sheet's clients are where they belong: but KEYS_OTHER, which is everywhere. */
bool placement_fits(const struct sheet *sheet, uint32_t partitions);
/* All sheets of the entry's day fit. */
void placement_learn(struct placement *placement, const struct closed_entry *entry);
bool placement_knows(struct placement *placement, const struct closed_entry *entry);

/* Reads what Redis knows, the first time that it is asked. */
bool placement_load(struct placement *placement, struct reader *reader, GError **error);
/* Writes what was learned since. */
bool placement_store(struct placement *placement, struct reader *reader, GError **error);

#endif
