/* limits: how many requests a caller may make, in a sliding minute and a sliding day, the same on all replicas.
 *
 * The windows are kept in Redis. A replica takes a small share (a lease: LIMITS_LEASE_PERCENT of the minute's limit, at least 1,
 * for a few seconds) at a time and hands out of it without asking Redis; so a limit can be passed over by no more than replicas
 * times that share, and is never fallen short of by more. While Redis cannot be asked, each replica keeps the limits by itself.
 *
 *   {daybook}:limit:<caller id>   see limits.c; expires by itself
 *
 * Thread-safe. */
#ifndef DAYBOOK_LIMITS_H
#define DAYBOOK_LIMITS_H

#include "api/caller.h"
#include "api/reader.h"

enum { LIMITS_LEASE_PERCENT = 5 };

struct limits_tier {
    uint32_t per_minute;
    uint64_t per_day;
};

struct limits;

/* What the answer's headers say. */
struct limits_state {
    uint64_t limit, used; /* of the window that is closer to its end of allowance */
    uint64_t remaining;
    int64_t reset_ms;  /* Unix time at which the window's allowance grows again, or is whole: see limits.c */
    int window_s;      /* 60 or 86400 */
    int retry_after_s; /* when refused */
};

enum limits_outcome { LIMITS_ALLOWED, LIMITS_REFUSED, LIMITS_ASK /* no share left here: limits_ask on a worker, then once more */ };

struct limits *limits_new(const struct limits_tier tiers[TIER_N]);
void limits_free(struct limits *limits);
/* Never blocks. */
enum limits_outcome limits_take(struct limits *limits, const struct caller *caller, int64_t now_ms, struct limits_state *state);
/* Gets a share from Redis; false: Redis could not be asked (limits_take then keeps the limit by itself for a while). */
bool limits_ask(struct limits *limits, const struct caller *caller, struct reader *reader, int64_t now_ms, GError **error);

#endif
