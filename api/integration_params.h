/* integration_params: the query parameters of the list of integration errors, checked.
 *
 *   from, to            days (UTC), included
 *   collector, reason   only those of this name
 *   pageSize, after     1 to 1,000 (100); of a file up to INTEGRATION_FILE_MAX (and as many by default)
 *   before              of a purge, needed and alone: a day; what came before it goes
 *
 * Pure. */
#ifndef DAYBOOK_INTEGRATION_PARAMS_H
#define DAYBOOK_INTEGRATION_PARAMS_H

#include "api/integration_errors.h"
#include "api/params.h"

enum { INTEGRATION_PAGE_DEFAULT = 100, INTEGRATION_PAGE_MAX = 1000, INTEGRATION_FILE_MAX = 10000 };

enum integration_kind { INTEGRATION_LIST, INTEGRATION_FILE, INTEGRATION_PURGE };

struct integration_params {
    enum integration_kind kind;
    char *collector, *reason; /* owned; NULL: all */
    int64_t from_day, to_day; /* INT64_MIN, INT64_MAX: all */
    uint32_t page_size;
    bool has_after;
    struct integration_place after;
    int64_t before_day;
};

/* False: refused, and params need no clearing. */
bool integration_params_parse(struct integration_params *params, enum integration_kind kind, const struct usage_param *given,
                              size_t n_given, struct refusal *refusal);
void integration_params_clear(struct integration_params *params);
/* The address of what follows this place; path without parameters. g_free. */
char *integration_params_next(const struct integration_params *params, const char *path, const struct integration_place *place);

#endif
