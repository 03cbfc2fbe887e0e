/* sums_read: adds what slots come to, of all clients, to usage tables.
 *
 * A slot has a row for each client, route, user and platform that occurred in it, which may be hundreds of thousands. Its sums (key
 * ss of lib/keys.h) are one number for each client and one for each route, so a question over all clients reads these. They are
 * written behind the rows and before the slot's total, so whoever knows a total finds no less in the sums; and by one command,
 * mostly, so what is read of clients, routes and minutes agrees. Where it does not, or the slot is older than its sums, the slot is
 * said to be *torn*, and its rows have to be read instead. Owned by one thread. */
#ifndef DAYBOOK_SUMS_READ_H
#define DAYBOOK_SUMS_READ_H

#include "api/buckets_read.h"

/* The members are all of their generations. Of generations that are in a sheet only minutes are added. torn: for each slot of the
 * tables; what the table of a torn slot holds is of no use. */
bool sums_read(struct reader *reader, const struct members *members, const struct slot_tables *tables, bool *torn, GError **error);

#endif
