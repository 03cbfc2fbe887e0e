/* alerts_params: which alerts are asked for: parameters of GET /api/v2/usage/alerts and of POST /api/v2/usage/alerts/read.
 *
 *   kind          alert, violation, system
 *   state         unread, read, deleted, all; without it all but deleted ones
 *   level         percent, exactly
 *   organization, clientId, metric, period (minute … month)
 *   active        true: not recovered yet; false: recovered
 *   from, to      created in [from, to): date-times with a zone, or days of UTC
 *   pageSize      1 to 1000, else 100; after: the cursor of a nextUri
 *
 * Borrows from the request. */
#ifndef DAYBOOK_ALERTS_PARAMS_H
#define DAYBOOK_ALERTS_PARAMS_H

#include "api/alerts.h"
#include "api/params.h"

enum { ALERTS_PAGE_DEFAULT = 100, ALERTS_PAGE_MAX = 1000 };

struct alerts_params {
    struct alerts_filter filter;
    uint32_t page_size;
    bool has_after;
    int64_t after_ms; /* the last alert of the page before: created, and id */
    char after_id[ALERT_ID_SIZE];
};

/* has_pages: pageSize and after are among them. False: refused. */
bool alerts_params_parse(struct alerts_params *params, const struct usage_param *given, size_t n, bool has_pages,
                         struct refusal *refusal);
/* It comes behind the page before. */
bool alerts_params_is_after(const struct alerts_params *params, const struct alert *alert);
/* The same question for the page behind an alert, which is the last of this one. The caller frees it. */
char *alerts_params_next(const struct usage_param *given, size_t n, const struct alert *last);

/* {"state":"read"}, the body of PATCH. False: refused. */
bool alerts_params_read_state(struct view json, enum alert_state *state, struct refusal *refusal);

#endif
