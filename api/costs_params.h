/* costs_params: what may be asked of costs, checked.
 *
 *   month         YYYY-MM, not in the future; this month if not given
 *   organization  accounts of one organization
 *   clientId      one client: its account, or its share of its organization's
 *   plan          accounts of plans of this name
 *   granularity   month (as not given) or day
 *   pageSize      1 to 1000 accounts, 100 if not given; not for CSV and JSON lines, which have all
 *   after         behind which account a page begins: from a nextUri; as pageSize
 *
 * Others, one given twice and a value that is not allowed are refused, naming field, value and what is allowed. Pure. */
#ifndef DAYBOOK_COSTS_PARAMS_H
#define DAYBOOK_COSTS_PARAMS_H

#include "api/params.h"
#include <stdbool.h>

enum { COSTS_PAGE_MAX = 1000, COSTS_PAGE_DEFAULT = 100 };

struct costs_params {
    int64_t day;                        /* the first one of the month */
    char *organization, *client, *plan; /* NULL: all */
    char *after;                        /* an account's name; NULL: from the first on */
    uint32_t page_size;
    bool by_day;
};

/* paged: it is about a page, not about all. False: refused, and params need no clearing. */
bool costs_params_parse(struct costs_params *params, bool paged, int64_t now_ms, const struct usage_param *given, size_t n_given,
                        struct refusal *refusal);
void costs_params_clear(struct costs_params *params);
/* Appends the address of the page behind an account. */
void costs_params_next(const struct costs_params *params, const char *name, GString *uri);

#endif
