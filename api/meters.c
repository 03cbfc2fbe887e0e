#include "api/meters.h"

const struct metric_row api_meters[METER_N] = {
    [METER_REQUESTS] = {"daybook_api_requests_total", METRIC_COUNTER, "status", "HTTP requests answered, by status code."},
    [METER_QUERIES] = {"daybook_api_queries_total", METRIC_COUNTER, NULL, "Usage queries answered from Redis."},
    [METER_FAILURES] =
        {"daybook_api_query_failures_total", METRIC_COUNTER, "reason",
         "Queries that failed: redis (not reachable), data (not our layout), copy (of a closed day, damaged or missing), "
         "changed (days were closed meanwhile), files (no room for a result), deadline, busy (queue full)."},
    [METER_RETRIES] = {"daybook_api_query_retries_total", METRIC_COUNTER, NULL, "Usage queries begun again on new connections."},
    [METER_COMMANDS] = {"daybook_api_redis_commands_total", METRIC_COUNTER, NULL, "Commands sent to Redis by usage queries."},
    [METER_SETTLED] = {"daybook_api_settled_slots_total", METRIC_COUNTER, NULL,
                       "Slots whose minutes were read a moment apart from them and had to be settled."},
    [METER_REPEATS] = {"daybook_api_repeats_total", METRIC_COUNTER, NULL,
                       "Usage queries read anew because a day was closed meanwhile."},
    [METER_SHEETS_USED] = {"daybook_api_sheets_used_total", METRIC_COUNTER, NULL, "Day sheets that queries looked into."},
    [METER_SHEETS_READ] = {"daybook_api_sheets_read_total", METRIC_COUNTER, "source",
                           "Day sheets read from Redis, or from the archive because that copy was missing or damaged."},
    [METER_SHEETS_BYTES] = {"daybook_api_sheets_bytes", METRIC_GAUGE, NULL, "Memory held by opened day sheets, in bytes."},
    [METER_QUEUE] = {"daybook_api_queue_length", METRIC_GAUGE, NULL, "Queries that wait for a worker."},
    [METER_QUEUE_HEAVY] = {"daybook_api_heavy_queue_length", METRIC_GAUGE, NULL, "Long queries that wait for their turn."},
    [METER_REFUSED] = {"daybook_api_refused_total", METRIC_COUNTER, "code",
                       "Requests that their caller may not make (now): no or a wrong token, no permission, over a limit."},
    [METER_REGISTRY_ENTRIES] =
        {"daybook_api_registry_entries", METRIC_GAUGE, "kind",
         "Tokens, clients and methods that are known, and entries left_out because they cannot be understood."},
    [METER_REGISTRY_READS] = {"daybook_api_registry_reads_total", METRIC_COUNTER, NULL,
                              "Times that all tokens and clients were read, because they changed or half a minute went by."},
    [METER_REDIS_UP] = {"daybook_api_redis_up", METRIC_GAUGE, NULL, "1 while Redis answers, else 0."},
};
