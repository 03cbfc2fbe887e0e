/* Members, slot and minute buckets on a real redis-server: what the system test cannot stage, the rest is in test_usage_api.py. */
#include "api/buckets_read.h"
#include "api/live.h"
#include "api/members.h"
#include "api/meters.h"
#include "api/minutes_read.h"
#include "tests/unit/redis_process.h"

enum { DAY = 20778, SLOT = 42 }; /* 2026-11-21, 10:30 */

static struct redis_process server;
static struct reader *reader;
static struct metrics *metrics;
static struct live_sources sources;
static const int64_t now_ms = INT64_C(1795257421000); /* 10:37:01 */

static void redis_do(const char *command, const char *key, const char *first, const char *second)
{
    const struct redis_settings settings = {server.url, 20000, 60000};
    g_autoptr(GError) error = NULL;
    struct redis *redis = redis_connect(&settings, NULL, &error);
    g_assert_no_error(error);
    const struct view argv[] = {view_of(command), view_of(key), view_of(first), view_of(second)};
    struct redis_reply *reply = redis_command(redis, second ? 4 : first ? 3 : key ? 2 : 1, argv, &error);
    g_assert_no_error(error);
    redis_reply_free(reply);
    redis_free(redis);
}

/* One client with one route and one request in partition 0. */
static void fill(void)
{
    redis_do("FLUSHALL", NULL, NULL, NULL);
    redis_do("HSET", "daybook:topic", "partitions", "2");
    redis_do("HSET", "{p0}:meta", "cnt:20778.1", "1");
    redis_do("HSET", "{p0}:c:20778.1",
             "acme\x1f"
             "c-1",
             "1");
    redis_do("HSET", "{p0}:r:20778.1:1", "rGET /x", "1");
    redis_do("HSET", "{p0}:s:20778.1:42:1", "0", "1.0.0 200:1 1 7 7 2 3 7:1\n");
    redis_do("ZADD", "{p0}:zs:20778.1:42", "1", "1");
    redis_do("HSET", "{p0}:m:29920957.1:0", "1", "200:1 1 7 7 2 3 7:1");
    redis_do("ZADD", "{p0}:zm:29920957.1", "1", "1");
}

