#include "aggregator/filter.h"
#include "aggregator/ids.h"
#include "lib/keys.h"
#include "tests/unit/model_store.h"

#include <string.h>

enum { PARTITION = 3, DAY = 20000, MANY = 2500, ASK_MAX = 1000 };
static const int64_t HOUR_MS = 3600000;

struct world {
    struct owner owner;
    struct mirror *due;
    struct ids *ids;
    struct payload *payload;
};

static void claim(struct world *world)
{
    mirror_free(world->due);
    ids_free(world->ids);
    owner_claim(&world->owner, PARTITION);
    world->due = mirror_new(PARTITION, "due");
    world->ids = ids_new(PARTITION, world->due);
    mirror_load(world->due, world->owner.commit);
    owner_read(&world->owner);
    ids_learn(world->ids);
    g_free(owner_asked(&world->owner));
}

static void world_init(struct world *world)
{
    *world = (struct world){.payload = payload_new()};
    owner_init(&world->owner);
    claim(world);
}

static void world_clear(struct world *world)
{
    ids_free(world->ids);
    mirror_free(world->due);
    payload_free(world->payload);
    owner_clear(&world->owner);
}

static void flush(struct world *world)
{
    ids_flush(world->ids, world->payload);
    g_assert_cmpuint(ids_dirty_bytes(world->ids), ==, 0);
    mirror_flush(world->due, world->payload);
    owner_flush(&world->owner, world->payload);
}

/* ---- batches ---- */

struct names {
    const char *organization, *client, *id; /* organization NULL: the batch has no such column */
};

/* A batch of these ids: an event each, and one without an id in front. */
static size_t prepare(struct world *world, const struct names *names, size_t n)
{
    g_autofree struct view *symbols = g_new(struct view, 1 + 2 * n), *ids = g_new(struct view, n);
    g_autofree uint32_t *organization = g_new0(uint32_t, n + 1), *client = g_new0(uint32_t, n + 1), *event = g_new(uint32_t, n);
    symbols[0] = view_of("");
    for (size_t i = 0; i < n; i++) {
        symbols[1 + 2 * i] = view_of(names[i].organization ? names[i].organization : "");
        symbols[2 + 2 * i] = view_of(names[i].client);
        organization[i + 1] = (uint32_t)(1 + 2 * i);
        client[i + 1] = (uint32_t)(2 + 2 * i);
        ids[i] = view_of(names[i].id);
        event[i] = (uint32_t)i + 1;
    }
    const struct batch batch = {.n_events = n + 1,
                                .n_symbols = 1 + 2 * n,
                                .symbols = symbols,
                                .organization = n && names[0].organization ? organization : NULL,
                                .client = client,
                                .n_ids = n,
                                .id_event = event,
                                .ids = ids};
    return ids_prepare(world->ids, &batch);
}

static void ask(struct world *world, int64_t first_ms, int64_t last_ms)
{
    ids_ask(world->ids, world->owner.commit, first_ms, last_ms);
    if (commit_asked(world->owner.commit) > 0)
        owner_read(&world->owner);
}

/* A round of one id. */
static bool enter(struct world *world, const char *id, int64_t clock_ms)
{
    const struct names names = {"o", "c", id};
    ids_begin(world->ids);
    size_t number = prepare(world, &names, 1);
    ask(world, clock_ms, clock_ms);
    return ids_enter(world->ids, number, clock_ms);
}

static void digest_of(const struct names *names, uint8_t digest[32])
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    gsize size = 32;
    g_checksum_update(checksum, (const guchar *)names->organization, (gssize)strlen(names->organization) + 1);
    g_checksum_update(checksum, (const guchar *)names->client, (gssize)strlen(names->client) + 1);
    g_checksum_update(checksum, (const guchar *)names->id, (gssize)strlen(names->id));
    g_checksum_get_digest(checksum, digest, &size);
}

static void shard_key(char *key, const char *id, int64_t day)
{
    uint8_t digest[32];
    digest_of(&(struct names){"o", "c", id}, digest);
    g_snprintf(key, KEYS_MAX, "{p3}:ids:%" G_GINT64_FORMAT ":%02x", day, digest[0]);
}

