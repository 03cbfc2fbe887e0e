#include "aggregator/mirror.h"
#include "tests/unit/model_store.h"

enum { PARTITION = 3 };

struct world {
    struct owner owner;
    struct mirror *mirror;
    struct payload *payload;
};

static void claim(struct world *world)
{
    mirror_free(world->mirror);
    owner_claim(&world->owner, PARTITION);
    world->mirror = mirror_new(PARTITION, "meta");
    mirror_load(world->mirror, world->owner.commit);
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
    mirror_free(world->mirror);
    payload_free(world->payload);
    owner_clear(&world->owner);
}

static bool command_text(const struct payload_command *command, void *opaque)
{
    GString *text = opaque;
    g_string_append_printf(text, "%s %.*s", command->name, (int)command->key.size, command->key.data);
    for (size_t i = 0; i < command->argc; i++)
        g_string_append_printf(text, " %.*s", (int)command->argv[i].size, command->argv[i].data);
    g_string_append_c(text, ';');
    return true;
}

/* What the mirror writes in a flush, which is carried out. */
static char *flush(struct world *world)
{
    GString *text = g_string_new(NULL);
    mirror_flush(world->mirror, world->payload);
    g_assert_false(mirror_dirty(world->mirror));
    g_assert_true(payload_each(payload_bytes(world->payload), command_text, text));
    owner_flush(&world->owner, world->payload);
    return g_string_free(text, FALSE);
}

static void expect_flush(struct world *world, const char *wanted)
{
    g_autofree char *found = flush(world);
    g_assert_cmpstr(found, ==, wanted);
}

static void expect_hash(struct world *world, const char *wanted)
{
    g_autofree char *found = owner_hash(&world->owner, "{p3}:meta");
    g_assert_cmpstr(found, ==, wanted);
}

static void test_changes(void)
{
    struct world world;
    world_init(&world);
    g_assert_null(mirror_get(world.mirror, "a"));
    g_assert_false(mirror_dirty(world.mirror));
    expect_flush(&world, "");
    mirror_set(world.mirror, "a", "1");
    mirror_set(world.mirror, "a", "2");
    g_assert_true(mirror_dirty(world.mirror));
    g_assert_cmpstr(mirror_get(world.mirror, "a"), ==, "2");
    expect_flush(&world, "HSET {p3}:meta a 2;");
    expect_flush(&world, ""); /* once */
    mirror_set(world.mirror, "b", "");
    expect_flush(&world, "HSET {p3}:meta b ;"); /* only what changed; an empty text is a value */
    expect_hash(&world, "a=2 b=");
    mirror_remove(world.mirror, "a");
    g_assert_null(mirror_get(world.mirror, "a"));
    g_assert_true(mirror_dirty(world.mirror));
    expect_flush(&world, "HDEL {p3}:meta a;");
    expect_hash(&world, "b=");
    world_clear(&world);
}

/* Only the last word about a field is written. */
static void test_changes_of_mind(void)
{
    struct world world;
    world_init(&world);
    mirror_set(world.mirror, "kept", "1");
    mirror_set(world.mirror, "gone", "1");
    g_free(flush(&world));
    mirror_remove(world.mirror, "kept");
    mirror_set(world.mirror, "kept", "2");
    mirror_set(world.mirror, "gone", "2");
    mirror_remove(world.mirror, "gone");
    expect_flush(&world, "HSET {p3}:meta kept 2;HDEL {p3}:meta gone;");
    expect_hash(&world, "kept=2");
    mirror_set(world.mirror, "never", "1");
    mirror_remove(world.mirror, "never");
    g_free(flush(&world));
    expect_hash(&world, "kept=2");
    world_clear(&world);
}

static void test_numbers(void)
{
    struct world world;
    world_init(&world);
    g_assert_cmpint(mirror_number(world.mirror, "n"), ==, 0);
    mirror_add(world.mirror, "n", 0); /* changes nothing, so it writes nothing */
    g_assert_false(mirror_dirty(world.mirror));
    g_assert_null(mirror_get(world.mirror, "n"));
    mirror_add(world.mirror, "n", 5);
    mirror_add(world.mirror, "n", -7);
    g_assert_cmpint(mirror_number(world.mirror, "n"), ==, -2);
    expect_flush(&world, "HSET {p3}:meta n -2;");
    mirror_add(world.mirror, "n", 2);
    expect_flush(&world, "HSET {p3}:meta n 0;");
    const int64_t bounds[] = {INT64_MIN, INT64_MAX, 0};
    for (size_t i = 0; i < G_N_ELEMENTS(bounds); i++) {
        mirror_set_number(world.mirror, "n", bounds[i]);
        g_assert_cmpint(mirror_number(world.mirror, "n"), ==, bounds[i]);
    }
    const char *const others[] = {"", "x", "1x", " 1", "1.5", "9223372036854775808", "+"};
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        mirror_set(world.mirror, "n", others[i]);
        g_assert_cmpint(mirror_number(world.mirror, "n"), ==, 0);
    }
    world_clear(&world);
}

