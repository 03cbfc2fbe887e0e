/* usage_extras: what Get Usage says beside the counts of its window: rate limits, alerts, and costs where they are asked for. All
 * of that is about now; of a window that does not hold now it is not known what is used, and there are no alerts. */
#ifndef DAYBOOK_USAGE_EXTRAS_H
#define DAYBOOK_USAGE_EXTRAS_H

#include "api/costs_read.h"
#include "api/usage_answer.h"
#include "api/usage_past.h"

/* All borrowed. */
struct usage_extras_place {
    struct registry *registry;
    const struct costs_place *costs;
};

struct usage_extras {
    struct client_limits limits;
    struct usage_rates rates;
    GPtrArray *advice;         /* struct advice */
    struct cost_summary costs; /* if has_costs */
    bool has_costs;
};

/* question: the one that live answers, with the reader begun. False with an error, and nothing to clear. */
bool usage_extras_read(struct usage_extras *extras, const struct usage_extras_place *place, const struct live_question *question,
                       const struct live *live, GError **error);
void usage_extras_clear(struct usage_extras *extras);

#endif
