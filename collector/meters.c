#include "collector/meters.h"

#define NAME(x) "daybook_collector_" x

const struct metric_row collector_meters[METER_N] = {
    [METER_EVENTS_RECEIVED] = {NAME("events_received_total"), METRIC_COUNTER, NULL, "Events that inputs were given."},
    [METER_EVENTS_ACCEPTED] = {NAME("events_accepted_total"), METRIC_COUNTER, NULL, "Events that are durable in the journal."},
    [METER_EVENTS_REJECTED] = {NAME("events_rejected_total"), METRIC_COUNTER, "reason", "Events that were refused, by reason."},
    [METER_EVENTS_EXCLUDED] = {NAME("events_excluded_total"), METRIC_COUNTER, NULL, "Events left out by an exclusion rule."},
    [METER_BODIES_REJECTED] = {NAME("bodies_rejected_total"), METRIC_COUNTER, "reason",
                               "Bodies of requests that were refused as a whole, by reason; their events are in no other count."},
    [METER_HTTP_REQUESTS] = {NAME("http_requests_total"), METRIC_COUNTER, "code", "Answers to POST /v1/events, by status code."},

    [METER_FOLLOW_LINES] = {NAME("follow_lines_total"), METRIC_COUNTER, "follow", "Lines read from followed files."},
    [METER_FOLLOW_BEHIND_BYTES] = {NAME("follow_behind_bytes"), METRIC_GAUGE, "follow",
                                   "Bytes of the followed file that are not durable in the journal yet."},

    [METER_SUBMISSIONS_REFUSED] = {NAME("submissions_refused_total"), METRIC_COUNTER, "why",
                                   "Submissions that the batcher did not take: busy, full (disk budget), waiting (topic unknown)."},
    [METER_JOURNAL_GROUPS] = {NAME("journal_groups_total"), METRIC_COUNTER, NULL, "Groups made durable, one fdatasync each."},
    [METER_JOURNAL_WRITTEN_BYTES] = {NAME("journal_written_bytes_total"), METRIC_COUNTER, NULL, "Bytes written to the journal."},
    [METER_JOURNAL_BYTES] = {NAME("journal_bytes"), METRIC_GAUGE, NULL, "Disk space of the journal's files, in bytes."},
    [METER_JOURNAL_SEGMENTS] = {NAME("journal_segments"), METRIC_GAUGE, NULL, "Segment files of the journal."},
    [METER_JOURNAL_UNACKNOWLEDGED_BATCHES] = {NAME("journal_unacknowledged_batches"), METRIC_GAUGE, NULL,
                                              "Batches in the journal that Kafka has not acknowledged."},
    [METER_JOURNAL_UNACKNOWLEDGED_BYTES] = {NAME("journal_unacknowledged_bytes"), METRIC_GAUGE, NULL,
                                            "Bytes of batches in the journal that Kafka has not acknowledged."},
    [METER_JOURNAL_OLDEST] = {NAME("journal_oldest_timestamp_seconds"), METRIC_GAUGE, NULL,
                              "When the oldest unacknowledged batch was made, in Unix seconds; 0: there is none."},
    [METER_JOURNAL_FAILURES] = {NAME("journal_failures_total"), METRIC_COUNTER, NULL,
                                "Writes or fdatasyncs of the journal that failed."},
    [METER_JOURNAL_BAD_FILES] = {NAME("journal_bad_files"), METRIC_GAUGE, NULL,
                                 "Damaged files of the journal, kept under the suffix .bad for inspection."},
    [METER_JOURNAL_LOST_GROUPS] =
        {NAME("journal_lost_groups_total"), METRIC_COUNTER, NULL,
         "Groups that could not be read back from the journal: acknowledged events were lost by the disk."},
    [METER_JOURNAL_CUT_BYTES] = {NAME("journal_cut_bytes_total"), METRIC_COUNTER, NULL,
                                 "Bytes of a group never finished that were cut off when the journal was opened."},
    [METER_JOURNAL_FULL] = {NAME("journal_full"), METRIC_GAUGE, NULL,
                            "1 while the journal has no room, by its budget or the disk."},

    [METER_BATCHES_SENT] = {NAME("batches_sent_total"), METRIC_COUNTER, NULL,
                            "Batches handed to the Kafka producer, repeats included."},
    [METER_BATCHES_ACKNOWLEDGED] = {NAME("batches_acknowledged_total"), METRIC_COUNTER, NULL, "Batches that Kafka acknowledged."},
    [METER_BATCHES_REPLAYED] = {NAME("batches_replayed_total"), METRIC_COUNTER, NULL,
                                "Batches sent from an earlier run's journal, or again after a failure of the producer."},
    [METER_PRODUCER_RESTARTS] = {NAME("producer_restarts_total"), METRIC_COUNTER, NULL,
                                 "Kafka producers made anew after a fatal error."},
    [METER_HEARTBEATS_SENT] = {NAME("heartbeats_sent_total"), METRIC_COUNTER, NULL, "Heartbeats handed to the Kafka producer."},
    [METER_TOPIC_PARTITIONS] = {NAME("topic_partitions"), METRIC_GAUGE, NULL, "Partitions of the topic; 0: not known yet."},
    [METER_SHIPPING] = {NAME("shipping"), METRIC_GAUGE, NULL, "1 while batches are sent to Kafka, 0 while that is held back."},
};
