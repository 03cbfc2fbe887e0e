/* stats_params: what may be asked of the usage statistics, checked.
 *
 *   metric_name    hits, or a method; needed where the statistic is about one
 *   response_code  a code (404) or a class (4XX)
 *   period         eternity, year, month, week or day, from `since` on, up to `until`, or up to now
 *   since, until   YYYY-MM-DD[ HH:MM:SS] by the clock of the zone (local_time.h)
 *   granularity    month, day, 21600 (six hours), hour or eternity (one value)
 *   timezone       an IANA zone; UTC if not given
 *   skip_change    true; false: with the total of the period before
 *   organization   of a client only: as which organization's it is meant
 *   access_token   the caller's token (auth.h)
 *
 * Which of them a statistic takes stands in a table; others, one given twice and a value that is not allowed are refused, naming
 * field, value and what is allowed. Enum values compare case-insensitively. Pure but for the zone. */
#ifndef DAYBOOK_STATS_PARAMS_H
#define DAYBOOK_STATS_PARAMS_H

#include "api/window.h"

#define STATS_ALL_SERVICES "*" /* the id of all organizations together */

enum stats_kind {
    STATS_NONE,
    STATS_USAGE,
    STATS_CODES,
    STATS_TOP,
    STATS_SUMMARY,
    STATS_DAILY,
    STATS_HOURLY,
    STATS_KIND_N,
};

enum stats_period { STATS_NO_PERIOD, STATS_ETERNITY, STATS_YEAR, STATS_MONTH, STATS_WEEK, STATS_DAY };

enum { STATS_CODE_SIZE = 4, STATS_NO_UNIT = -1 };

struct stats_params {
    enum stats_kind kind;
    bool of_client;                 /* it is about a client, not about an organization */
    char *organization;             /* NULL: not given */
    char *metric;                   /* NULL: not given */
    char code[STATS_CODE_SIZE];     /* "404", "4XX"; "": not given */
    uint32_t code_first, code_last; /* statuses */
    enum stats_period period;
    struct local_time since, until;
    int unit; /* of window.h; STATS_NO_UNIT: not given */
    const struct tz *tz;
    bool with_change;
};

/* False: refused, and params need no clearing. */
bool stats_params_parse(struct stats_params *params, enum stats_kind kind, bool of_client, const struct usage_param *given,
                        size_t n_given, struct refusal *refusal);
void stats_params_clear(struct stats_params *params);
const char *stats_period_name(enum stats_period period); /* NULL for none */

#endif
