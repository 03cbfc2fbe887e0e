/* Against a real redis-server; the replicas are so many `struct limits`. Where time is given, Redis takes it from them; the oracle
 * is the plain list of what passed. */
#include "api/limits.h"
#include "api/limits_alone.h"
#include "tests/unit/http_client.h"
#include "tests/unit/redis_process.h"

enum { MINUTE_MS = 60000, DAY_MS = 86400000, MINUTE_LATE_MS = 500, DAY_LATE_MS = 900000, REPLICAS_MAX = 4 };
static const int64_t start_ms = INT64_C(1795000000123);
static const struct limits_tier defaults[LIMITS_TIER_N] = {{60, 10000}, {300, 100000}, {1000, 1000000}, {6000, 10000000}};

static struct redis_process server;

/* ---- replicas ---- */

struct replica {
    struct limits *limits;
    struct reader *reader;
};

struct world {
    struct replica replicas[REPLICAS_MAX];
    int n;
    struct caller *caller;
};

static struct reader *open_reader(int timeout_ms)
{
    const struct redis_settings settings = {server.url, timeout_ms, timeout_ms};
    return reader_new(&settings, 1);
}

/* With a caller that Redis has not seen yet. */
static struct world make_world(int n, const struct limits_tier tiers[LIMITS_TIER_N], enum tier tier, bool given_time)
{
    static int callers;
    struct world world = {.n = n};
    g_autofree char *id = g_strdup_printf("caller-%d", callers++);
    world.caller = caller_new(id, id, NULL, NULL, 0, tier);
    for (int i = 0; i < n; i++) {
        world.replicas[i] = (struct replica){limits_new(tiers), open_reader(5000)};
        if (given_time)
            limits_set_given_time(world.replicas[i].limits);
    }
    return world;
}

static struct world make_free_world(int n, uint32_t per_minute, uint64_t per_day)
{
    return make_world(n, (const struct limits_tier[LIMITS_TIER_N]){{per_minute, per_day}}, TIER_FREE, true);
}

static void world_clear(struct world *world)
{
    for (int i = 0; i < world->n; i++) {
        limits_free(world->replicas[i].limits);
        reader_free(world->replicas[i].reader);
    }
    caller_unref(world->caller);
}

/* One request, as a server does it. */
static bool request_as(struct replica *replica, const struct caller *caller, int64_t now_ms, struct limits_state *state)
{
    enum limits_outcome outcome;
    while ((outcome = limits_take(replica->limits, caller, now_ms, state)) == LIMITS_ASK) {
        g_autoptr(GError) error = NULL;
        limits_ask(replica->limits, caller, replica->reader, now_ms, &error);
        g_assert_no_error(error);
    }
    return outcome == LIMITS_ALLOWED;
}

static bool request(struct world *world, int replica, int64_t now_ms)
{
    struct limits_state state;
    return request_as(&world->replicas[replica], world->caller, now_ms, &state);
}

/* ---- the oracle ---- */

static uint64_t passed_since(const GArray *passed, int64_t after_ms)
{
    guint i = passed->len;
    while (i > 0 && g_array_index(passed, int64_t, i - 1) > after_ms)
        i--;
    return passed->len - i;
}

struct rules {
    uint64_t limits[LIMITS_WINDOW_N];
    uint64_t share; /* that a replica may have of its own */
    int replicas;
};

static const int64_t lengths_ms[LIMITS_WINDOW_N] = {MINUTE_MS, DAY_MS};
static const int64_t late_alone_ms[LIMITS_WINDOW_N] = {5000, 3600000};
static const int64_t late_ms[LIMITS_WINDOW_N] = {MINUTE_LATE_MS, DAY_LATE_MS};

static void check_passed(const struct rules *rules, const GArray *passed, int64_t now_ms)
{
    for (int w = 0; w < LIMITS_WINDOW_N; w++)
        g_assert_cmpuint(passed_since(passed, now_ms - lengths_ms[w]), <=,
                         rules->limits[w] + (uint64_t)rules->replicas * rules->share);
}

