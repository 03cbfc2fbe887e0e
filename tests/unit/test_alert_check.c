/* Checks on a real redis-server: read one by one and together, hits and methods, minutes; and begun anew at any time. */
#include "api/alert_check.h"

#include "api/meters.h"
#include "lib/keys.h"
#include "tests/unit/redis_process.h"

enum { DAY = 20778, CLIENTS = 70 /* more than are read one by one */, MINUTE = 29920957 };

static struct redis_process server;
static struct reader *reader;
static struct metrics *metrics;
static struct live_sources sources;
static struct redis *redis;
static const int64_t now_ms = INT64_C(1795257421000); /* 2026-11-21, 10:37:01: day 20778, slot 42 */

static void run(const char *format, ...) G_GNUC_PRINTF(1, 2);

static void run(const char *format, ...)
{
    g_autoptr(GError) error = NULL;
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_auto(GStrv) words = g_strsplit(text, "|", -1);
    struct view argv[8];
    size_t n = 0;
    for (; words[n] != NULL; n++)
        argv[n] = view_of(words[n]);
    struct redis_reply *reply = redis_command(redis, n, argv, &error);
    g_assert_no_error(error);
    redis_reply_free(reply);
}

static int counted[CLIENTS], total;

/* Of a slot bucket. */
static char *line(int route, int n)
{
    return n > 0 ? g_strdup_printf("%d.0.0 200:%d %d 7 7 2 3 7:%d\n", route, n, n, n) : g_strdup("");
}

/* A client has so many requests, a to GET /a and b to GET /b, all in one minute. */
static void count(int client, int a, int b)
{
    int symbol = client + 1, n = a + b;
    run("HSET|{p0}:c:20778.1|acme\x1f"
        "c-%d|%d",
        client, symbol);
    run("HSET|{p0}:r:20778.1:%d|rGET /a|1|rGET /b|2", symbol);
    g_autofree char *first = line(1, a), *second = line(2, b);
    run("HSET|{p0}:s:20778.1:42:%d|0|%s%s", symbol, first, second);
    run("ZADD|{p0}:zs:20778.1:42|%d|%d", n, symbol);
    run("HSET|{p0}:m:%d.1:%d|%d|200:%d %d 7 7 2 3 7:%d", MINUTE, symbol / KEYS_CLIENTS_PER_SHARD, symbol, n, n, n);
    run("ZADD|{p0}:zm:%d.1|%d|%d", MINUTE, n, symbol);
    total += n - counted[client];
    counted[client] = n;
    run("HSET|{p0}:meta|cnt:20778.1|%d", total);
    run("HINCRBY|{p0}:commit|n|1");
}

static void begin(void)
{
    memset(counted, 0, sizeof counted);
    total = 0;
    run("FLUSHALL");
    run("HSET|daybook:topic|partitions|1");
}

static void add_limit(struct registry_snapshot *snapshot, int client, const char *metric, enum limit_period period)
{
    struct limit_rule *rule = item_new(&limit_rule_shape);
    g_free(rule->id);
    g_free(rule->metric);
    rule->id = g_strdup_printf("%d-%s-%d", client, metric, period);
    rule->metric = g_strdup(metric);
    rule->organization = g_strdup("acme");
    rule->client = g_strdup_printf("c-%d", client);
    rule->period = period;
    rule->value = 10;
    g_assert_true(registry_snapshot_add(snapshot, REGISTRY_LIMITS, rule));
}

static struct registry_snapshot *rules(int clients, const char *metric, enum limit_period period)
{
    static const char *const patterns[] = {"GET /b", NULL};
    struct registry_snapshot *snapshot = registry_snapshot_new(1);
    registry_snapshot_add(snapshot, REGISTRY_METHODS, method_new("b", "", NULL, patterns));
    for (int i = 0; i < clients; i++)
        add_limit(snapshot, i, metric, period);
    return snapshot;
}

static struct alert_check *make_check(void)
{
    const struct alert_check_settings settings = {
        .sources = &sources, .metrics = metrics, .levels = {{50, 80, 100, 200}, 4}, .minutes_back = 15};
    return alert_check_new(&settings);
}

