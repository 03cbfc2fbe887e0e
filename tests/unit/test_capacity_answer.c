#include "api/capacity_answer.h"

#include "api/finality.h"
#include <glib.h>

#define HOUR_MS INT64_C(3600000)
#define FROM INT64_C(1793577600000) /* 2026-11-02T00:00:00Z */

static void test_times(void)
{
    g_assert_cmpuint(capacity_times(0, 1, 0, 1), ==, 0);
    g_assert_cmpuint(capacity_times(10, 60, 10, 60), ==, 1000);
    g_assert_cmpuint(capacity_times(10, 60, 10, 600), ==, 10000);
    g_assert_cmpuint(capacity_times(1, 3, 2, 4), ==, 667);
    g_assert_cmpuint(capacity_times(1, 2000, 1, 1), ==, 1); /* 0.0005: half up */
    g_assert_cmpuint(capacity_times(UINT64_MAX, 1, UINT64_MAX, 1), ==, 1000);
    g_assert_cmpuint(capacity_times(UINT64_MAX, 1, 1, INT64_MAX), ==, UINT64_MAX);
}

/* Twelve hours, 24 requests; minutes are kept of the last six. */
static struct capacity example(void)
{
    return (struct capacity){
        .requests = 24,
        .from_ms = FROM,
        .to_ms = FROM + 12 * HOUR_MS,
        .has_minutes = true,
        .minutes_since_ms = FROM + 6 * HOUR_MS,
        .minutes_requests = 12,
        .minute = {5, FROM + 7 * HOUR_MS},
        .hour = {8, FROM + 7 * HOUR_MS},
        .day = {24, FROM},
        .busiest = {{8, FROM + 7 * HOUR_MS}, {2, FROM}},
        .n_busiest = 2,
        .of_limits = {[LIMIT_MINUTE] = {5, FROM + 7 * HOUR_MS}, [LIMIT_HOUR] = {8, FROM + 7 * HOUR_MS}},
    };
}

static char *written(const struct capacity *capacity, const char *zone, const struct client_limits *limits)
{
    const struct capacity_answer answer = {
        .capacity = capacity,
        .tz = tz_shared(zone, NULL),
        .limits = limits,
        .finalized_through = FINALITY_NONE,
        .now_ms = capacity->to_ms + 7,
    };
    GString *out = g_string_new(NULL);
    g_assert_nonnull(answer.tz);
    capacity_answer_write(out, &answer);
    return g_string_free(out, FALSE);
}

static void test_all(void)
{
    const struct client_limits limits = {.requests = {[LIMIT_MINUTE] = 4, [LIMIT_HOUR] = 32, [LIMIT_DAY] = 7}};
    const struct capacity capacity = example();
    g_autofree char *text = written(&capacity, "UTC", &limits);
    g_assert_cmpstr(
        text, ==,
        "{\"window\":{\"from\":\"2026-11-02T00:00:00Z\",\"to\":\"2026-11-02T12:00:00Z\"},\"finalizedThrough\":null,"
        "\"totalRequests\":24,\"peakRequestsPerMinute\":{\"value\":5,\"at\":\"2026-11-02T07:00:00Z\"},"
        "\"minutesSince\":\"2026-11-02T06:00:00Z\",\"peakRequestsPerHour\":{\"value\":8,\"at\":\"2026-11-02T07:00:00Z\"},"
        "\"peakRequestsPerDay\":{\"value\":24,\"at\":\"2026-11-02T00:00:00Z\"},"
        "\"busiestHours\":[{\"at\":\"2026-11-02T07:00:00Z\",\"requests\":8},{\"at\":\"2026-11-02T00:00:00Z\",\"requests\":2}],"
        "\"average\":{\"requestsPerMinute\":0.033,\"requestsPerHour\":2,\"requestsPerDay\":48},"
        "\"peakToAverage\":{\"minute\":150,\"hour\":4,\"day\":0.5},"
        "\"limits\":[{\"period\":\"minute\",\"limit\":4,\"peak\":5,\"at\":\"2026-11-02T07:00:00Z\",\"headroom\":-1,"
        "\"utilization\":125},"
        "{\"period\":\"hour\",\"limit\":32,\"peak\":8,\"at\":\"2026-11-02T07:00:00Z\",\"headroom\":24,\"utilization\":25},"
        "{\"period\":\"day\",\"limit\":7,\"peak\":0,\"at\":null,\"headroom\":7,\"utilization\":0}],"
        "\"timestamp\":\"2026-11-02T12:00:00.007Z\"}");
}

static bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

static void test_zone(void)
{
    const struct capacity capacity = example();
    g_autofree char *text = written(&capacity, "Asia/Kathmandu", NULL);
    g_assert_true(has(text, "\"peakRequestsPerHour\":{\"value\":8,\"at\":\"2026-11-02T12:45:00+05:45\"}"));
    g_assert_true(has(text, "\"minutesSince\":\"2026-11-02T11:45:00+05:45\""));
    g_assert_true(has(text, "\"limits\":[]"));
}

static void test_without_minutes(void)
{
    const struct client_limits limits = {.requests = {[LIMIT_MINUTE] = 4}};
    struct capacity capacity = example();
    capacity.has_minutes = false;
    g_autofree char *text = written(&capacity, "UTC", &limits);
    g_assert_true(has(text, "\"peakRequestsPerMinute\":null,\"minutesSince\":null,"));
    g_assert_true(has(text, "\"peakToAverage\":{\"minute\":null,"));
    g_assert_true(has(text, "\"limits\":[]"));
}

static void test_nothing(void)
{
    const struct capacity capacity = {.from_ms = FROM, .to_ms = FROM + HOUR_MS};
    g_autofree char *text = written(&capacity, "UTC", NULL);
    g_assert_true(has(text, "\"peakRequestsPerHour\":{\"value\":0,\"at\":null}"));
    g_assert_true(has(text, "\"busiestHours\":[],\"average\":{\"requestsPerMinute\":0,"));
    g_assert_true(has(text, "\"peakToAverage\":{\"minute\":null,\"hour\":0,\"day\":0}"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/capacity_answer/times", test_times);
    g_test_add_func("/capacity_answer/all", test_all);
    g_test_add_func("/capacity_answer/zone", test_zone);
    g_test_add_func("/capacity_answer/without_minutes", test_without_minutes);
    g_test_add_func("/capacity_answer/nothing", test_nothing);
    return g_test_run();
}
