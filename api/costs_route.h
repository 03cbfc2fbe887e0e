/* costs_route: GET /api/v2/usage/costs, and costs.csv, costs.jsonl (or by Accept): what a month costs, account by account.
 *
 * Whoever sees all organizations gets all accounts; who sees one gets its accounts; a client gets its own account, or, if it has no
 * plan of its own, its share of its organization's, in requests only. Months of which all days are closed have entity tags. */
#ifndef DAYBOOK_COSTS_ROUTE_H
#define DAYBOOK_COSTS_ROUTE_H

#include "api/costs_read.h"
#include "api/query.h"

/* All borrowed. */
struct costs_route {
    const struct queries *queries;
    struct costs_place place;
    const char *directory; /* of temporary files */
};

/* The part of the path, if there is one: the format. */
void costs_route_handle(const struct costs_route *route, struct call *call);

#endif
