/* capacity_params: what may be asked of capacity, checked: timeframe, organization, clientId, endpoint and timeZone, all as for Get
 * Usage (usage_params.h), where a client is called a key. */
#ifndef DAYBOOK_CAPACITY_PARAMS_H
#define DAYBOOK_CAPACITY_PARAMS_H

#include "api/usage_params.h"

/* False: refused, and params need no clearing. */
bool capacity_params_parse(struct usage_params *params, const struct usage_param *given, size_t n_given, struct refusal *refusal);

#endif
