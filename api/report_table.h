/* report_table: the groups of one period, and their sums.
 *
 * A group is told apart by the numbers of its names, and names have numbers in one table only: two tables are merged by their
 * names. Which group came first, or got which number, does not show in what report_table_sort leaves. Holds at most `groups_max`
 * groups (some 150 bytes each, and their names). Owned by one thread at a time. */
#ifndef DAYBOOK_REPORT_TABLE_H
#define DAYBOOK_REPORT_TABLE_H

#include "api/report.h"

struct report_key {
    uint32_t names[REPORT_NAMES]; /* 0, the empty name, where not grouped by */
};

struct report_table;

struct report_table *report_table_new(uint32_t groups_max);
void report_table_free(struct report_table *table);
/* Forgets everything, but keeps the memory for the next period. */
void report_table_reset(struct report_table *table);

/* The number of a name, which may be new. */
uint32_t report_table_name(struct report_table *table, struct view name);
/* Adds to n groups, which may be new, at once: so the waits for memory overlap. False: REPORT_ERROR_LIMIT or REPORT_ERROR_OVERFLOW.
 */
struct report_addend {
    struct report_key key;
    struct report_counts counts;
};
bool report_table_add(struct report_table *table, const struct report_addend *addends, uint32_t n, GError **error);
bool report_table_merge(struct report_table *into, const struct report_table *from, GError **error);

/* Brings the groups into the order of rows; if top is over 0, only the first `top` of them stay. Nothing is added any more until
 * the table is reset. */
void report_table_sort(struct report_table *table, uint32_t top);
uint32_t report_table_rows(const struct report_table *table);
/* Row i after sorting, all but its period. */
void report_table_get(const struct report_table *table, uint32_t i, struct report_row *row);

#endif