static void check_once(struct alert_check *check, struct registry_snapshot *snapshot, int64_t at_ms)
{
    g_autoptr(GError) error = NULL;
    bool ok = alert_check_run(check, reader, snapshot, at_ms, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

static gint compare_texts(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "c-0:50=5 c-1:100=10 …": client, level and value, by client and level. */
static char *raised(void)
{
    g_autoptr(GError) error = NULL;
    struct alerts_cache *cache = alerts_cache_new();
    struct alerts_list *list = alerts_cache_take(cache, reader, &error);
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    g_assert_no_error(error);
    for (guint i = 0; i < list->all->len; i++) {
        const struct alert *alert = g_ptr_array_index(list->all, i);
        g_ptr_array_add(texts, g_strdup_printf("%s:%u=%d", alert->client, alert->level, (int)alert->value));
    }
    g_ptr_array_sort(texts, compare_texts);
    alerts_list_release(list);
    alerts_cache_free(cache);
    g_ptr_array_add(texts, NULL);
    return g_strjoinv(" ", (char **)texts->pdata);
}

static void assert_raised(const char *expected)
{
    g_autofree char *text = raised();
    g_assert_cmpstr(text, ==, expected);
}

static int64_t reads(const char *clients)
{
    return metrics_get(metrics, METER_ALERT_READS, clients);
}

static void test_alone(void)
{
    begin();
    struct registry_snapshot *snapshot = rules(3, METHOD_HITS, LIMIT_DAY);
    struct alert_check *check = make_check();
    check_once(check, snapshot, now_ms);
    assert_raised("");
    count(0, 2, 3);
    count(1, 2, 2);
    int64_t before = reads("one");
    check_once(check, snapshot, now_ms);
    assert_raised("c-0:50=5");
    g_assert_cmpint(reads("one") - before, ==, 1); /* of the others it is known that they cannot be there */
    check_once(check, snapshot, now_ms);
    g_assert_cmpint(reads("one") - before, ==, 1);
    count(0, 20, 3);
    check_once(check, snapshot, now_ms);
    assert_raised("c-0:200=23 c-0:50=5");
    alert_check_free(check);
    registry_snapshot_unref(snapshot);
}

static void test_together(void)
{
    begin();
    struct registry_snapshot *snapshot = rules(CLIENTS, METHOD_HITS, LIMIT_DAY);
    struct alert_check *check = make_check();
    for (int i = 0; i < CLIENTS; i++)
        count(i, i == 7 ? 9 : 1, i == 7 ? 1 : 0);
    int64_t alone = reads("one"), all = reads("all");
    check_once(check, snapshot, now_ms);
    assert_raised("c-7:100=10");
    g_assert_cmpint(reads("one") - alone, ==, 0);
    g_assert_cmpint(reads("all") - all, ==, 1);
    alert_check_free(check);
    registry_snapshot_unref(snapshot);
}

/* What hits can be at most is known of all together, and only those of whom it could be enough are read. */
static void test_methods(void)
{
    begin();
    struct registry_snapshot *snapshot = rules(CLIENTS, "b", LIMIT_MONTH);
    struct alert_check *check = make_check();
    for (int i = 0; i < CLIENTS; i++)
        count(i, i == 3 ? 100 : 1, i == 7 ? 8 : 1);
    int64_t alone = reads("one");
    check_once(check, snapshot, now_ms);
    assert_raised("c-7:80=8");
    g_assert_cmpint(reads("one") - alone, ==, 2);
    count(3, 100, 5);
    check_once(check, snapshot, now_ms + 20000);
    assert_raised("c-3:50=5 c-7:80=8");
    alert_check_free(check);
    registry_snapshot_unref(snapshot);
}

static void test_minutes(void)
{
    begin();
    struct registry_snapshot *snapshot = rules(2, METHOD_HITS, LIMIT_MINUTE);
    struct alert_check *check = make_check();
    count(0, 5, 4);
    count(1, 2, 2);
    check_once(check, snapshot, now_ms);
    assert_raised("c-0:80=9");
    run("ZADD|{p0}:zm:%d.2|3|1", MINUTE); /* of another revision: client 0 has the same symbol there */
    run("HSET|{p0}:c:20778.2|acme\x1f"
        "c-0|1");
    run("HINCRBY|{p0}:meta|cnt:20778.2|3");
    run("HINCRBY|{p0}:commit|n|1");
    check_once(check, snapshot, now_ms);
    assert_raised("c-0:100=12 c-0:80=9");
    check_once(check, snapshot, now_ms + 16 * 60000); /* that minute is not looked at any more */
    assert_raised("c-0:100=12 c-0:80=9");
    alert_check_free(check);
    registry_snapshot_unref(snapshot);
}

/* Whoever goes on, and with whatever rules. */
static void test_goes_on(void)
{
    begin();
    struct registry_snapshot *snapshot = rules(2, METHOD_HITS, LIMIT_DAY), *more = rules(3, METHOD_HITS, LIMIT_DAY);
    struct alert_check *check = make_check(), *other = make_check();
    count(0, 5, 5);
    check_once(check, snapshot, now_ms);
    check_once(other, snapshot, now_ms);
    assert_raised("c-0:100=10");
    count(0, 20, 0);
    check_once(other, snapshot, now_ms);
    check_once(check, snapshot, now_ms);
    assert_raised("c-0:100=10 c-0:200=20");
    count(2, 9, 0);
    check_once(check, more, now_ms);
    assert_raised("c-0:100=10 c-0:200=20 c-2:80=9");
    g_assert_cmpuint(alert_check_watchers(check)->len, ==, 3);
    check_once(check, snapshot, now_ms);
    g_assert_cmpuint(alert_check_watchers(check)->len, ==, 2);
    alert_check_free(check);
    alert_check_free(other);
    registry_snapshot_unref(snapshot);
    registry_snapshot_unref(more);
}

/* What is damaged is told, and keeps nobody from the others; also where it is the last that is read. */
static void check_damage(int clients)
{
    begin();
    struct registry_snapshot *snapshot = rules(clients, METHOD_HITS, LIMIT_DAY);
    struct alert_check *check = make_check();
    g_autoptr(GError) error = NULL, failure = NULL;
    for (int i = 0; i < clients; i++)
        count(i, 4, 0);
    count(5, 10, 0);
    count(7, 5, 0);
    run("HSET|{p0}:s:20778.1:42:8|0|nonsense");
    g_assert_false(alert_check_run(check, reader, snapshot, now_ms, &error));
    g_assert_error(error, READER_ERROR, READER_ERROR_DATA);
    g_assert_true(reader_begin(reader, g_get_monotonic_time() + 600 * G_TIME_SPAN_SECOND, &failure));
    assert_raised("c-5:100=10");
    count(7, 5, 0);
    check_once(check, snapshot, now_ms);
    assert_raised("c-5:100=10 c-7:50=5");
    alert_check_free(check);
    registry_snapshot_unref(snapshot);
}

static void test_damage(void)
{
    check_damage(CLIENTS);
    check_damage(8);
}

/* A Redis that was put back, on the same connections. */
static void test_rollback(void)
{
    begin();
    struct registry_snapshot *snapshot = rules(2, METHOD_HITS, LIMIT_DAY);
    struct alert_check *check = make_check();
    count(0, 5, 5);
    check_once(check, snapshot, now_ms);
    assert_raised("c-0:100=10");
    run("DEL|" ALERTS_KEY "|" ALERTS_KEY ":levels|" ALERTS_KEY ":version");
    assert_raised("");
    check_once(check, snapshot, now_ms);
    assert_raised("c-0:100=10");
    alert_check_free(check);
    registry_snapshot_unref(snapshot);
}

static void test_sweep(void)
{
    g_autoptr(GError) error = NULL;
    begin();
    struct registry_snapshot *snapshot = rules(1, METHOD_HITS, LIMIT_HOUR);
    struct alert_check *check = make_check();
    count(0, 5, 5);
    check_once(check, snapshot, now_ms);
    int64_t hour = now_ms / 3600000 * 3600000;
    g_assert_true(alert_check_sweep(check, reader, hour + 3600000, &error));
    check_once(check, snapshot, now_ms);
    assert_raised("c-0:100=10");
    g_assert_true(alert_check_sweep(check, reader, hour + 3600001, &error));
    const struct view argv[] = {view_of("EXISTS"), view_of(ALERTS_KEY ":levels")};
    struct redis_reply *reply = redis_command(redis, 2, argv, &error);
    g_assert_cmpint(redis_reply_integer(reply), ==, 0);
    redis_reply_free(reply);
    alert_check_free(check);
    registry_snapshot_unref(snapshot);
}

/* Redis goes away at some question, and the check is simply run again. */
static void test_interrupted(void)
{
    begin();
    struct registry_snapshot *snapshot = rules(CLIENTS, METHOD_HITS, LIMIT_DAY);
    struct alert_check *check = make_check();
    for (int i = 0; i < CLIENTS; i++)
        count(i, 5, 0);
    for (int limit_us = 200; limit_us < 20000; limit_us += limit_us / 2) {
        g_autoptr(GError) error = NULL;
        run("CONFIG|SET|maxclients|10000");
        run("CLIENT|KILL|TYPE|normal|SKIPME|yes");
        alert_check_run(check, reader, snapshot, now_ms, &error);
        g_usleep((gulong)limit_us);
    }
    check_once(check, snapshot, now_ms);
    check_once(check, snapshot, now_ms);
    struct alerts_cache *cache = alerts_cache_new();
    struct alerts_list *list = alerts_cache_take(cache, reader, NULL);
    g_assert_cmpuint(list->all->len, ==, CLIENTS);
    alerts_list_release(list);
    alerts_cache_free(cache);
    alert_check_free(check);
    registry_snapshot_unref(snapshot);
}

struct going {
    int asked;
    int64_t raised; /* when it was asked for the second time */
};

static bool only_once(void *opaque)
{
    struct going *going = opaque;
    if (++going->asked != 2)
        return going->asked == 1;
    g_autoptr(GError) error = NULL;
    struct redis_reply *reply = redis_call(redis, &error, "HLEN %s", ALERTS_KEY);
    g_assert_no_error(error);
    going->raised = redis_reply_integer(reply);
    redis_reply_free(reply);
    return false;
}

/* Long windows take long to read: the short ones do not wait for them, nor do their alerts. */
static void test_short_ones_first(void)
{
    begin();
    struct registry_snapshot *snapshot = rules(CLIENTS, METHOD_HITS, LIMIT_MONTH);
    struct going going = {0};
    const struct alert_check_settings settings = {
        .sources = &sources, .metrics = metrics, .levels = {{50}, 1}, .minutes_back = 15, .go_on = only_once, .opaque = &going};
    struct alert_check *check = alert_check_new(&settings);
    for (int i = 0; i < CLIENTS; i++) {
        add_limit(snapshot, i, METHOD_HITS, LIMIT_HOUR);
        count(i, 5, 0);
    }
    check_once(check, snapshot, now_ms);
    g_assert_cmpint(going.raised, ==, CLIENTS);
    struct alerts_cache *cache = alerts_cache_new();
    struct alerts_list *list = alerts_cache_take(cache, reader, NULL);
    g_assert_cmpuint(list->all->len, ==, CLIENTS);
    for (guint i = 0; i < list->all->len; i++)
        g_assert_cmpint(((const struct alert *)g_ptr_array_index(list->all, i))->period, ==, LIMIT_HOUR);
    alerts_list_release(list);
    alerts_cache_free(cache);
    alert_check_free(check);
    registry_snapshot_unref(snapshot);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_test_init(&argc, &argv, NULL);
    redis_process_start(&server, 0, NULL);
    const struct redis_settings settings = {server.url, 20000, 60000};
    reader = reader_new(&settings, 1);
    redis = redis_connect(&settings, NULL, &error);
    g_assert_no_error(error);
    metrics = metrics_new(api_meters, METER_N);
    sources = (struct live_sources){.sheets = sheets_new(1 << 20, NULL, metrics), .ledger = ledger_cache_new()};
    g_test_add_func("/alert_check/alone", test_alone);
    g_test_add_func("/alert_check/together", test_together);
    g_test_add_func("/alert_check/methods", test_methods);
    g_test_add_func("/alert_check/minutes", test_minutes);
    g_test_add_func("/alert_check/goes-on", test_goes_on);
    g_test_add_func("/alert_check/damage", test_damage);
    g_test_add_func("/alert_check/rollback", test_rollback);
    g_test_add_func("/alert_check/sweep", test_sweep);
    g_test_add_func("/alert_check/interrupted", test_interrupted);
    g_test_add_func("/alert_check/short-ones-first", test_short_ones_first);
    int code = g_test_run();
    sheets_free(sources.sheets);
    ledger_cache_free(sources.ledger);
    metrics_free(metrics);
    reader_free(reader);
    redis_free(redis);
    redis_process_clear(&server);
    return code;
}
