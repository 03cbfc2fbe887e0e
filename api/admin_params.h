/* admin_params: the query parameters of lists of items, tokens and keys.
 *
 *   organization        only those of this one
 *   clientId, plan      only those of or for this one
 *   state, channel      of deliveries: admin_deliveries.h
 *   pageSize, after     1 to ADMIN_PAGE_MAX (ADMIN_PAGE_DEFAULT); after is a cursor out of a nextUri
 *   limit, offset       the same in the manner of /v1/developer
 *
 * A cursor is the key of the last entry that was shown, as base64url: entries behind that key come next, also when it is gone. */
#ifndef DAYBOOK_ADMIN_PARAMS_H
#define DAYBOOK_ADMIN_PARAMS_H

#include "api/call.h"
#include "api/refusal.h"

enum {
    ADMIN_BY_ORGANIZATION = 1 << 0,
    ADMIN_BY_PAGE = 1 << 1,
    ADMIN_BY_LIMIT = 1 << 2,
    ADMIN_BY_CLIENT = 1 << 3,
    ADMIN_BY_PLAN = 1 << 4,
    ADMIN_BY_STATE = 1 << 5,
    ADMIN_BY_CHANNEL = 1 << 6,
};
enum { ADMIN_PAGE_DEFAULT = 100, ADMIN_PAGE_MAX = 1000, ADMIN_OFFSET_MAX = 1000000 };

struct admin_params {
    char *organization, *client, *plan, *state, *channel; /* or NULL */
    char *after;                                          /* a key, or NULL */
    uint32_t page_size, limit, offset;
};

/* False: refused, and params need no clearing. wanted: which of the above there are. */
bool admin_params_parse(struct admin_params *params, uint32_t wanted, const struct call *call, struct refusal *refusal);
void admin_params_clear(struct admin_params *params);
/* The address of the page behind the entry with this key; the caller frees it. */
char *admin_params_next(const struct admin_params *params, const char *path, const char *key);

#endif