/* Redis no longer has it on that day: who still knows it has it in memory. */
static void lose(struct world *world, const char *id, int64_t day)
{
    char key[KEYS_MAX];
    uint8_t digest[32];
    digest_of(&(struct names){"o", "c", id}, digest);
    shard_key(key, id, day);
    g_assert_nonnull(model_get(world->owner.model, view_of(key), view_make(digest, FILTER_DIGEST_SIZE)));
    owner_tamper(&world->owner, key, view_make(digest, FILTER_DIGEST_SIZE), NULL);
}

static void expect_asked(struct world *world, const char *wanted)
{
    g_autofree char *found = owner_asked(&world->owner);
    g_assert_cmpstr(found, ==, wanted);
}

/* "HMGET <key of the id on that day> 1" for each of the days. */
static void expect_asked_days(struct world *world, const char *id, int64_t first, int64_t last)
{
    g_autoptr(GString) wanted = g_string_new(NULL);
    for (int64_t day = first; day <= last; day++) {
        char key[KEYS_MAX];
        shard_key(key, id, day);
        g_string_append_printf(wanted, "%sHMGET %s 1", day > first ? "; " : "", key);
    }
    expect_asked(world, wanted->str);
}

/* ---- the window ---- */

enum way { IN_MEMORY, FLUSHED, CLAIMED, WAYS };

/* What holds must hold whether Redis has been written, or another owner goes on. */
static void pass(struct world *world, enum way way)
{
    if (way != IN_MEMORY)
        flush(world);
    if (way == CLAIMED)
        claim(world);
}

static void check_window(enum way way, int64_t begin_ms)
{
    struct world world;
    world_init(&world);
    g_assert_true(enter(&world, "i", begin_ms));
    pass(&world, way);
    g_assert_false(enter(&world, "i", begin_ms));
    g_assert_false(enter(&world, "i", begin_ms + 1));
    pass(&world, way);
    g_assert_false(enter(&world, "i", begin_ms + KEYS_DAY_MS - 1));
    pass(&world, way);
    g_assert_true(enter(&world, "i", begin_ms + KEYS_DAY_MS)); /* counted from when it was entered, not last seen */
    pass(&world, way);
    g_assert_false(enter(&world, "i", begin_ms + KEYS_DAY_MS));
    g_assert_true(enter(&world, "j", begin_ms + KEYS_DAY_MS));
    pass(&world, way);
    g_assert_false(enter(&world, "i", begin_ms + 2 * KEYS_DAY_MS - 1));
    g_assert_false(enter(&world, "j", begin_ms + 2 * KEYS_DAY_MS - 1));
    g_assert_true(enter(&world, "i", begin_ms + 2 * KEYS_DAY_MS));
    pass(&world, way);
    g_assert_true(enter(&world, "i", begin_ms + 9 * KEYS_DAY_MS));
    pass(&world, way);
    g_assert_false(enter(&world, "i", begin_ms + 10 * KEYS_DAY_MS - 1));
    world_clear(&world);
}

static void test_window(void)
{
    for (enum way way = 0; way < WAYS; way++) {
        check_window(way, DAY * KEYS_DAY_MS);
        check_window(way, DAY * KEYS_DAY_MS + 10 * HOUR_MS);
        check_window(way, (DAY + 1) * KEYS_DAY_MS - 1);
    }
}

/* Two days' shards have the id at once: the newer one decides, be it in memory or in Redis. */
static void test_two_days(void)
{
    const int64_t begin_ms = DAY * KEYS_DAY_MS + 10 * HOUR_MS;
    for (enum way second = 0; second < WAYS; second++) {
        struct world world;
        world_init(&world);
        g_assert_true(enter(&world, "i", begin_ms));
        pass(&world, CLAIMED);
        g_assert_true(enter(&world, "i", begin_ms + KEYS_DAY_MS));
        pass(&world, second);
        g_free(owner_asked(&world.owner));
        g_assert_false(enter(&world, "i", begin_ms + KEYS_DAY_MS + 10 * HOUR_MS));
        expect_asked_days(&world, "i", DAY, second == IN_MEMORY ? DAY : DAY + 1);
        g_assert_false(enter(&world, "i", begin_ms + 2 * KEYS_DAY_MS - 1));
        world_clear(&world);
    }
}

