/* usage_past: what Get Usage wants to know of the time before its window: the same window a week before, who made requests in that
 * week, and how much of a day, week or month that has begun lies before it.
 *
 * Nearly all of that is closed. It is read once for a question and the quarter of an hour in which its window begins, and then,
 * unless that was within the last hour, kept (live_cache.h): so events that come late for that time are seen up to 15 minutes
 * later. No total, series or breakdown of an answer depends on it, only rateLimits.usage of a window that begins within the
 * hour or day that holds now, and the alerts. */
#ifndef DAYBOOK_USAGE_PAST_H
#define DAYBOOK_USAGE_PAST_H

#include "api/advice.h"
#include "api/live.h"
#include "api/live_cache.h"

struct usage_past {
    struct live_kept kept;
    struct advice_past advice;
    uint64_t before[LIMIT_PERIOD_N]; /* requests of the period that holds now, before the window; only of those that are wanted */
};

struct past_wants {
    const struct live_question *question; /* of the window; its params and range are not used */
    const struct window *window;
    const char *endpoint; /* what the scope's endpoints are called, as they are now; NULL: all */
    bool week_before;     /* the same window a week before; it is no longer than a week */
    bool names;           /* who made requests on the seven UTC days before the one in which the window begins */
    unsigned periods;     /* 1 << enum limit_period, of LIMIT_HOUR to LIMIT_MONTH */
};

/* With a reference, for live_kept_unref. NULL with an error. The cache may be NULL. */
struct usage_past *usage_past_take(struct live_cache *cache, const struct past_wants *wants, GError **error);

#endif
