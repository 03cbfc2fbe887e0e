#include "aggregator/refusals.h"
#include "lib/keys.h"
#include "tests/unit/model_store.h"

enum { PARTITION = 3 };
static const int64_t DAY = 20000;

struct world {
    struct owner owner;
    struct mirror *meta, *due;
    struct refusals *refusals;
    struct payload *payload;
    uint64_t n;
};

static void claim(struct world *world)
{
    refusals_free(world->refusals);
    mirror_free(world->meta);
    mirror_free(world->due);
    owner_claim(&world->owner, PARTITION);
    world->meta = mirror_new(PARTITION, "meta");
    world->due = mirror_new(PARTITION, "due");
    world->refusals = refusals_new(PARTITION, world->meta, world->due);
    mirror_load(world->meta, world->owner.commit);
    mirror_load(world->due, world->owner.commit);
    refusals_load(world->refusals, world->owner.commit);
    owner_read(&world->owner);
}

static void world_init(struct world *world)
{
    *world = (struct world){.payload = payload_new()};
    owner_init(&world->owner);
    claim(world);
}

static void world_clear(struct world *world)
{
    refusals_free(world->refusals);
    mirror_free(world->meta);
    mirror_free(world->due);
    payload_free(world->payload);
    owner_clear(&world->owner);
}

static void flush(struct world *world)
{
    payload_reset(world->payload);
    refusals_flush(world->refusals, world->payload);
    mirror_flush(world->meta, world->payload);
    mirror_flush(world->due, world->payload);
    owner_flush(&world->owner, world->payload);
}

static void count(struct world *world, int64_t clock_ms, const char *collector, const char *reason, const char *message, uint64_t n)
{
    const struct rejection rejection = {5, n, view_of(reason), view_of(message), view_of("{\"status\":1}")};
    const struct batch batch = {.collector = view_of(collector), .n_rejections = 1, .rejections = &rejection};
    refusals_count(world->refusals, &batch, clock_ms);
}

static void assert_field(struct world *world, const char *kind, const char *field, const char *wanted)
{
    char key[KEYS_MAX];
    struct view found = model_text(world->owner.model, view_make(key, keys_plain(key, PARTITION, kind)), field);
    g_autofree char *text = g_strndup(found.data ? found.data : "", found.size);
    g_assert_cmpstr(text, ==, wanted);
}

static void test_counts_and_samples(void)
{
    struct world world;
    world_init(&world);
    count(&world, DAY * KEYS_DAY_MS + 7, "edge 1", "too_old", "It is old.", 3);
    count(&world, DAY * KEYS_DAY_MS + 8, "edge 1", "too_old", "", 4);
    flush(&world);
    claim(&world);
    count(&world, DAY * KEYS_DAY_MS + 9, "edge 1", "too_old", "It is old.", 1);
    count(&world, (DAY + 1) * KEYS_DAY_MS, "edge 2", "malformed", "No.", 1);
    flush(&world);
    assert_field(&world, "refusals", "20000 too_old edge 1", "8");
    assert_field(&world, "refusals", "20001 malformed edge 2", "1");
    assert_field(&world, "refused", "0", "0 1728000000007 5 3 too_old edge 1\x1fIt is old.\x1f{\"status\":1}");
    assert_field(&world, "refused", "2", "2 1728086400000 5 1 malformed edge 2\x1fNo.\x1f{\"status\":1}");
    assert_field(&world, "refused", "3", "");
    assert_field(&world, "meta", "refused", "9");
    assert_field(&world, "meta", "refused_samples", "3");
    world_clear(&world);
}

static void test_ring(void)
{
    struct world world;
    world_init(&world);
    for (int i = 0; i < KEYS_RING + 2; i++)
        count(&world, DAY * KEYS_DAY_MS + i, "c", "too_old", "m", 1);
    flush(&world);
    assert_field(&world, "refused", "1", "1001 1728000001001 5 1 too_old c\x1fm\x1f{\"status\":1}");
    assert_field(&world, "refused", "2", "2 1728000000002 5 1 too_old c\x1fm\x1f{\"status\":1}");
    world_clear(&world);
}

/* Names beyond the cap are counted together, also by the next owner; the names of the next day are its own. */
static void test_cap(void)
{
    struct world world;
    world_init(&world);
    for (int i = 0; i < 2 * KEYS_REFUSALS_MAX; i++) {
        g_autofree char *collector = g_strdup_printf("c%d", i % (KEYS_REFUSALS_MAX + 10));
        if (i == KEYS_REFUSALS_MAX / 2 || i == KEYS_REFUSALS_MAX + 5) {
            flush(&world);
            claim(&world);
        }
        count(&world, DAY * KEYS_DAY_MS, collector, "too_old", "", 1);
    }
    count(&world, (DAY + 1) * KEYS_DAY_MS, "c505", "too_old", "", 1);
    flush(&world);
    assert_field(&world, "refusals", "20000 too_old c0", "2");
    assert_field(&world, "refusals", "20000 too_old c499", "1");
    assert_field(&world, "refusals", "20000 too_old c500", "");
    assert_field(&world, "refusals", "20000 {other} {other}", "10");
    assert_field(&world, "refusals", "20001 too_old c505", "1");
    world_clear(&world);
}

static void test_forgotten(void)
{
    struct world world;
    world_init(&world);
    count(&world, DAY * KEYS_DAY_MS, "c", "too_old", "", 1);
    count(&world, (DAY + 1) * KEYS_DAY_MS, "c", "too_old", "", 1);
    flush(&world);
    assert_field(&world, "due", "refused:20000", "1735862400000"); /* 91 days after its beginning */
    refusals_forget(world.refusals, DAY);
    flush(&world);
    assert_field(&world, "refusals", "20000 too_old c", "");
    assert_field(&world, "refusals", "20001 too_old c", "1");
    world_clear(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/refusals/counts-and-samples", test_counts_and_samples);
    g_test_add_func("/refusals/ring", test_ring);
    g_test_add_func("/refusals/cap", test_cap);
    g_test_add_func("/refusals/forgotten", test_forgotten);
    return g_test_run();
}
