/* report_params: what may be asked of GET /api/v2/usage/report and its exports, checked.
 *
 *   interval      ISO 8601 (interval.h); without it, the last seven days that are closed
 *   timeZone      an IANA zone, UTC if not given
 *   dayBoundary   utc (billing days, shown in the zone) or local (true days of the zone)
 *   organization  only its requests
 *   clients, templates   only these; repeated, or several with commas between: a comma inside a name is written "\,"
 *   top           how many clients and URLs are shown, 1 to 1000: 5 on the page; an export has all without it
 *   section       of exports only: what the rows are
 *   search        of exports only: of clients and URLs those that have each of its words (report_search.h)
 *
 * Pure but for the zone, which is loaded when it is first asked for. The params own their lists; the zone is shared. */
#ifndef DAYBOOK_REPORT_PARAMS_H
#define DAYBOOK_REPORT_PARAMS_H

#include "api/export.h"
#include "api/interval.h"
#include "api/usage_params.h"
#include "lib/tz.h"

enum report_section { REPORT_DAYS, REPORT_CLIENTS, REPORT_URLS, REPORT_CLIENT_URLS, REPORT_ALL, REPORT_SECTION_N };

enum { REPORT_TOP_MAX = 1000, REPORT_TOP_DEFAULT = 5, REPORT_LIST_MAX = 1000 };

struct report_params {
    enum export_format format;
    bool has_interval;
    struct interval interval; /* of UTC days, or of the zone's dates */
    const struct tz *tz;
    bool local;
    char *organization;             /* NULL: all */
    GPtrArray *clients, *templates; /* char *, sorted, no two the same; NULL: all */
    uint32_t top;                   /* 0: all */
    enum report_section section;
    char *search; /* NULL: all */
};

/* given: as call_get_params has them. False: refused, and params need no clearing. */
bool report_params_parse(struct report_params *params, enum export_format format, const struct usage_param *given, size_t n_given,
                         struct refusal *refusal);
void report_params_clear(struct report_params *params);
const char *report_section_name(enum report_section section); /* "clientUrls" */

#endif
