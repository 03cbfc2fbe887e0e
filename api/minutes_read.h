/* minutes_read: adds the minute buckets of members to usage tables: their requests, for the peak, or, when the table's series
 * is of minutes, their measures. Only minutes that the table has are read, and of those only the ones in slots in which a
 * member was active.
 *
 * Third step of reading live usage, after members and buckets_read: minutes are read after their slots. */
#ifndef DAYBOOK_MINUTES_READ_H
#define DAYBOOK_MINUTES_READ_H

#include "api/members.h"
#include "api/usage_table.h"

/* tables: struct usage_table, borrowed. */
bool minutes_read(struct reader *reader, const struct members *members, const GPtrArray *tables, GError **error);

#endif