static void begin(void)
{
    g_autoptr(GError) error = NULL;
    fill();
    bool ok = reader_begin(reader, g_get_monotonic_time() + 600 * G_TIME_SPAN_SECOND, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

static struct usage_params params_of(const char *key, const char *organization)
{
    return (struct usage_params){
        .key = (char *)key, .organization = (char *)organization, .timeframe = USAGE_1H, .granularity = CIVIL_MINUTE, .limit = 100};
}

/* ---- members ---- */

static void test_generations(void)
{
    g_autoptr(GError) error = NULL;
    begin();
    redis_do("HSET", "{p1}:meta", "cnt:20778.2", "5");
    redis_do("HSET", "{p1}:meta", "cnt:20700.1", "5");
    redis_do("HSET", "{p1}:meta", "cnt:20701.1", "0"); /* nothing in it */
    redis_do("HSET", "{p1}:meta", "cnt:x.1", "5");     /* not ours */
    redis_do("HSET", "{p1}:meta", "cnt:20778", "5");
    redis_do("HSET", "{p1}:meta", "clock", "5");
    redis_do("HSET", "{p2}:meta", "cnt:20778.1", "5"); /* there are two partitions */
    GArray *generations = members_generations(reader, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(generations->len, ==, 3);
    const struct generation *all = (const struct generation *)(const void *)generations->data;
    g_assert_cmpint(all[0].day, ==, 20700);
    g_assert_cmpint(all[1].partition, ==, 0);
    g_assert_cmpint(all[2].revision, ==, 2);
    redis_do("HSET", "{p0}:t:20778.1", "42", "1");
    redis_do("HSET", "{p1}:t:20778.2", "95", "4"); /* one is missing: of before there were totals */
    uint64_t *totals = members_count(reader, generations, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(all[1].clients, ==, 1);
    g_assert_cmpuint(all[2].clients, ==, 0);
    g_assert_true(all[1].has_totals);
    g_assert_cmpuint(all[1].totals[42], ==, 1);
    g_assert_false(all[2].has_totals);
    g_assert_cmpuint(all[2].totals[95], ==, 4);
    g_free(totals);
    g_array_free(generations, TRUE);
}

static guint count_found(const char *key, const char *organization)
{
    g_autoptr(GError) error = NULL;
    const struct scope scope = {.key = key, .organization = organization};
    GArray *generations = members_generations(reader, &error);
    struct members *members = members_find(reader, generations, 0, generations->len, &scope, &error);
    g_assert_no_error(error);
    guint n = members->list->len;
    members_free(members);
    g_array_free(generations, TRUE);
    return n;
}

static void test_find(void)
{
    begin();
    redis_do("HSET", "{p0}:c:20778.1",
             "acme\x1f"
             "c-*",
             "2");
    redis_do("HSET", "{p0}:c:20778.1",
             "ac[m]e\x1f"
             "c-1",
             "3");
    redis_do("HSET", "{p0}:c:20778.1",
             "\x1f"
             "{other}",
             "4");
    g_assert_cmpuint(count_found(NULL, NULL), ==, 4);
    g_assert_cmpuint(count_found("c-1", NULL), ==, 2);
    g_assert_cmpuint(count_found("c-*", NULL), ==, 1);
    g_assert_cmpuint(count_found("c-*", "acme"), ==, 1);
    g_assert_cmpuint(count_found(NULL, "ac[m]e"), ==, 1);
    g_assert_cmpuint(count_found(NULL, "acme"), ==, 2);
    g_assert_cmpuint(count_found("{other}", NULL), ==, 1);
    g_assert_cmpuint(count_found("c-", NULL), ==, 0);
    g_assert_cmpuint(count_found("1", NULL), ==, 0);
}

static void test_slots_of_a_day(void)
{
    const struct generation generation = {.day = DAY};
    const int64_t midnight = (int64_t)DAY * KEYS_SLOTS_PER_DAY;
    int first;
    g_assert_cmpint(generation_slots(&generation, (struct slot_range){midnight + 3, midnight + 5}, &first), ==, 6);
    g_assert_cmpint(first, ==, 3);
    g_assert_cmpint(generation_slots(&generation, (struct slot_range){midnight - 3, midnight + 500}, &first), ==, 96);
    g_assert_cmpint(first, ==, 0);
    g_assert_cmpint(generation_slots(&generation, (struct slot_range){midnight - 3, midnight - 1}, &first), <=, first);
    g_assert_cmpint(generation_slots(&generation, (struct slot_range){midnight + 96, midnight + 99}, &first), <=, first);
}

/* ---- the whole ---- */

static enum live_outcome ask(struct live *live, const struct usage_params *params, struct refusal *refusal, GError **error)
{
    const struct live_question question = {.sources = &sources,
                                           .reader = reader,
                                           .scope = {.organization = params->organization, .key = params->key},
                                           .params = params,
                                           .now_ms = now_ms};
    return live_read(live, &question, refusal, error);
}

static uint64_t total_of(const struct live *live)
{
    struct measure total;
    measure_init(&total);
    usage_table_total(live->table, &total);
    uint64_t requests = total.requests;
    measure_clear(&total);
    return requests;
}

static void test_answered(void)
{
    g_autoptr(GError) error = NULL;
    struct refusal refusal = {0};
    struct live live;
    const struct usage_params params = params_of("c-1", "acme");
    begin();
    g_assert_cmpint(ask(&live, &params, &refusal, &error), ==, LIVE_ANSWERED);
    g_assert_cmpuint(total_of(&live), ==, 1);
    g_assert_cmpuint(live.settled, ==, 0);
    g_assert_cmpuint(usage_table_peak_minute(live.table), ==, 1);
    g_assert_nonnull(g_hash_table_lookup(live.table->routes, "GET /x"));
    g_assert_nonnull(g_hash_table_lookup(live.table->clients, "acme\x1f"
                                                              "c-1"));
    live_clear(&live);
}

static void expect_failed(void)
{
    g_autoptr(GError) error = NULL;
    struct refusal refusal = {0};
    struct live live;
    const struct usage_params params = params_of("c-1", "acme");
    bool ok = reader_begin(reader, g_get_monotonic_time() + 600 * G_TIME_SPAN_SECOND, &error);
    g_assert_true(ok);
    g_assert_cmpint(ask(&live, &params, &refusal, &error), ==, LIVE_FAILED);
    g_assert_nonnull(error);
    g_assert_null(live.table);
}

static void test_damaged(void)
{
    static const char *const rows[] = {"1.0.0 200:1 1 7 7 2 3 7:1",
                                       "1.0.0 200:1 2 7 7 2 3 7:1\n",
                                       "1.0.0\n",
                                       "\n",
                                       "x.0.0 200:1 1 7 7 2 3 -\n",
                                       "1002.0.0 200:1 1 7 7 2 3 -\n",
                                       "1 200:1 1 7 7 2 3 -\n",
                                       "99999999999999999999.0.0 200:1 1 7 7 2 3 -\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        fill();
        redis_do("HSET", "{p0}:s:20778.1:42:1", "0", rows[i]);
        expect_failed();
    }
    fill();
    redis_do("HSET", "{p0}:m:29920957.1:0", "1", "nonsense");
    expect_failed();
    fill();
    redis_do("HSET", "{p0}:r:20778.1:1", "rGET /x", "one");
    expect_failed();
    fill();
    redis_do("SET", "{p0}:c:20778.1", "text", NULL);
    expect_failed();
}

/* The route's name is written while the slot is on its way: asked for once more, it is there. */
static void test_unknown_route_is_counted(void)
{
    g_autoptr(GError) error = NULL;
    struct refusal refusal = {0};
    struct live live;
    const struct usage_params params = params_of("c-1", "acme");
    begin();
    redis_do("HSET", "{p0}:s:20778.1:42:1", "1", "2.5.0 200:2 2 9 8 2 3 -\n");
    g_assert_cmpint(ask(&live, &params, &refusal, &error), ==, LIVE_ANSWERED);
    g_assert_cmpuint(total_of(&live), ==, 3);
    const struct usage_line *line = g_hash_table_lookup(live.table->routes, BUCKETS_UNKNOWN_ROUTE);
    g_assert_cmpuint(line->measure.requests, ==, 2);
    g_assert_cmpuint(live.settled, ==, 1); /* its minute has only one */
    live_clear(&live);
}

static void test_refused(void)
{
    g_autoptr(GError) error = NULL;
    struct refusal refusal = {0};
    struct live live;
    struct usage_params params = params_of("c-2", NULL);
    begin();
    g_assert_cmpint(ask(&live, &params, &refusal, &error), ==, LIVE_REFUSED);
    g_assert_cmpstr(refusal.code, ==, "NO_USAGE_DATA");
    params = params_of(NULL, NULL);
    params.timeframe = USAGE_7D;
    g_assert_cmpint(ask(&live, &params, &refusal, &error), ==, LIVE_REFUSED);
    g_assert_cmpstr(refusal.code, ==, "INVALID_GRANULARITY");
    redis_do("FLUSHALL", NULL, NULL, NULL);
    params.granularity = CIVIL_DAY;
    g_assert_cmpint(ask(&live, &params, &refusal, &error), ==, LIVE_REFUSED);
    g_assert_cmpstr(refusal.code, ==, "NO_USAGE_DATA");
    refusal_clear(&refusal);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    redis_process_start(&server, 0, NULL);
    const struct redis_settings settings = {server.url, 20000, 60000};
    reader = reader_new(&settings, 1);
    metrics = metrics_new(api_meters, METER_N);
    sources = (struct live_sources){.sheets = sheets_new(1 << 20, NULL, metrics), .ledger = ledger_cache_new()};
    g_test_add_func("/live/generations", test_generations);
    g_test_add_func("/live/find", test_find);
    g_test_add_func("/live/slots-of-a-day", test_slots_of_a_day);
    g_test_add_func("/live/answered", test_answered);
    g_test_add_func("/live/damaged", test_damaged);
    g_test_add_func("/live/unknown-route", test_unknown_route_is_counted);
    g_test_add_func("/live/refused", test_refused);
    int code = g_test_run();
    sheets_free(sources.sheets);
    ledger_cache_free(sources.ledger);
    metrics_free(metrics);
    reader_free(reader);
    redis_process_clear(&server);
    return code;
}
