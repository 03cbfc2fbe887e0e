/* report_export: the sections of a report as rows of one result, for CSV, JSON lines and XLSX.
 *
 *   days        date, begin, end, counts: every day that is shown
 *   clients     clientId, clientName, organizationId, counts
 *   urls        templateUri, counts
 *   clientUrls  clientId, clientName, organizationId, templateUri, counts
 *   all         the four of them after one another, with all columns and `section` before; what a section does not have is empty
 *
 * In the result a row's period is its day's index, or stands for its section; the texts of periods say which. */
#ifndef DAYBOOK_REPORT_EXPORT_H
#define DAYBOOK_REPORT_EXPORT_H

#include "api/registry_snapshot.h"
#include "api/report_ask.h"

enum { REPORT_TEXTS = 4 }; /* section, date, begin, end */

struct report_export {
    struct export_column columns[EXPORT_COLUMNS_MAX];
    size_t n_columns;
    GPtrArray *texts[REPORT_TEXTS]; /* char *, by period */
};

void report_export_init(struct report_export *export, const struct report_range *range, enum report_section section);
void report_export_clear(struct report_export *export);
/* Which rows of each section but days; all of it borrowed. */
struct report_wanted {
    uint32_t top;       /* of those that match the first so many; 0: all */
    char *const *words; /* of report_search.h, in a client's id, its name or a template with its leading slash; NULL: any */
    const struct registry_snapshot *registry; /* that has the names */
};

/* Adds the rows. What goes wrong in the result comes out of result_finish. */
bool report_export_fill(struct result *result, const struct report_ask *ask, enum report_section section,
                        const struct report_wanted *wanted, GError **error);
/* "usage-report_days_2026-11-01_2026-11-20_Asia-Kathmandu.csv", "…_local.csv" for days of the zone. To be freed. */
char *report_export_name(const struct report_range *range, enum report_section section, enum export_format format);

#endif
