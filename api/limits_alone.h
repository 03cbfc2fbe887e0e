/* limits_alone: the windows of one caller as one replica keeps them by itself, while Redis cannot be asked.
 *
 * Counters of 13 times 5 s and of 25 times an hour, by the clock of whoever asks: never more than the limit in any 60 s or 24 h;
 * what was used counts for up to 65 s or 25 h. Not thread-safe. */
#ifndef DAYBOOK_LIMITS_ALONE_H
#define DAYBOOK_LIMITS_ALONE_H

#include "api/limits.h"

enum { LIMITS_ALONE_CELLS_MAX = 25 };

struct limits_alone {
    struct {
        int64_t cell; /* the newest one */
        uint32_t counts[LIMITS_ALONE_CELLS_MAX];
    } windows[LIMITS_WINDOW_N]; /* all zeros: new */
};

/* Takes one request if both windows have room for it. The limits in uses are read, the rest is filled. */
bool limits_alone_take(struct limits_alone *alone, int64_t now_ms, struct limits_use uses[LIMITS_WINDOW_N]);

#endif
