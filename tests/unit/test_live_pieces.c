/* What is answered with kept pieces, and from sums where a slot has them, is what is answered without, from rows, whatever was
 * counted, closed, put back or asked in between. The writer here writes as the aggregator does: the commit, buckets of slots, the
 * slot's sums, sorted set and total, minutes, meta, and that all is applied. */
#include "api/live.h"
#include "api/live_pieces.h"
#include "api/meters.h"
#include "api/usage_answer.h"
#include "tests/unit/closed_world.h"

enum { TODAY = 20778, YESTERDAY = TODAY - 1 };

static struct world world;
static struct reader *reader;
static struct metrics *metrics;
static struct live_sources plain, kept; /* without, and with memory for pieces */
static int64_t now_ms;
static GRand *source;

/* ---- writing ---- */

static char token[33];

static void own(void)
{
    world_set(&world, "HSET", "{p0}:commit", "tok", token);
    world_set(&world, "HSET", "{p0}:commit", "state", "live");
}

/* A partition is claimed under a token that never was before. */
static void claim(void)
{
    g_snprintf(token, sizeof token, "%08x%08x%08x%08x", g_rand_int(source), g_rand_int(source), g_rand_int(source),
               g_rand_int(source));
    own();
}

static void commit(void)
{
    world_set(&world, "HINCRBY", "{p0}:commit", "n", "1");
}

static void applied(void)
{
    world_set(&world, "HINCRBY", "{p0}:commit", "applied", "1");
}

/* What the bucket holds after an event, which is in the list already. */
static void sum(const struct world_event *event, bool slot, struct measure *total)
{
    int64_t unit = slot ? KEYS_SLOT_MS : KEYS_MINUTE_MS;
    measure_init(total);
    for (guint i = 0; i < world.events->len; i++) {
        const struct world_event *other = &g_array_index(world.events, struct world_event, i);
        if (other->time_ms / unit == event->time_ms / unit && other->revision == event->revision &&
            other->client == event->client && (!slot || other->route == event->route))
            measure_add(total, other->status, other->latency_us, 3, other->bytes, true);
    }
}

static void write_sum(const struct world_event *event, bool slot, const char *key, int field)
{
    struct measure total;
    char name[16];
    g_autoptr(GString) text = g_string_new(NULL);
    g_snprintf(name, sizeof name, "%d", field);
    sum(event, slot, &total);
    if (slot)
        g_string_append_printf(text, "%d.0.0 ", field);
    measure_format(&total, text);
    if (slot)
        g_string_append_c(text, '\n');
    world_set(&world, "HSET", key, name, text->str);
    measure_clear(&total);
}

/* Some slots were begun before there were sums. */
static bool has_sums(const struct world_event *event)
{
    return world_slot(event) % 3 != 0;
}

enum sum_of { OF_CLIENT, OF_ROUTE, OF_MINUTES };

static bool is_in_sum(const struct world_event *event, const struct world_event *other, enum sum_of what)
{
    return other->time_ms / KEYS_SLOT_MS == event->time_ms / KEYS_SLOT_MS && other->revision == event->revision &&
           (what == OF_MINUTES || (what == OF_CLIENT ? other->client == event->client : other->route == event->route));
}

