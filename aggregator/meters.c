#include "aggregator/meters.h"

#define P "daybook_aggregator_"

const struct metric_row aggregator_meters[AGGREGATOR_N_METERS] = {
    [METER_RECORDS] = {P "records_read_total", METRIC_COUNTER, NULL,
                       "Records read from the log by this process, repeats after a claim included."},
    [METER_EVENTS] = {P "events_total", METRIC_COUNTER, "partition", "Events counted."},
    [METER_DUPLICATE_EVENTS] = {P "duplicate_events_total", METRIC_COUNTER, "partition",
                                "Events dropped because their id was entered before."},
    [METER_DUPLICATE_BATCHES] = {P "duplicate_batches_total", METRIC_COUNTER, "partition",
                                 "Batches dropped because their sequence was counted."},
    [METER_DUPLICATE_BATCH_EVENTS] = {P "duplicate_batch_events_total", METRIC_COUNTER, "partition",
                                      "Events in duplicate batches."},
    [METER_QUARANTINED] = {P "quarantined_records_total", METRIC_COUNTER, "partition",
                           "Records of the log that could not be counted."},
    [METER_QUARANTINED_EVENTS] = {P "quarantined_events_total", METRIC_COUNTER, "partition", "Events in quarantined batches."},
    [METER_GAPS] = {P "gaps_total", METRIC_COUNTER, "partition", "Sequence gaps: proof of loss before the log."},
    [METER_GAP_BATCHES] = {P "gap_batches_total", METRIC_COUNTER, "partition", "Batches missing in sequence gaps."},
    [METER_SEQUENCE_REUSED] = {P "sequence_reused_total", METRIC_COUNTER, "partition",
                               "Sequences seen again with other bytes: an alarm."},
    [METER_OVER_CAP] = {P "over_cap_events_total", METRIC_COUNTER, "partition",
                        "Events counted under {other} because a cap was reached."},
    [METER_CLAIMS] = {P "claims_total", METRIC_COUNTER, "partition", "Claims of the partition by this process; many are an alarm."},
    [METER_CLAIM_FAILURES] = {P "failures_total", METRIC_COUNTER, "reason",
                              "Partitions given up, by reason: lost, fenced, restoring, damaged, kafka."},
    [METER_FLUSHES] = {P "flushes_total", METRIC_COUNTER, "partition", "Flushes committed by this process."},
    [METER_PAYLOAD_BYTES] = {P "payload_bytes_total", METRIC_COUNTER, "partition",
                             "Bytes of commit payloads written by this process."},
    [METER_NEXT_OFFSET] = {P "next_offset", METRIC_GAUGE, "partition", "Committed offset: the first record that is not counted."},
    [METER_LOG_CLOCK] = {P "log_clock_ms", METRIC_GAUGE, "partition", "Log clock, Unix time in milliseconds."},
    [METER_STATE] = {P "partition_state", METRIC_GAUGE, "partition", "2 running, 1 claiming, 0 stopped (see the log and /readyz)."},
    [METER_MEMORY] = {P "memory_bytes", METRIC_GAUGE, "partition", "Memory of open buckets and symbols."},
};
