/* dashboard_route: the dashboard, as it was bundled from web/ when this program was built: one document for every page (which one
 * it is stands in the address, and the page itself reads it), and the files that belong to it.
 *
 *   GET /, /report, /traffic, …    the document; asked for again each time, by its entity tag
 *   GET /assets/NAME               a script, a style sheet or an image; NAME changes with what is in it, so it is kept for a year
 *
 * Nobody needs a token for them: they hold no numbers. The document's Content-Security-Policy allows only what comes from here, no
 * inline script or style, and no frame around it. All files are in the program, also compressed. Thread-safe. */
#ifndef DAYBOOK_DASHBOARD_ROUTE_H
#define DAYBOOK_DASHBOARD_ROUTE_H

#include "api/call.h"

/* Whether there is a page, or an asset, of this name (of a path's part). */
bool dashboard_has_page(const char *name);
bool dashboard_has_asset(const char *name);
void dashboard_route_document(struct call *call, struct metrics *metrics);
void dashboard_route_asset(struct call *call, struct metrics *metrics);

#endif
