/* live_pieces: what the buckets hold of a stretch of slots for a scope, read once and kept for as long as nothing was counted
 * there.
 *
 * A stretch is an hour (six, where there are few clients), or the part that lies in the window, without the slot that holds now. A
 * *piece* is its sums by slot, route and client, whatever unit, zone and timeframe is asked for, and a *proof*: for each partition
 * its owner's token, and for each of its clients that was counted there the number of its requests in each slot, from the sorted
 * sets of clients. These are asked for each time, they are few; the buckets only where the proof is not the same.
 *
 * Why that is exact. While the token of a partition stays, its owner applies flush after flush, each whole before the next one is
 * committed (aggregator/commit.h), and in each first the buckets of a slot, then the slot's sorted set, then the minutes
 * (aggregator/buckets_flush.c). An event that is counted for a client in a slot adds one to the number there. A reader asks for the
 * numbers first, then for the slots' buckets, then for the minutes; so what it reads is never older than the numbers, but for
 * minutes, and a piece is kept only if its slots, and its minutes, add up to the numbers. Then no slot was newer either, since each
 * event adds to the sum. A minute can be newer, and another one older by as much; but then the number has grown before the newer
 * one was applied, so the proof will not be the same again. Hence when it is, a reader would find in the buckets just what the
 * piece has, or what is being applied at this moment. Where a partition was claimed anew, which also follows every Redis that was
 * put back to an earlier state, was lost, or is restored, the token is another.
 *
 * One reading's; owned by one thread. What it borrows: everything. */
#ifndef DAYBOOK_LIVE_PIECES_H
#define DAYBOOK_LIVE_PIECES_H

#include "api/live_cache.h"
#include "api/members.h"
#include "api/scope.h"
#include "api/usage_table.h"

enum { LIVE_PIECES_MEMBERS_MAX = 20000 /* that are looked at together; of more, nothing is kept */ };

struct live_pieces;

/* Asks for the tokens; the replies come with the next reader_finish. */
struct live_pieces *live_pieces_new(struct live_cache *cache, struct reader *reader, const struct scope *scope);
void live_pieces_free(struct live_pieces *pieces); /* NULL is allowed */
/* Whether this can be used for a table: not for a series of minutes, nor for single routes. */
bool live_pieces_suit(const struct live_pieces *pieces, const struct usage_table *table);

/* As members_find. Who a generation has of a scope is kept, too, where there is more to it than one question: clients only come,
 * and never go or change their symbols while the token stays, so as long as there are as many (generation.clients, which must have
 * been counted) they are the same. */
struct members *live_pieces_find(struct live_pieces *pieces, const GArray *generations, guint first, guint n, GError **error);

/* Adds what members have in the slots of the window to a table: buckets of slots, and minutes where the window has them. The
 * members' slots are looked at here (members_see). */
bool live_pieces_read(struct live_pieces *pieces, struct members *members, struct usage_table *table, GError **error);

/* Asks for the tokens once more; after the next reader_finish, what was read can be kept. Does nothing if nothing was read. */
void live_pieces_ask_again(struct live_pieces *pieces);
void live_pieces_keep(struct live_pieces *pieces);
/* Of all stretches, how many were there already, and how many had to be read. */
void live_pieces_count(const struct live_pieces *pieces, uint32_t *found, uint32_t *read);

#endif
