/* invoice: a file with somebody else's count: CSV with a header; client, day or month, and requests. One thread. */
#ifndef DAYBOOK_CLI_INVOICE_H
#define DAYBOOK_CLI_INVOICE_H

#include "cli/dates.h"
#include <glib.h>

enum invoice_column { INVOICE_CLIENT, INVOICE_ORGANIZATION, INVOICE_DAY, INVOICE_MONTH, INVOICE_REQUESTS, INVOICE_N_COLUMNS };
const char *invoice_column_name(enum invoice_column column);

struct invoice_line {
    uint64_t line;               /* of the file */
    char *organization, *client; /* organization "": there is no such column */
    int64_t day;                 /* -1: the file counts by month */
    uint64_t requests;
};

struct invoice {
    char *columns[INVOICE_N_COLUMNS]; /* the header's names; NULL: there is none. Day and month are never both there. */
    bool guessed[INVOICE_N_COLUMNS];
    char *organization_seen; /* a column that looks like organizations, and is not used since nobody asked for it; or NULL */
    GArray *lines;           /* struct invoice_line: those of the month */
    uint64_t other_months;   /* lines that were left out */
};

/* columns: the names that were given, NULL to be guessed. Errors name the line. */
struct invoice *invoice_read(struct view text, const char *const columns[INVOICE_N_COLUMNS], const struct date_range *month,
                             GError **error);
void invoice_free(struct invoice *invoice);

#endif