/* What the event's slot comes to, the event in it: of its client, of its route, or by minute. */
static void write_slot_sum(const struct world_event *event, enum sum_of what)
{
    char key[KEYS_MAX];
    struct measure total;
    uint64_t minutes[KEYS_SLOT_MINUTES] = {0};
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *client = g_strdup_printf("c%d", event->client + 1),
                    *route = g_strdup_printf("r%s", world_routes[event->route]);
    measure_init(&total);
    for (guint i = 0; i < world.events->len; i++) {
        const struct world_event *other = &g_array_index(world.events, struct world_event, i);
        if (!is_in_sum(event, other, what))
            continue;
        measure_add(&total, other->status, other->latency_us, 3, other->bytes, true);
        minutes[other->time_ms % KEYS_SLOT_MS / KEYS_MINUTE_MS]++;
    }
    for (int i = 0; what == OF_MINUTES && i < KEYS_SLOT_MINUTES; i++)
        g_string_append_printf(text, i > 0 ? " %d" : "%d", (int)minutes[i]);
    if (what != OF_MINUTES)
        measure_format(&total, text);
    keys_slot_sums(key, 0, event->time_ms / CIVIL_DAY_MS, event->revision, world_slot(event));
    world_set(&world, "HSET", key, what == OF_CLIENT ? client : what == OF_ROUTE ? route : "m", text->str);
    measure_clear(&total);
}

enum { STEPS = 12 };

/* One step of what applies an event; false: it was the last. */
static bool apply(const struct world_event *event, int step)
{
    int64_t day = event->time_ms / CIVIL_DAY_MS, minute = event->time_ms / KEYS_MINUTE_MS;
    char key[KEYS_MAX], symbol[16], count[64];
    g_snprintf(symbol, sizeof symbol, "%d", event->client + 1);
    g_snprintf(count, sizeof count, "cnt:%d.%d", (int)day, event->revision);
    switch (step) {
    case 0:
        commit();
        return true;
    case 1:
        world_names(&world, day, event->revision, event->client);
        return true;
    case 2:
        keys_slot(key, 0, day, event->revision, world_slot(event), (uint32_t)event->client + 1);
        write_sum(event, true, key, event->route + 1);
        return true;
    case 3:
    case 4:
    case 5: /* one after the other, as what is too much for one command is written */
        if (has_sums(event))
            write_slot_sum(event, (enum sum_of)(OF_CLIENT + step - 3));
        return true;
    case 6:
        keys_slot_clients(key, 0, day, event->revision, world_slot(event));
        world_set(&world, "ZINCRBY", key, "1", symbol);
        return true;
    case 7:
        g_snprintf(symbol, sizeof symbol, "%d", world_slot(event));
        keys_totals(key, 0, day, event->revision);
        world_set(&world, "HINCRBY", key, symbol, "1");
        return true;
    case 8:
        keys_minute(key, 0, minute, event->revision, 0);
        write_sum(event, false, key, event->client + 1);
        return true;
    case 9:
        keys_minute_clients(key, 0, minute, event->revision);
        world_set(&world, "ZINCRBY", key, "1", symbol);
        return true;
    case 10:
        world_set(&world, "HINCRBY", "{p0}:meta", count, "1");
        return true;
    default:
        applied();
        return false;
    }
}

static void count(int64_t day, int revision, int64_t time_ms)
{
    world_add(&world, source, day, revision);
    struct world_event *event = &g_array_index(world.events, struct world_event, world.events->len - 1);
    event->time_ms = time_ms >= 0 ? time_ms : event->time_ms;
    for (int step = 0; apply(event, step);)
        step++;
}

/* Another log: nothing of what was counted, in Redis that is; the owner is not known yet. */
static void clear(void)
{
    const struct view flush[] = {view_of("FLUSHALL")};
    world_do(&world, 1, flush);
    world_set(&world, "HSET", "daybook:topic", "partitions", "1");
    g_array_set_size(world.events, 0);
    now_ms = INT64_C(1795257421000); /* 2026-11-21T10:37:01 */
}

/* ---- asking ---- */

static void answer(GString *all, const struct live_sources *sources, const struct usage_params *params)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    const struct usage_rates rates = {.limits = NULL};
    struct refusal refusal = {0};
    struct live live;
    const struct live_question question = {.sources = sources,
                                           .reader = reader,
                                           .scope = {.organization = params->organization, .key = params->key},
                                           .params = params,
                                           .now_ms = now_ms};
    reader_begin(reader, g_get_monotonic_time() + 600 * G_TIME_SPAN_SECOND, &error);
    g_assert_no_error(error);
    enum live_outcome outcome = live_read(&live, &question, &refusal, &error);
    g_assert_no_error(error);
    if (outcome == LIVE_ANSWERED) {
        usage_answer_write(all, &(struct usage_report){live.table, params, &live.finality, &rates, none, NULL});
        live_clear(&live);
    } else {
        g_string_append(all, refusal.code);
    }
    g_string_append_c(all, '\n');
    refusal_clear(&refusal);
}

