/* sheet_difference: where two sheets of the same partition and day differ. */
#ifndef DAYBOOK_CLI_SHEET_DIFFERENCE_H
#define DAYBOOK_CLI_SHEET_DIFFERENCE_H

#include "cli/finding.h"
#include "lib/sheet.h"

/* The first difference, or NULL; its `where` names client and row only, behind the prefix. Histograms are compared where `found`
 * has them: without_histograms counts the rows in which it has not all of them, since the aggregator can be told to keep none. */
struct finding *sheet_difference(const struct sheet *expected, const struct sheet *found, const char *prefix,
                                 uint64_t *without_histograms);

#endif
