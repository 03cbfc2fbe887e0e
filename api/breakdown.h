/* breakdown: the lists of an answer, sorted: by endpoint, method, status code and key.
 *
 * Sorted by what was asked for, equal ones by name, so that pages neither repeat nor miss an entry. Entries borrow from the
 * table, but for methods, whose sums are the breakdown's. Owned by one thread. */
#ifndef DAYBOOK_BREAKDOWN_H
#define DAYBOOK_BREAKDOWN_H

#include "api/usage_table.h"

struct entry {
    const char *name; /* endpoint, method, or organization KEYS_CLIENT_SEPARATOR client; NULL: a status code */
    uint32_t status;
    const struct measure *measure; /* NULL: a status code, of which only requests are known */
    uint64_t requests, errors;
    int64_t last_slot;
};

struct breakdown {
    GArray *endpoints, *methods, *statuses, *keys; /* struct entry */
    GArray *failing_endpoints, *failing_statuses;  /* those with errors */
    GPtrArray *sums;                               /* struct measure, of methods */
    GStringChunk *names;                           /* of methods */
};

struct breakdown *breakdown_new(const struct usage_table *table, const struct measure *total, const struct usage_params *params);
void breakdown_free(struct breakdown *breakdown);

/* Entries of a list that are on the page. */
guint breakdown_page(const GArray *list, const struct usage_params *params, guint *first);
/* Length of the longest list of those the parameters want. */
guint breakdown_longest(const struct breakdown *breakdown, const struct usage_params *params);

#endif
