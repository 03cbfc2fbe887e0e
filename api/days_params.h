/* days_params: what may be asked of the ledger: GET /api/v2/usage/days and the paths below it, checked. Pure functions. */
#ifndef DAYBOOK_DAYS_PARAMS_H
#define DAYBOOK_DAYS_PARAMS_H

#include "api/params.h"
#include <stdbool.h>

enum { DAYS_PAGE_MAX = 1000, DAYS_PAGE_DEFAULT = 100 };

enum days_kind { DAYS_LIST, DAYS_DAY, DAYS_REVISION };

struct days_params {
    enum days_kind kind;
    /* DAYS_LIST; days since 1970 */
    int64_t from, to; /* both included; wide open where not given */
    bool has_from, has_to, has_page_size;
    uint32_t page_size;
    int64_t after_day; /* behind this revision; 0, 0: from the start */
    int after_revision;
    /* DAYS_DAY, DAYS_REVISION */
    int64_t day;
    int revision;
};

/* day, revision: parts of the path, or NULL. False: refused. */
bool days_params_parse(struct days_params *params, const char *day, const char *revision, const struct usage_param *given,
                       size_t n_given, struct refusal *refusal);
/* Appends the address of the page behind a revision. */
void days_params_next(const struct days_params *params, int64_t day, int revision, GString *uri);
/* "2026-11-20" and nothing else, of the years 0000 to 9999. */
bool days_parse_day(const char *text, int64_t *day);

#endif