static void check_refused(const struct rules *rules, const GArray *passed, int64_t now_ms, const struct limits_state *state)
{
    int w = state->window_s == 60 ? LIMITS_MINUTE : LIMITS_DAY;
    uint64_t n = passed_since(passed, now_ms - lengths_ms[w] - late_ms[w]);
    g_assert_cmpuint(n + (uint64_t)(rules->replicas - 1) * rules->share, >=, rules->limits[w]);
    g_assert_cmpuint(state->remaining, ==, 0);
    g_assert_cmpint(state->retry_after_s, >, 0);
    g_assert_cmpint(state->retry_after_s, <=, state->window_s + late_ms[w] / 1000 + 1);
}

static void check_state(const struct limits_state *state, int64_t now_ms, bool alone)
{
    g_assert_cmpuint(state->used + state->remaining, ==, state->limit);
    for (int w = 0; w < LIMITS_WINDOW_N; w++) {
        g_assert_cmpuint(state->windows[w].used + state->windows[w].remaining, ==, state->windows[w].limit);
        g_assert_cmpint(state->windows[w].reset_ms, >, now_ms);
        g_assert_cmpint(state->windows[w].reset_ms, <=, now_ms + lengths_ms[w] + (alone ? late_alone_ms[w] : 0));
    }
}

/* ---- random schedules ---- */

/* Mostly about the mean; now and then longer than a window's minute, or some seconds. */
static int64_t random_pause(GRand *random, int64_t mean_ms)
{
    gint32 mean = (gint32)mean_ms + 1;
    if (g_rand_int_range(random, 0, MAX(MINUTE_MS / mean, 40)) == 0)
        return g_rand_int_range(random, 0, 70 * 1000);
    if (g_rand_int_range(random, 0, MAX(3000 / mean, 40)) == 0)
        return g_rand_int_range(random, 0, 3000);
    return g_rand_int_range(random, 0, 2 * mean);
}

static void run_schedule(guint32 seed, const struct rules *rules, int64_t mean_ms, int steps)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    g_autoptr(GArray) passed = g_array_new(FALSE, FALSE, sizeof(int64_t));
    struct world world = make_free_world(rules->replicas, (uint32_t)rules->limits[LIMITS_MINUTE], rules->limits[LIMITS_DAY]);
    int64_t now_ms = start_ms;
    int refused = 0, replica = 0;
    for (int i = 0; i < steps; i++) {
        struct limits_state state;
        now_ms += g_rand_int_range(random, 0, 4) ? random_pause(random, mean_ms) : 0;
        if (g_rand_int_range(random, 0, 3) == 0)
            replica = g_rand_int_range(random, 0, rules->replicas);
        bool allowed = request_as(&world.replicas[replica], world.caller, now_ms, &state);
        check_state(&state, now_ms, false);
        if (!allowed) {
            refused++;
            check_refused(rules, passed, now_ms, &state);
            if (g_rand_int_range(random, 0, 20))
                continue;
            now_ms += state.retry_after_s * 1000; /* Retry-After is true, on any replica */
            replica = g_rand_int_range(random, 0, rules->replicas);
            g_assert_true(request(&world, replica, now_ms));
        }
        g_array_append_val(passed, now_ms);
        check_passed(rules, passed, now_ms);
    }
    g_test_message("limit %" G_GUINT64_FORMAT " a minute, %" G_GUINT64_FORMAT " a day, replicas %d: passed %u, refused %d",
                   rules->limits[LIMITS_MINUTE], rules->limits[LIMITS_DAY], rules->replicas, passed->len, refused);
    g_assert_cmpint(refused, >, 0);
    world_clear(&world);
}

static void test_minute(void)
{
    static const uint32_t per_minute[] = {1, 19, 60, 300, 6000};
    for (guint32 i = 0; i < G_N_ELEMENTS(per_minute); i++) {
        uint32_t limit = per_minute[i];
        for (int replicas = 1; replicas <= REPLICAS_MAX; replicas += 3) {
            const struct rules rules = {{limit, 1000000}, limit * LIMITS_LEASE_PERCENT / 100, replicas};
            run_schedule(100 * i + (guint32)replicas, &rules, MINUTE_MS / limit / 4, MIN(500 + 6 * (int)limit, 15000));
        }
    }
}

static void test_day(void)
{
    for (int replicas = 1; replicas <= 3; replicas += 2) {
        const struct rules rules = {{100, 1500}, 100 * LIMITS_LEASE_PERCENT / 100, replicas};
        run_schedule(1000 + (guint32)replicas, &rules, DAY_MS / 1500 / 8, 8000);
    }
}

/* ---- what callers see ---- */

