/* The text of a small answer, byte by byte; test_usage_api.py compares the numbers of large ones. */
#include "api/advice.h"
#include "api/usage_answer.h"

#include <jansson.h>

static const int64_t now_ms = INT64_C(1795257421250); /* 2026-11-21T10:37:01.250Z */

static GPtrArray *advice_of(bool any)
{
    static struct advice one = {"idle_keys", ADVICE_LOW, (char *)"It is \"idle\".", "Look."};
    GPtrArray *list = g_ptr_array_new();
    if (any)
        g_ptr_array_add(list, &one);
    return list;
}

static GString *answer_text_of(const struct usage_params *params, bool counted)
{
    struct window window;
    struct refusal refusal = {0};
    struct measure one;
    g_assert_true(window_init(&window, params, now_ms, (struct window_extent){0, 0}, &refusal));
    struct usage_table *table = usage_table_new(&window);
    measure_init(&one);
    if (counted) {
        measure_add(&one, 200, 3, 100, 200, true);
        measure_add(&one, 503, 9, 50, 0, true);
        int64_t slot = window_slot(now_ms);
        usage_table_add_slot(table, slot, &one);
        usage_table_add_route(table, "GET /v1/orders/{id}", &one, slot);
        usage_table_add_client(table,
                               "acme\x1f"
                               "c-1",
                               &one, slot);
        usage_table_add_minute_requests(table, now_ms / 60000, 2);
    }
    GString *text = g_string_new(NULL);
    const struct client_limits limits = {.requests = {[LIMIT_HOUR] = 3}};
    const struct usage_rates rates = {{1, 2, 3}, {counted, true, true}, counted ? &limits : NULL};
    g_autoptr(GPtrArray) advice = advice_of(counted);
    usage_answer_write(text, &(struct usage_report){.table = table, .params = params, .rates = &rates, .advice = advice});
    measure_clear(&one);
    usage_table_free(table);
    window_clear(&window);
    return text;
}

#define LATENCY "\"latency\":{\"p50\":0.003,\"p90\":0.009,\"p95\":0.009,\"p99\":0.009}"
#define SEEN "\"lastSeen\":\"2026-11-21T10:30:00Z\""
#define MEASURED "\"requests\":2,\"successRate\":50,\"averageLatency\":0.006,\"dataTransferred\":350,\"failedRequests\":1,"

static void test_bytes(void)
{
    const struct usage_params params = {.timeframe = USAGE_1H, .granularity = CIVIL_DAY, .limit = 1};
    g_autoptr(GString) text = answer_text_of(&params, true);
    g_assert_cmpstr(
        text->str, ==,
        "{\"success\":true,\"usage\":{\"totalRequests\":2,\"successfulRequests\":1,\"failedRequests\":1,\"successRate\":50,"
        "\"averageLatency\":0.006,\"peakLatency\":0.009,\"requestsPerMinute\":0.03,\"requestsPerHour\":1.79,"
        "\"requestsPerDay\":42.972,\"peakRequestsPerMinute\":2,\"peakRequestsPerHour\":2,\"dataTransferred\":350,"
        "\"averageDataPerRequest\":175,\"peakRequestsPerMinuteSince\":\"2026-11-21T09:30:00Z\"},"
        "\"timeSeries\":[{\"timestamp\":\"2026-11-21T00:00:00Z\",\"requests\":2,\"successfulRequests\":1,\"failedRequests\":1,"
        "\"averageLatency\":0.006,\"peakLatency\":0.009,\"dataTransferred\":350," LATENCY ",\"provisional\":true}],"
        "\"breakdown\":{\"byEndpoint\":[{\"endpoint\":\"GET /v1/orders/{id}\"," MEASURED LATENCY "," SEEN "}],"
        "\"byMethod\":[{\"method\":\"GET\"," MEASURED SEEN "}],"
        "\"byStatusCode\":[{\"statusCode\":200,\"requests\":1,\"percentage\":50," SEEN "}],"
        "\"byKey\":[{\"keyId\":\"c-1\",\"organization\":\"acme\"," MEASURED SEEN "}]},"
        "\"errors\":{\"totalErrors\":1,\"errorRate\":50,\"byType\":[{\"type\":\"SERVICE_UNAVAILABLE\",\"count\":1,"
        "\"percentage\":100,\"description\":\"The service, or one behind it, was not available (502, 503).\"}],"
        "\"byEndpoint\":[{\"endpoint\":\"GET /v1/orders/{id}\",\"count\":1,\"errorRate\":50}],"
        "\"byStatusCode\":[{\"statusCode\":503,\"count\":1,\"percentage\":100}]},"
        "\"rateLimits\":{\"current\":{\"requestsPerMinute\":null,\"requestsPerHour\":3,\"requestsPerDay\":null},"
        "\"usage\":{\"requestsPerMinute\":1,\"requestsPerHour\":2,\"requestsPerDay\":3},"
        "\"utilization\":{\"requestsPerMinute\":null,\"requestsPerHour\":66.667,\"requestsPerDay\":null}},"
        "\"alerts\":[{\"type\":\"idle_keys\",\"message\":\"It is \\\"idle\\\".\",\"priority\":\"low\","
        "\"recommendation\":\"Look.\"}],"
        "\"pagination\":{\"total\":2,\"limit\":1,\"offset\":0,\"hasMore\":true},\"timestamp\":\"2026-11-21T10:37:01.250Z\","
        "\"latency\":{\"p50\":0.003,\"p90\":0.009,\"p95\":0.009,\"p99\":0.009,\"errorPercent\":4.5}"
        ",\"finalizedThrough\":null,\"window\":{\"from\":\"2026-11-21T09:30:00Z\",\"to\":\"2026-11-21T10:37:01.250Z\"}}");
}

