/* executions_cache: what this replica computes, and what it has computed, so that nobody computes the same twice here.
 *
 * Whoever wants an execution's rows claims it. The first one gets EXECUTION_MINE, and must say what became of it: _queue, _run and
 * then _done. Others are told how far it is; while the first one has not said that it will take long, they wait for a moment. What
 * is done is kept, bounded by number and bytes; the longest unused goes first, and is computed again when somebody asks. Results
 * that are being computed are bounded by who computes them (query.h). Thread-safe. */
#ifndef DAYBOOK_EXECUTIONS_CACHE_H
#define DAYBOOK_EXECUTIONS_CACHE_H

#include "api/v2_outcome.h"

enum executions_state { EXECUTION_MINE, EXECUTION_QUEUED, EXECUTION_RUNNING, EXECUTION_DONE };
enum { EXECUTIONS_CACHED_MAX = 512, EXECUTIONS_WAIT_MS = 1000 };

struct executions_cache;

struct executions_cache *executions_cache_new(uint64_t bytes_max);
void executions_cache_free(struct executions_cache *cache); /* when nothing is computed any more */

/* *outcome: with EXECUTION_DONE a reference, else NULL. */
enum executions_state executions_cache_claim(struct executions_cache *cache, const char *id, struct v2_outcome **outcome);
/* It will be computed later, or takes long; a flag for it (atomic) that is set when it is to stop. Released by
 * executions_flag_unref. */
gint *executions_cache_queue(struct executions_cache *cache, const char *id);
void executions_flag_unref(gint *flag); /* NULL is allowed */
void executions_cache_run(struct executions_cache *cache, const char *id);
/* NULL: it came to nothing, or is not wanted any more. Takes no reference. */
void executions_cache_done(struct executions_cache *cache, const char *id, struct v2_outcome *outcome);
/* Forgets it, and stops who computes it. */
void executions_cache_cancel(struct executions_cache *cache, const char *id);
/* Stops all who compute, and all who begin later: before their threads are waited for. */
void executions_cache_stop(struct executions_cache *cache);

#endif
