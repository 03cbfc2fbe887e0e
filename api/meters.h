/* meters: every metric of daybook-api, as one table (lib/metrics.h). A row's index is its name below. */
#ifndef DAYBOOK_API_METERS_H
#define DAYBOOK_API_METERS_H

#include "lib/metrics.h"

enum api_meter {
    METER_REQUESTS, /* by status */
    METER_QUERIES,
    METER_FAILURES, /* by reason */
    METER_RETRIES,
    METER_HANDED_ON,
    METER_COMMANDS,
    METER_SETTLED,
    METER_REPEATS,
    METER_SHEETS_USED,
    METER_SHEETS_READ, /* by source */
    METER_SHEETS_BYTES,
    METER_QUEUE,
    METER_QUEUE_HEAVY,
    METER_REFUSED,          /* by code */
    METER_REGISTRY_ENTRIES, /* by kind */
    METER_REGISTRY_READS,
    METER_REDIS_UP,
    METER_DELIVERIES, /* by outcome */
    METER_DELIVERIES_PENDING,
    METER_DELIVERIES_DEAD,
    METER_DELIVERIES_OLDEST,
    METER_ALERT_CHECKS,
    METER_ALERT_READS,   /* by how many clients: one, all */
    METER_ALERT_LIMITS,  /* by state: watched, left_out */
    METER_ALERTS_RAISED, /* by kind */
    METER_ALERTS_RECOVERED,
    METER_ALERTS_REMOVED,
    METER_ALERTER_LEASE,
    METER_ALERTER_BEHIND,
    METER_WARM_PERCENT,
    METER_WARM_ROUNDS, /* by outcome */
    METER_WARM_COMMANDS,
    METER_N,
};

extern const struct metric_row api_meters[METER_N];

#endif
