/* import_sender: sends batches to Kafka in order, and again in order after a fatal error of the producer, until each is
 * acknowledged.
 *
 * What is not acknowledged is kept, at most IMPORT_UNACKNOWLEDGED_MAX bytes of it. Belongs to one thread, which must call in often
 * enough for deliveries to be served. */
#ifndef DAYBOOK_IMPORT_SENDER_H
#define DAYBOOK_IMPORT_SENDER_H

#include "collector/import_source.h"
#include "lib/kafka.h"

enum { IMPORT_UNACKNOWLEDGED_MAX = 16 * 1024 * 1024 };

struct import_sender;

/* Settings and topic must outlive it. */
struct import_sender *import_sender_new(const struct kafka_settings *settings, const char *topic, GError **error);
/* Gives up what is not acknowledged. */
void import_sender_free(struct import_sender *sender);
/* Takes the batch; waits while too much is unacknowledged. Fails only if the producer cannot be made anew. */
bool import_sender_send(struct import_sender *sender, struct import_batch *batch, GError **error);
/* Waits until everything is acknowledged, or timeout_ms have passed without any acknowledgement (IMPORT_ERROR_TIMEOUT). */
bool import_sender_flush(struct import_sender *sender, int timeout_ms, GError **error);

#endif
