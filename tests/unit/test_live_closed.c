/* The same question has the same answer, byte for byte, whatever of a day is in buckets and whatever in its sheet. */
#include "api/live.h"
#include "api/meters.h"
#include "api/members.h"
#include "api/usage_answer.h"
#include "tests/unit/closed_world.h"

enum { TODAY = 20778, YESTERDAY = TODAY - 1, OLD = TODAY - 5 };

static struct world world;
static struct reader *reader;
static struct metrics *metrics;
static struct live_sources sources;
static struct live_cache *cache;
static const int64_t now_ms = INT64_C(1795257421000); /* 2026-11-21T10:37:01 */

static void begin(void)
{
    g_autoptr(GError) error = NULL;
    reader_begin(reader, g_get_monotonic_time() + 600 * G_TIME_SPAN_SECOND, &error);
    g_assert_no_error(error);
}

static void fill(void)
{
    static const int64_t days[] = {OLD, OLD + 1, YESTERDAY - 1, YESTERDAY, TODAY};
    GRand *rand = g_rand_new_with_seed((guint32)g_test_rand_int());
    const struct view flush[] = {view_of("FLUSHALL")};
    world_do(&world, 1, flush);
    world_set(&world, "HSET", "daybook:topic", "partitions", "1");
    g_array_set_size(world.events, 0);
    for (guint i = 0; i < G_N_ELEMENTS(days); i++)
        for (int n = 0; n < 40; n++)
            world_add(&world, rand, days[i], days[i] < TODAY && n % 8 == 0 ? 2 : 1);
    for (guint i = 0; i < G_N_ELEMENTS(days); i++)
        for (int revision = 1; revision <= 2; revision++)
            world_write(&world, days[i], revision);
    g_rand_free(rand);
}

/* ---- the answers to many questions ---- */

static void append_answer(GString *all, const struct usage_params *params)
{
    g_autoptr(GError) error = NULL;
    struct refusal refusal = {0};
    struct live live;
    const struct usage_rates rates = {.limits = NULL};
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    struct endpoints *endpoints = params->endpoint != NULL ? endpoints_new_exact(params->endpoint) : NULL;
    const struct live_question question = {
        .sources = &sources,
        .reader = reader,
        .scope = {.organization = params->organization, .key = params->key, .endpoints = endpoints},
        .params = params,
        .now_ms = now_ms,
    };
    begin();
    enum live_outcome outcome = live_read(&live, &question, &refusal, &error);
    g_assert_no_error(error);
    if (outcome == LIVE_ANSWERED) {
        g_assert_cmpuint(live.settled, ==, 0);
        usage_answer_write(all, &(struct usage_report){live.table, params, &live.finality, &rates, none, NULL});
        live_clear(&live);
    } else {
        g_string_append(all, refusal.code);
    }
    g_string_append_c(all, '\n');
    endpoints_free(endpoints);
    refusal_clear(&refusal);
}

static char *answers(void)
{
    static const struct {
        const char *key, *organization, *endpoint;
    } choices[] = {{NULL, NULL, NULL},
                   {"c-1", NULL, NULL},
                   {"c-3", "globex", NULL},
                   {NULL, "acme", NULL},
                   {NULL, NULL, "POST /v1/orders"},
                   {NULL, NULL, KEYS_OTHER},
                   {"{other}", NULL, NULL},
                   {"nobody", NULL, NULL},
                   {"c-3", "acme", NULL}};
    static const struct {
        int timeframe, granularity;
    } windows[] = {{USAGE_1H, CIVIL_MINUTE}, {USAGE_24H, CIVIL_MINUTE}, {USAGE_24H, CIVIL_HOUR},
                   {USAGE_7D, CIVIL_HOUR},   {USAGE_30D, CIVIL_DAY},    {USAGE_ALL, CIVIL_DAY}};
    GString *all = g_string_new(NULL);
    for (guint i = 0; i < G_N_ELEMENTS(choices); i++)
        for (guint k = 0; k < G_N_ELEMENTS(windows); k++) {
            struct usage_params params = {.key = (char *)choices[i].key,
                                          .organization = (char *)choices[i].organization,
                                          .endpoint = (char *)choices[i].endpoint,
                                          .timeframe = windows[k].timeframe,
                                          .granularity = windows[k].granularity,
                                          .limit = 100};
            append_answer(all, &params);
        }
    return g_string_free(all, FALSE);
}

/* Without what is kept, with it, and with what was kept the last time. */
static void expect_answers(const char *wanted, const char *when)
{
    for (int n = 0; n < 3; n++) {
        sources.cache = n > 0 ? cache : NULL;
        g_autofree char *seen = answers();
        if (strcmp(seen, wanted) != 0)
            g_error("other answers %s:\n%s\nwanted:\n%s", when, seen, wanted);
    }
    sources.cache = NULL;
}

