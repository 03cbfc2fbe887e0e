/* client_sum: adds up one client over the slots of a window and puts the result into a usage table: so rows of buckets become
 * numbers; those of sheets, which are a thousand times as many, by sheet_sums.h. Routes have small numbers that the caller chooses.
 * Owned by one thread. */
#ifndef DAYBOOK_CLIENT_SUM_H
#define DAYBOOK_CLIENT_SUM_H

#include "api/endpoints.h"
#include "api/live_routes.h"
#include "api/usage_table.h"

struct client_sum {
    struct usage_table *table;         /* borrowed, like the endpoints; NULL: none yet */
    const struct endpoints *endpoints; /* all that counts; NULL: everything */
    const struct live_routes *known;   /* names of routes that have none here; borrowed; NULL: none */
    GArray *routes;
    struct measure in_slot; /* of the slot at hand; not in the table yet */
    struct measure whole;   /* of the table's slots before it; the client is not in the table yet */
    int64_t slot, last_slot;
};

/* There is no table yet: client_sum_turn gives it one, before the first row. */
void client_sum_init(struct client_sum *sum, const struct endpoints *endpoints);
void client_sum_clear(struct client_sum *sum);
/* Rows go into another table from now on; what was added up for the client until now goes into the one before. */
void client_sum_turn(struct client_sum *sum, struct usage_table *table, const char *client);
/* A known name becomes the route's, too. */
bool client_sum_is_named(struct client_sum *sum, uint32_t route);
/* METHOD " " template; the first name stays. */
void client_sum_name(struct client_sum *sum, uint32_t route, struct view name);
/* By number, NULL where there is none; g_free the array only. */
const char **client_sum_names(const struct client_sum *sum, guint *n);
/* A row of a slot of the window; its route has its name. */
void client_sum_row(struct client_sum *sum, uint32_t route, int64_t slot, const struct measure *measure);
/* The end of a client: adds it to the table. What follows is of another one, with routes of its own, and uses its memory again. */
void client_sum_finish(struct client_sum *sum, const char *client);

#endif
