/* reconcile_compare: somebody else's count against the ledger: which clients differ, by how much, and why that may be. One thread.
 */
#ifndef DAYBOOK_CLI_RECONCILE_COMPARE_H
#define DAYBOOK_CLI_RECONCILE_COMPARE_H

#include "cli/invoice.h"
#include "cli/month_usage.h"

/* What may differ without being told: so many requests, or so many hundredths of a percent of the larger number. */
struct tolerance {
    bool is_percent;
    uint64_t value;
};
/* "5", "0.1%". */
bool tolerance_read(const char *text, struct tolerance *tolerance);

/* A client that differs by more than the tolerance: in the month, or on at least one day where the file counts by day. */
struct reconcile_row {
    struct client_name name; /* of the file or the usage, borrowed */
    uint64_t file, ledger;   /* of the month */
    GArray *days;            /* struct reconcile_day: those that differ; NULL: the file counts by month */
    char *cause;             /* for people */
};

struct reconcile_day {
    int64_t day;
    uint64_t file, ledger;
    char *cause;
};

struct reconciliation {
    GPtrArray *rows; /* struct reconcile_row, by organization and client */
    size_t clients;  /* compared */
    uint64_t file, ledger;
};

/* Both must outlive the result. */
struct reconciliation *reconcile_compare(const struct invoice *invoice, const struct month_usage *usage,
                                         const struct tolerance *tolerance);
void reconciliation_free(struct reconciliation *reconciliation);

#endif
