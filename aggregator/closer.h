/* closer: the thread that closes days, in the process that owns partition 0.
 *
 * It reads from Redis how far every partition is with every day, decides what is due (closing_plan.h), and writes seals and entries
 * of the ledger into the log (proto/usage.proto). It keeps no state: what it sends says its revision and counts only if it is the
 * next one, so a closer may be killed anywhere, and two of them, for as long as one has not heard that it is no longer meant, do no
 * harm. That is why closer_pause() need not wait.
 *
 * The thread is the only one that talks to Redis and Kafka here; each of its steps ends after two seconds. Other threads meet it at
 * a lock under which there is no I/O. */
#ifndef DAYBOOK_CLOSER_H
#define DAYBOOK_CLOSER_H

#include "aggregator/closing_plan.h"
#include "lib/archive.h"
#include "lib/kafka.h"
#include "lib/metrics.h"

struct closer;

/* Copied; what they point to outlives the closer. */
struct closer_settings {
    struct kafka_settings kafka;
    const char *topic, *redis_url;
    struct closing_plan_settings plan;
    int check_ms;
    struct archive *archive; /* NULL: none */
    struct metrics *metrics;
};

/* It waits to be told to go on. */
struct closer *closer_start(const struct closer_settings *settings);
/* Whether it is ours to close days. Returns at once. */
void closer_set_active(struct closer *closer, bool active);
/* Ends the thread (at most some seconds) and frees. */
void closer_stop(struct closer *closer);

/* Appends a line for every day that is held open, or has been due for more than five minutes: "day 2026-11-20: …". */
void closer_report(struct closer *closer, GString *out);

#endif
