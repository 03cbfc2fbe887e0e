/* admin_csv: all clients, or all limits, as a table, out and in. Permission admin.
 *
 *   GET  {path}.csv[?filters]   a header row, then a line for each, in the order of the list (RFC 4180)
 *   POST {path}.csv             text/csv; answers {"created":n,"changed":n,"unchanged":n}
 *
 * Columns are the fields (admin_kind.h), in any order; only the id must be there, and of clients the organization, which an
 * administrator of one need not name. A column that is missing leaves what is registered as it is, and so does an empty cell where
 * no text stands (a tier, a number); what is new has what PUT would give it. What is not in the table stays. It is all or nothing:
 * when a line is wrong nothing is changed, and the answer names every one that is (at most ADMIN_CSV_LINES_TOLD): line, field,
 * value and what is allowed. What an export wrote, an import reads: an apostrophe before = + - @, which keeps spreadsheets from
 * calculating, is taken off. */
#ifndef DAYBOOK_ADMIN_CSV_H
#define DAYBOOK_ADMIN_CSV_H

#include "api/admin_job.h"

enum { ADMIN_CSV_LINES_TOLD = 1000, ADMIN_CSV_LIGHT_BYTES = 256 * 1024 /* more is done by a heavy worker */ };

void admin_csv_route_handle(struct admin_route *route, struct call *call);

/* ---- the table itself, without HTTP ---- */

struct admin_csv_bad {
    uint64_t line;
    struct refusal refusal; /* field, value and allowed may be NULL: the line is no CSV */
};

struct admin_csv {
    const struct admin_kind *kind;
    GPtrArray *items; /* of the kind, as they will be; owned */
    GHashTable *seen; /* field (registry_kind.h) -> line (as a pointer) */
    GArray *bad;      /* struct admin_csv_bad, by line; the first ADMIN_CSV_LINES_TOLD */
    guint n_bad;
    uint64_t created, changed, unchanged;
};

void admin_csv_init(struct admin_csv *csv, const struct admin_kind *kind);
/* Reads a table for this caller, beside what is registered. Nothing is to be changed when csv->n_bad > 0. */
void admin_csv_read(struct admin_csv *csv, struct view text, const struct caller *caller, const struct registry_snapshot *snapshot);
void admin_csv_clear(struct admin_csv *csv);

#endif