static char *answers(const struct live_sources *sources)
{
    static const char *const keys[] = {NULL, "c-1", NULL, "nobody"}, *const organizations[] = {NULL, NULL, "acme", NULL};
    static const struct {
        int timeframe, granularity;
    } windows[] = {{USAGE_1H, CIVIL_MINUTE}, {USAGE_24H, CIVIL_HOUR}, {USAGE_30D, CIVIL_DAY}, {USAGE_ALL, CIVIL_WEEK}};
    GString *all = g_string_new(NULL);
    for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
        for (guint k = 0; k < G_N_ELEMENTS(windows); k++) {
            const struct usage_params params = {.key = (char *)keys[i],
                                                .organization = (char *)organizations[i],
                                                .timeframe = windows[k].timeframe,
                                                .granularity = windows[k].granularity,
                                                .limit = 100};
            answer(all, sources, &params);
        }
    return g_string_free(all, FALSE);
}

/* Says where two texts part. */
static void expect_text(const char *seen, const char *wanted, const char *when)
{
    size_t at = 0, line = 0;
    while (seen[at] != '\0' && seen[at] == wanted[at])
        line += seen[at++] == '\n';
    if (seen[at] != wanted[at])
        g_error("%s, question %zu: with what is kept …%.300s, without …%.300s", when, line, seen + MAX(at, 200) - 200,
                wanted + MAX(at, 200) - 200);
}

static void expect_same(const char *when)
{
    g_autofree char *wanted = answers(&plain), *first = answers(&kept), *second = answers(&kept);
    expect_text(first, wanted, when);
    expect_text(second, wanted, when);
}

/* Commands that all the questions cost. */
static uint64_t cost(const struct live_sources *sources)
{
    uint64_t before = reader_asked(reader);
    g_free(answers(sources));
    return reader_asked(reader) - before;
}

/* ---- tests ---- */

static void test_less_is_read(void)
{
    clear();
    claim();
    for (int i = 0; i < 200; i++)
        count(i % 2 ? TODAY : YESTERDAY, 1, -1);
    uint64_t whole = cost(&plain);
    g_assert_cmpuint(cost(&kept), <, whole); /* the questions have pieces in common */
    uint64_t again = cost(&kept);
    g_assert_cmpuint(again, <, whole / 2);
    g_assert_cmpuint(cost(&kept), ==, again);
    g_assert_cmpuint(live_cache_bytes(kept.cache), >, 0);
}

static uint64_t cost_of_one(void)
{
    const struct usage_params params = {
        .key = (char *)"c-1", .organization = (char *)"acme", .timeframe = USAGE_24H, .granularity = CIVIL_HOUR, .limit = 100};
    g_autoptr(GString) text = g_string_new(NULL);
    uint64_t before = reader_asked(reader);
    answer(text, &kept, &params);
    return reader_asked(reader) - before;
}

/* While nothing is written a question costs the number of partitions, and one stamp for each. */
static void test_nothing_is_read(void)
{
    clear();
    claim();
    for (int i = 0; i < 200; i++)
        count(i % 2 ? TODAY : YESTERDAY, 1, -1);
    g_assert_cmpuint(cost_of_one(), >, 10);
    g_assert_cmpuint(cost_of_one(), ==, 2);
    commit(); /* a flush is being applied: its base is nobody else's */
    g_assert_cmpuint(cost_of_one(), >, 2);
    g_assert_cmpuint(cost_of_one(), >, 2);
    applied();
    g_assert_cmpuint(cost_of_one(), >, 2);
    g_assert_cmpuint(cost_of_one(), ==, 2);
}

