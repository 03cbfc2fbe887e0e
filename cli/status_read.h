/* status_read: what `daybook status` shows, as one JSON document, which the table is printed from. One thread.
 *
 *   {"topic":…, "now":ms,
 *    "partitions":[{"partition","next","end","lag","state","events","duplicates","duplicateBatches","quarantined","gaps",
 *                   "gapBatches","otherCrc","overCap","clock"}],
 *    "streams":[{"collector","stream","clock":ms,"ageMs","received","accepted","rejected","excluded","journalBytes",
 *                "journalOldestMs","spoolAgeMs","partitions":[{"partition","cut","counted","waiting"}]}],
 *    "unannounced":n,
 *    "quarantine":[{"partition","number","offset","reason"}],
 *    "gaps":[{"partition","number","offset","stream","expected","got","day"}]}
 *
 * A stream is one run of a collector, known by its heartbeats; "unannounced" are streams that were counted but never sent one
 * (imports). cut is the last sequence that the collector made for the partition, counted the last one that was counted, waiting
 * their difference: batches in the collector's journal or in the log. spoolAgeMs: how old the oldest batch was, at the heartbeat,
 * that Kafka had not acknowledged. */
#ifndef DAYBOOK_CLI_STATUS_READ_H
#define DAYBOOK_CLI_STATUS_READ_H

#include <glib.h>
#include <jansson.h>

struct status_settings {
    const char *brokers, *topic, *redis_url;
    const char *const *properties; /* for librdkafka; may be NULL */
};

/* Caller frees with json_decref. */
json_t *status_read(const struct status_settings *settings, GError **error);

#endif
