/* shipper: moves durable groups from the journal to Kafka.
 *
 * One thread, which owns the producer, the journal's reader and the acknowledgement cursor. Groups come from memory (shipper_offer)
 * while it keeps up, and from the journal's files when it does not: memory stays flat whatever the backlog. The first groups are
 * those that an earlier run left, unchanged. The cursor moves over contiguous acknowledged groups only. After a fatal error of the
 * producer, another one is made, and everything behind the cursor is sent again, in order: per partition the log then holds a
 * repeat, which sequences show, but never a batch before an earlier one that was not there yet. */
#ifndef DAYBOOK_SHIPPER_H
#define DAYBOOK_SHIPPER_H

#include "collector/journal.h"
#include "lib/kafka.h"

enum {
    SHIPPER_WINDOW_BYTES = 8 << 20, /* of groups kept in memory until they are sent */
    SHIPPER_FLIGHT_BYTES = 8 << 20, /* sent and not acknowledged */
    SHIPPER_FLIGHT_GROUPS = 4096,
    SHIPPER_SAVE_MS = 500,   /* the cursor is at most so much older than the acknowledgements */
    SHIPPER_FLUSH_MS = 2000, /* at the end */
};

struct shipper_settings {
    struct kafka_settings kafka;
    const char *topic;
    /* Makes the n-th heartbeat and says to which partition it goes; NULL: none now. On the shipper's thread. May be NULL. */
    GBytes *(*heartbeat)(void *opaque, uint64_t n, int64_t oldest_ms, int *partition);
    void *opaque;
};

struct shipper;

/* Begins held: see shipper_hold. The journal must outlive it. */
struct shipper *shipper_start(const struct shipper_settings *settings, struct journal *journal);
/* Sends what is left for at most SHIPPER_FLUSH_MS, saves the cursor, ends the thread. The batcher has stopped before. */
void shipper_stop(struct shipper *shipper);
void shipper_free(struct shipper *shipper);

/* Takes over a group that was just made durable. From the batcher's thread; never blocks. */
void shipper_offer(struct shipper *shipper, struct journal_group *group);
/* Held, nothing is sent: until the topic is known to be there with all of its partitions, and again when it has lost some. */
void shipper_hold(struct shipper *shipper, bool hold);
/* The topic has more partitions now: another producer learns of them at once, the old one would only in minutes. Before any group
 * for them is offered. */
void shipper_renew(struct shipper *shipper);

struct shipper_state {
    int64_t oldest_ms;                     /* created_ms of the oldest unacknowledged batch that was looked at; 0: none */
    uint64_t restarts;                     /* producers that failed */
    uint64_t sent, acknowledged, replayed; /* batches, of this run */
    uint64_t heartbeats;                   /* sent */
    bool shipping;
};
void shipper_state_get(struct shipper *shipper, struct shipper_state *state); /* safe from any thread */

#endif
