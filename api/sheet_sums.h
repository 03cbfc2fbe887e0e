/* sheet_sums: adds up the rows that the sheets of a day have of a scope, by slot, route and client.
 *
 * A sheet has a row for each request, nearly, so what is done for a row is what a question over months costs: each adds to three
 * histograms that lie open in memory, a place for each bucket, and only what they come to is put into short lists. Owned by one
 * thread. */
#ifndef DAYBOOK_SHEET_SUMS_H
#define DAYBOOK_SHEET_SUMS_H

#include "api/packed_usage.h"
#include "api/scope.h"
#include "lib/sheet.h"

struct sheet_sums;

/* The scope is borrowed. */
struct sheet_sums *sheet_sums_new(const struct scope *scope);
void sheet_sums_free(struct sheet_sums *sums); /* NULL is allowed */

/* Begins with slots [first_slot, end_slot) of a day. */
void sheet_sums_begin(struct sheet_sums *sums, int64_t first_slot, int64_t end_slot);
/* Adds a sheet of that day whose rows were checked (sheet_check). */
void sheet_sums_add(struct sheet_sums *sums, const struct sheet *sheet);
struct sheet_sums_found {
    bool seen;     /* the sheets have clients of the scope, counted in these slots or not */
    uint64_t rows; /* that were added */
};
/* What was added since the begin; the caller's to free. */
struct packed_usage *sheet_sums_end(struct sheet_sums *sums, struct sheet_sums_found *found);

#endif
