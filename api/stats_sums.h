/* stats_sums: the numbers of the usage statistics, out of a usage table: a value for each point, averages, the most active clients.
 * All are sums of the same cells, so they agree. Pure. */
#ifndef DAYBOOK_STATS_SUMS_H
#define DAYBOOK_STATS_SUMS_H

#include "api/usage_table.h"

/* Requests of each point, of the codes from first to last; first 0: of all. An array of window->n_points, for g_free. */
uint64_t *stats_values(const struct usage_table *table, uint32_t first, uint32_t last);
uint64_t stats_total(const uint64_t *values, uint32_t n);

enum { STATS_WEEKDAYS = 7, STATS_HOURS = 24, STATS_DIVISOR_UNIT = 4 };

/* The average of share i is sums[i] · STATS_DIVISOR_UNIT / divisors[i]. */
struct stats_averages {
    uint32_t n; /* weekdays from Sunday, or hours from midnight */
    uint64_t sums[STATS_HOURS];
    uint64_t
        divisors[STATS_HOURS]; /* how many such days, or hours, there are, in quarters: a clock may be changed by half an hour */
};

/* Of a window of days, or of hours: by weekday, or by hour, of the zone's clock. An hour that comes twice counts twice, one that is
 * left out not at all; a day is a day, however long. */
void stats_averages_fill(struct stats_averages *averages, const struct usage_table *table);

/* The n clients with the most requests (struct usage_line, borrowed from the table), most first, equal ones by name. */
GPtrArray *stats_top(const struct usage_table *table, guint n);

#endif
