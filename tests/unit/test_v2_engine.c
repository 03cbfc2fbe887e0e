/* Executions on a real redis-server with closed days: made at once, in the background, once only; failing for good, or for now;
 * cancelled. */
#include "api/v2_engine.h"

#include "api/meters.h"
#include "lib/metrics.h"
#include "tests/unit/ledger_world.h"

enum { DAYS = 6, CLIENTS = 8, WAIT_MS = 30000 };

static struct ledger_world world;
static struct metrics *metrics;
static struct caller *caller;
static struct queries queries;
static struct v2_engine engine;
static struct reader *reader;

/* Each day's clients c-0 … c-7 have 1 to 8 requests more than the day before. */
static void fill(void)
{
    for (int day = 0; day < DAYS; day++) {
        for (int client = 0; client < CLIENTS; client++)
            world_rows(&world, "acme", client, "u", (uint64_t)((client + 1) * (day + 1)));
        world_close(&world, WORLD_DAY - DAYS + day, 1, SEAL_DAY_END);
    }
}

static struct workers *start_workers(const struct redis_settings *redis, size_t meter, guint queue_max)
{
    const struct workers_settings settings = {.redis = *redis,
                                              .partitions_fallback = 1,
                                              .n = 1,
                                              .queue_max = queue_max,
                                              .owner_max = queue_max,
                                              .metrics = metrics,
                                              .queue_meter = meter,
                                              .work = query_work};
    return workers_start(&settings);
}

static void set_up(const struct redis_settings *redis)
{
    metrics = metrics_new(api_meters, METER_N);
    caller = caller_new("t-1", "t", NULL, NULL, PERMISSION_ALL, TIER_FREE);
    queries = (struct queries){.metrics = metrics, .timeout_ms = 20000, .heavy_timeout_ms = 60000};
    queries.workers = start_workers(redis, METER_QUEUE, 10);
    queries.heavy = start_workers(redis, METER_QUEUE_HEAVY, 2);
    engine = (struct v2_engine){
        .queries = &queries,
        .ledger = ledger_cache_new(),
        .sheets = sheets_new(1 << 20, NULL, metrics),
        .registry = registry_start(redis, metrics),
        .cache = executions_cache_new(1 << 24),
        .directory = g_get_tmp_dir(),
        .result_bytes_max = 1 << 24,
        .groups_max = 1000,
        .scan_threads = 2,
    };
}

/* Before the engine is changed: who works in the background has ended. */
static void settle(void)
{
    const struct redis_settings settings = {world.server.url, 20000, 60000};
    workers_stop(queries.heavy);
    workers_free(queries.heavy);
    queries.heavy = start_workers(&settings, METER_QUEUE_HEAVY, 2);
}

static void tear_down(void)
{
    executions_cache_stop(engine.cache);
    workers_stop(queries.workers);
    workers_stop(queries.heavy);
    workers_free(queries.workers);
    workers_free(queries.heavy);
    executions_cache_free(engine.cache);
    registry_stop(engine.registry);
    sheets_free(engine.sheets);
    ledger_cache_free(engine.ledger);
    caller_unref(caller);
    metrics_free(metrics);
}

static void begin(void)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(reader_begin(reader, g_get_monotonic_time() + 600 * G_TIME_SPAN_SECOND, &error));
}

static struct v2_execution *make(const char *group)
{
    struct refusal refusal = {0};
    g_autoptr(GError) error = NULL;
    struct v2_body body;
    int64_t last;
    char id[V2_ID_SIZE];
    g_autofree char *text = g_strdup_printf("{\"interval\":\"2026/2026\",\"groupBy\":[%s]}", group);
    g_assert_true(v2_body_parse(&body, V2_ORGANIZATION_QUERY, view_of(text), &refusal));
    struct v2_execution *execution = v2_execution_new(caller, NULL, &body);
    begin();
    g_assert_true(v2_engine_pin(&engine, reader, &execution->pin, &last, &error));
    g_assert_cmpint(last, ==, WORLD_DAY - 1);
    g_assert_true(executions_keep(reader, execution, id, &error));
    return execution;
}

