/* meters: every metric of daybook-collector, as one table (lib/metrics.h). A row's index is its name below. */
#ifndef DAYBOOK_COLLECTOR_METERS_H
#define DAYBOOK_COLLECTOR_METERS_H

#include "lib/metrics.h"

enum collector_meter {
    /* The books: accepted + rejected + excluded = received. Set from intake_totals() when they are asked for. */
    METER_EVENTS_RECEIVED,
    METER_EVENTS_ACCEPTED,
    METER_EVENTS_REJECTED, /* by reason */
    METER_EVENTS_EXCLUDED,
    METER_BODIES_REJECTED, /* by reason; their events are in no other book, for nobody knows them */
    METER_HTTP_REQUESTS,   /* by status code */
    /* Followed files, by name. */
    METER_FOLLOW_LINES,
    METER_FOLLOW_BEHIND_BYTES,
    /* Batcher and journal. */
    METER_SUBMISSIONS_REFUSED, /* by why */
    METER_JOURNAL_GROUPS,
    METER_JOURNAL_WRITTEN_BYTES,
    METER_JOURNAL_BYTES,
    METER_JOURNAL_SEGMENTS,
    METER_JOURNAL_UNACKNOWLEDGED_BATCHES,
    METER_JOURNAL_UNACKNOWLEDGED_BYTES,
    METER_JOURNAL_OLDEST,
    METER_JOURNAL_FAILURES,
    METER_JOURNAL_BAD_FILES,
    METER_JOURNAL_LOST_GROUPS,
    METER_JOURNAL_CUT_BYTES,
    METER_JOURNAL_FULL,
    /* Shipper. */
    METER_BATCHES_SENT,
    METER_BATCHES_ACKNOWLEDGED,
    METER_BATCHES_REPLAYED,
    METER_PRODUCER_RESTARTS,
    METER_HEARTBEATS_SENT,
    METER_TOPIC_PARTITIONS,
    METER_SHIPPING,
    METER_N,
};

extern const struct metric_row collector_meters[METER_N];

#endif
