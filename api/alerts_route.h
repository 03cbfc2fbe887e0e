/* alerts_route: alerts for whoever may see them.
 *
 *   GET    /api/v2/usage/alerts            newest first, by filters and pages (alerts_params.h), with how many there are and are
 * unread GET    /api/v2/usage/alerts/{id} PATCH  /api/v2/usage/alerts/{id}       {"state":"unread|read|deleted"} DELETE
 * /api/v2/usage/alerts/{id}       the same as state deleted POST   /api/v2/usage/alerts/read       all unread ones that the filters
 * have become read
 *
 * A caller sees alerts of its organization and client; system alerts only who sees all. What they may not see is not there. A
 * deleted alert is only left out of lists, and kept, until it is removed as others are. */
#ifndef DAYBOOK_ALERTS_ROUTE_H
#define DAYBOOK_ALERTS_ROUTE_H

#include "api/alerts.h"
#include "api/query.h"

/* All borrowed. */
struct alerts_route {
    struct queries *queries;
    struct alerts_cache *alerts;
};

void alerts_route_handle(const struct alerts_route *route, struct call *call);
void alerts_route_handle_read(const struct alerts_route *route, struct call *call); /* POST …/read */

#endif
