#include "api/limits_alone.h"

static const struct {
    int64_t cell_ms, n;
} shapes[LIMITS_WINDOW_N] = {[LIMITS_MINUTE] = {5000, 13}, [LIMITS_DAY] = {3600000, 25}};

static uint32_t *count_of(struct limits_alone *alone, int w, int64_t cell)
{
    return &alone->windows[w].counts[cell % shapes[w].n];
}

/* Forgets what is too old. A clock that goes back by more than a window makes all of it so; by less, nothing. */
static void roll(struct limits_alone *alone, int w, int64_t cell)
{
    int64_t *newest = &alone->windows[w].cell, n = shapes[w].n;
    if (cell > *newest - n && cell <= *newest)
        return;
    int64_t first = cell > *newest && cell < *newest + n ? *newest + 1 : cell - n + 1;
    for (int64_t old = MAX(first, 0); old <= cell; old++)
        *count_of(alone, w, old) = 0;
    *newest = cell;
}

/* Counts, and finds when the oldest that counts gets too old. */
static void look(struct limits_alone *alone, int w, struct limits_use *use)
{
    int64_t newest = alone->windows[w].cell, n = shapes[w].n;
    use->used = 0;
    use->reset_ms = (newest + n) * shapes[w].cell_ms;
    for (int64_t cell = newest; cell >= MAX(newest - n + 1, 0); cell--) {
        if (*count_of(alone, w, cell) == 0)
            continue;
        use->used += *count_of(alone, w, cell);
        use->reset_ms = (cell + n) * shapes[w].cell_ms;
    }
    use->remaining = use->used < use->limit ? use->limit - use->used : 0;
}

bool limits_alone_take(struct limits_alone *alone, int64_t now_ms, struct limits_use uses[LIMITS_WINDOW_N])
{
    bool room = true;
    for (int w = 0; w < LIMITS_WINDOW_N; w++) {
        roll(alone, w, MAX(now_ms, 0) / shapes[w].cell_ms);
        look(alone, w, &uses[w]);
        room = room && uses[w].remaining > 0;
    }
    for (int w = 0; w < LIMITS_WINDOW_N && room; w++) {
        uint32_t *count = count_of(alone, w, alone->windows[w].cell);
        if (*count < UINT32_MAX)
            ++*count;
        look(alone, w, &uses[w]);
    }
    return room;
}
