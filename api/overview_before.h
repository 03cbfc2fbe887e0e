/* overview_before: what was used in the window before, for the overview, which asks for it again and again.
 *
 * That window only changes with the quarter of an hour, and what it holds only by late events: so it is kept for OVERVIEW_BEFORE_MS
 * (live_cache.h), and late events are in it that much later at most. What is kept never changes. */
#ifndef DAYBOOK_OVERVIEW_BEFORE_H
#define DAYBOOK_OVERVIEW_BEFORE_H

#include "api/live.h"

enum { OVERVIEW_BEFORE_MS = 60000 };

struct overview_before {
    struct live_kept kept; /* overview_before.c's own, like the next */
    gint64 read_us;
    struct live live;
};

/* Answers a question about a range, of all endpoints. After LIVE_ANSWERED *before is to be released, else as live_read. */
enum live_outcome overview_before_take(struct overview_before **before, const struct live_question *question,
                                       struct refusal *refusal, GError **error);
void overview_before_release(struct overview_before *before); /* NULL is allowed */

#endif
