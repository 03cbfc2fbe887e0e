/* board: says every few seconds, in Redis, how far the partitions of this process are, for people and for the API.
 *
 *   {daybook}:workers   hash   partition -> "next high time_ms standing_ms worker"; "since" -> when the first of it was written
 *
 * next: first record that is not counted; high: the end of the log as Kafka last said it (-1: not known); time_ms: when this was
 * written; standing_ms: since when the partition has not moved although records are there, or since when it cannot be claimed or
 * Kafka is not reached, 0: it moves, or is at the end. That is carried on from what stands there, so a restart, or another owner,
 * does not end it.
 *
 * A thread with a connection of its own, so counting never waits for it. What cannot be written is missing information, no more: it
 * is logged once, until it can be again. */
#ifndef DAYBOOK_BOARD_H
#define DAYBOOK_BOARD_H

#include "aggregator/worker.h"

#define BOARD_KEY "{daybook}:workers"
enum { BOARD_EVERY_MS = 5000, BOARD_LINE_MAX = 512 };

/* Writes the line of a partition, with a NUL. before: the one that stands there; empty: none. */
void board_line(char out[BOARD_LINE_MAX], const struct worker_stand *stand, struct view before, int64_t now_ms, const char *worker);

struct board;

struct board_settings {
    struct redis_settings redis;
    const char *worker; /* name of this process */
    int every_ms;
    /* Appends the struct worker_stand of all partitions of this process; called on the board's thread. */
    void (*collect)(GArray *stands, void *opaque);
    void *opaque;
};

/* Copied; what they point to outlives the board. */
struct board *board_start(const struct board_settings *settings);
/* Ends the thread (at most some seconds, when Redis does not answer) and frees. */
void board_stop(struct board *board);

#endif
