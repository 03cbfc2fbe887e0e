/* buckets_read: sums the slot and minute buckets of members into a usage table.
 *
 * Second step of reading live usage, after members. Rows of a slot bucket carry symbols; a client's routes are read just before
 * its slots, and where a slot already names a younger route they are read again, so no row is left out. Owned by one thread. */
#ifndef DAYBOOK_BUCKETS_READ_H
#define DAYBOOK_BUCKETS_READ_H

#include "api/endpoints.h"
#include "api/members.h"
#include "api/usage_table.h"

/* A route that has no name in Redis even when asked for again: the symbol table is damaged. Its requests are counted under this. */
#define BUCKETS_UNKNOWN_ROUTE "{unknown}"

/* Slots of the window, but of generations that are in a sheet; with endpoints (or NULL) only their rows. */
bool buckets_read_slots(struct reader *reader, const struct members *members, const struct endpoints *endpoints,
                        struct usage_table *table, GError **error);

#endif
