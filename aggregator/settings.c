#include "aggregator/settings.h"

static const struct config_row rows[] = {
    {"kafka", "brokers", CONFIG_STRING, "127.0.0.1:9092", 0, 0, NULL, NULL, false,
     "Kafka's bootstrap addresses, host:port,host:port."},
    {"kafka", "topic", CONFIG_STRING, "usage.events", 0, 0, NULL, NULL, false,
     "Topic with the usage events. A new log needs a new name: see kafka.new_log."},
    {"kafka", "group", CONFIG_STRING, "daybook-aggregator", 0, 0, NULL, NULL, false,
     "Consumer group among whose members the partitions are divided. No offsets are kept in it."},
    {"kafka", "instance", CONFIG_STRING, "", 0, 0, NULL, NULL, false,
     "Static member name (group.instance.id), different for every worker; empty: host name and listen.port."},
    {"kafka", "new_log", CONFIG_CHOICE, "stop", 0, 0, NULL, "stop|accept", false,
     "What to do when kafka.topic is another one than was counted so far: stop and say so, or accept it as the log that goes on."},
    {"kafka", "properties", CONFIG_LIST, "", 0, 0, NULL, NULL, true,
     "Further librdkafka properties, name=value (security.protocol, sasl.*, ssl.* and the like)."},
    {"redis", "url", CONFIG_STRING, "redis://127.0.0.1:6379", 0, 0, NULL, NULL, true,
     "redis://[user:password@]host:port[,host:port…][/db], redis+sentinel://host:port[,…]/master, redis+cluster://host:port[,…]."},
    {"redis", "timeout_ms", CONFIG_INT, "10000", 1000, 600000, "ms", NULL, false,
     "How long a reply may take before the connection is given up and its partition claimed again."},
    {"worker", "threads", CONFIG_INT, "0", 0, 256, NULL, NULL, false,
     "Threads that count; a partition belongs to one of them. 0: as many as there are processors."},
    {"flush", "interval_ms", CONFIG_INT, "250", 10, 10000, "ms", NULL, false,
     "How often counts are committed to Redis while the worker keeps up; behind the log the payload's size decides."},
    {"flush", "max_payload_bytes", CONFIG_INT, "16MiB", 65536, 268435456, "bytes", NULL, false,
     "Largest commit payload. It begins at 1 MiB and grows to this under load: large flushes write a field less often."},
    {"cache", "max_bytes", CONFIG_INT, "384MiB", 1048576, G_GINT64_CONSTANT(1) << 40, "bytes", NULL, false,
     "Memory for open buckets, shared by the partitions of this process. What does not fit is read again from Redis when needed."},
    {"counting", "histograms", CONFIG_BOOL, "true", 0, 0, NULL, NULL, false,
     "Keep latency histograms (percentiles). Without them buckets take less than half of the memory. It decides what sheets of "
     "closed days hold: a log that is counted again under another value makes other sheets."},
    {"closing", "grace_s", CONFIG_INT, "3600", 0, 86400, "s", NULL, false,
     "A UTC day is closed when it has been over for so long. What comes later makes another revision."},
    {"closing", "restate_after_s", CONFIG_INT, "3600", 1, 604800, "s", NULL, false,
     "Late events make a new revision of a closed day when no more have come for so long (or the first is 24 times as old)."},
    {"closing", "check_ms", CONFIG_INT, "1000", 20, 60000, "ms", NULL, false, "How often is looked whether a day is due."},
    {"closing", "archive", CONFIG_STRING, "", 0, 0, NULL, NULL, false,
     "Directory for the sheets and the ledger of closed days, shared by all workers. Empty: only Redis has them; what it loses is "
     "counted again from the log, as far as that reaches."},
    {"closing", "keep_days", CONFIG_INT, "0", 0, 36500, "days", NULL, false,
     "Sheets of older days are removed from Redis; they stay in the archive, without which nothing is removed. 0: kept for ever."},
    {"listen", "address", CONFIG_STRING, "127.0.0.1", 0, 0, NULL, NULL, false, "Address of /healthz, /readyz and /metrics."},
    {"listen", "port", CONFIG_INT, "9402", 0, 65535, NULL, NULL, false, "Port of /healthz, /readyz and /metrics; 0: any free one."},
    {"log", "level", CONFIG_CHOICE, "info", 0, 0, NULL, "debug|info|warn|error", false, "Least level of the lines on stderr."},
};

const struct config_table aggregator_settings = {
    .program = "aggregator",
    .summary =
        "daybook-aggregator reads usage batches from Kafka and keeps the counts in Redis, exactly once. Start as many as you like: "
        "the partitions are divided among them.",
    .rows = rows,
    .n_rows = G_N_ELEMENTS(rows),
};