static json_t *answer_of(const struct usage_params *params, bool counted)
{
    g_autoptr(GString) text = answer_text_of(params, counted);
    json_t *answer = json_loadb(text->str, text->len, JSON_REJECT_DUPLICATES, NULL);
    g_assert_nonnull(answer);
    return answer;
}

static void test_left_out(void)
{
    struct usage_params params = {.timeframe = USAGE_1H, .granularity = CIVIL_MINUTE, .limit = 1};
    params.exclude_endpoints = params.exclude_errors = params.exclude_latency = 1;
    json_t *answer = answer_of(&params, true);
    g_assert_null(json_object_get(answer, "errors"));
    g_assert_null(json_object_get(answer, "latency"));
    g_assert_null(json_object_get(json_object_get(answer, "usage"), "peakLatency"));
    g_assert_null(json_object_get(json_array_get(json_object_get(answer, "timeSeries"), 0), "averageLatency"));
    json_t *breakdown = json_object_get(answer, "breakdown");
    g_assert_null(json_object_get(breakdown, "byEndpoint"));
    g_assert_nonnull(json_object_get(breakdown, "byKey"));
    json_decref(answer);
}

static void test_nothing(void)
{
    const struct usage_params params = {
        .timeframe = USAGE_1H, .granularity = CIVIL_MINUTE, .limit = 1, .endpoint = (char *)"GET /x"};
    struct usage_params hours = params;
    hours.granularity = CIVIL_HOUR;
    json_t *answer = answer_of(&hours, false);
    const json_t *usage = json_object_get(answer, "usage"), *rates = json_object_get(answer, "rateLimits");
    g_assert_true(json_is_null(json_object_get(json_object_get(rates, "usage"), "requestsPerMinute")));
    g_assert_true(json_is_null(json_object_get(json_object_get(rates, "current"), "requestsPerHour")));
    g_assert_true(json_is_null(json_object_get(json_object_get(rates, "utilization"), "requestsPerHour")));
    g_assert_cmpuint(json_array_size(json_object_get(answer, "alerts")), ==, 0);
    g_assert_cmpint(json_integer_value(json_object_get(usage, "totalRequests")), ==, 0);
    g_assert_true(json_is_null(json_object_get(usage, "peakRequestsPerMinute")));
    g_assert_cmpuint(json_array_size(json_object_get(answer, "timeSeries")), ==, 2);
    json_decref(answer);
}

/* Minutes go to now, not to the end of the slot. */
static void test_minutes_end_now(void)
{
    const struct usage_params params = {.timeframe = USAGE_1H, .granularity = CIVIL_MINUTE, .limit = 1};
    json_t *answer = answer_of(&params, false);
    const json_t *series = json_object_get(answer, "timeSeries");
    g_assert_cmpuint(json_array_size(series), ==, 68); /* 09:30 to 10:37 */
    const json_t *last = json_array_get(series, 67);
    g_assert_cmpstr(json_string_value(json_object_get(last, "timestamp")), ==, "2026-11-21T10:37:00Z");
    json_decref(answer);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/usage_answer/bytes", test_bytes);
    g_test_add_func("/usage_answer/left-out", test_left_out);
    g_test_add_func("/usage_answer/nothing", test_nothing);
    g_test_add_func("/usage_answer/minutes-end-now", test_minutes_end_now);
    return g_test_run();
}
