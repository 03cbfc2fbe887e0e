/* buckets_read: sums the slot and minute buckets of members into a usage table.
 *
 * Second step of reading live usage, after members. Rows of a slot bucket carry symbols; a client's routes are read just before
 * its slots, unless they are known, and where a slot names a younger route they are read again, so no row is left out. Owned by one
 * thread. */
#ifndef DAYBOOK_BUCKETS_READ_H
#define DAYBOOK_BUCKETS_READ_H

#include "api/endpoints.h"
#include "api/live_notes.h"
#include "api/usage_table.h"

/* A route that has no name in Redis even when asked for again: the symbol table is damaged. Its requests are counted under this. */
#define BUCKETS_UNKNOWN_ROUTE "{unknown}"

/* Which table counts a slot. */
struct slot_tables {
    int64_t first_slot;
    uint32_t n_slots;
    struct usage_table *whole;   /* all slots of its window; or, where it is NULL: */
    struct usage_table **tables; /* for each slot from first_slot on; NULL: it is not wanted */
};
struct slot_tables slot_tables_whole(struct usage_table *table);
struct usage_table *slot_tables_get(const struct slot_tables *tables, int64_t slot);

/* Slots that a table counts, but of generations that are in a sheet; with endpoints (or NULL) only their rows. Names of routes are
 * kept in the notes (or NULL). */
bool buckets_read_slots(struct reader *reader, const struct members *members, const struct endpoints *endpoints,
                        const struct slot_tables *tables, struct live_notes *notes, GError **error);

#endif
