/* integration_route: what collectors refused, as a list (integration_errors.h).
 *
 *   GET    /api/v2/usage/integration-errors            the newest first, with exact counts by reason and collector
 *   GET    /api/v2/usage/integration-errors.csv, .jsonl   the same samples as a file; what does not fit is behind its header Link
 *   DELETE /api/v2/usage/integration-errors?before=    purges samples, not counts; logged, with the caller
 *
 * What was refused has no organization that was proven, so only who sees all of them sees it: others are told so (403). */
#ifndef DAYBOOK_INTEGRATION_ROUTE_H
#define DAYBOOK_INTEGRATION_ROUTE_H

#include "api/query.h"

struct integration_route {
    struct queries *queries; /* borrowed */
};

/* All of the above. */
void integration_route_handle(const struct integration_route *route, struct call *call);

#endif
