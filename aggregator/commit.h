/* commit: exactly once, by a redo record in front of absolute values. One partition, one connection, one thread.
 *
 * What it stands on. A single Redis command is atomic; and whatever happens — a crash, a torn append-only file, a fail-over to a
 * stale replica — Redis' state is afterwards the one after some earlier prefix of the commands it had executed. No more is assumed.
 *
 * The commit record {pN}:commit holds: tok, a random token of the owner; n, the number of the last flush; next, the offset of the
 * first record of the log that is not counted; topic; fp, the fingerprint of the record at next-1; state; pay, the payload of
 * flush n: every write of that flush, with absolute values; and applied, which is n once all of these are done, since the last one
 * writes it. It is for readers: while token, n and applied are the same, and n is applied, no key of the partition changes
 * (but a sheet can come, of which the next flush speaks first).
 *
 * Flush: 1. the commit and all applies of the flush before must have answered; 2. COMMIT: one HSET that moves n, next and payload
 * at once, refused unless token, n-1 and master_replid are what this owner claimed; 3. APPLY each command of the payload, each
 * refused unless token and n are in the commit record: so they are sent right behind the commit, and refused if that was. Claim:
 * put a fresh token, read the record, apply its payload again, wait for all answers; then go on from next.
 *
 * Invariant: after a claim, the keys of the partition are exactly the function of the log below next.
 * Why. Take any state that Redis can be in when a claim is executed: a prefix of executed commands. Its commit record says flush n.
 * All commands of flushes up to n-1 are in that prefix, since flush n was committed only after they had answered on the same
 * history (step 1, and master_replid: a connection can outlive a rollback that it does not notice). Of flush n's applies some are
 * there, and of n+1 none, since its commit is not. Applying payload n again writes the same absolute values; nothing can undo them
 * afterwards: a former owner's applies, still on their way, carry another token and are refused, and so is its commit. (Applies of
 * the same owner and flush are the same writes.) What the new owner holds in memory it has read after that on the same connection.
 *
 * After any error the owner forgets everything that it holds and claims again on a new connection; no command is sent twice. */
#ifndef DAYBOOK_COMMIT_H
#define DAYBOOK_COMMIT_H

#include "aggregator/payload.h"
#include "aggregator/store.h"

#define COMMIT_ERROR commit_error_quark()
GQuark commit_error_quark(void);
enum commit_error {
    COMMIT_ERROR_LOST,      /* connection or server failed: claim again */
    COMMIT_ERROR_FENCED,    /* another owner, or another history: claim again if the partition is still ours */
    COMMIT_ERROR_RESTORING, /* an operator restores this partition: wait */
    COMMIT_ERROR_DAMAGED,   /* what Redis holds cannot be understood: stop the partition and say so */
};

struct commit_point {
    uint64_t n;
    int64_t next;    /* offset of the first record that is not counted */
    char topic[256]; /* empty: the partition was never committed */
    char fingerprint[64];
};

struct commit;

/* Takes the store over. topic: the one that is read now. */
struct commit *commit_new(int partition, struct store *store);
void commit_free(struct commit *commit);

/* Claims the partition under a random token (32 hex digits given by the caller, so that tests can repeat a run). */
bool commit_claim(struct commit *commit, const char *token, struct commit_point *point, GError **error);

/* Sends one flush, commit and applies, without waiting for the answers. The point's n must be the last one + 1. */
bool commit_flush(struct commit *commit, const struct commit_point *point, struct payload *payload, GError **error);
/* Waits for all answers of the last flush; an error if one of them is a refusal. */
bool commit_drain(struct commit *commit, GError **error);
/* Commands of the last flush that have not answered yet. */
size_t commit_outstanding(const struct commit *commit);
/* Checks that token, n and history are still ours. */
bool commit_guard(struct commit *commit, GError **error);

/* Writes the sheet of a closed day, if token, n and history are still ours and there is none (*taken says so). Waits. */
bool commit_put_sheet(struct commit *commit, struct view key, struct view sheet, bool *taken, GError **error);

/* ---- reads: asked one by one, answered in one pipeline behind the applies ---- */

/* False: the reply is not what it must be; the answer sets the error. */
typedef bool (*commit_answer)(void *opaque, const struct redis_reply *reply, GError **error);
void commit_ask(struct commit *commit, commit_answer answer, void *opaque, size_t argc, const struct view *argv);
size_t commit_asked(const struct commit *commit);
/* Sends what was asked and hands out the answers in order. Error replies never reach an answer. */
bool commit_read(struct commit *commit, GError **error);

#endif
