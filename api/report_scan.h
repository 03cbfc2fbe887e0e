/* report_scan: from the columns of a sheet to sums by group.
 *
 * A scan belongs to one thread and serves sheet after sheet; the question is shared. A sheet's day may lie in several periods (the
 * days of a time zone): its columns are read once, and the rows of each period's slots go to that period's table. */
#ifndef DAYBOOK_REPORT_SCAN_H
#define DAYBOOK_REPORT_SCAN_H

#include "api/report_table.h"

/* A period's share of a day. */
struct report_part {
    struct report_table *table;
    uint32_t from_slot, to_slot; /* of the day: from_slot to to_slot - 1 */
};

struct report_scan;

struct report_scan *report_scan_new(const struct report_question *question);
void report_scan_free(struct report_scan *scan);
/* Adds what the sheet has to the tables. False: one of them refused it, or the sheet, opened lazily, is damaged (READER_ERROR_COPY,
 * the end of a sentence). */
bool report_scan_sheet(struct report_scan *scan, const struct sheet *sheet, const struct report_part *parts, uint32_t n_parts,
                       GError **error);

#endif
