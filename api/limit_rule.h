/* limit_rule: how many requests somebody may make in a minute, hour, day, week or month before it is told.
 *
 * A rule is for one client, or for each client of a plan by itself; it counts all requests or those of a method. When the counts of
 * a window reach one of its levels, that is an alert (alerts.h). Nothing is refused because of it: what is refused at the API
 * itself is limits.h. Never changes once made; fields and limits of their values: limit_rule_shape. */
#ifndef DAYBOOK_LIMIT_RULE_H
#define DAYBOOK_LIMIT_RULE_H

#include "api/item.h"

enum limit_period { LIMIT_MINUTE, LIMIT_HOUR, LIMIT_DAY, LIMIT_WEEK, LIMIT_MONTH, LIMIT_PERIOD_N }; /* UTC; weeks from Monday */
enum { LIMIT_LEVELS_MAX = 16, LIMIT_LEVEL_MAX = 10000 };
#define LIMIT_VALUE_MAX UINT64_C(1000000000000000)

struct limit_rule {
    char *id;           /* as a method's name; unique in the whole registry */
    char *organization; /* NULL: of all (only with a plan) */
    char *client;       /* of whom; NULL: each client of the plan, for itself */
    char *plan;         /* exactly one of client and plan is set */
    char *metric;       /* METHOD_HITS or the name of a method; not with LIMIT_MINUTE, because minutes are kept by client only */
    enum limit_period period;
    uint64_t value;                    /* requests, at least 1 */
    uint32_t levels[LIMIT_LEVELS_MAX]; /* percent, ascending */
    size_t n_levels;                   /* none: those of the setting alerts.levels */
};

/* As JSON {"id","organization":null|text,"client":null|text,"plan":null|text,"metric","period","value","levels":[…]}. */
extern const struct item_shape limit_rule_shape;

const char *limit_period_name(enum limit_period period); /* "minute" … "month" */
bool limit_period_parse(const char *name, enum limit_period *period);
/* The window that holds a moment, [*from_ms, *to_ms), UTC. Unix time. */
void limit_window(enum limit_period period, int64_t now_ms, int64_t *from_ms, int64_t *to_ms);

#endif
