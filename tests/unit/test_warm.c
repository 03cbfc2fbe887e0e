#include "api/warm.h"
#include "api/live_pieces.h"
#include "api/meters.h"
#include "tests/unit/closed_world.h"

enum { WAIT_S = 60, CACHE = 1 << 24 };

static struct world world;
static struct reader *reader;
static struct metrics *metrics;
static struct live_sources sources;
static GRand *source;

static int64_t now(void)
{
    return g_get_real_time() / G_TIME_SPAN_MILLISECOND;
}

/* Events of today and yesterday, of an owner who stays. */
static void fill(void)
{
    const struct view flush[] = {view_of("FLUSHALL")};
    const int64_t today = now() / CIVIL_DAY_MS;
    world_do(&world, 1, flush);
    world_set(&world, "HSET", "daybook:topic", "partitions", "1");
    world_set(&world, "HSET", "{p0}:commit", "tok", "0123456789abcdef0123456789abcdef");
    world_set(&world, "HSET", "{p0}:commit", "state", "live");
    g_array_set_size(world.events, 0);
    for (int i = 0; i < 400; i++)
        world_add(&world, source, today - i % 2, 1);
    world_write(&world, today - 1, 1);
    world_write(&world, today, 1);
    live_cache_free(sources.cache);
    sources.cache = live_cache_new(CACHE);
    sheets_free(sources.sheets);
    metrics_free(metrics);
    metrics = metrics_new(api_meters, METER_N);
    sources.sheets = sheets_new(1 << 20, NULL, metrics);
}

static struct warm *start(const char *url)
{
    const struct warm_settings settings = {
        .redis = {url, 1000, 5000}, .partitions_fallback = 1, .sources = &sources, .metrics = metrics};
    return warm_start(&settings);
}

static void wait_for(const char *outcome)
{
    const gint64 until = g_get_monotonic_time() + WAIT_S * G_TIME_SPAN_SECOND;
    while (metrics_get(metrics, METER_WARM_ROUNDS, outcome) == 0) {
        g_assert_cmpint(g_get_monotonic_time(), <, until);
        g_usleep(1000);
    }
}

/* Get Usage's first question; how many commands it costs, and what it counts. */
static uint64_t ask(struct live_cache *cache, int timeframe, uint64_t *requests)
{
    g_autoptr(GError) error = NULL;
    const struct usage_params params = {.timeframe = timeframe, .granularity = CIVIL_DAY};
    const struct live_sources with = {.sheets = sources.sheets, .ledger = sources.ledger, .cache = cache};
    const struct live_question question = {.sources = &with, .reader = reader, .params = &params, .known = true, .now_ms = now()};
    struct refusal refusal = {0};
    struct live live;
    struct measure total;
    const uint64_t before = reader_asked(reader);
    g_assert_true(reader_begin(reader, g_get_monotonic_time() + WAIT_S * G_TIME_SPAN_SECOND, &error));
    g_assert_cmpint(live_read(&live, &question, &refusal, &error), ==, LIVE_ANSWERED);
    g_assert_no_error(error);
    measure_init(&total);
    usage_table_total(live.table, &total);
    *requests = total.requests;
    measure_clear(&total);
    live_clear(&live);
    return reader_asked(reader) - before;
}

/* False: a quarter of an hour was over meanwhile, and so the window is another. */
static bool warm_up(void)
{
    uint64_t requests, same;
    fill();
    const int64_t slot = window_slot(now());
    const uint64_t cold = ask(NULL, USAGE_24H, &same);
    struct warm *warm = start(world.server.url);
    wait_for("done");
    warm_stop(warm);
    const uint64_t warmed = ask(sources.cache, USAGE_24H, &requests);
    g_assert_cmpint(metrics_get(metrics, METER_WARM_PERCENT, NULL), ==, 100);
    g_assert_cmpint(metrics_get(metrics, METER_WARM_COMMANDS, NULL), >, 0);
    g_assert_cmpuint(live_cache_bytes(sources.cache), >, 0);
    if (window_slot(now()) != slot)
        return false;
    g_assert_cmpuint(requests, ==, same);
    g_assert_cmpuint(warmed, <, cold / 2);
    return true;
}

/* The very pieces that the question looks for: of few clients, of whom stretches are long. */
static void test_warm(void)
{
    while (!warm_up())
        continue;
}