static void test_burst(void)
{
    for (int tier = 0; tier < TIER_N; tier++) {
        struct world world = make_world(1, defaults, (enum tier)tier, true);
        for (uint32_t i = 0; i < defaults[tier].per_minute; i++)
            g_assert_true(request(&world, 0, start_ms)); /* exactly: with one replica nothing is left over */
        g_assert_false(request(&world, 0, start_ms));
        world_clear(&world);
    }
}

/* A caller whose requests are few on each replica gets all of its limit, and not one more. */
static void test_evenly(void)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(7);
    for (int round_robin = 0; round_robin < 2; round_robin++) {
        struct world world = make_free_world(3, 60, 10000);
        for (int i = 0; i < 600; i++)
            g_assert_true(request(&world, round_robin ? i % 3 : g_rand_int_range(random, 0, 3), start_ms + 1000 * i));
        g_assert_false(request(&world, 0, start_ms + 599000));
        world_clear(&world);
    }
}

/* Sessions of a caller share an allowance, and leave alone that of its token. */
static void test_sessions(void)
{
    const struct limits_tier tiers[LIMITS_TIER_N] = {[TIER_FREE] = {10, 1000}, [LIMITS_SESSION] = {20, 1000}};
    struct world world = make_world(1, tiers, TIER_FREE, true);
    struct caller *by_token = world.caller, *by_cookie = caller_new_session(by_token);
    for (int turn = 0; turn < 2; turn++) {
        world.caller = turn ? by_cookie : by_token;
        for (int i = 0; i < (turn ? 20 : 10); i++)
            g_assert_true(request(&world, 0, start_ms + i));
        g_assert_false(request(&world, 0, start_ms + 100));
    }
    world.caller = by_token;
    caller_unref(by_cookie);
    world_clear(&world);
}

static void test_polling(void)
{
    for (int tier = 0; tier < TIER_N; tier++) {
        struct world often = make_world(2, defaults, (enum tier)tier, true),
                     seldom = make_world(2, defaults, (enum tier)tier, true);
        int refused = 0;
        for (int i = 0; i < MINUTE_MS / 20; i++)
            refused += !request(&often, i % 2, start_ms + 20 * i);
        g_assert_true((refused > 0) == (tier != TIER_ENTERPRISE));
        for (int i = 0; i < 720; i++)
            g_assert_true(request(&seldom, i % 2, start_ms + 5000 * i));
        world_clear(&often);
        world_clear(&seldom);
    }
}

/* Who goes on asking costs Redis nothing, and is not punished for it. */
static void test_refusal_is_remembered(void)
{
    struct world world = make_free_world(1, 10, 1000);
    struct limits_state state;
    for (int i = 0; i < 10; i++)
        g_assert_true(request(&world, 0, start_ms + 100 * i));
    g_assert_false(request_as(&world.replicas[0], world.caller, start_ms + 1000, &state));
    g_assert_cmpint(state.retry_after_s, ==, 60); /* those of the first half second count as of its end */
    uint64_t asked = reader_asked(world.replicas[0].reader);
    for (int64_t ms = 1000; ms < 60000; ms += 7)
        g_assert_cmpint(limits_take(world.replicas[0].limits, world.caller, start_ms + ms, &state), ==, LIMITS_REFUSED);
    g_assert_cmpuint(reader_asked(world.replicas[0].reader), ==, asked);
    g_assert_true(request(&world, 0, start_ms + 1000 + 60000));
    world_clear(&world);
}

static void test_day_is_named(void)
{
    struct world world = make_free_world(1, 100, 5);
    struct limits_state state;
    for (int i = 0; i < 5; i++)
        g_assert_true(request_as(&world.replicas[0], world.caller, start_ms, &state));
    g_assert_cmpint(state.window_s, ==, 86400);
    g_assert_false(request_as(&world.replicas[0], world.caller, start_ms + 61000, &state));
    g_assert_cmpint(state.window_s, ==, 86400);
    g_assert_cmpint(state.retry_after_s, ==, 86400 - 61);
    g_assert_cmpuint(state.windows[LIMITS_MINUTE].remaining, ==, 100);
    world_clear(&world);
}

