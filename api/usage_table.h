/* usage_table: what an answer is made of, summed up while it is read.
 *
 * Everything is added from the same slots: each measure goes into the cell of its slot, into its route and into its client, so
 * totals, series and breakdowns agree because they are sums of the same numbers. A cell is a point of the series, except for
 * granularity minute: there it is a slot, and its minutes are read beside it and settled against it at the end. Owned by one
 * thread; the window is borrowed and outlives the table. */
#ifndef DAYBOOK_USAGE_TABLE_H
#define DAYBOOK_USAGE_TABLE_H

#include "api/window.h"
#include "lib/event.h"
#include "lib/measure.h"

struct usage_line {
    char *name; /* METHOD " " template, or organization KEYS_CLIENT_SEPARATOR client */
    struct measure measure;
    int64_t last_slot; /* newest slot in which it was counted */
};

struct usage_table {
    const struct window *window;
    struct measure *cells; /* one for each point, or for each slot when the unit is minutes */
    uint32_t n_cells;
    uint64_t *slot_requests, *slot_errors;     /* for each slot of the window; errors: with a status of 400 or more */
    int64_t status_last[EVENT_STATUS_MAX + 1]; /* newest slot; -1: never */
    GHashTable *routes, *clients;              /* name -> struct usage_line */
    /* Minutes that are kept: first_minute is counted from 1970; from a slot boundary to the end of the window. */
    int64_t first_minute;
    uint32_t n_minutes;
    uint64_t *minute_requests;
    struct measure *minutes; /* for the unit minutes: n_minutes, else NULL */
};

struct usage_table *usage_table_new(const struct window *window);
void usage_table_free(struct usage_table *table);

/* Adds to the cell of a slot of the window. */
void usage_table_add_slot(struct usage_table *table, int64_t slot, const struct measure *measure);
/* Adds to a line. */
void usage_line_add(struct usage_line *line, const struct measure *measure, int64_t last_slot);
/* The line of a route, which is made if there is none: for what is added at once, and has requests. It stays where it is. */
struct usage_line *usage_table_route(struct usage_table *table, const char *name);
/* Adds to a line; measures without a request leave no line. */
void usage_table_add_route(struct usage_table *table, const char *name, const struct measure *measure, int64_t last_slot);
void usage_table_add_client(struct usage_table *table, const char *name, const struct measure *measure, int64_t last_slot);
/* Requests of a minute (for the peak), and a minute's measure (for the series). Minutes outside are ignored. */
void usage_table_add_minute_requests(struct usage_table *table, int64_t minute, uint64_t requests);
void usage_table_add_minute(struct usage_table *table, int64_t minute, const struct measure *measure);

/* Adds what another table has, of slots inside this one's window. Each of its points lies within one of this one's
 * (window_init_slots, window_init_part, or the same window). Neither series is of minutes. */
void usage_table_merge(struct usage_table *table, const struct usage_table *other);
/* Memory that it holds, nearly. */
size_t usage_table_bytes(const struct usage_table *table);

/* Makes the minutes of every slot add up to the slot. Minute and slot are separate keys and are read at slightly different
 * moments, so the newest minute may differ by what was counted meanwhile: it becomes the slot less the older minutes. Returns
 * how many slots needed it. */
uint32_t usage_table_settle(struct usage_table *table);

/* Requests, and among them errors, of the slots of the window that begin in [from_ms, to_ms). errors may be NULL. */
uint64_t usage_table_between(const struct usage_table *table, int64_t from_ms, int64_t to_ms, uint64_t *errors);
/* Requests of a minute (counted from 1970), which must be one of those kept. */
uint64_t usage_table_minute(const struct usage_table *table, int64_t minute);
/* Sum of all cells, into an initialized measure. */
void usage_table_total(const struct usage_table *table, struct measure *total);
/* Most requests in one minute of those kept, and in one hour by the clock of the window's zone. */
uint64_t usage_table_peak_minute(const struct usage_table *table);
uint64_t usage_table_peak_hour(const struct usage_table *table);

#endif
