#include "api/stats_sums.h"

enum { HOUR_S = 3600, DAY_S = 86400 };

uint64_t *stats_values(const struct usage_table *table, uint32_t first, uint32_t last)
{
    uint64_t *values = g_new(uint64_t, table->n_cells);
    for (uint32_t i = 0; i < table->n_cells; i++)
        values[i] = first == 0 ? table->cells[i].requests : measure_statuses(&table->cells[i], first, last);
    return values;
}

uint64_t stats_total(const uint64_t *values, uint32_t n)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < n; i++)
        total += values[i];
    return total;
}

/* ---- averages ---- */

/* Where the point after this one would begin; the last one's end is that of the window. */
static int64_t length_ms(const struct window *window, uint32_t point)
{
    int64_t end_ms = point + 1 < window->n_points ? window->points[point + 1] : window->to_ms;
    return end_ms - window->points[point];
}

void stats_averages_fill(struct stats_averages *averages, const struct usage_table *table)
{
    const struct window *window = table->window;
    bool by_hour = window->unit == CIVIL_HOUR;
    *averages = (struct stats_averages){.n = by_hour ? STATS_HOURS : STATS_WEEKDAYS};
    for (uint32_t i = 0; i < window->n_points; i++) {
        int64_t begin_s = window->points[i] / 1000, local_s = begin_s + tz_at(window->tz, begin_s).offset_s;
        int64_t day = civil_divide(local_s, DAY_S);
        int share = by_hour ? (int)((local_s - day * DAY_S) / HOUR_S) : (civil_weekday(day) + 1) % STATS_WEEKDAYS;
        int64_t quarters =
            by_hour ? (length_ms(window, i) * STATS_DIVISOR_UNIT + HOUR_S * 500) / (HOUR_S * 1000) : STATS_DIVISOR_UNIT;
        averages->sums[share] += table->cells[i].requests;
        averages->divisors[share] += (uint64_t)quarters;
    }
}

/* ---- top ---- */

static gint compare_lines(gconstpointer a, gconstpointer b)
{
    const struct usage_line *const *x = a, *const *y = b;
    uint64_t left = (*x)->measure.requests, right = (*y)->measure.requests;
    return left != right ? (left < right) - (left > right) : strcmp((*x)->name, (*y)->name);
}

GPtrArray *stats_top(const struct usage_table *table, guint n)
{
    GPtrArray *lines = g_ptr_array_new();
    GHashTableIter iter;
    void *line;
    g_hash_table_iter_init(&iter, table->clients);
    while (g_hash_table_iter_next(&iter, NULL, &line))
        g_ptr_array_add(lines, line);
    g_ptr_array_sort(lines, compare_lines);
    g_ptr_array_set_size(lines, (gint)MIN(lines->len, n));
    return lines;
}
