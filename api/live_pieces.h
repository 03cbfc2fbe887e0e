/* live_pieces: what the buckets hold of a stretch of slots for a scope, read once and kept for as long as nothing was counted
 * there.
 *
 * A stretch is an hour (six, where there are few clients), or the part that lies in the window, without the slot that holds now. A
 * *piece* is its sums by slot, route and client, whatever unit, zone and timeframe is asked for, and a *proof*: for each generation
 * that has clients of the scope, its owner's token and its totals, the requests of all clients, in each slot. Totals are known of
 * the state at hand (live_base.h); the buckets are asked for only where the proof is not the same.
 *
 * Why that is exact. While the token of a partition stays, its owner applies flush after flush, each whole before the next one is
 * committed (aggregator/commit.h), and in each first the buckets of a slot, then its sums, its sorted set, and its total, then the
 * minutes (aggregator/buckets_flush.c). An event that is counted in a slot adds one to the client's number in the sorted set, and
 * one to the total. A reader asks for totals first, then who there is, then for the numbers of the scope's clients, then for the
 * slots' buckets, then for the minutes; so what it reads is never older than the totals, but for minutes, and a piece is kept only
 * if its slots, and its minutes, add up to the numbers. Then no slot was newer than the numbers either, since each event adds to
 * the sum. A minute can be newer, and another one older by as much; but then the number has grown before the newer one was applied,
 * so the total is not the same, or is about to be another, and will not be the same again. Hence when the totals are the same, a
 * reader would find in the buckets just what the piece has, or what is being applied at this moment. Of all clients the sums of the
 * slots are read instead (sums_read.h), and the number is the total: more than it may be in an answer, just as much must be in a
 * piece that is kept. Where a partition was claimed anew, which also follows every Redis that was put back to an earlier state, was
 * lost, or is restored, the token is another.
 *
 * One reading's; owned by one thread. What it borrows: everything. */
#ifndef DAYBOOK_LIVE_PIECES_H
#define DAYBOOK_LIVE_PIECES_H

#include "api/live_notes.h"
#include "api/usage_table.h"

/* Whether this can be used for a table: not for a series of minutes, nor for single routes. */
bool live_pieces_suit(const struct scope *scope, const struct usage_table *table);

/* Adds what members have in the slots of the window to a table: buckets of slots, and minutes where the window has them. The
 * members' slots are looked at here (members_see). What was read is noted. */
bool live_pieces_read(struct live_notes *notes, const struct scope *scope, struct members *members, struct usage_table *table,
                      GError **error);

#endif
