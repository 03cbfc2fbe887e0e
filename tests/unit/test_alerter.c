/* The alerter's lease on a real redis-server: one of two works, another goes on when it stops, and Redis may go away. */
#include "api/alerter.h"

#include "api/meters.h"
#include "lib/redis.h"
#include "tests/unit/redis_process.h"

static struct redis_process server;

/* A replica. */
struct replica {
    struct metrics *metrics;
    struct registry *registry;
    struct alerts_cache *alerts;
    struct live_sources sources;
    struct alerter *alerter;
};

static void start(struct replica *replica)
{
    const struct redis_settings redis = {server.url, 20000, 60000};
    replica->metrics = metrics_new(api_meters, METER_N);
    replica->registry = registry_start(&redis, replica->metrics);
    replica->alerts = alerts_cache_new();
    replica->sources = (struct live_sources){.sheets = sheets_new(1 << 20, NULL, replica->metrics), .ledger = ledger_cache_new()};
    const struct alerter_settings settings = {
        .redis = redis,
        .partitions_fallback = 1,
        .registry = replica->registry,
        .check = {.sources = &replica->sources, .metrics = replica->metrics, .levels = {{100}, 1}, .minutes_back = 15},
        .tend = {.alerts = replica->alerts,
                 .metrics = replica->metrics,
                 .system = {.ledger = replica->sources.ledger, .sealed_after_ms = 1, .lag_ms = 1000, .silent_after_ms = 1000},
                 .minutes_late_ms = 900000,
                 .keep = 100,
                 .keep_ms = 86400000},
        .check_ms = 200,
    };
    replica->alerter = alerter_start(&settings);
}

static void stop_alerter(struct replica *replica)
{
    if (replica->alerter != NULL)
        alerter_stop(replica->alerter);
    replica->alerter = NULL;
}

static void stop(struct replica *replica)
{
    stop_alerter(replica);
    registry_stop(replica->registry);
    alerts_cache_free(replica->alerts);
    sheets_free(replica->sources.sheets);
    ledger_cache_free(replica->sources.ledger);
    metrics_free(replica->metrics);
}

static bool holds(const struct replica *replica)
{
    return metrics_get(replica->metrics, METER_ALERTER_LEASE, NULL) == 1;
}

static gint64 checks(const struct replica *replica)
{
    return metrics_get(replica->metrics, METER_ALERT_CHECKS, NULL);
}

/* A condition, waited for at most two minutes. */
#define WAIT_FOR(condition)                             \
    do {                                                \
        for (int n = 0; n < 12000 && !(condition); n++) \
            g_usleep(10000);                            \
        g_assert_true(condition);                       \
    } while (0)

static void test_one_of_two(void)
{
    struct replica replicas[2] = {{0}};
    start(&replicas[0]);
    WAIT_FOR(holds(&replicas[0]));
    start(&replicas[1]);
    WAIT_FOR(checks(&replicas[0]) >= 3);
    g_assert_false(holds(&replicas[1]));
    g_assert_cmpint(checks(&replicas[1]), ==, 0);
    gint64 begun_us = g_get_monotonic_time();
    stop_alerter(&replicas[0]); /* gives it back: nobody waits for it to run out */
    WAIT_FOR(holds(&replicas[1]) && checks(&replicas[1]) >= 2);
    g_assert_cmpint(g_get_monotonic_time() - begun_us, <, ALERTER_LEASE_MS * G_TIME_SPAN_MILLISECOND);
    stop(&replicas[0]);
    stop(&replicas[1]);
}

static void test_redis_goes_away(void)
{
    struct replica replica = {0};
    start(&replica);
    WAIT_FOR(checks(&replica) >= 2);
    int port = server.port;
    redis_process_kill(&server);
    g_usleep(2500000);
    gint64 before = checks(&replica);
    char *url = server.url, *dir = server.dir; /* the replica goes on with this address */
    redis_process_start(&server, port, dir);
    g_free(dir);
    WAIT_FOR(checks(&replica) >= before + 2);
    g_assert_true(holds(&replica));
    stop(&replica);
    g_free(url);
}

static int64_t count_alerts(struct redis *redis)
{
    g_autoptr(GError) error = NULL;
    struct redis_reply *reply = redis_call(redis, &error, "ZCARD {daybook}:alerts:time");
    g_assert_no_error(error);
    int64_t n = redis_reply_integer(reply);
    redis_reply_free(reply);
    return n;
}

/* Also of alerts that come all the time no more are kept than may be: nobody waits for the levels to be swept. */
static void test_trims(void)
{
    g_autoptr(GError) error = NULL;
    const struct redis_settings settings = {server.url, 20000, 60000};
    struct replica replica = {0};
    struct redis *redis = redis_connect(&settings, NULL, &error);
    g_assert_no_error(error);
    start(&replica);
    WAIT_FOR(checks(&replica) >= 2);
    for (int i = 0; i < 150; i++) {
        g_autofree char *time = g_strdup_printf("%" G_GINT64_FORMAT, g_get_real_time() / 1000 + i);
        g_autofree char *id = g_strdup_printf("alert-%d", i);
        redis_reply_free(redis_call(redis, &error, "ZADD {daybook}:alerts:time %s %s", time, id));
        g_assert_no_error(error);
    }
    WAIT_FOR(count_alerts(redis) <= 100);
    stop(&replica);
    redis_free(redis);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    redis_error_quark(); /* GLib makes these without a lock: any thread comes to the same, but it is a race by the letter */
    redis_process_start(&server, 0, NULL);
    g_test_add_func("/alerter/one-of-two", test_one_of_two);
    g_test_add_func("/alerter/redis-goes-away", test_redis_goes_away);
    g_test_add_func("/alerter/trims", test_trims);
    int code = g_test_run();
    redis_process_clear(&server);
    return code;
}
