/* usage_answer: the body of GET /v1/developer/usage, from a usage table. Pure: no I/O, the same table gives the same bytes.
 *
 * Times are RFC 3339 in the zone that was asked for (UTC: with Z), latencies milliseconds, shares percent; both and all averages
 * with up to three decimals. successfulRequests are all that did not fail, failedRequests those with a status of 400 or more: they
 * add up to the requests. dataTransferred is request and response bytes. A point is provisional unless all of its days are closed.
 */
#ifndef DAYBOOK_USAGE_ANSWER_H
#define DAYBOOK_USAGE_ANSWER_H

#include "api/finality.h"
#include "api/usage_table.h"

/* finality: NULL when nothing is known to be closed. */
void usage_answer_write(GString *out, const struct usage_table *table, const struct usage_params *params,
                        const struct finality *finality);

#endif
