/* v2_engine: makes the rows of executions: small ones at once, by whoever asks first; others in the pool for long queries, in the
 * background, while polls say so.
 *
 * A failure that will come again (a limit, a sheet that is nowhere to be had, the time for a long query) ends the execution and is
 * written down, so that every replica says the same. One that may pass (Redis cannot be reached) does not: the next poll tries
 * again. There are no partial results. Thread-safe; everything in it is borrowed. */
#ifndef DAYBOOK_V2_ENGINE_H
#define DAYBOOK_V2_ENGINE_H

#include "api/executions.h"
#include "api/executions_cache.h"
#include "api/query.h"
#include "api/registry.h"

struct v2_engine {
    struct queries *queries;
    struct ledger_cache *ledger;
    struct archive *archive; /* NULL: none */
    struct sheets *sheets;
    struct registry *registry;
    struct executions_cache *cache;
    const char *directory;     /* for results */
    uint64_t result_bytes_max; /* of one */
    uint32_t groups_max;
    guint scan_threads;
    uint64_t small_us; /* what takes no longer (v2_cost.h) is made at once, on behalf of the request; 0: V2_SMALL_US */
};

enum { V2_SMALL_US = 50000 };

struct v2_progress {
    enum executions_state state; /* EXECUTION_QUEUED, _RUNNING or _DONE, unless it ended */
    struct v2_outcome *outcome;  /* EXECUTION_DONE: a reference */
    struct v2_end end;           /* it failed just now */
    bool busy;                   /* QUEUED, but the pool takes no more: it is in nobody's queue */
};

/* The newest pin. */
bool v2_engine_pin(struct v2_engine *engine, struct reader *reader, struct pin *pin, int64_t *last_closed_day, GError **error);
/* Looks how far an execution is on this replica, and sets it going where nobody has. False with an error that may pass. */
bool v2_engine_advance(struct v2_engine *engine, struct reader *reader, struct caller *caller, struct v2_execution *execution,
                       struct v2_progress *progress, GError **error);
void v2_progress_clear(struct v2_progress *progress);
/* Before rows are shown again that may have been made long ago: ends the execution if a day of it was closed anew since then to
 * erase somebody, whom what is in memory may name. *end: V2_NOT_ENDED if none was. False with an error that may pass. */
bool v2_engine_end_erased(struct v2_engine *engine, struct reader *reader, const struct v2_execution *execution, struct v2_end *end,
                          GError **error);

#endif