static void test_tier_changes(void)
{
    struct world world = make_world(1, defaults, TIER_FREE, true);
    for (int i = 0; i < 60; i++)
        g_assert_true(request(&world, 0, start_ms));
    g_assert_false(request(&world, 0, start_ms));
    struct caller *raised = caller_new(world.caller->id, "", NULL, NULL, 0, TIER_STARTER);
    struct limits_state state;
    g_assert_true(request_as(&world.replicas[0], raised, start_ms, &state));
    g_assert_cmpuint(state.used, ==, 61);
    for (int i = 0; i < 200; i++)
        g_assert_true(request_as(&world.replicas[0], raised, start_ms + 5000, &state));
    g_assert_false(request_as(&world.replicas[0], world.caller, start_ms + 5000, &state));
    g_assert_cmpuint(state.used, ==, 60); /* not over the limit, for what is said */
    g_assert_cmpint(state.retry_after_s, ==, 60);
    caller_unref(raised);
    world_clear(&world);
}

/* Clocks of replicas may differ: that of Redis counts. */
static void test_clock_of_redis(void)
{
    struct world world = make_world(3, defaults, TIER_STARTER, false);
    int64_t now_ms = g_get_real_time() / 1000, first_us = g_get_monotonic_time();
    uint64_t passed = 0;
    for (int i = 0; i < 1200; i++)
        passed += request(&world, i % 3, now_ms + (i % 3 - 1) * DAY_MS);
    g_assert_cmpuint(passed, >=, 300 - 2 * 15);
    if (g_get_monotonic_time() - first_us < 60 * G_TIME_SPAN_SECOND)
        g_assert_cmpuint(passed, <=, 300);
    world_clear(&world);
}

static void test_clock_goes_back(void)
{
    struct world world = make_free_world(1, 10, 1000);
    int64_t now_ms = start_ms;
    for (int i = 0; i < 10; i++)
        g_assert_true(request(&world, 0, now_ms));
    now_ms -= 3600 * 1000; /* of this replica and of Redis: what was lies in the future, and counts from now */
    g_assert_false(request(&world, 0, now_ms));
    g_assert_true(request(&world, 0, now_ms + MINUTE_MS));
    world_clear(&world);
}

/* ---- bounds and threads ---- */

static void test_slots_are_bounded(void)
{
    struct world world = make_free_world(1, 1, 1000);
    struct limits *limits = world.replicas[0].limits;
    struct limits_state state;
    struct caller *other = caller_new("other", "", NULL, NULL, 0, TIER_FREE);
    g_assert_true(request(&world, 0, start_ms));
    g_assert_true(request_as(&world.replicas[0], other, start_ms, &state));
    g_assert_false(request(&world, 0, start_ms));
    g_assert_false(request_as(&world.replicas[0], other, start_ms, &state));
    for (int i = 0; i < LIMITS_SLOTS_MAX * 5 / 4; i++) {
        g_autofree char *id = g_strdup_printf("crowd-%d", i);
        struct caller *caller = caller_new(id, "", NULL, NULL, 0, TIER_FREE);
        g_assert_cmpint(limits_take(limits, caller, start_ms, &state), ==, LIMITS_ASK);
        caller_unref(caller);
        if (i % 1000 == 0)
            g_assert_cmpint(limits_take(limits, world.caller, start_ms, &state), ==, LIMITS_REFUSED);
    }
    g_assert_cmpint(limits_take(limits, world.caller, start_ms, &state), ==, LIMITS_REFUSED); /* asked for now and then */
    g_assert_cmpint(limits_take(limits, other, start_ms, &state), ==, LIMITS_ASK);            /* forgotten */
    g_assert_false(request_as(&world.replicas[0], other, start_ms, &state));                  /* but not by Redis */
    caller_unref(other);
    world_clear(&world);
}

struct hammer {
    struct limits *limits;
    struct caller *caller;
    guint passed;
};

static void *hammer(void *opaque)
{
    struct hammer *hammer = opaque;
    struct replica replica = {hammer->limits, open_reader(5000)};
    struct limits_state state;
    while (request_as(&replica, hammer->caller, start_ms, &state))
        hammer->passed++;
    reader_free(replica.reader);
    return NULL;
}

