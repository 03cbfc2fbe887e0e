/* live: answers what was used, from the sheets of closed days and the buckets of open ones.
 *
 * live_read learns which days of which partitions are in sheets (closed), sums those (closed_pieces), and goes through the
 * generations that are in none, in groups of bounded size; for each: who (members), when (members_see), how much (buckets_read),
 * and minutes (minutes_read). Each step is pipelined, so one client over a day costs a handful of round trips. There is no
 * snapshot: what is counted while it is read may or may not be in, but every number of the answer is a sum of the same slots. Where
 * a sheet took the place of a generation meanwhile, everything is read once more: no number changes because a day is closed. */
#ifndef DAYBOOK_LIVE_H
#define DAYBOOK_LIVE_H

#include "api/finality.h"
#include "api/live_cache.h"
#include "api/reader.h"
#include "api/refusal.h"
#include "api/scope.h"
#include "api/usage_table.h"

/* What all workers share; borrowed. */
struct live_sources {
    struct sheets *sheets;
    struct ledger_cache *ledger;
    struct live_cache *cache; /* NULL: nothing is kept */
    guint threads;            /* that may read the closed days of a question side by side; 0 is 1 */
};

/* All borrowed. */
struct live_question {
    const struct live_sources *sources;
    struct reader *reader;
    struct scope scope;
    const struct usage_params *params; /* the window by its timeframe; NULL: */
    const struct window_range *range;  /* by its range */
    GHashTable *names;                 /* not NULL: only who was counted on the days of the window is read, into this set of own
                                        * strings, and the table stays empty */
    bool known;                        /* what is asked for exists: nothing counted is no reason to refuse */
    int64_t now_ms;
};

struct live {
    struct window window;
    struct usage_table *table;
    struct finality finality;
    uint32_t settled; /* slots whose minutes had to be settled */
    uint32_t repeats; /* how often it was read anew */
};

enum live_outcome { LIVE_ANSWERED, LIVE_REFUSED, LIVE_FAILED };

/* LIVE_ANSWERED: live is filled, live_clear it. LIVE_REFUSED: the refusal says why (no such key, too many points). LIVE_FAILED:
 * error. */
enum live_outcome live_read(struct live *live, const struct live_question *question, struct refusal *refusal, GError **error);
void live_clear(struct live *live);

#endif