/* A generation that was begun before there were totals: they are of fewer events than it has. */
static void test_without_totals(void)
{
    char key[KEYS_MAX];
    clear();
    claim();
    for (int i = 0; i < 40; i++)
        count(TODAY, 1, -1);
    keys_totals(key, 0, TODAY, 1);
    commit();
    world_delete(&world, key);
    applied();
    expect_same("without totals");
    for (int i = 0; i < 5; i++) {
        count(TODAY, 1, -1);
        expect_same("with totals of some slots");
    }
}

/* Sums that another version has left behind: they are of fewer requests than were counted. */
static void test_old_sums(void)
{
    char key[KEYS_MAX];
    clear();
    claim();
    for (int i = 0; i < 40; i++)
        count(TODAY, 1, -1);
    const struct world_event event = g_array_index(world.events, struct world_event, 0);
    keys_slot_sums(key, 0, TODAY, 1, world_slot(&event));
    world_set(&world, "HSET", key, "m", "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0");
    expect_same("with minutes that say less");
    world_delete(&world, key);
    expect_same("without sums of a slot");
}

/* A question over all clients reads no rows. */
static void test_sums_are_read(void)
{
    clear();
    claim();
    for (int i = 0; i < 100; i++)
        count(TODAY, 1, TODAY * CIVIL_DAY_MS + KEYS_SLOT_MS + i);
    world_delete(&world, "{p0}:s:20778.1:1:1");
    const struct usage_params params = {.timeframe = USAGE_24H, .granularity = CIVIL_HOUR, .limit = 100};
    g_autoptr(GString) text = g_string_new(NULL);
    answer(text, &kept, &params);
    g_assert_nonnull(strstr(text->str, "\"totalRequests\":100"));
}

/* Without an owner, or while the partition is restored, nothing is kept. */
static void test_no_owner(void)
{
    clear();
    claim();
    for (int i = 0; i < 50; i++)
        count(TODAY, 1, -1);
    world_set(&world, "HSET", "{p0}:commit", "state", "restoring");
    expect_same("while it is restored");
    size_t bytes = live_cache_bytes(kept.cache);
    world_set(&world, "HDEL", "{p0}:commit", "tok", NULL);
    expect_same("without a token");
    g_assert_cmpuint(live_cache_bytes(kept.cache), ==, bytes);
}

/* Asked between all the commands that apply an event: then nothing is compared, but what was kept then must not show later. */
static void test_in_the_middle(void)
{
    clear();
    claim();
    for (int i = 0; i < 60; i++) {
        world_add(&world, source, i % 3 ? TODAY : YESTERDAY, 1);
        const struct world_event event = g_array_index(world.events, struct world_event, world.events->len - 1);
        int asked = g_rand_int_range(source, 0, STEPS);
        for (int step = 0;; step++) {
            if (step == asked)
                g_free(answers(&kept));
            if (!apply(&event, step))
                break;
        }
        if (i % 5 == 4)
            expect_same("after what was asked in the middle of a flush");
    }
}

static void step_random(void)
{
    static int sealed;
    switch (g_rand_int_range(source, 0, 12)) {
    case 0:
        now_ms += KEYS_SLOT_MS * g_rand_int_range(source, 1, 6);
        return;
    case 1:
        claim();
        return;
    case 2:
        live_cache_free(kept.cache); /* the API starts anew */
        kept.cache = live_cache_new(g_rand_boolean(source) ? 1 << 24 : 1 << 16);
        return;
    case 3:
        commit();
        if (sealed == 0)
            world_seal(&world, YESTERDAY, 1);
        else if (sealed == 1)
            world_remove(&world, YESTERDAY, 1);
        applied();
        sealed++;
        return;
    default:
        break;
    }
    int n = g_rand_int_range(source, 1, 6);
    for (int i = 0; i < n; i++)
        count(g_rand_boolean(source) || sealed > 0 ? TODAY : YESTERDAY, 1, g_rand_boolean(source) ? -1 : now_ms - n * i);
}