static void put_into(const char *field, const char *value, void *opaque)
{
    g_assert_true(g_hash_table_insert(opaque, g_strdup(field), g_strdup(value)));
}

static GHashTable *texts_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static void expect_fields(const struct mirror *mirror, GHashTable *wanted)
{
    g_autoptr(GHashTable) found = texts_new();
    GHashTableIter iter;
    gpointer field, value;
    mirror_each(mirror, put_into, found);
    g_assert_cmpuint(g_hash_table_size(found), ==, g_hash_table_size(wanted));
    g_hash_table_iter_init(&iter, wanted);
    while (g_hash_table_iter_next(&iter, &field, &value)) {
        g_assert_cmpstr(g_hash_table_lookup(found, field), ==, value);
        g_assert_cmpstr(mirror_get(mirror, field), ==, value);
    }
}

static void test_load(void)
{
    struct world world;
    world_init(&world);
    g_autoptr(GHashTable) wanted = texts_new();
    expect_fields(world.mirror, wanted);
    for (int i = 0; i < 3000; i++) { /* more than one command may carry */
        char *field = g_strdup_printf("f%d", i), *value = g_strdup_printf("v%d", i);
        mirror_set(world.mirror, field, value);
        g_hash_table_insert(wanted, field, value);
    }
    expect_fields(world.mirror, wanted);
    g_free(flush(&world));
    claim(&world);
    expect_fields(world.mirror, wanted);
    g_assert_false(mirror_dirty(world.mirror)); /* what was read need not be written */
    for (int i = 0; i < 3000; i += 2) {
        g_autofree char *field = g_strdup_printf("f%d", i);
        mirror_remove(world.mirror, field);
        g_hash_table_remove(wanted, field);
    }
    mirror_set(world.mirror, "f1", "new");
    g_hash_table_replace(wanted, g_strdup("f1"), g_strdup("new"));
    g_free(flush(&world));
    claim(&world);
    expect_fields(world.mirror, wanted);
    world_clear(&world);
}

/* Other hashes, and a mirror that was never loaded: it writes what it was told and leaves the rest. */
static void test_apart(void)
{
    struct world world;
    world_init(&world);
    owner_tamper(&world.owner, "{p3}:gaps", view_of("old"), "1");
    struct mirror *gaps = mirror_new(PARTITION, "gaps");
    g_assert_null(mirror_get(gaps, "old"));
    mirror_set(gaps, "new", "2");
    mirror_remove(gaps, "unseen");
    mirror_flush(gaps, world.payload);
    mirror_set(world.mirror, "m", "3");
    g_free(flush(&world));
    g_autofree char *text = owner_hash(&world.owner, "{p3}:gaps");
    g_assert_cmpstr(text, ==, "new=2 old=1");
    expect_hash(&world, "m=3");
    mirror_free(gaps);
    mirror_free(NULL);
    world_clear(&world);
}

static void change(struct world *world, GRand *random, GHashTable *wanted)
{
    char field[8], value[8];
    g_snprintf(field, sizeof field, "f%d", g_rand_int_range(random, 0, 20));
    g_snprintf(value, sizeof value, "%d", g_rand_int_range(random, 0, 100));
    if (g_rand_boolean(random)) {
        mirror_set(world->mirror, field, value);
        g_hash_table_replace(wanted, g_strdup(field), g_strdup(value));
    } else {
        mirror_remove(world->mirror, field);
        g_hash_table_remove(wanted, field);
    }
}

/* After a flush and a claim there is exactly what was set and not removed, whatever was flushed when. */
static void test_random(void)
{
    struct world world;
    GRand *random = g_rand_new_with_seed(11);
    g_autoptr(GHashTable) wanted = texts_new();
    world_init(&world);
    for (int round = 0; round < 2000; round++) {
        for (int i = g_rand_int_range(random, 0, 8); i > 0; i--)
            change(&world, random, wanted);
        expect_fields(world.mirror, wanted);
        g_free(flush(&world));
        if (g_rand_int_range(random, 0, 10) == 0)
            claim(&world);
        expect_fields(world.mirror, wanted);
    }
    claim(&world);
    expect_fields(world.mirror, wanted);
    g_rand_free(random);
    world_clear(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mirror/changes", test_changes);
    g_test_add_func("/mirror/changes-of-mind", test_changes_of_mind);
    g_test_add_func("/mirror/numbers", test_numbers);
    g_test_add_func("/mirror/load", test_load);
    g_test_add_func("/mirror/apart", test_apart);
    g_test_add_func("/mirror/random", test_random);
    return g_test_run();
}
