/* live_base: what live answers begin with: who owns the partitions, what they hold, up to where all is final. It is read once for
 * each state of the partitions, and shared by all questions for as long as nothing is written.
 *
 * Whether anything was written, a partition's *stamp* says: token, number of the last flush, and number of the last one that is
 * done (aggregator/commit.h). While it stays and both numbers are the same no key of the partition changes; so what is read between
 * two such stamps belongs to them, and also whatever is read later by who has found the stamp: if something had been written
 * meanwhile, nobody will find this stamp again. One command for each partition is all that a question costs then. Thread-safe; what
 * is shared never changes. */
#ifndef DAYBOOK_LIVE_BASE_H
#define DAYBOOK_LIVE_BASE_H

#include "api/closed.h"
#include "api/ledger_index.h"
#include "api/live_cache.h"

enum { LIVE_TOKEN_SIZE = 32 };

struct live_stamp {
    char token[LIVE_TOKEN_SIZE]; /* of the owner */
    bool has_token;              /* false: nobody, or it is being restored */
    bool settled;                /* no flush is being applied */
    uint64_t n;                  /* the last flush */
};

struct live_base {
    struct live_kept kept;
    uint64_t serial; /* of those that are shared; 0: something was being written, so it is one question's only */
    int partitions;
    struct live_stamp *stamps; /* by partition; of before the rest was read */
    struct ledger_index *index;
    GArray *generations; /* struct generation of members.h, counted */
    uint64_t *totals;    /* their totals */
    int64_t through;     /* of struct finality */
};

/* The ledger is read before the generations. The cache may be NULL. With a reference; NULL with an error. */
struct live_base *live_base_take(struct live_cache *cache, struct ledger_cache *ledger, struct reader *reader, GError **error);
void live_base_release(struct live_base *base); /* NULL is allowed */

/* The sheets of some days, as closed_read finds them. */
struct live_days {
    struct live_kept kept;
    struct closed *closed;
};
/* With a reference; NULL with an error. */
struct live_days *live_base_days(const struct live_base *base, struct live_cache *cache, struct reader *reader, int64_t first_day,
                                 int64_t last_day, GError **error);
void live_days_release(struct live_days *days); /* NULL is allowed */

/* Asks for a partition's stamp; it is there after the next reader_finish. */
void live_stamp_ask(struct reader *reader, int partition, struct live_stamp *stamp);
bool live_stamp_same_owner(const struct live_stamp *a, const struct live_stamp *b);

#endif
