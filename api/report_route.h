/* report_route: GET /api/v2/usage/report, and report.csv, report.jsonl, report.xlsx (or by Accept): what was used over closed days.
 *
 * An answer is a file: made once for each state of the ledger, kept among the artifacts for who asks again or goes on after an
 * interruption. Who sees one organization, or one client, gets a report of that. */
#ifndef DAYBOOK_REPORT_ROUTE_H
#define DAYBOOK_REPORT_ROUTE_H

#include "api/artifacts.h"
#include "api/query.h"

/* All borrowed. */
struct report_route {
    const struct queries *queries;
    struct ledger_cache *ledger;
    struct archive *archive; /* NULL: none is configured */
    struct sheets *sheets;
    struct registry *registry;
    struct artifacts *artifacts;
    const char *directory;     /* of temporary files */
    uint64_t result_bytes_max; /* of the rows of one export */
    guint threads;             /* that scan at a time */
    uint32_t groups_max;       /* of a question */
};

/* The part of the path, if there is one: the format. */
void report_route_handle(const struct report_route *route, struct call *call);

#endif
