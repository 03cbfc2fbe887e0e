/* zone_param: a time zone as a parameter. */
#ifndef DAYBOOK_ZONE_PARAM_H
#define DAYBOOK_ZONE_PARAM_H

#include "api/refusal.h"
#include "lib/tz.h"

/* The zone of that name, shared. NULL: refused; with names that may have been meant, if there is none of this name. */
const struct tz *zone_param_take(const char *field, const char *name, struct refusal *refusal);

#endif
