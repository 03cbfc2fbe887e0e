/* ids: which event ids were entered in the last 24 hours of log clock. Owned by one thread.
 *
 * Keys ids of lib/keys.h. An id is asked for one by one, never loaded whole: ids_prepare() collects the ids of the batches that
 * come next and asks for them in one pipeline; ids_enter() then decides. An id that was entered since is remembered until Redis has
 * it. Of the days that began under this claim a filter knows what cannot be in Redis: it need not be asked, nor the applies be
 * waited for. */
#ifndef DAYBOOK_IDS_H
#define DAYBOOK_IDS_H

#include "aggregator/commit.h"
#include "aggregator/mirror.h"
#include "lib/record.h"

struct ids;

/* due: where the days' removal is written down; borrowed. */
struct ids *ids_new(int partition, struct mirror *due);
void ids_free(struct ids *ids);

/* What was entered before this claim. Once, when `due` has been loaded. */
void ids_learn(struct ids *ids);
/* Begins a round: what was asked for in the last one is forgotten. */
void ids_begin(struct ids *ids);
/* Takes in a batch; returns the number of its first id in the round. */
size_t ids_prepare(struct ids *ids, const struct batch *batch);
/* Asks for the round's ids, if they can be decided between these log clocks (ms). They are there after commit_read. */
void ids_ask(struct ids *ids, struct commit *commit, int64_t first_clock_ms, int64_t last_clock_ms);
/* False: it was entered less than 24 h before: a duplicate. Else it is entered now. number: of the id in the round. */
bool ids_enter(struct ids *ids, size_t number, int64_t clock_ms);

size_t ids_dirty_bytes(const struct ids *ids);
void ids_flush(struct ids *ids, struct payload *payload);

#endif
