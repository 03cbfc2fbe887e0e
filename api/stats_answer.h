/* stats_answer: the bodies of the usage statistics, as JSON and as CSV. Pure: no I/O.
 *
 * A service is an organization, an application a client. Times are those of the zone with its offset; `until` is the last second of
 * the range. Counts are integers; averages and changes have up to three decimals. Besides what compatible clients look for,
 * `provisional` says whether any value can still change, `finalized_through` the last day up to which all days are closed. */
#ifndef DAYBOOK_STATS_ANSWER_H
#define DAYBOOK_STATS_ANSWER_H

#include "api/live.h"
#include "api/registry_snapshot.h"
#include "api/stats_params.h"

enum { STATS_TOP_MAX = 10 };

/* What is answered; everything is borrowed. */
struct stats_answer {
    const struct stats_params *params;
    const struct live *live;
    const struct registry_snapshot *registry;
    const char *organization;    /* the service's id, or the application's organization; NULL: not known, or several */
    const char *application;     /* its id; NULL: it is about a service */
    const struct method *method; /* NULL: all requests */
    const GPtrArray *methods;    /* of a summary: struct method */
    const struct live *before;   /* the range before; NULL: not asked for, or there is none */
};

void stats_answer_json(GString *out, const struct stats_answer *answer);
void stats_answer_csv(GString *out, const struct stats_answer *answer);

#endif
