/* closed_pieces: what the sheets of closed days hold of a scope, added up once and kept.
 *
 * A *piece* is what the sheets of one UTC day come to, or, of a day that lies only partly in the window, its slots there: by slot,
 * route and client (packed_usage.h), so it serves any unit, zone and timeframe. A *sum* is what many whole days come to in the
 * points of one series: a question over months that is asked again adds that up, and its first and last day. Both are known by the
 * names and the SHA-256 of all sheets that they were made of; those never change, so neither does a piece, and of a day that is
 * restated there is another one. Little that was summed up is not worth its memory: it is read again.
 *
 * Days without a piece are read by some threads side by side. All that is kept lies in the live cache, within its bytes. */
#ifndef DAYBOOK_CLOSED_PIECES_H
#define DAYBOOK_CLOSED_PIECES_H

#include "api/closed.h"
#include "api/live_cache.h"
#include "api/sheets_read.h"
#include "api/usage_table.h"

struct closed_place {
    struct sheets_query query;
    struct live_cache *cache; /* NULL: nothing is kept */
    guint threads;            /* that a question may use, its own among them */
};

/* Adds what the sheets that are wanted (struct sheet_want, ascending by day) have in the table's window. *seen is set where any has
 * a client of the scope; else it stays. False as sheets_visit. */
bool closed_pieces_sum(const struct closed_place *place, GPtrArray *wanted, struct usage_table *table, bool *seen, GError **error);

#endif