/* The id is that of a client: the parts do not run into each other. */
static void test_whose(void)
{
    static const struct names names[] = {{"o", "c", "i"}, {"o", "c", "j"}, {"o", "d", "i"}, {"p", "c", "i"}, {"", "c", "i"},
                                         {"o", "ci", ""}, {"oc", "", "i"}, {"", "oc", "i"}, {"o", "", "ci"}};
    struct world world;
    world_init(&world);
    size_t first = prepare(&world, names, G_N_ELEMENTS(names));
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        g_assert_true(ids_enter(world.ids, first + i, DAY * KEYS_DAY_MS));
    const struct names bare = {NULL, "c", "i"};
    size_t second = prepare(&world, &bare, 1);
    g_assert_cmpuint(second, ==, first + G_N_ELEMENTS(names));
    g_assert_false(ids_enter(world.ids, second, DAY * KEYS_DAY_MS)); /* no column is the empty organization */
    g_assert_cmpuint(prepare(&world, NULL, 0), ==, second + 1);
    world_clear(&world);
}

/* ---- the round ---- */

/* Batches of one round see each other, with a flush between them too, and what is entered again stays dirty. */
static void test_round(void)
{
    const struct names names = {"o", "c", "i"};
    const int64_t begin_ms = DAY * KEYS_DAY_MS;
    struct world world;
    world_init(&world);
    size_t numbers[4];
    ids_begin(world.ids);
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        numbers[i] = prepare(&world, &names, 1);
    ask(&world, begin_ms, begin_ms + 2 * KEYS_DAY_MS);
    g_assert_true(ids_enter(world.ids, numbers[0], begin_ms));
    flush(&world);
    g_assert_false(ids_enter(world.ids, numbers[1], begin_ms + 1));
    g_assert_cmpuint(ids_dirty_bytes(world.ids), ==, 0);
    g_assert_true(ids_enter(world.ids, numbers[2], begin_ms + KEYS_DAY_MS));
    g_assert_cmpuint(ids_dirty_bytes(world.ids), >, 0);
    g_assert_false(ids_enter(world.ids, numbers[3], begin_ms + KEYS_DAY_MS + 1));
    g_assert_false(enter(&world, "i", begin_ms + 2 * KEYS_DAY_MS - 1)); /* not in Redis yet, so still in memory */
    flush(&world);
    claim(&world);
    g_assert_false(enter(&world, "i", begin_ms + 2 * KEYS_DAY_MS - 1));
    world_clear(&world);
}

/* An id that came from Redis and is entered again is remembered until it is written, and no longer. */
static void test_read_then_entered(void)
{
    const int64_t begin_ms = DAY * KEYS_DAY_MS + HOUR_MS;
    struct world world;
    world_init(&world);
    g_assert_true(enter(&world, "i", begin_ms));
    flush(&world);
    claim(&world);
    const struct names names = {"o", "c", "i"};
    size_t number = prepare(&world, &names, 1);
    ask(&world, begin_ms, begin_ms + KEYS_DAY_MS);
    g_assert_true(ids_enter(world.ids, number, begin_ms + KEYS_DAY_MS));
    g_assert_false(enter(&world, "i", begin_ms + KEYS_DAY_MS + 1));
    g_assert_false(enter(&world, "i", begin_ms + KEYS_DAY_MS + 2));
    flush(&world);
    lose(&world, "i", DAY + 1);
    g_assert_true(enter(&world, "i", begin_ms + KEYS_DAY_MS + 3));
    world_clear(&world);
}

/* What Redis has is not kept in memory beyond the round. */
static void test_forgets(void)
{
    const int64_t clock_ms = DAY * KEYS_DAY_MS + HOUR_MS;
    struct world world;
    world_init(&world);
    g_assert_true(enter(&world, "i", clock_ms));
    for (int i = 0; i < 3; i++)
        g_assert_false(enter(&world, "i", clock_ms)); /* only in memory */
    flush(&world);
    lose(&world, "i", DAY);
    g_assert_true(enter(&world, "i", clock_ms));
    world_clear(&world);
}

