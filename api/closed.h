/* closed: which days of which partitions are in sheets, as one query sees it.
 *
 * A partition's events of a day are those in the sheet of its last revision that has one, and those in the buckets of all later
 * generations. Both move while a query reads: a sheet takes the place of a generation, whose buckets go two days of log clock
 * later. So what was read from Redis between closed_read and closed_compare belongs together if no bucket was removed meanwhile: if
 * the day's sheet is still the same, for no bucket goes before {pN}:days says that its sheet is there; or else if {pN}:due still
 * has the generation whole, for it says what is to go before anything of it does. No event was then left out or counted twice.
 * Owned by one thread. */
#ifndef DAYBOOK_CLOSED_H
#define DAYBOOK_CLOSED_H

#include "api/sheets.h"

struct closed {
    int64_t first_day, last_day; /* that was asked about */
    GArray *sheets;              /* struct sheet_want, ascending by day, then partition; also those without events */
    guint torn;                  /* one more than the index of a sheet that is announced, but without its checksum; 0: none */
};

#define CLOSED_FIRST_DAY INT64_C(0)
#define CLOSED_LAST_DAY INT64_C(84006) /* SHEET_DAY_END of lib/sheet.h: all days */

/* Days first_day to last_day. NULL with an error. */
struct closed *closed_read(struct reader *reader, int64_t first_day, int64_t last_day, GError **error);
void closed_free(struct closed *closed); /* NULL is allowed */
/* Asks once more: whether the generations (struct generation of members.h) that were there then, and are in no sheet that closed
 * has, are still there as a whole, and all that belongs to the sheets was. generations NULL: whether the sheets are the same. */
bool closed_compare(const struct closed *closed, struct reader *reader, const GArray *generations, bool *same, GError **error);

/* A sheet that was announced without its checksum: to be asked for again. NULL: none. */
const struct sheet_want *closed_torn(const struct closed *closed);
/* Last revision of a partition's day that has a sheet; 0: none. */
int closed_revision(const struct closed *closed, int partition, int64_t day);
/* Sheets with events of days first_day to last_day: struct sheet_want, borrowed. */
GPtrArray *closed_between(const struct closed *closed, int64_t first_day, int64_t last_day);

#endif