static struct v2_progress advance(struct v2_execution *execution)
{
    g_autoptr(GError) error = NULL;
    struct v2_progress progress;
    begin();
    bool ok = v2_engine_advance(&engine, reader, caller, execution, &progress, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
    return progress;
}

static struct v2_end look_up(const char *id)
{
    g_autoptr(GError) error = NULL;
    struct v2_execution *found;
    struct v2_end end;
    begin();
    g_assert_true(executions_find(reader, id, &found, &end, &error));
    v2_execution_unref(found);
    return end;
}

static void forget_the_same(void)
{
    world_call(&world, "EVAL %s 0", "for _, key in ipairs(redis.call('KEYS', '{daybook}:same:*')) do redis.call('DEL', key) end");
}

/* c-7 has most: 8 * (1 + … + 6). */
static void check_rows(const struct v2_outcome *outcome)
{
    g_autoptr(GError) error = NULL;
    struct report_row row;
    struct result_cursor *cursor = result_cursor_new(outcome->result, 0);
    g_assert_cmpuint(result_rows(outcome->result), ==, CLIENTS);
    for (uint64_t client = CLIENTS; client > 0; client--) {
        g_assert_true(result_cursor_next(cursor, &row, &error));
        g_assert_cmpuint(row.counts.requests, ==, client * DAYS * (DAYS + 1) / 2);
    }
    result_cursor_free(cursor);
}

/* Rows as soon as they are there. */
static void wait_for_rows(struct v2_execution *execution)
{
    for (int ms = 0;; ms += 5) {
        struct v2_progress progress = advance(execution);
        g_assert_cmpint(progress.end.kind, ==, V2_NOT_ENDED);
        bool done = progress.state == EXECUTION_DONE;
        if (done)
            check_rows(progress.outcome);
        v2_progress_clear(&progress);
        if (done)
            return;
        g_assert_cmpint(ms, <, WAIT_MS);
        g_usleep(5000);
    }
}

static void test_small(void)
{
    settle();
    engine.small_us = 0;
    struct v2_execution *execution = make("\"OAuthClientId\"");
    struct v2_progress first = advance(execution), second = advance(execution);
    g_assert_cmpint(first.state, ==, EXECUTION_DONE);
    check_rows(first.outcome);
    g_assert_true(second.outcome == first.outcome); /* it was made once */
    v2_progress_clear(&first);
    v2_progress_clear(&second);
    v2_execution_unref(execution);
    forget_the_same();
}

static void test_large(void)
{
    settle();
    engine.small_us = 1;
    struct v2_execution *execution = make("\"OAuthClientId\"");
    struct v2_progress progress = advance(execution);
    g_assert_true(progress.state == EXECUTION_QUEUED && !progress.busy && progress.outcome == NULL);
    v2_progress_clear(&progress);
    wait_for_rows(execution);
    v2_execution_unref(execution);
    forget_the_same();
}

/* ---- a pool that is held up ---- */

struct block {
    struct query query;
    GMutex lock;
    GCond moved;
    bool running, over;
};

static void stand_still(struct reader *unused, struct query *query)
{
    (void)unused;
    struct block *block = (struct block *)(void *)query;
    g_mutex_lock(&block->lock);
    block->running = true;
    g_cond_signal(&block->moved);
    while (!block->over)
        g_cond_wait(&block->moved, &block->lock);
    block->running = false;
    g_cond_signal(&block->moved);
    g_mutex_unlock(&block->lock);
}

static void hold_up(struct block *block)
{
    *block = (struct block){.query = {.queries = &queries, .work = stand_still, .heavy = true}};
    g_mutex_init(&block->lock);
    g_cond_init(&block->moved);
    g_assert_true(query_submit(&block->query));
    g_mutex_lock(&block->lock);
    while (!block->running)
        g_cond_wait(&block->moved, &block->lock);
    g_mutex_unlock(&block->lock);
}

static void let_go(struct block *block)
{
    g_mutex_lock(&block->lock);
    block->over = true;
    g_cond_signal(&block->moved);
    while (block->running)
        g_cond_wait(&block->moved, &block->lock);
    g_mutex_unlock(&block->lock);
    g_mutex_clear(&block->lock);
    g_cond_clear(&block->moved);
}

/* Two find room in the queue, the third does not, and is taken as soon as there is some. */
static void test_full(void)
{
    static const char *const groups[] = {"\"OAuthClientId\"", "\"OAuthClientId\",\"UserId\"", "\"OAuthClientId\",\"HttpMethod\""};
    struct v2_execution *executions[3];
    struct block block;
    settle();
    engine.small_us = 1;
    hold_up(&block);
    for (int i = 0; i < 3; i++) {
        executions[i] = make(groups[i]);
        for (int again = 0; again < 2; again++) {
            struct v2_progress progress = advance(executions[i]);
            g_assert_cmpint(progress.state, ==, EXECUTION_QUEUED);
            g_assert_cmpint(progress.busy, ==, i == 2);
            v2_progress_clear(&progress);
        }
    }
    let_go(&block);
    for (int i = 0; i < 3; i++) {
        wait_for_rows(executions[i]);
        v2_execution_unref(executions[i]);
    }
    forget_the_same();
}

static void test_cancelled(void)
{
    struct block block;
    settle();
    engine.small_us = 1;
    hold_up(&block);
    struct v2_execution *execution = make("\"OAuthClientId\"");
    struct v2_progress progress = advance(execution);
    g_assert_cmpint(progress.state, ==, EXECUTION_QUEUED);
    executions_cache_cancel(engine.cache, execution->id);
    let_go(&block);
    hold_up(&block); /* behind it in the queue */
    let_go(&block);
    g_assert_cmpint(look_up(execution->id).kind, ==, V2_NOT_ENDED); /* who cancels says so; the task just stops */
    wait_for_rows(execution);                                       /* who asks all the same is served */
    v2_execution_unref(execution);
    forget_the_same();
}

/* ---- failing ---- */

static void check_failed(struct v2_execution *execution, const char *words)
{
    struct v2_end end = {0};
    for (int ms = 0; end.kind == V2_NOT_ENDED; ms += 5) {
        struct v2_progress progress = advance(execution);
        g_assert_null(progress.outcome);
        v2_progress_clear(&progress);
        end = look_up(execution->id);
        g_assert_cmpint(ms, <, WAIT_MS);
        g_usleep(5000);
    }
    g_assert_cmpint(end.kind, ==, V2_FAILED);
    if (strstr(end.reason, words) == NULL)
        g_error("'%s' says nothing of '%s'", end.reason, words);
    v2_end_clear(&end);
}

static void test_limits(void)
{
    for (uint64_t small = 1; small < 100000; small += 99998) {
        struct v2_execution *execution = make("\"OAuthClientId\",\"UserId\"");
        settle();
        engine.small_us = small;
        engine.groups_max = 3;
        check_failed(execution, "3");
        settle();
        engine.groups_max = 1000;
        v2_execution_unref(execution);
        execution = make("\"OAuthClientId\",\"HttpMethod\"");
        engine.result_bytes_max = 10;
        check_failed(execution, "too many rows");
        settle();
        engine.result_bytes_max = 1 << 24;
        v2_execution_unref(execution);
        forget_the_same();
    }
}

/* There may be room later: it has not failed for good. */
static void test_no_directory(void)
{
    g_autoptr(GError) error = NULL;
    struct v2_progress progress;
    settle();
    engine.small_us = 0;
    struct v2_execution *execution = make("\"OAuthClientId\"");
    engine.directory = "/nowhere/at/all";
    g_assert_false(v2_engine_advance(&engine, reader, caller, execution, &progress, &error));
    g_assert_cmpuint(error->domain, ==, G_FILE_ERROR);
    engine.directory = g_get_tmp_dir();
    wait_for_rows(execution);
    v2_execution_unref(execution);
    forget_the_same();
}

/* In the cache of opened sheets they all are: it is emptied with its owner. */
static void test_lost_sheet(void)
{
    struct v2_execution *execution = make("\"OAuthClientId\"");
    char key[KEYS_MAX];
    settle();
    sheets_free(engine.sheets);
    engine.sheets = sheets_new(1 << 20, NULL, metrics);
    keys_sheet(key, 0, WORLD_DAY - 2, 1);
    world_call(&world, "RENAME %s away", key);
    check_failed(execution, "2026-11-19");
    world_call(&world, "RENAME away %s", key);
    forget_the_same();
    struct v2_execution *again = make("\"OAuthClientId\"");
    wait_for_rows(again);
    v2_execution_unref(execution);
    v2_execution_unref(again);
    forget_the_same();
}

/* Redis is away for a while: nothing has failed for good. */
static void test_away(void)
{
    g_autoptr(GError) error = NULL;
    struct v2_progress progress;
    settle();
    engine.small_us = 0;
    struct v2_execution *execution = make("\"OAuthClientId\",\"TemplateUri\"");
    begin();
    redis_process_kill(&world.server);
    g_assert_false(v2_engine_advance(&engine, reader, caller, execution, &progress, &error));
    g_assert_error(error, REDIS_ERROR, REDIS_ERROR_LOST);
    g_assert_true(progress.outcome == NULL && progress.end.kind == V2_NOT_ENDED);
    v2_execution_unref(execution);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    world_set_up(&world);
    fill();
    const struct redis_settings settings = {world.server.url, 20000, 60000};
    set_up(&settings);
    reader = reader_new(&settings, 1);
    g_test_add_func("/v2_engine/small", test_small);
    g_test_add_func("/v2_engine/large", test_large);
    g_test_add_func("/v2_engine/full", test_full);
    g_test_add_func("/v2_engine/cancelled", test_cancelled);
    g_test_add_func("/v2_engine/limits", test_limits);
    g_test_add_func("/v2_engine/no-directory", test_no_directory);
    g_test_add_func("/v2_engine/lost-sheet", test_lost_sheet);
    g_test_add_func("/v2_engine/away", test_away);
    int code = g_test_run();
    tear_down();
    reader_free(reader);
    world_tear_down(&world);
    return code;
}
