/* days_route: GET /api/v2/usage/days, /api/v2/usage/days/{day} and /api/v2/usage/days/{day}/revisions/{revision}: the ledger, as it
 * stands in Redis, every entry proved (ledger_read). What is asked for again and again is kept for a moment (hot_answers). */
#ifndef DAYBOOK_DAYS_ROUTE_H
#define DAYBOOK_DAYS_ROUTE_H

#include "api/ledger_read.h"
#include "api/query.h"

struct days_route {
    struct queries *queries; /* borrowed, like the next two */
    struct ledger_cache *ledger;
    struct archive *archive; /* NULL: none is configured */
};

/* The parts of the path: day, revision, as far as there are any. Who may not see all organizations sees no counts, which are of
 * all. */
void days_route_handle(const struct days_route *route, struct call *call);

#endif
