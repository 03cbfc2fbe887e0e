/* registry_write: changes of the registry, each a transaction: decided upon what is in Redis, or not made at all.
 *
 *   registry_change calls `decide` with a snapshot that is as new as Redis; it puts and removes by the functions below, which only
 *   queue; then all is done at once (MULTI, EXEC) together with the growth of {daybook}:version, unless that has grown meanwhile
 *   (WATCH): then everything begins anew. At the end this replica's registry knows of it.
 *
 * Deciding twice must do no harm: after a lost connection it is not known whether the change was made, and query_run asks again.
 * On a worker, with its reader. */
#ifndef DAYBOOK_REGISTRY_WRITE_H
#define DAYBOOK_REGISTRY_WRITE_H

#include "api/registry.h"

enum { REGISTRY_CHANGE_TRIES = 10 };

/* What is decided upon. */
struct registry_change {
    struct reader *reader;
    const struct registry_snapshot *snapshot;
    uint64_t queued; /* commands; none: there is nothing to change */
};

typedef void registry_decide(struct registry_change *change, void *opaque);

bool registry_change(struct registry *registry, struct reader *reader, registry_decide *decide, void *opaque, GError **error);
/* The same without being alone: for what others' changes do not matter to. */
bool registry_change_any(struct registry *registry, struct reader *reader, registry_decide *decide, void *opaque, GError **error);

/* ---- within decide ---- */

void registry_put_token(struct registry_change *change, const struct registry_token *token);
/* With the access tokens that were made from it. */
void registry_remove_token(struct registry_change *change, const struct registry_token *token);
void registry_put(struct registry_change *change, enum registry_kind kind, const void *item);
/* Makes room for one more access token, or session, of a caller who may have `most` of them: the oldest go, but for those that are
 * younger than kept_ms. 0; or how many ms to wait, because all that would have to go are. except_id: the new one, which an earlier
 * try may have put already. */
struct registry_room {
    const char *caller_id, *except_id;
    bool sessions;
    guint most;
    int64_t kept_ms;
};
int64_t registry_make_room(struct registry_change *change, const struct registry_room *room, int64_t now_ms);
/* The one that has the same name (field, in registry_kind.h). */
void registry_remove(struct registry_change *change, enum registry_kind kind, const void *item);

/* ---- when tokens were used ---- */

/* For each of n ids the time, Unix ms, or 0: never, or longer ago than is known. */
bool registry_read_used(struct reader *reader, const char *const *ids, size_t n, int64_t *used_ms, GError **error);

#endif
