/* live_routes: what the routes of a client are called in a generation, kept: routes only come, and never change their symbols while
 * the token of the partition stays. A row whose symbol is not known is of a younger route: then they are read again. */
#ifndef DAYBOOK_LIVE_ROUTES_H
#define DAYBOOK_LIVE_ROUTES_H

#include "api/live_notes.h"

struct live_routes;

/* With a reference; NULL: nothing is known. notes NULL: nothing is kept. */
struct live_routes *live_routes_recall(const struct live_notes *notes, const struct generation *generation, uint32_t client);
void live_routes_release(struct live_routes *routes); /* NULL is allowed */
/* The name of a symbol, METHOD " " template, borrowed; NULL: it is not known. */
const char *live_routes_name(const struct live_routes *routes, uint32_t symbol);

/* Notes the names, by symbol; NULL: there is none. */
void live_routes_learn(struct live_notes *notes, const struct generation *generation, uint32_t client, const char *const *names,
                       guint n);

#endif