static void test_random(void)
{
    clear();
    claim();
    for (int i = 0; i < 120; i++) {
        step_random();
        if (i % 3 == 0)
            expect_same("after random steps");
    }
}

/* Redis as it was before some of the events were counted; then others come in their place. */
static void test_put_back(void)
{
    for (int round = 0; round < 6; round++) {
        g_autoptr(GArray) before = g_array_new(FALSE, TRUE, sizeof(struct world_event));
        clear();
        claim();
        for (int i = 0; i < 20; i++)
            count(TODAY, 1, -1);
        g_array_append_vals(before, world.events->data, world.events->len);
        for (int i = 0; i < 5; i++)
            count(TODAY, 1, now_ms - 3600000 * (i + 1));
        expect_same("before");
        clear();
        own();
        for (guint i = 0; i < before->len; i++) {
            g_array_append_val(world.events, g_array_index(before, struct world_event, i));
            for (int step = 0; apply(&g_array_index(before, struct world_event, i), step);)
                step++;
        }
        expect_same("put back, and not claimed yet");
        claim();
        for (int i = 0; i < 5; i++) /* as many, in the same slots, but others: it is claimed, so nothing of before shows */
            count(TODAY, 1, now_ms - 3600000 * (i + 1));
        expect_same("claimed anew");
    }
}

static gint over;

static void *write_on(void *opaque)
{
    (void)opaque;
    for (int i = 0; !g_atomic_int_get(&over); i++)
        count(i % 4 ? TODAY : YESTERDAY, 1, i % 2 ? -1 : now_ms - 3600000 * (i % 12));
    return NULL;
}

/* Asked while it is being counted: what is kept then is right afterwards. */
static void test_meanwhile(void)
{
    for (int round = 0; round < 5; round++) {
        clear();
        claim();
        count(TODAY, 1, -1);
        g_atomic_int_set(&over, 0);
        GThread *writer = g_thread_new("writer", write_on, NULL);
        for (int i = 0; i < 10; i++)
            g_free(answers(&kept));
        g_atomic_int_set(&over, 1);
        g_thread_join(writer);
        expect_same("after it was asked while counting");
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    world_start(&world);
    const struct redis_settings settings = {world.server.url, 20000, 60000};
    reader = reader_new(&settings, 1);
    metrics = metrics_new(api_meters, METER_N);
    source = g_rand_new_with_seed((guint32)g_test_rand_int());
    plain = (struct live_sources){.sheets = sheets_new(1 << 20, NULL, metrics), .ledger = ledger_cache_new()};
    kept = plain;
    kept.cache = live_cache_new(1 << 24);
    g_test_add_func("/live_pieces/less-is-read", test_less_is_read);
    g_test_add_func("/live_pieces/nothing-is-read", test_nothing_is_read);
    g_test_add_func("/live_pieces/without-totals", test_without_totals);
    g_test_add_func("/live_pieces/old-sums", test_old_sums);
    g_test_add_func("/live_pieces/sums-are-read", test_sums_are_read);
    g_test_add_func("/live_pieces/no-owner", test_no_owner);
    g_test_add_func("/live_pieces/in-the-middle", test_in_the_middle);
    g_test_add_func("/live_pieces/random", test_random);
    g_test_add_func("/live_pieces/put-back", test_put_back);
    g_test_add_func("/live_pieces/meanwhile", test_meanwhile);
    int code = g_test_run();
    live_cache_free(kept.cache);
    sheets_free(plain.sheets);
    ledger_cache_free(plain.ledger);
    g_rand_free(source);
    metrics_free(metrics);
    reader_free(reader);
    world_clear(&world);
    return code;
}