/* ---- what is asked ---- */

static void test_filter(void)
{
    const int64_t clock_ms = DAY * KEYS_DAY_MS + HOUR_MS;
    struct world world;
    world_init(&world);
    g_assert_true(enter(&world, "i", clock_ms));
    flush(&world);
    expect_asked(&world, ""); /* nothing was entered before */
    for (int i = 0; i < 100; i++) {
        char id[16];
        g_snprintf(id, sizeof id, "new-%d", i);
        g_assert_true(enter(&world, id, clock_ms + 1));
    }
    flush(&world);
    expect_asked(&world, ""); /* the filter says no */
    g_assert_false(enter(&world, "i", clock_ms + 2));
    expect_asked_days(&world, "i", DAY, DAY);
    claim(&world);
    g_assert_true(enter(&world, "a", clock_ms + 3)); /* of that day no more is known than that there is something */
    expect_asked_days(&world, "a", DAY, DAY);
    g_assert_true(enter(&world, "b", clock_ms + KEYS_DAY_MS));
    flush(&world);
    expect_asked_days(&world, "b", DAY, DAY);
    g_assert_true(enter(&world, "c", clock_ms + KEYS_DAY_MS)); /* the day that began under this claim has a filter again */
    expect_asked_days(&world, "c", DAY, DAY);
    g_assert_false(enter(&world, "b", clock_ms + KEYS_DAY_MS));
    expect_asked_days(&world, "b", DAY, DAY + 1);
    world_clear(&world);
}

/* The day before the first clock to the day of the last one, of the days that have something. */
static void test_days_asked(void)
{
    struct world world;
    world_init(&world);
    const struct names names = {"o", "c", "i"};
    for (int64_t day = DAY; day < DAY + 5; day++) {
        if (day != DAY + 2)
            g_assert_true(enter(&world, "i", day * KEYS_DAY_MS));
        flush(&world);
    }
    claim(&world);
    ids_begin(world.ids);
    ids_ask(world.ids, world.owner.commit, 0, (DAY + 9) * KEYS_DAY_MS);
    g_assert_cmpuint(commit_asked(world.owner.commit), ==, 0); /* no ids, no question */
    prepare(&world, &names, 1);
    ask(&world, (DAY + 1) * KEYS_DAY_MS, (DAY + 2) * KEYS_DAY_MS - 1);
    expect_asked_days(&world, "i", DAY, DAY + 1);
    ids_begin(world.ids);
    prepare(&world, &names, 1);
    ask(&world, (DAY + 3) * KEYS_DAY_MS - 1, (DAY + 3) * KEYS_DAY_MS);
    char one[KEYS_MAX], two[KEYS_MAX];
    shard_key(one, "i", DAY + 1);
    shard_key(two, "i", DAY + 3);
    g_autofree char *wanted = g_strdup_printf("HMGET %s 1; HMGET %s 1", one, two);
    expect_asked(&world, wanted);
    ids_begin(world.ids);
    prepare(&world, &names, 1);
    ask(&world, (DAY + 6) * KEYS_DAY_MS, (DAY + 9) * KEYS_DAY_MS);
    expect_asked(&world, "");
    world_clear(&world);
}

/* Many ids of one shard are asked for in pieces; what is asked for twice is answered twice. */
static void test_pieces(void)
{
    char key[KEYS_MAX];
    const int64_t clock_ms = DAY * KEYS_DAY_MS + HOUR_MS;
    g_autofree struct names *names = g_new(struct names, MANY);
    struct world world;
    world_init(&world);
    g_assert_true(enter(&world, "i", clock_ms));
    flush(&world);
    for (size_t i = 0; i < MANY; i++)
        names[i] = (struct names){"o", "c", "i"};
    ids_begin(world.ids);
    size_t first = prepare(&world, names, MANY);
    ask(&world, clock_ms, clock_ms);
    shard_key(key, "i", DAY);
    g_autofree char *wanted =
        g_strdup_printf("HMGET %s %d; HMGET %s %d; HMGET %s %d", key, ASK_MAX, key, ASK_MAX, key, MANY - 2 * ASK_MAX);
    expect_asked(&world, wanted);
    for (size_t i = 0; i < MANY; i++)
        g_assert_false(ids_enter(world.ids, first + i, clock_ms));
    world_clear(&world);
}

