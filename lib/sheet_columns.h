/* sheet_columns: the columns of a client's rows that sums need, without decoding the others.
 *
 * A question over a year reads millions of rows, and of each a few bytes: what was requested how often with which status, by whom
 * if it asks for that, never latencies or sizes. What is not picked is passed over by its length. The storage is the caller's and
 * serves client after client; all zero, or sheet_columns_clear'ed, is an empty one. Owned by one thread; the sheet may be shared.
 */
#ifndef DAYBOOK_SHEET_COLUMNS_H
#define DAYBOOK_SHEET_COLUMNS_H

#include "lib/sheet.h"

enum sheet_pick {
    SHEET_PICK_ROUTES = 1 << 0,
    SHEET_PICK_USERS = 1 << 1,
    SHEET_PICK_PLATFORMS = 1 << 2,
    SHEET_PICK_SLOTS = 1 << 3,
};

/* As in struct sheet_rows; what was not picked is undefined. */
struct sheet_columns {
    uint32_t n_rows, n_routes, n_tallies;
    uint32_t *method, *template;              /* by route: symbols */
    uint32_t *user, *route, *platform, *slot; /* by row */
    /* Row i's statuses are the tallies from at[i] to at[i + 1] - 1. Mostly a row has just one, and it counts one request: then
     * there is no list. */
    bool one_status, one_request; /* of each row; of each tally: at, or count, is undefined */
    uint32_t *at;                 /* by row, and one more */
    uint16_t *status;             /* by tally */
    uint64_t *count;              /* by tally */
    /* sheet_columns.c's own */
    uint32_t rows_max, tallies_max; /* that there is room for */
};

/* Reads the picked columns (enum sheet_pick), and the statuses, of a client in the place of what columns held. Symbols are the
 * sheet's, routes the client's, slots under 96, statuses up to 599, counts up to TALLY_COUNT_MAX and their sum within 64 bits, in
 * any case. False: they are damaged, which only a sheet can be whose rows were not checked. */
bool sheet_columns_read(struct sheet_columns *columns, const struct sheet *sheet, uint32_t number, unsigned picked);
void sheet_columns_clear(struct sheet_columns *columns);

#endif
