/* sealing: writes the seals of days into the log until their revisions are in the ledger. One thread.
 *
 * It does what the closer of the aggregator does, for the same reasons: the seals go to every partition, each gets the one after
 * its last, and what else is needed, sheets and entries, the aggregator does. A seal that somebody else has written meanwhile does
 * no harm: of two for the same revision the second is ignored. The new revision is sealed first where the one before is the last:
 * so it is decided, and a partition that has fallen behind (or was added to the topic later) follows up to it. */
#ifndef DAYBOOK_CLI_SEALING_H
#define DAYBOOK_CLI_SEALING_H

#include "cli/day_table.h"
#include "cli/system_options.h"
#include "lib/kafka.h"

struct sealing;

/* Connects to Redis and Kafka, and reads how far the days are. Options are loaded and borrowed. */
struct sealing *sealing_new(const struct system_options *system, enum seal_reason reason, GError **error);
void sealing_free(struct sealing *sealing);

struct shards *sealing_shards(struct sealing *sealing);               /* borrowed, as the next two */
const struct day_table *sealing_table(const struct sealing *sealing); /* as read last */
/* For other records; what it cannot write is an error of the next step. */
struct kafka_producer *sealing_producer(struct sealing *sealing);

/* The day is to reach this revision. */
void sealing_add(struct sealing *sealing, int64_t day, int revision);
/* How many days have not. The first of them is said: its day, and what it waits for (caller frees). */
guint sealing_left(const struct sealing *sealing, int64_t *day, char **waits_for);
/* Writes what is to be written, waits for a moment, and reads again. */
bool sealing_step(struct sealing *sealing, GError **error);

#endif
