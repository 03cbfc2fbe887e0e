/* advice: what a table of usage gives reason to say: the `alerts` of Get Usage. Pure: no I/O, the same facts give the same list.
 *
 *   error_rate_rising   The share of failed requests (status 400 and above) in the second half of the window is twice that of the
 *                       first half or more; or, where the halves do not say so, that of the window twice that of the same window
 *                       a week before. At least ADVICE_REQUESTS_MIN requests on either side, ADVICE_ERRORS_MIN failed ones on the
 *                       later one, and a share of ADVICE_ERRORS_PERCENT there.
 *   latency_regression  p95 of the window is ADVICE_LATENCY_PERCENT of that of the same window a week before, or more, and
 *                       ADVICE_LATENCY_US more; at least ADVICE_REQUESTS_MIN requests on either side. (p95 may be off by 4.5 % on
 *                       either side, so what is merely measured never reaches it.)
 *   quota_exceeded      As many requests as a limit allows, or a plan includes, or more.
 *   quota_exhaustion    By a linear forecast (forecast.h) that will be so before the period ends. Only of days, weeks and months,
 *                       and when ADVICE_ELAPSED_PERCENT of the period has passed, or half of the quota is used up.
 *   quota_near          ADVICE_NEAR_PERCENT of a quota, or more, is used.
 *   idle_keys           Keys that made requests in the week before the window, and none in it.
 *
 * Of one quota there is one alert, of the three kinds the first that applies. Most urgent first, equal ones in this order. */
#ifndef DAYBOOK_ADVICE_H
#define DAYBOOK_ADVICE_H

#include "api/limit_rule.h"
#include "api/usage_table.h"

enum {
    ADVICE_REQUESTS_MIN = 100,
    ADVICE_ERRORS_MIN = 20,
    ADVICE_ERRORS_PERCENT = 1,
    ADVICE_PERCENTILE = 95, /* whose latency is compared */
    ADVICE_LATENCY_PERCENT = 150,
    ADVICE_LATENCY_US = 5000,
    ADVICE_ELAPSED_PERCENT = 10,
    ADVICE_NEAR_PERCENT = 80,
    ADVICE_NAMES_MAX = 10, /* that a message lists */
};

enum advice_priority { ADVICE_LOW, ADVICE_MEDIUM, ADVICE_HIGH, ADVICE_CRITICAL };

struct advice {
    const char *type;
    enum advice_priority priority;
    char *message;
    const char *recommendation;
};

/* What may be used up. */
enum advice_kind { ADVICE_LIMIT, ADVICE_INCLUDED /* of a plan */, ADVICE_CEILING /* the plan's fair use */ };
struct advice_quota {
    enum advice_kind kind;
    enum limit_period period;
    uint64_t used, value;
};

struct advice_past {
    uint64_t requests, errors, p95_us; /* of the same window a week before; requests 0: nothing is compared with it */
    /* Who made requests in the week before the window: organization KEYS_CLIENT_SEPARATOR client, sorted. NULL: it is not asked. */
    char **active;
};

struct advice_facts {
    const struct usage_table *table;
    const struct advice_past *past; /* NULL: nothing is known */
    const struct advice_quota *quotas;
    size_t n_quotas;
    bool one_organization; /* keys are named without theirs */
};

/* struct advice. */
GPtrArray *advice_make(const struct advice_facts *facts);
const char *advice_priority_name(enum advice_priority priority); /* "low" … "critical" */

#endif