/* ---- what is written ---- */

static void test_written(void)
{
    static const char *const ids[] = {"", "i", "another", "a-long-one-0123456789012345678901234567890123456789"};
    const int64_t begin_ms = (DAY + 1) * KEYS_DAY_MS - 2;
    struct world world;
    world_init(&world);
    g_assert_cmpuint(ids_dirty_bytes(world.ids), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
        size_t before = ids_dirty_bytes(world.ids);
        g_assert_true(enter(&world, ids[i], begin_ms + (int64_t)i));
        g_assert_cmpuint(ids_dirty_bytes(world.ids), >, before);
        g_assert_false(enter(&world, ids[i], begin_ms + (int64_t)i));
    }
    flush(&world);
    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
        uint8_t digest[32];
        char key[KEYS_MAX], clock[32];
        digest_of(&(struct names){"o", "c", ids[i]}, digest);
        shard_key(key, ids[i], i < 2 ? DAY : DAY + 1);
        g_snprintf(clock, sizeof clock, "%" G_GINT64_FORMAT, begin_ms + (int64_t)i);
        GBytes *value = model_get(world.owner.model, view_of(key), view_make(digest, FILTER_DIGEST_SIZE));
        g_assert_nonnull(value);
        g_assert_true(view_is(view_make(g_bytes_get_data(value, NULL), g_bytes_get_size(value)), clock));
    }
    /* A day's ids are needed for a day after its end. */
    g_autofree char *due = owner_hash(&world.owner, "{p3}:due");
    g_autofree char *wanted = g_strdup_printf("ids:%d=%" G_GINT64_FORMAT " ids:%d=%" G_GINT64_FORMAT, DAY, (DAY + 2) * KEYS_DAY_MS,
                                              DAY + 1, (DAY + 3) * KEYS_DAY_MS);
    g_assert_cmpstr(due, ==, wanted);
    world_clear(&world);
}

static void test_damaged(void)
{
    static const char *const values[] = {"", "x", "12 ", "99999999999999999999"};
    const struct names names = {"o", "c", "i"};
    const int64_t clock_ms = DAY * KEYS_DAY_MS + HOUR_MS;
    char key[KEYS_MAX];
    uint8_t digest[32];
    digest_of(&names, digest);
    shard_key(key, "i", DAY);
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        struct world world;
        g_autoptr(GError) error = NULL;
        world_init(&world);
        g_assert_true(enter(&world, "i", clock_ms));
        flush(&world);
        owner_tamper(&world.owner, key, view_make(digest, FILTER_DIGEST_SIZE), values[i]);
        ids_begin(world.ids);
        prepare(&world, &names, 1);
        ids_ask(world.ids, world.owner.commit, clock_ms, clock_ms);
        g_assert_false(commit_read(world.owner.commit, &error));
        g_assert_error(error, COMMIT_ERROR, COMMIT_ERROR_DAMAGED);
        world_clear(&world);
    }
}

/* ---- against the definition ---- */

enum { RANDOM_ROUNDS = 6000, RANDOM_IDS = 150 };

struct definition {
    int64_t entered[RANDOM_IDS]; /* -1: never */
    int64_t clock_ms;
};

struct sweep {
    int64_t clock_ms;
    GPtrArray *names;
};

static void collect_due(const char *field, const char *value, void *opaque)
{
    struct sweep *sweep = opaque;
    if (g_ascii_strtoll(value, NULL, 10) <= sweep->clock_ms)
        g_ptr_array_add(sweep->names, g_strdup(field));
}

/* What is due is removed, as the partition does it: nothing of it may be needed any more. */
static guint remove_due(struct world *world, int64_t clock_ms)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    mirror_each(world->due, collect_due, &(struct sweep){clock_ms, names});
    for (guint i = 0; i < names->len; i++) {
        for (unsigned shard = 0; shard < KEYS_IDS_SHARDS; shard++) {
            char key[KEYS_MAX];
            g_snprintf(key, sizeof key, "{p3}:%s:%02x", (char *)names->pdata[i], shard);
            payload_begin(world->payload, PAYLOAD_UNLINK, view_of(key));
        }
        mirror_remove(world->due, names->pdata[i]);
    }
    return names->len;
}