static void test_the_same_bytes(void)
{
    static const int64_t days[] = {OLD, OLD + 1, YESTERDAY - 1, YESTERDAY};
    fill();
    g_autofree char *wanted = answers();
    g_assert_nonnull(strstr(wanted, "NO_USAGE_DATA"));
    for (guint i = 0; i < G_N_ELEMENTS(days); i++) {
        world_state(&world, days[i], 1, 0);
        expect_answers(wanted, "when a day is sealed and has no sheet");
        world_seal(&world, days[i], 1);
        expect_answers(wanted, "beside the buckets");
    }
    for (guint i = 0; i < 2; i++)
        world_remove(&world, days[i], 1);
    expect_answers(wanted, "when old buckets are gone");
    for (guint i = 0; i < G_N_ELEMENTS(days); i++)
        world_seal(&world, days[i], 2);
    expect_answers(wanted, "when late events are in sheets");
    for (guint i = 0; i < 2; i++)
        world_remove(&world, days[i], 2);
    expect_answers(wanted, "when their buckets are gone");
}

/* ---- what changes between two reads ---- */

static struct closed *read_closed(int64_t first, int64_t last)
{
    g_autoptr(GError) error = NULL;
    struct closed *closed = closed_read(reader, first, last, &error);
    g_assert_no_error(error);
    return closed;
}

static bool is_same(const struct closed *closed, const GArray *generations)
{
    g_autoptr(GError) error = NULL;
    bool same;
    closed_compare(closed, reader, generations, &same, &error);
    g_assert_no_error(error);
    return same;
}

static void test_compare(void)
{
    g_autoptr(GError) error = NULL;
    fill();
    begin();
    GArray *generations = members_generations(reader, &error);
    struct closed *before = read_closed(OLD, OLD + 3);
    g_assert_cmpuint(before->sheets->len, ==, 0);
    g_assert_true(is_same(before, generations));
    world_seal(&world, OLD, 1);
    g_assert_true(is_same(before, generations)); /* its buckets are all there */
    g_assert_false(is_same(before, NULL));
    world_set(&world, "HDEL", "{p0}:due", "g:20773.1:0", NULL); /* now they begin to go */
    g_assert_false(is_same(before, generations));
    closed_free(before);
    before = read_closed(OLD, OLD + 3);
    g_assert_cmpint(closed_revision(before, 0, OLD), ==, 1);
    g_assert_cmpint(closed_revision(before, 0, OLD + 1), ==, 0);
    g_assert_cmpint(closed_revision(before, 1, OLD), ==, 0);
    g_assert_true(is_same(before, generations)); /* the sheet was used: what goes does not matter */
    world_seal(&world, YESTERDAY, 1);
    world_set(&world, "HDEL", "{p0}:due", "g:20777.1:0", NULL);
    g_assert_true(is_same(before, generations)); /* of another day */
    world_state(&world, OLD, 1, 0);
    g_assert_false(is_same(before, generations)); /* Redis was put back */
    closed_free(before);
    g_array_free(generations, TRUE);
}

static void test_torn(void)
{
    fill();
    world_seal(&world, OLD, 1);
    world_state(&world, OLD, 2, 2);
    begin();
    struct closed *closed = read_closed(OLD, OLD);
    g_assert_nonnull(closed_torn(closed));
    g_assert_cmpint(closed_torn(closed)->name.revision, ==, 2);
    g_assert_false(is_same(closed, NULL));
    closed_free(closed);
    world_state(&world, OLD, 2, 1);
    closed = read_closed(CLOSED_FIRST_DAY, CLOSED_LAST_DAY); /* the other way of asking */
    g_assert_null(closed_torn(closed));
    g_autoptr(GPtrArray) wanted = closed_between(closed, OLD, OLD);
    g_assert_cmpuint(wanted->len, ==, 1);
    closed_free(closed);
}

static void test_damaged_states(void)
{
    g_autoptr(GError) error = NULL;
    fill();
    begin();
    world_set(&world, "HSET", "{p0}:days", "20773", "1 2 0 0");
    g_assert_null(closed_read(reader, OLD, OLD, &error));
    g_assert_error(error, READER_ERROR, READER_ERROR_DATA);
    g_clear_error(&error);
    world_state(&world, OLD, 1, 1);
    world_set(&world, "HSET", "{p0}:closed", "20773.1", "nonsense");
    begin();
    g_assert_null(closed_read(reader, OLD, OLD, &error));
    g_assert_error(error, READER_ERROR, READER_ERROR_DATA);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    world_start(&world);
    const struct redis_settings settings = {world.server.url, 20000, 60000};
    reader = reader_new(&settings, 1);
    metrics = metrics_new(api_meters, METER_N);
    sources = (struct live_sources){.sheets = sheets_new(1 << 20, NULL, metrics), .ledger = ledger_cache_new(), .threads = 2};
    cache = live_cache_new(1 << 24);
    g_test_add_func("/live_closed/the-same-bytes", test_the_same_bytes);
    g_test_add_func("/live_closed/compare", test_compare);
    g_test_add_func("/live_closed/torn", test_torn);
    g_test_add_func("/live_closed/damaged-states", test_damaged_states);
    int code = g_test_run();
    live_cache_free(cache);
    sheets_free(sources.sheets);
    ledger_cache_free(sources.ledger);
    metrics_free(metrics);
    reader_free(reader);
    world_clear(&world);
    return code;
}
