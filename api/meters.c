#include "api/meters.h"

const struct metric_row api_meters[METER_N] = {
    [METER_REQUESTS] = {"daybook_api_requests_total", METRIC_COUNTER, "status", "HTTP requests answered, by status code."},
    [METER_QUERIES] = {"daybook_api_queries_total", METRIC_COUNTER, NULL, "Usage queries answered from Redis."},
    [METER_FAILURES] =
        {"daybook_api_query_failures_total", METRIC_COUNTER, "reason",
         "Queries that failed: redis (not reachable), data (not our layout), copy (of a closed day, damaged or missing), "
         "changed (days were closed meanwhile), files (no room for a result), deadline, busy (queue full)."},
    [METER_RETRIES] = {"daybook_api_query_retries_total", METRIC_COUNTER, NULL, "Usage queries begun again on new connections."},
    [METER_HANDED_ON] = {"daybook_api_queries_handed_on_total", METRIC_COUNTER, NULL,
                         "Queries that turned out to be long and were begun anew by a worker for those."},
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
         "Tokens, clients, plans, limits and so on that are known, and entries left_out because they cannot be understood."},
    [METER_REGISTRY_READS] = {"daybook_api_registry_reads_total", METRIC_COUNTER, NULL,
                              "Times that all tokens and clients were read, because they changed or half a minute went by."},
    [METER_REDIS_UP] = {"daybook_api_redis_up", METRIC_GAUGE, NULL, "1 while Redis answers, else 0."},
    [METER_ALERT_CHECKS] = {"daybook_api_alert_checks_total", METRIC_COUNTER, NULL,
                            "Times that all limits were checked, by the replica that does it."},
    [METER_ALERT_READS] = {"daybook_api_alert_reads_total", METRIC_COUNTER, "clients",
                           "Windows of limits that had to be read, of one client or of all together."},
    [METER_ALERT_LIMITS] = {"daybook_api_alert_limits", METRIC_GAUGE, "state",
                            "Limits of single clients that this replica watches, and those left_out because there are too many, or "
                            "their method does not exist."},
    [METER_ALERTS_RAISED] = {"daybook_api_alerts_raised_total", METRIC_COUNTER, "kind",
                             "Alerts raised by this replica: alert, violation or system."},
    [METER_ALERTS_RECOVERED] = {"daybook_api_alerts_recovered_total", METRIC_COUNTER, NULL,
                                "Alerts of which this replica said that they recovered."},
    [METER_ALERTS_REMOVED] = {"daybook_api_alerts_removed_total", METRIC_COUNTER, NULL,
                              "Alerts that this replica removed for their number (alerts.max) or age (alerts.keep_days)."},
    [METER_ALERTER_LEASE] = {"daybook_api_alerter_lease", METRIC_GAUGE, NULL,
                             "1 while this replica is the one that checks the limits, else 0."},
    [METER_ALERTER_BEHIND] = {"daybook_api_alerter_behind_seconds", METRIC_GAUGE, NULL,
                              "Time since the limits were last checked, while this replica does it, in seconds; else 0."},
    [METER_DELIVERIES] =
        {"daybook_api_deliveries_total", METRIC_COUNTER, "outcome",
         "Tries to deliver alerts to their channels: delivered, failed (tried again later), dead (given up), dropped (alert or "
         "channel are gone)."},
    [METER_DELIVERIES_PENDING] = {"daybook_api_deliveries_pending", METRIC_GAUGE, NULL, "Deliveries that are still to be made."},
    [METER_DELIVERIES_DEAD] = {"daybook_api_deliveries_dead", METRIC_GAUGE, NULL, "Deliveries that were given up, and are kept."},
    [METER_DELIVERIES_OLDEST] = {"daybook_api_deliveries_oldest_seconds", METRIC_GAUGE, NULL,
                                 "Since when the oldest delivery that is still to be made has been tried, or due, in seconds."},
    [METER_WARM_PERCENT] =
        {"daybook_api_warm_percent", METRIC_GAUGE, NULL,
         "How much of the last 24 hours of all keys was brought into memory before anybody asked (cache.warm), in "
         "percent."},
    [METER_WARM_ROUNDS] =
        {"daybook_api_warm_rounds_total", METRIC_COUNTER, "outcome",
         "Times that this and, after it, the days of the last 90 were seen to: done, full (the cache is), left_out (too many "
         "clients), failed."},
    [METER_WARM_COMMANDS] = {"daybook_api_warm_commands_total", METRIC_COUNTER, NULL, "Commands sent to Redis for that."},
};
