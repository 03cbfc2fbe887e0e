/* overview_answer: the body of GET /api/v2/usage/overview. Pure: no I/O, the same facts give the same bytes.
 *
 * Lists are of OVERVIEW_SHOWN entries at most, but for the parts of `health`, which have bounds of their own. */
#ifndef DAYBOOK_OVERVIEW_ANSWER_H
#define DAYBOOK_OVERVIEW_ANSWER_H

#include "api/alerts.h"
#include "api/caller.h"
#include "api/live.h"
#include "api/registry_snapshot.h"
#include "api/system_state.h"

enum { OVERVIEW_SHOWN = 10, OVERVIEW_ALERTS = 5, OVERVIEW_COLLECTORS = 100 };

/* All borrowed. */
struct overview {
    const struct usage_params *params; /* timeframe, organization, zone */
    const struct caller *caller;
    const struct live *now, *before; /* of the window, and of the one before it */
    const struct registry_snapshot *registry;
    const struct alerts_list *alerts;
    const struct system_state *system; /* NULL: it is not for the caller */
    int64_t now_ms;
};

void overview_answer_write(GString *out, const struct overview *overview);

#endif
