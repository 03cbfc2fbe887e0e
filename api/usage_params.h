/* usage_params: the query parameters of GET /v1/developer/usage, checked.
 *
 * One table has a row for each parameter: its names, its kind, its values. An unknown parameter, one given twice (also by its
 * alias) and a value that is not allowed are refused, naming field, value and what is allowed. Enum values compare
 * case-insensitively. A window has a timeframe, or it has `since` and ends with `until`, or now. */
#ifndef DAYBOOK_USAGE_PARAMS_H
#define DAYBOOK_USAGE_PARAMS_H

#include "api/local_time.h"
#include "api/params.h"
#include "lib/civil.h"
#include "lib/tz.h"

enum usage_timeframe { USAGE_1H, USAGE_24H, USAGE_7D, USAGE_30D, USAGE_90D, USAGE_1Y, USAGE_ALL, USAGE_CUSTOM /* since, until */ };
enum usage_sort { USAGE_BY_REQUESTS, USAGE_BY_ERRORS, USAGE_BY_LATENCY, USAGE_BY_TIMESTAMP };

struct usage_params {
    char *key;           /* client id; NULL: all */
    char *organization;  /* NULL: all */
    char *endpoint;      /* "GET /v1/orders/{id}", method in upper case; or the name of a method; NULL: all */
    bool by_method;      /* the latter */
    const struct tz *tz; /* NULL: UTC; borrowed for ever */
    int timeframe;       /* enum usage_timeframe */
    struct local_time since, until;
    int granularity; /* enum civil_unit */
    int sort;        /* enum usage_sort */
    int ascending;   /* 0 or 1, like the four below */
    int exclude_endpoints, exclude_errors, exclude_latency;
    int include_costs;
    int limit, offset;
};

enum { USAGE_LIMIT_MAX = 1000, USAGE_OFFSET_MAX = 100000000 };
#define USAGE_TIMEFRAMES "1h|24h|7d|30d|90d|1y|all"
#define USAGE_GRANULARITIES "minute|hour|day|week|month"

/* False: refused, and params need no clearing. */
bool usage_params_parse(struct usage_params *params, const struct usage_param *given, size_t n_given, struct refusal *refusal);
void usage_params_clear(struct usage_params *params);
const char *usage_timeframe_name(int timeframe);
const char *usage_granularity_name(int granularity);

#endif