static bool define(struct definition *definition, int id)
{
    if (definition->entered[id] >= 0 && definition->clock_ms - definition->entered[id] < KEYS_DAY_MS)
        return false;
    definition->entered[id] = definition->clock_ms;
    return true;
}

static int64_t step_ms(GRand *random)
{
    switch (g_rand_int_range(random, 0, 12)) {
    case 0:
        return g_rand_int_range(random, 0, 4) * (KEYS_DAY_MS / 2);
    case 1:
        return g_rand_int_range(random, 0, 20 * 3600) * INT64_C(1000);
    case 2:
        return KEYS_DAY_MS - 1;
    default:
        return g_rand_int_range(random, 0, 600000);
    }
}

/* A round of some batches of one id each, with flushes in between; returns the duplicates. */
static guint random_round(struct world *world, GRand *random, struct definition *now, struct definition *flushed)
{
    enum { BATCHES = 6 };
    int ids[BATCHES];
    int64_t clocks[BATCHES];
    size_t numbers[BATCHES];
    guint duplicates = 0;
    ids_begin(world->ids);
    for (size_t i = 0; i < BATCHES; i++) {
        char id[16];
        ids[i] = g_rand_int_range(random, 0, RANDOM_IDS);
        clocks[i] = (i ? clocks[i - 1] : now->clock_ms) + (g_rand_int_range(random, 0, 4) ? 0 : step_ms(random));
        g_snprintf(id, sizeof id, "%d", ids[i]);
        numbers[i] = prepare(world, &(struct names){"o", "c", id}, 1);
    }
    ask(world, now->clock_ms, clocks[BATCHES - 1]);
    for (size_t i = 0; i < BATCHES; i++) {
        now->clock_ms = clocks[i];
        bool fresh = define(now, ids[i]);
        g_assert_cmpint(ids_enter(world->ids, numbers[i], clocks[i]), ==, fresh);
        duplicates += !fresh;
        if (g_rand_int_range(random, 0, 10) == 0) {
            flush(world);
            *flushed = *now;
        }
    }
    return duplicates;
}

static void test_random(void)
{
    struct world world;
    struct definition now = {.clock_ms = DAY * KEYS_DAY_MS}, flushed;
    GRand *random = g_rand_new_with_seed(5);
    guint duplicates = 0, removed = 0, claims = 0;
    for (size_t i = 0; i < RANDOM_IDS; i++)
        now.entered[i] = -1;
    flushed = now;
    world_init(&world);
    for (int i = 0; i < RANDOM_ROUNDS; i++) {
        duplicates += random_round(&world, random, &now, &flushed);
        if (g_rand_int_range(random, 0, 8) == 0) {
            removed += remove_due(&world, now.clock_ms);
            flush(&world);
            flushed = now;
        }
        if (g_rand_int_range(random, 0, 30) == 0) { /* what was not flushed is read from the log again, or it is another log */
            claim(&world);
            now = flushed;
            claims++;
        }
    }
    g_test_message("duplicates=%u days removed=%u claims=%u", duplicates, removed, claims);
    g_assert_cmpuint(duplicates, >, RANDOM_ROUNDS / 4);
    g_assert_cmpuint(duplicates, <, RANDOM_ROUNDS * 5);
    g_assert_cmpuint(removed, >, 100);
    g_rand_free(random);
    world_clear(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ids/window", test_window);
    g_test_add_func("/ids/two-days", test_two_days);
    g_test_add_func("/ids/whose", test_whose);
    g_test_add_func("/ids/round", test_round);
    g_test_add_func("/ids/read-then-entered", test_read_then_entered);
    g_test_add_func("/ids/forgets", test_forgets);
    g_test_add_func("/ids/filter", test_filter);
    g_test_add_func("/ids/days-asked", test_days_asked);
    g_test_add_func("/ids/pieces", test_pieces);
    g_test_add_func("/ids/written", test_written);
    g_test_add_func("/ids/damaged", test_damaged);
    g_test_add_func("/ids/random", test_random);
    return g_test_run();
}
