/* overview_route: GET /api/v2/usage/overview: what there is to know at a glance, made to be asked every few seconds.
 *
 *   timeframe     1h, 24h (without it), 7d, 30d, 90d, 1y: the window ends now and begins as that of Get Usage
 *   organization  whose usage; without it all that the caller may see
 *   timeZone      whose clock the times are shown by
 *
 * All numbers are those of Get Usage for the same window, read the same way (live.h). The window before ends where this one
 * begins and is as long, but for what is missing of the running quarter of an hour; a change compares what both have for the same
 * length of time; it is read anew once a minute. Health is shown to who sees all. */
#ifndef DAYBOOK_OVERVIEW_ROUTE_H
#define DAYBOOK_OVERVIEW_ROUTE_H

#include "api/alerts.h"
#include "api/live.h"
#include "api/query.h"
#include "api/registry.h"
#include "api/system_state.h"

/* All borrowed. */
struct overview_route {
    struct queries *queries;
    struct live_sources *sources;
    struct registry *registry;
    struct alerts_cache *alerts;
    struct system_settings system;
};

void overview_route_handle(const struct overview_route *route, struct call *call);

#endif