static void test_threads(void)
{
    enum { THREADS = 6 };
    struct world world = make_world(2, defaults, TIER_ENTERPRISE, true);
    struct hammer hammers[THREADS];
    GThread *threads[THREADS];
    guint passed = 0;
    for (int i = 0; i < THREADS; i++) {
        hammers[i] = (struct hammer){world.replicas[i % 2].limits, world.caller, 0};
        threads[i] = g_thread_new("hammer", hammer, &hammers[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        g_thread_join(threads[i]);
        passed += hammers[i].passed;
    }
    g_assert_cmpuint(passed, <=, 6000);
    g_assert_cmpuint(passed, >=, 6000 - 300);
    world_clear(&world);
}

/* ---- Redis ---- */

static void redis_do(const char *text)
{
    const struct redis_settings settings = {server.url, 20000, 60000};
    g_autoptr(GError) error = NULL;
    struct redis *redis = redis_connect(&settings, NULL, &error);
    g_assert_no_error(error);
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    struct view argv[8];
    guint n = g_strv_length(words);
    g_assert_cmpuint(n, <=, G_N_ELEMENTS(argv));
    for (guint i = 0; i < n; i++)
        argv[i] = view_of(words[i]);
    struct redis_reply *reply = redis_command(redis, n, argv, &error);
    g_assert_no_error(error);
    redis_reply_free(reply);
    redis_free(redis);
}

/* A transaction that is torn in the append-only file would be a danger to all that Redis keeps. */
static void test_one_write(void)
{
    struct world world = make_free_world(1, 100, 1000);
    g_autofree char *expire = g_strdup_printf("PEXPIRE {daybook}:limit:%s 1", world.caller->id);
    g_autofree char *file = g_strdup_printf("%s/appendonlydir/appendonly.aof.1.incr.aof", server.dir), *log = NULL;
    gsize size;
    redis_do("DEBUG SET-ACTIVE-EXPIRE 0");
    for (int i = 0; i < 20; i++) {
        g_assert_true(request(&world, 0, start_ms + 5000 * i));
        redis_do(expire);
        g_usleep(5000); /* expired, and not yet gone */
    }
    redis_do("DEBUG SET-ACTIVE-EXPIRE 1");
    g_assert_true(g_file_get_contents(file, &log, &size, NULL));
    g_assert_nonnull(memmem(log, size, "PXAT", 4));
    g_assert_null(memmem(log, size, "MULTI", 5));
    world_clear(&world);
}

/* Something else under the key is as good as nothing. */
static void test_foreign_value(void)
{
    struct world world = make_free_world(1, 1, 1000);
    g_autofree char *set = g_strdup_printf("SET {daybook}:limit:%s \x93garbage", world.caller->id);
    redis_do(set);
    g_assert_true(request(&world, 0, start_ms));
    g_assert_false(request(&world, 0, start_ms));
    world_clear(&world);
}

/* As a server does it while Redis is away. */
static bool request_away(struct world *world, struct reader *reader, int64_t now_ms, int *asked, struct limits_state *state)
{
    enum limits_outcome outcome;
    while ((outcome = limits_take(world->replicas[0].limits, world->caller, now_ms, state)) == LIMITS_ASK) {
        g_assert_false(limits_ask(world->replicas[0].limits, world->caller, reader, now_ms, NULL));
        ++*asked;
    }
    return outcome == LIMITS_ALLOWED;
}

static void test_redis_away(void)
{
    struct world world = make_free_world(1, 20, 1000);
    struct limits_state state;
    struct reader *hasty = open_reader(50);
    g_assert_true(request(&world, 0, start_ms));
    redis_process_hang(&server);
    int asked = 0, passed = 0;
    for (int ms = 0; ms < 10000; ms += 20) {
        passed += request_away(&world, hasty, start_ms + 1000 + ms, &asked, &state);
        check_state(&state, start_ms + 1000 + ms, true);
    }
    g_assert_cmpint(passed, ==, 20); /* kept alone */
    g_assert_cmpint(asked, <=, 6);   /* one request in 2 s looks for Redis */
    g_assert_cmpint(state.retry_after_s, >, 50);
    g_assert_true(request_away(&world, hasty, start_ms + 11000 + state.retry_after_s * 1000, &asked, &state));
    kill(server.pid, SIGCONT);
    int64_t later_ms = start_ms + 200000;
    for (int i = 0; i < 20; i++)
        g_assert_true(request(&world, 0, later_ms));
    g_assert_false(request(&world, 0, later_ms));
    reader_free(hasty);
    world_clear(&world);
}

static void test_alone(void)
{
    for (guint32 seed = 0; seed < 20; seed++) {
        g_autoptr(GRand) random = g_rand_new_with_seed(seed);
        g_autoptr(GArray) passed = g_array_new(FALSE, FALSE, sizeof(int64_t));
        struct limits_alone alone = {0};
        const uint64_t limits[LIMITS_WINDOW_N] = {1 + (guint64)g_rand_int_range(random, 0, 60), 400};
        const struct rules rules = {{limits[0], limits[1]}, 0, 1};
        int64_t now_ms = start_ms;
        for (int i = 0; i < 5000; i++) {
            struct limits_use uses[LIMITS_WINDOW_N] = {{.limit = limits[0]}, {.limit = limits[1]}};
            now_ms += random_pause(random, seed % 2 ? 60000 : 500);
            if (limits_alone_take(&alone, now_ms, uses)) {
                g_array_append_val(passed, now_ms);
                check_passed(&rules, passed, now_ms);
                continue;
            }
            bool full = false;
            for (int w = 0; w < LIMITS_WINDOW_N; w++)
                full |= passed_since(passed, now_ms - lengths_ms[w] - late_alone_ms[w]) >= limits[w];
            g_assert_true(full);
            if (uses[LIMITS_DAY].remaining > 0) {
                struct limits_alone copy = alone;
                g_assert_true(limits_alone_take(&copy, uses[LIMITS_MINUTE].reset_ms, uses));
            }
        }
    }
}

/* ---- headers ---- */

static void answer_limits(struct http_request *request, void *opaque)
{
    limits_headers(opaque, request);
    http_respond(request, 200, "text/plain", "", 0);
}

static void test_headers(void)
{
    g_autoptr(GError) error = NULL;
    struct limits_state state = {.windows = {{60, 37, 23, 0}, {10000, 37, 9963, 0}},
                                 .limit = 60,
                                 .used = 37,
                                 .remaining = 23,
                                 .reset_ms = INT64_C(1795000012001),
                                 .window_s = 60,
                                 .reset_after_s = 12};
    static const char *const lines[] = {
        "inin-ratelimit-count: 37",        "inin-ratelimit-allowed: 60",
        "inin-ratelimit-reset: 12",        "x-ratelimit-limit: 60",
        "x-ratelimit-remaining: 23",       "x-ratelimit-reset: 1795000013",
        "ratelimit: \"minute\";r=23;t=12", "ratelimit-policy: \"minute\";q=60;w=60, \"day\";q=10000;w=86400"};
    const struct http_settings settings = {
        .address = "127.0.0.1", .body_max_bytes = 1, .threads = 1, .connections_max = 10, .idle_timeout_s = 10};
    struct http_server *http = http_server_start(&settings, answer_limits, &state, &error);
    g_assert_no_error(error);
    struct http_client client;
    struct http_answer answer;
    http_client_init(&client, http_server_port(http));
    http_client_send(&client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    http_client_receive(&client, TRUE, &answer);
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autofree char *line = g_strdup_printf("\r\n%s\r\n", lines[i]);
        g_assert_nonnull(strstr(answer.head, line));
    }
    http_answer_clear(&answer);
    http_client_clear(&client);
    http_server_stop(http);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    redis_process_start(&server, 0, NULL, "--appendonly", "yes", "--appendfsync", "no", "--enable-debug-command", "local");
    g_test_add_func("/limits/minute", test_minute);
    g_test_add_func("/limits/day", test_day);
    g_test_add_func("/limits/burst", test_burst);
    g_test_add_func("/limits/evenly", test_evenly);
    g_test_add_func("/limits/sessions", test_sessions);
    g_test_add_func("/limits/polling", test_polling);
    g_test_add_func("/limits/refusal-is-remembered", test_refusal_is_remembered);
    g_test_add_func("/limits/day-is-named", test_day_is_named);
    g_test_add_func("/limits/tier-changes", test_tier_changes);
    g_test_add_func("/limits/clock-of-redis", test_clock_of_redis);
    g_test_add_func("/limits/clock-goes-back", test_clock_goes_back);
    g_test_add_func("/limits/slots-are-bounded", test_slots_are_bounded);
    g_test_add_func("/limits/threads", test_threads);
    g_test_add_func("/limits/one-write", test_one_write);
    g_test_add_func("/limits/foreign-value", test_foreign_value);
    g_test_add_func("/limits/redis-away", test_redis_away);
    g_test_add_func("/limits/alone", test_alone);
    g_test_add_func("/limits/headers", test_headers);
    int code = g_test_run();
    redis_process_clear(&server);
    return code;
}