/* What the sheets of a day come to is there, too: they are not looked at again. */
static void test_days(void)
{
    enum { N = 3000 }; /* rows enough for a piece to be kept */
    uint64_t requests;
    char key[KEYS_MAX];
    const int64_t day = now() / CIVIL_DAY_MS - 60;
    fill();
    for (int i = 0; i < N; i++)
        world_add(&world, source, day, 1);
    world_seal(&world, day, 1);
    struct warm *warm = start(world.server.url);
    wait_for("done");
    warm_stop(warm);
    keys_sheet(key, 0, day, 1);
    world_delete(&world, key);
    sheets_free(sources.sheets);
    sources.sheets = sheets_new(1 << 20, NULL, metrics);
    ask(sources.cache, USAGE_90D, &requests);
    g_assert_cmpuint(requests, >=, N);
}

static void test_left_out(void)
{
    enum { N = LIVE_MEMBERS_MAX };
    char key[KEYS_MAX];
    fill();
    g_autofree char *text = g_malloc((size_t)N * 8);
    g_autofree struct view *argv = g_new(struct view, 2 + 2 * N);
    argv[0] = view_of("HSET");
    argv[1] = view_make(key, keys_clients(key, 0, now() / CIVIL_DAY_MS, 1));
    for (int i = 0; i < N; i++) {
        g_snprintf(text + (gsize)i * 8, 8, "x%d", i);
        argv[2 + 2 * i] = view_of(text + (gsize)i * 8);
        argv[3 + 2 * i] = view_of("7");
    }
    world_do(&world, 2 + 2 * N, argv);
    struct warm *warm = start(world.server.url);
    wait_for("left_out");
    warm_stop(warm);
    g_assert_cmpuint(live_cache_bytes(sources.cache), ==, 0);
    g_assert_cmpint(metrics_get(metrics, METER_WARM_PERCENT, NULL), ==, 0);
}

static void test_full(void)
{
    fill();
    struct live_kept *big = g_new0(struct live_kept, 1);
    live_kept_init(big, CACHE / 8 * 7, (void (*)(struct live_kept *))g_free);
    live_cache_put(sources.cache, "big", big);
    live_kept_unref(big);
    const size_t bytes = live_cache_bytes(sources.cache);
    struct warm *warm = start(world.server.url);
    wait_for("full");
    warm_stop(warm);
    g_assert_cmpuint(live_cache_bytes(sources.cache), ==, bytes);
}

static void test_no_memory(void)
{
    fill();
    live_cache_free(sources.cache);
    sources.cache = live_cache_new(0);
    g_assert_null(start(world.server.url));
    warm_stop(NULL);
}

static void test_nobody_there(void)
{
    fill();
    g_autofree char *url = g_strdup_printf("redis://127.0.0.1:%d", redis_free_port());
    struct warm *warm = start(url);
    wait_for("failed");
    warm_stop(warm); /* while it waits to try again */
}

/* Whatever it is doing. */
static void test_stop(void)
{
    fill();
    for (int i = 0; i < 30; i++) {
        struct warm *warm = start(world.server.url);
        g_usleep((gulong)g_rand_int_range(source, 0, 5000));
        warm_stop(warm);
    }
    g_assert_cmpint(metrics_get(metrics, METER_WARM_ROUNDS, "failed"), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    world_start(&world);
    const struct redis_settings settings = {world.server.url, 1000, 5000};
    reader = reader_new(&settings, 1);
    metrics = metrics_new(api_meters, METER_N);
    source = g_rand_new_with_seed((guint32)g_test_rand_int());
    sources = (struct live_sources){.ledger = ledger_cache_new()};
    g_test_add_func("/warm/warm", test_warm);
    g_test_add_func("/warm/days", test_days);
    g_test_add_func("/warm/left-out", test_left_out);
    g_test_add_func("/warm/full", test_full);
    g_test_add_func("/warm/no-memory", test_no_memory);
    g_test_add_func("/warm/nobody-there", test_nobody_there);
    g_test_add_func("/warm/stop", test_stop);
    int code = g_test_run();
    live_cache_free(sources.cache);
    sheets_free(sources.sheets);
    ledger_cache_free(sources.ledger);
    g_rand_free(source);
    metrics_free(metrics);
    reader_free(reader);
    world_clear(&world);
    return code;
}
