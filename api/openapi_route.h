/* openapi_route: GET /api/v2/openapi.yaml and GET /api/v2/reference: the description of this API, and the page made of it.
 *
 * Both are in the program (api/openapi.yaml and api/reference.html as they were when it was built); so they are there for
 * everybody, always, and fit the program. Neither asks for a token. The page has no scripts; its Content-Security-Policy allows the
 * style sheet in it and nothing else. Their compressed forms are made once, when the first is asked for. Thread-safe. */
#ifndef DAYBOOK_OPENAPI_ROUTE_H
#define DAYBOOK_OPENAPI_ROUTE_H

#include "api/call.h"

/* "no parameter" is taken; a query that has one is refused, as everywhere. */
void openapi_route_handle_description(struct call *call, struct metrics *metrics);
void openapi_route_handle_reference(struct call *call, struct metrics *metrics);

#endif
