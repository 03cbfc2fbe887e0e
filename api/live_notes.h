/* live_notes: what one reading of live usage has learned and others may use, until it is sure that it holds.
 *
 * It holds if the partitions that it was read from had one owner all the time: their tokens are asked for before (live_base.h) and
 * after. Then it goes into the cache. One reading's; owned by one thread; what it borrows: everything. */
#ifndef DAYBOOK_LIVE_NOTES_H
#define DAYBOOK_LIVE_NOTES_H

#include "api/live_base.h"
#include "api/members.h"
#include "api/scope.h"

enum { LIVE_MEMBERS_MAX = 20000 /* that are looked at together; of more, nothing is kept */ };

struct live_notes {
    struct live_cache *cache;
    const struct live_base *base;
    struct reader *reader;
    /* live_notes.c's own */
    GPtrArray *keys, *things;    /* char, struct live_kept */
    struct live_stamp **touched; /* by partition; NULL: nothing was learned of it */
};

void live_notes_init(struct live_notes *notes, struct live_cache *cache, const struct live_base *base, struct reader *reader);
void live_notes_clear(struct live_notes *notes);

/* The owner of a partition; its token may be missing. */
const struct live_stamp *live_notes_owner(const struct live_notes *notes, int partition);
/* "kind", the scope and the generation, if they are given, as a key; for g_free. */
char *live_notes_key(const char *kind, const struct scope *scope, const struct generation *generation);
/* Notes a thing; key and reference are taken over. It was read from partitions that are touched. */
void live_notes_add(struct live_notes *notes, char *key, struct live_kept *thing);
void live_notes_touch(struct live_notes *notes, int partition);

/* Asks for the tokens once more, if anything was learned; after the next reader_finish, live_notes_keep. */
void live_notes_ask_again(struct live_notes *notes);
void live_notes_keep(struct live_notes *notes);

#endif
