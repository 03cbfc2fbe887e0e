/* What is done about alerts besides looking at limits, on a real redis-server: a condition that cannot be judged ends no alert.
 * Recovering and trimming of limits' alerts: test_alerts.c, test_alerter.c. */
#include "api/alert_tend.h"

#include "api/meters.h"
#include "lib/redis.h"
#include "tests/unit/redis_process.h"

enum { SECOND = 1000, STALE_S = 300 };
#define STREAM "000102030405060708090a0b0c0d0e0f"

static struct redis_process server;
static struct redis *redis;
static struct reader *reader;
static struct registry_snapshot *snapshot;
static struct alert_tend tend;
static int64_t now_ms;

G_GNUC_PRINTF(3, 4) static void put(const char *key, const char *field, const char *format, ...)
{
    g_autoptr(GError) error = NULL;
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *value = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    const struct view argv[] = {view_of("HSET"), view_of(key), view_of(field), view_of(value)};
    redis_reply_free(redis_command(redis, G_N_ELEMENTS(argv), argv, &error));
    g_assert_no_error(error);
}

/* Of the only partition: at its end, but for standing. */
static void put_board(int64_t standing_ms)
{
    put("{daybook}:workers", "0", "50 50 %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " worker one", now_ms, standing_ms);
}

static void put_heartbeat(int64_t heard_ms)
{
    put("{p0}:hb", STREAM, "web %" G_GINT64_FORMAT " 0 0 10 9 1 0 3", heard_ms);
}

static void look(void)
{
    g_autoptr(GError) error = NULL;
    bool ok = reader_begin(reader, g_get_monotonic_time() + 600 * G_TIME_SPAN_SECOND, &error) &&
              alert_tend_system(&tend, reader, snapshot, now_ms, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

/* How many there are, and how many of them have recovered. */
static void check(guint n, guint recovered)
{
    g_autoptr(GError) error = NULL;
    guint found = 0;
    struct alerts_list *list = alerts_cache_take(tend.alerts, reader, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(list->all->len, ==, n);
    for (guint i = 0; i < list->all->len; i++)
        found += ((const struct alert *)g_ptr_array_index(list->all, i))->recovered_ms != 0;
    g_assert_cmpuint(found, ==, recovered);
    alerts_list_release(list);
}

static void test_doubtful(void)
{
    put("{p0}:meta", "clock", "%" G_GINT64_FORMAT, now_ms - STALE_S * SECOND);
    put("{p0}:meta", "first_ms", "%" G_GINT64_FORMAT, now_ms - STALE_S * SECOND);
    put_heartbeat(now_ms - STALE_S * SECOND);
    put_board(0);
    look();
    check(1, 0);
    put_board(now_ms); /* the aggregator begins anew */
    look();
    check(1, 0);
    put_board(0);
    look();
    check(1, 0);
    put_heartbeat(now_ms);
    look();
    check(1, 1);
    put_heartbeat(now_ms - 200 * SECOND); /* another silence */
    put_board(now_ms);
    look();
    check(1, 1);
    put_board(0);
    look();
    check(2, 1);
}

/* An alert that lasts is not removed for others, and so not raised again. */
static void test_kept(void)
{
    g_autoptr(GError) error = NULL;
    redis_reply_free(redis_call(redis, &error, "FLUSHALL"));
    g_assert_no_error(error);
    put("{p0}:meta", "clock", "%" G_GINT64_FORMAT, now_ms - STALE_S * SECOND);
    put("{p0}:meta", "first_ms", "%" G_GINT64_FORMAT, now_ms - STALE_S * SECOND);
    put_heartbeat(now_ms - STALE_S * SECOND);
    put_board(0);
    look();
    check(1, 0);
    now_ms += SECOND;
    for (int i = 0; i < 150; i++) {
        g_autofree char *id = g_strdup_printf("alert-%d", i), *time = g_strdup_printf("%" G_GINT64_FORMAT, now_ms);
        redis_reply_free(redis_call(redis, &error, "ZADD {daybook}:alerts:time %s %s", time, id));
        g_assert_no_error(error);
    }
    now_ms += SECOND;
    look();
    g_assert_true(alert_tend_trim(&tend, reader, now_ms, &error));
    g_assert_no_error(error);
    check(1, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_autoptr(GError) error = NULL;
    redis_process_start(&server, 0, NULL);
    const struct redis_settings settings = {server.url, 20000, 60000};
    redis = redis_connect(&settings, NULL, &error);
    g_assert_no_error(error);
    reader = reader_new(&settings, 1);
    snapshot = registry_snapshot_new(1);
    now_ms = g_get_real_time() / 1000;
    tend = (struct alert_tend){.alerts = alerts_cache_new(),
                               .metrics = metrics_new(api_meters, METER_N),
                               .system = {.ledger = ledger_cache_new(),
                                          .silent_after_ms = 120 * SECOND,
                                          .silent_until_ms = 86400 * SECOND,
                                          .sealed_after_ms = INT64_C(10) * 86400 * SECOND,
                                          .lag_ms = 600 * SECOND,
                                          .journal_bytes = 1000,
                                          .journal_age_ms = 600 * SECOND},
                               .keep = 100,
                               .keep_ms = INT64_C(86400) * SECOND};
    g_test_add_func("/alert_tend/doubtful", test_doubtful);
    g_test_add_func("/alert_tend/kept", test_kept);
    int code = g_test_run();
    alerts_cache_free(tend.alerts);
    metrics_free(tend.metrics);
    ledger_cache_free(tend.system.ledger);
    registry_snapshot_unref(snapshot);
    reader_free(reader);
    redis_free(redis);
    redis_process_clear(&server);
    return code;
}
