/* meters: every metric of daybook-aggregator. Counts per partition are those kept in Redis: they survive a restart. */
#ifndef DAYBOOK_AGGREGATOR_METERS_H
#define DAYBOOK_AGGREGATOR_METERS_H

#include "lib/metrics.h"

enum aggregator_meter {
    METER_RECORDS,
    METER_EVENTS,
    METER_DUPLICATE_EVENTS,
    METER_DUPLICATE_BATCHES,
    METER_DUPLICATE_BATCH_EVENTS,
    METER_QUARANTINED,
    METER_QUARANTINED_EVENTS,
    METER_GAPS,
    METER_GAP_BATCHES,
    METER_SEQUENCE_REUSED,
    METER_OVER_CAP,
    METER_REFUSED,
    METER_CLAIMS,
    METER_CLAIM_FAILURES,
    METER_FLUSHES,
    METER_PAYLOAD_BYTES,
    METER_NEXT_OFFSET,
    METER_LOG_CLOCK,
    METER_STATE,
    METER_MEMORY,
    METER_CLOSER,
    METER_DAYS_OPEN,
    METER_LAST_CLOSED_DAY,
    METER_SEALS_SENT,
    METER_ENTRIES_SENT,
    AGGREGATOR_N_METERS,
};

extern const struct metric_row aggregator_meters[AGGREGATOR_N_METERS];

#endif
