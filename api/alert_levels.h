/* alert_levels: which levels of a limit a count has reached. A level is a percentage of the limit; it is reached with the first
 * request with which count · 100 ≥ limit · level, in whole numbers. Pure functions. */
#ifndef DAYBOOK_ALERT_LEVELS_H
#define DAYBOOK_ALERT_LEVELS_H

#include "api/limit_rule.h"

struct alert_levels {
    uint32_t list[LIMIT_LEVELS_MAX]; /* percent, ascending */
    size_t n;
};

/* The setting: a NULL-terminated list of whole percents, ascending, at least one. False: message names what is wrong. */
bool alert_levels_parse(struct alert_levels *levels, const char *const *items, GError **error);
/* The rule's own, else the others. */
struct alert_levels alert_levels_of(const struct limit_rule *rule, const struct alert_levels *others);
/* The count with which a level is reached; limit is LIMIT_VALUE_MAX at most, level LIMIT_LEVEL_MAX. */
uint64_t alert_levels_count(uint64_t limit, uint32_t level);
/* The highest that a count has reached; 0: none. */
uint32_t alert_levels_reached(const struct alert_levels *levels, uint64_t limit, uint64_t count);
/* The count with which the first level above one is reached; UINT64_MAX: there is none. */
uint64_t alert_levels_next(const struct alert_levels *levels, uint64_t limit, uint32_t above);

#endif
