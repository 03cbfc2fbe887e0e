/* limits_script: one question to Redis about one caller's windows, see limits.h. Of whoever calls; no state. */
#ifndef DAYBOOK_LIMITS_SCRIPT_H
#define DAYBOOK_LIMITS_SCRIPT_H

#include "api/limits.h"

struct limits_question {
    const char *caller_id; /* its account */
    struct limits_tier tier;
    uint64_t want;         /* at least 1: that one if there is room at all, and more only as LIMITS_LEASE_PERCENT allows */
    uint64_t back;         /* of an earlier grant, not used: given back */
    int64_t back_redis_ms; /* when that was granted */
    int64_t given_time_ms; /* 0: by the clock of Redis */
};

struct limits_grant {
    int64_t redis_ms; /* when */
    uint64_t granted; /* 0: refused */
    struct {
        uint64_t used;   /* with those granted now */
        int64_t wait_ms; /* until at least one more is free than now, or, of a window that refuses, until one is free */
    } windows[LIMITS_WINDOW_N];
};

bool limits_script_ask(struct reader *reader, const struct limits_question *question, struct limits_grant *grant, GError **error);

#endif
