/* dates: days, months and ranges of days as people write them on the command line. Pure functions. */
#ifndef DAYBOOK_CLI_DATES_H
#define DAYBOOK_CLI_DATES_H

#include "lib/view.h"
#include <glib.h>

/* From first to last, both included; days since 1970-01-01. */
struct date_range {
    int64_t first, last;
};

/* "2026-10-05". False: it is no date from 1970 to 2199. */
bool date_read(struct view text, int64_t *day);
/* "2026-10", as its days. */
bool date_read_month(struct view text, struct date_range *month);
/* "FROM..TO", "FROM..", "..TO", or one day. */
bool date_range_read(const char *text, struct date_range *range, GError **error);
/* Everything. */
struct date_range date_range_all(void);
bool date_range_has(const struct date_range *range, int64_t day);

#define DATE_ERROR date_error_quark()
GQuark date_error_quark(void);
enum date_error { DATE_ERROR_TEXT };

#endif
