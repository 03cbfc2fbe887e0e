/* Growth on a real redis-server, under a clock of its own: it is never less than what was counted, however late, and exactly that
 * as long as nothing is late. */
#include "api/alert_growth.h"

#include "lib/keys.h"
#include "tests/unit/redis_process.h"

enum { PARTITIONS = 2, CLIENTS = 5, DAY = 20778, STEPS = 80, LATE_MS = 60000 };
#define NOON_MS (DAY * KEYS_DAY_MS + KEYS_DAY_MS / 2)

static struct redis_process server;

struct world {
    struct redis *redis;
    struct reader *reader;
    struct alert_growth *growth;
    struct limit_watches *watches;
    uint64_t counted[CLIENTS];                      /* truly, in all */
    uint64_t slots[CLIENTS][3][KEYS_SLOTS_PER_DAY]; /* by day: today, yesterday, long ago */
    uint64_t days[PARTITIONS][3], commits;
    int64_t now_ms;
};

static const int64_t days[3] = {DAY, DAY - 1, DAY - 20};

static void run(struct world *world, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void run(struct world *world, const char *format, ...)
{
    g_autoptr(GError) error = NULL;
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    struct view argv[8];
    size_t n = 0;
    for (; words[n] != NULL; n++)
        argv[n] = view_of(words[n]);
    struct redis_reply *reply = redis_command(world->redis, n, argv, &error);
    g_assert_no_error(error);
    redis_reply_free(reply);
}

/* Client n lies in partition n % PARTITIONS, with symbol n / PARTITIONS + 1. */
static void count(struct world *world, int client, int day, int slot, uint64_t n)
{
    int p = client % PARTITIONS, symbol = client / PARTITIONS + 1;
    uint64_t *total = &world->slots[client][day][slot];
    world->counted[client] += n;
    world->days[p][day] += n;
    *total += n;
    run(world,
        "HSET {p%d}:c:%d.1 acme\x1f"
        "c-%d %d",
        p, (int)days[day], client, symbol);
    run(world, "ZADD {p%d}:zs:%d.1:%d %d %d", p, (int)days[day], slot, (int)*total, symbol);
    run(world, "HSET {p%d}:meta cnt:%d.1 %d", p, (int)days[day], (int)world->days[p][day]);
    run(world, "HSET {p%d}:commit n %d", p, (int)++world->commits);
}

static void begin(struct world *world)
{
    g_autoptr(GError) error = NULL;
    const struct redis_settings settings = {server.url, 20000, 60000};
    static struct alert_levels levels = {{100}, 1};
    *world = (struct world){.now_ms = NOON_MS};
    world->redis = redis_connect(&settings, NULL, &error);
    g_assert_no_error(error);
    run(world, "FLUSHALL");
    run(world, "HSET daybook:topic partitions %d", PARTITIONS);
    world->reader = reader_new(&settings, PARTITIONS);
    world->growth = alert_growth_new();
    struct registry_snapshot *snapshot = registry_snapshot_new(1);
    for (int i = 0; i < CLIENTS; i++) {
        /* Symbols are dense: all names are there from the beginning. */
        for (int day = 0; day < 3; day++)
            run(world,
                "HSET {p%d}:c:%d.1 acme\x1f"
                "c-%d %d",
                i % PARTITIONS, (int)days[day], i, i / PARTITIONS + 1);
        struct limit_rule *rule = item_new(&limit_rule_shape);
        g_free(rule->id);
        g_free(rule->metric);
        rule->id = g_strdup_printf("l-%d", i);
        rule->metric = g_strdup(METHOD_HITS);
        rule->organization = g_strdup("acme");
        rule->client = g_strdup_printf("c-%d", i);
        rule->value = 1;
        registry_snapshot_add(snapshot, REGISTRY_LIMITS, rule);
    }
    world->watches = limit_watches_new(snapshot, &levels);
    registry_snapshot_unref(snapshot);
    alert_growth_watch(world->growth, world->watches);
}

static void end(struct world *world)
{
    alert_growth_free(world->growth);
    limit_watches_free(world->watches);
    reader_free(world->reader);
    redis_free(world->redis);
}

static bool look(struct world *world)
{
    g_autoptr(GError) error = NULL;
    bool moved;
    g_assert_true(reader_begin(world->reader, g_get_monotonic_time() + 600 * G_TIME_SPAN_SECOND, &error));
    bool ok = alert_growth_look(world->growth, world->reader, world->now_ms, &moved, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
    return moved;
}

static uint64_t all_of(const struct world *world, int client)
{
    g_autofree char *key = g_strdup_printf("acme\x1f"
                                           "c-%d",
                                           client);
    return alert_growth_client(world->growth, key)->all;
}

static int slot_now(const struct world *world)
{
    return (int)(world->now_ms / KEYS_SLOT_MS % KEYS_SLOTS_PER_DAY);
}

static void test_exact(void)
{
    struct world world;
    begin(&world);
    for (int i = 0; i < CLIENTS; i++)
        count(&world, i, 0, 10, 100);
    look(&world);
    uint64_t before[CLIENTS], counted[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        before[i] = all_of(&world, i);
        counted[i] = world.counted[i];
    }
    for (int step = 0; step < STEPS; step++) {
        for (int n = g_test_rand_int_range(0, 4); n > 0; n--)
            count(&world, g_test_rand_int_range(0, CLIENTS), 0, slot_now(&world) + g_test_rand_int_range(-1, 2), 3);
        look(&world);
        for (int i = 0; i < CLIENTS; i++)
            g_assert_cmpuint(all_of(&world, i) - before[i], ==, world.counted[i] - counted[i]);
        world.now_ms += 60000;
    }
    end(&world);
}

static void test_nothing_new(void)
{
    struct world world;
    begin(&world);
    count(&world, 0, 0, 10, 100);
    g_assert_true(look(&world));
    uint64_t asked = reader_asked(world.reader);
    g_assert_false(look(&world));
    g_assert_cmpuint(reader_asked(world.reader) - asked, <=, 2 * PARTITIONS + 1);
    end(&world);
}

/* What was counted LATE_MS ago is in the counters, whenever and for whatever slot it was. */
static void test_late(void)
{
    struct world world;
    begin(&world);
    for (int i = 0; i < CLIENTS; i++)
        for (int day = 0; day < 3; day++)
            count(&world, i, day, 20, 7);
    look(&world);
    uint64_t before[CLIENTS], counted[CLIENTS], known[STEPS][CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        before[i] = all_of(&world, i);
        counted[i] = world.counted[i];
    }
    for (int step = 0; step < STEPS; step++) {
        for (int n = g_test_rand_int_range(0, 3); n > 0; n--)
            count(&world, g_test_rand_int_range(0, CLIENTS), g_test_rand_int_range(0, 3),
                  g_test_rand_int_range(0, slot_now(&world)), 3);
        memcpy(known[step], world.counted, sizeof world.counted);
        look(&world);
        int settled = step - LATE_MS / 10000;
        for (int i = 0; i < CLIENTS && settled >= 0; i++)
            g_assert_cmpuint(all_of(&world, i) - before[i], >=, known[settled][i] - counted[i]);
        world.now_ms += 10000;
    }
    end(&world);
}

static void test_ended(void)
{
    struct world world;
    begin(&world);
    look(&world);
    struct growth_client *client = alert_growth_client(world.growth, "acme\x1f"
                                                                     "c-0");
    g_assert_null(alert_growth_client(world.growth, "acme\x1f"
                                                    "other"));
    count(&world, 0, 0, slot_now(&world), 5);
    look(&world);
    g_assert_cmpuint(client->all, ==, 5);
    g_assert_cmpuint(client->ended, ==, 0);
    count(&world, 0, 0, slot_now(&world) - 1, 3); /* it is noon: the hour before */
    look(&world);
    g_assert_cmpuint(client->all, ==, 8);
    g_assert_cmpuint(client->ended, ==, 3);
    end(&world);
}

/* A Redis that was put back, and counts the same again. */
static void test_rollback(void)
{
    struct world world;
    begin(&world);
    count(&world, 0, 0, slot_now(&world), 50);
    look(&world);
    uint64_t before = all_of(&world, 0);
    run(&world, "ZADD {p0}:zs:%d.1:%d 20 1", DAY, slot_now(&world));
    run(&world, "HSET {p0}:meta cnt:%d.1 20", DAY);
    run(&world, "HSET {p0}:commit n 1000");
    world.now_ms += 30000;
    look(&world);
    count(&world, 0, 0, slot_now(&world), 1);
    for (int i = 0; i < 4; i++) {
        world.now_ms += 30000;
        look(&world);
    }
    g_assert_cmpuint(all_of(&world, 0) - before, >=, 1);
    end(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    redis_process_start(&server, 0, NULL);
    g_test_add_func("/alert_growth/exact", test_exact);
    g_test_add_func("/alert_growth/nothing-new", test_nothing_new);
    g_test_add_func("/alert_growth/late", test_late);
    g_test_add_func("/alert_growth/ended", test_ended);
    g_test_add_func("/alert_growth/rollback", test_rollback);
    int code = g_test_run();
    redis_process_clear(&server);
    return code;
}
