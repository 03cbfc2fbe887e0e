/* usage_answer: the body of GET /v1/developer/usage, from a usage table. Pure: no I/O, the same table gives the same bytes.
 *
 * Times are RFC 3339 in the zone that was asked for (UTC: with Z), latencies milliseconds, shares percent; both and all averages
 * with up to three decimals. successfulRequests are all that did not fail, failedRequests those with a status of 400 or more: they
 * add up to the requests. A limit that there is not is null, as are what is used of it in percent, requests of the minute where
 * minutes are not kept, and all that is used where the window does not hold now. dataTransferred is request and response bytes. A
 * point is provisional unless all of its days are closed.
 */
#ifndef DAYBOOK_USAGE_ANSWER_H
#define DAYBOOK_USAGE_ANSWER_H

#include "api/costs.h"
#include "api/finality.h"
#include "api/usage_limits.h"
#include "api/usage_table.h"

/* By enum limit_period up to LIMIT_DAY: the minute, hour and day, UTC, that hold now. */
struct usage_rates {
    uint64_t used[LIMIT_DAY + 1];
    bool is_known[LIMIT_DAY + 1];       /* of none where the window does not hold now; of the minute where those are kept */
    const struct client_limits *limits; /* NULL: the answer is not about one client */
};

/* All borrowed. */
struct usage_report {
    const struct usage_table *table;
    const struct usage_params *params;
    const struct finality *finality; /* NULL: nothing is known to be closed */
    const struct usage_rates *rates;
    const GPtrArray *advice;          /* struct advice */
    const struct cost_summary *costs; /* NULL: they are not asked for */
};

void usage_answer_write(GString *out, const struct usage_report *report);

#endif
