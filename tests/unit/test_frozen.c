#include "aggregator/frozen.h"
#include "lib/keys.h"
#include "tests/unit/model_store.h"
#include "tests/unit/sheet_tools.h"

enum { PARTITION = 3, DAY = 20000, REVISION = 2 };

/* The buckets of a generation as an aggregator would have written them, and the rows in them. */
struct world {
    struct owner owner;
    GHashTable *symbols;           /* "table name" -> number */
    GHashTable *counts;            /* table -> how many */
    struct sheet_builder *wanted;  /* what was put */
    struct sheet_builder *builder; /* what is read */
};

static void world_init(struct world *world)
{
    *world = (struct world){.wanted = sheet_builder_new(), .builder = sheet_builder_new()};
    world->symbols = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    world->counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    owner_init(&world->owner);
    owner_claim(&world->owner, PARTITION);
}

static void world_clear(struct world *world)
{
    sheet_builder_free(world->wanted);
    sheet_builder_free(world->builder);
    g_hash_table_destroy(world->symbols);
    g_hash_table_destroy(world->counts);
    owner_clear(&world->owner);
}

/* ---- writing buckets ---- */

static void set(struct world *world, const char *key, const char *field, const char *value)
{
    owner_tamper(&world->owner, key, view_of(field), value);
}

/* Appends to what a field holds. */
static void append(struct world *world, const char *key, unsigned field, const char *more)
{
    char name[16];
    g_snprintf(name, sizeof name, "%u", field);
    struct view before = model_text(world->owner.model, view_of(key), name);
    g_autofree char *text = g_strdup_printf("%.*s%s", (int)before.size, before.data, more);
    set(world, key, name, text);
}

/* The number of a name in a table; *fresh: it is new there. */
static unsigned symbol(struct world *world, const char *table, const char *name, bool *fresh)
{
    g_autofree char *both = g_strdup_printf("%s %s", table, name);
    unsigned number = GPOINTER_TO_UINT(g_hash_table_lookup(world->symbols, both));
    *fresh = number == 0;
    if (!*fresh)
        return number;
    number = GPOINTER_TO_UINT(g_hash_table_lookup(world->counts, table)) + 1;
    g_hash_table_insert(world->symbols, g_steal_pointer(&both), GUINT_TO_POINTER(number));
    g_hash_table_replace(world->counts, g_strdup(table), GUINT_TO_POINTER(number));
    return number;
}

static unsigned named(struct world *world, const char *key, const char *table, const char *name)
{
    bool fresh;
    char text[16];
    unsigned number = symbol(world, table, name, &fresh);
    g_snprintf(text, sizeof text, "%u", number);
    if (fresh)
        set(world, key, name, text);
    return number;
}

static unsigned user_of(struct world *world, unsigned client, struct view name)
{
    char key[KEYS_MAX];
    bool fresh;
    if (name.size == 0)
        return 0;
    keys_users(key, PARTITION, DAY, REVISION, client);
    g_autofree char *line = g_strdup_printf("%.*s\n", (int)name.size, name.data);
    unsigned number = symbol(world, key, line, &fresh);
    if (fresh)
        append(world, key, (number - 1) / KEYS_USERS_PER_BLOCK, line);
    return number;
}

static unsigned route_of(struct world *world, unsigned client, const struct sheet_row *row)
{
    char key[KEYS_MAX];
    bool other = row->method.size == 0 && view_is(row->template, KEYS_OTHER);
    g_autofree char *name = g_strdup_printf("r%.*s%s%.*s", (int)row->method.size, row->method.data, other ? "" : " ",
                                            (int)row->template.size, row->template.data);
    keys_routes(key, PARTITION, DAY, REVISION, client);
    g_autofree char *table = g_strconcat(key, " routes", NULL);
    return named(world, key, table, name);
}

static unsigned platform_of(struct world *world, unsigned client, struct view platform)
{
    char key[KEYS_MAX];
    if (platform.size == 0)
        return 0;
    g_autofree char *name = g_strdup_printf("p%.*s", (int)platform.size, platform.data);
    keys_routes(key, PARTITION, DAY, REVISION, client);
    g_autofree char *table = g_strconcat(key, " platforms", NULL);
    return named(world, key, table, name);
}

static void put(struct world *world, const struct sheet_row *row)
{
    char key[KEYS_MAX], member[16];
    g_autofree char *name = g_strdup_printf("%.*s\x1f%.*s", (int)row->organization.size, row->organization.data,
                                            (int)row->client.size, row->client.data);
    keys_clients(key, PARTITION, DAY, REVISION);
    unsigned client = named(world, key, key, name), user = user_of(world, client, row->user);
    g_autofree char *measure = measure_text(&row->measure);
    g_autofree char *line =
        g_strdup_printf("%u.%u.%u %s\n", route_of(world, client, row), user, platform_of(world, client, row->platform), measure);
    keys_slot(key, PARTITION, DAY, REVISION, (int)row->slot, client);
    append(world, key, user / KEYS_USERS_PER_SHARD, line);
    keys_slot_clients(key, PARTITION, DAY, REVISION, (int)row->slot);
    g_snprintf(member, sizeof member, "%u", client);
    set(world, key, member, "17"); /* the score says nothing here */
    g_assert_true(sheet_builder_add(world->wanted, row, NULL));
}

static void put_one(struct world *world, const char *client, const char *user, uint32_t slot)
{
    struct sheet_row row = {.organization = view_of("o"),
                            .client = view_of(client),
                            .user = view_of(user),
                            .method = view_of("GET"),
                            .template = view_of("/x"),
                            .platform = view_of(""),
                            .slot = slot};
    measure_init(&row.measure);
    measure_add(&row.measure, 200, 1000 + slot, 1, 2, true);
    put(world, &row);
    measure_clear(&row.measure);
}

/* ---- reading them ---- */

static bool read_pieces(struct world *world, guint *pieces, GError **error)
{
    struct frozen *frozen = frozen_new(PARTITION, DAY, REVISION, world->builder);
    bool done = false, ok = true;
    for (*pieces = 0; ok && !done; ++*pieces) {
        g_assert_cmpuint(*pieces, <, 100000);
        ok = frozen_step(frozen, world->owner.commit, &done, error);
    }
    frozen_free(frozen);
    return ok;
}

static guint expect_same(struct world *world)
{
    g_autoptr(GError) error = NULL;
    guint pieces;
    g_assert_true(read_pieces(world, &pieces, &error));
    g_assert_no_error(error);
    g_autoptr(GBytes) wanted = finish(world->wanted), found = finish(world->builder);
    g_assert_true(g_bytes_equal(found, wanted));
    return pieces;
}

static void test_nothing(void)
{
    struct world world;
    world_init(&world);
    g_assert_cmpuint(expect_same(&world), <=, 2);
    frozen_free(NULL);
    world_clear(&world);
}

/* Every row as it was put, whatever names it has. */
static void test_random(void)
{
    for (guint32 seed = 1; seed <= 60; seed++) {
        struct world world;
        GRand *random = g_rand_new_with_seed(seed);
        world_init(&world);
        GPtrArray *parts = random_parts(random, (guint)g_rand_int_range(random, 1, 400));
        for (guint i = 0; i < parts->len; i++)
            put(&world, part_at(parts, i));
        expect_same(&world);
        g_ptr_array_free(parts, TRUE);
        g_rand_free(random);
        world_clear(&world);
    }
}

/* More users than a block and a shard have. */
static void test_users(void)
{
    struct world world;
    world_init(&world);
    for (unsigned i = 0; i < 3 * KEYS_USERS_PER_BLOCK + 5; i++) {
        g_autofree char *user = g_strdup_printf("user %u", i);
        put_one(&world, "c", user, i % 3);
    }
    put_one(&world, "c", "", 1);
    expect_same(&world);
    world_clear(&world);
}

/* More clients than fit into a piece, in all slots: pieces are bounded, and none is left out. */
static void test_pieces(void)
{
    struct world world;
    world_init(&world);
    for (unsigned i = 0; i < 2000; i++) {
        g_autofree char *client = g_strdup_printf("client-%u", i);
        put_one(&world, client, "u", i % KEYS_SLOTS_PER_DAY);
    }
    for (unsigned slot = 0; slot < KEYS_SLOTS_PER_DAY; slot++)
        put_one(&world, "client-7", "u", slot);
    guint pieces = expect_same(&world);
    g_assert_cmpuint(pieces, >, 10);
    g_assert_cmpuint(pieces, <, 200);
    world_clear(&world);
}

/* Between two pieces a partition counts and flushes; buckets of other days and revisions are not looked at. */
static void test_between(void)
{
    struct world world;
    g_autoptr(GError) error = NULL;
    struct payload *payload = payload_new();
    bool done = false;
    world_init(&world);
    for (unsigned i = 0; i < 300; i++) {
        g_autofree char *client = g_strdup_printf("client-%u", i);
        put_one(&world, client, "u", i % 7);
    }
    struct frozen *frozen = frozen_new(PARTITION, DAY, REVISION, world.builder);
    for (guint i = 0; !done; i++) {
        char key[KEYS_MAX];
        for (int revision = 1; revision <= 3; revision += 2) {
            g_autofree char *name = g_strdup_printf("o\x1f"
                                                    "client-%u",
                                                    i),
                            *number = g_strdup_printf("%u", i + 1);
            payload_begin(payload, PAYLOAD_HSET, view_make(key, keys_clients(key, PARTITION, DAY, revision)));
            payload_add_pair(payload, view_of(name), view_of(number));
            payload_begin(payload, PAYLOAD_ZADD, view_make(key, keys_slot_clients(key, PARTITION, DAY, revision, 3)));
            payload_add_pair(payload, view_of("5"), view_of(number));
        }
        owner_flush(&world.owner, payload);
        g_assert_true(frozen_step(frozen, world.owner.commit, &done, &error));
        g_assert_no_error(error);
    }
    frozen_free(frozen);
    payload_free(payload);
    g_autoptr(GBytes) wanted = finish(world.wanted), found = finish(world.builder);
    g_assert_true(g_bytes_equal(found, wanted));
    world_clear(&world);
}

/* ---- damage ---- */

/* What is wrong stands in the place of what was right: {c}, {r}, {u}, {z}, {s} are the keys of one client in one slot. */
static const struct damage {
    char key;
    const char *field, *value, *what;
} damages[] = {
    {'c', "no separator", "2", "a client's name or symbol"},
    {'c',
     "o\x1f"
     "other",
     "0", "a client's name or symbol"},
    {'c',
     "o\x1f"
     "other",
     "100002", "a client's name or symbol"},
    {'c',
     "o\x1f"
     "other",
     "x", "a client's name or symbol"},
    {'c',
     "o\x1f"
     "other",
     "-1", "a client's name or symbol"},
    {'c',
     "o\x1f"
     "c",
     NULL, "a client that has no name"},
    {'z', "2", "1", "a client that has no name"},
    {'z', "0", "1", "a client that has no name"},
    {'z', "c", "1", "a client that has no name"},
    {'r', "rGET /x", NULL, "a line of a slot"},
    {'r', "rGET /x", "2", "a line of a slot"},
    {'r', "rGET /x", "0", "a route's or platform's symbol"},
    {'r', "rPUT /x", "1002", "a route's or platform's symbol"},
    {'r', "rPUT /x", "x", "a route's or platform's symbol"},
    {'r', "", "1", "a route's or platform's symbol"},
    {'r', "pios", "66", "a route's or platform's symbol"},
    {'u', "0", NULL, "a line of a slot"},
    {'u', "0", "u", "a block of users"},
    {'u', "x", "v\n", "a block of users has no number"},
    {'u', "1000", "v\n", "a block of users"},
    {'u', "99999999999999999999", "v\n", "a block of users has no number"},
    {'s', "0", "1.1.0 200 5 6 7", "a line of a slot"},
    {'s', "0", "1.1.0\n", "a line of a slot"},
    {'s', "0", "1.1 200 5 6 7\n", "a line of a slot"},
    {'s', "0", "0.1.0 200 5 6 7\n", "a line of a slot"},
    {'s', "0", "2.1.0 200 5 6 7\n", "a line of a slot"},
    {'s', "0", "1.2.0 200 5 6 7\n", "a line of a slot"},
    {'s', "0", "1.1.1 200 5 6 7\n", "a line of a slot"},
    {'s', "0", "1.1.0 x\n", "a line of a slot"},
    {'s', "0", "\n", "a line of a slot"},
    {'s', "5", "1.1.0 200 5 6 7\n\n", "a line of a slot"},
};

static void damage_key(char kind, char *key)
{
    if (kind == 'c')
        keys_clients(key, PARTITION, DAY, REVISION);
    else if (kind == 'r')
        keys_routes(key, PARTITION, DAY, REVISION, 1);
    else if (kind == 'u')
        keys_users(key, PARTITION, DAY, REVISION, 1);
    else if (kind == 'z')
        keys_slot_clients(key, PARTITION, DAY, REVISION, 40);
    else
        keys_slot(key, PARTITION, DAY, REVISION, 40, 1);
}

static void test_damage(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(damages); i++) {
        struct world world;
        g_autoptr(GError) error = NULL;
        char key[KEYS_MAX];
        guint pieces;
        world_init(&world);
        put_one(&world, "c", "u", 40);
        damage_key(damages[i].key, key);
        set(&world, key, damages[i].field, damages[i].value);
        if (read_pieces(&world, &pieces, &error))
            g_error("damage %zu (%c %s) was not noticed", i, damages[i].key, damages[i].field);
        g_assert_error(error, COMMIT_ERROR, COMMIT_ERROR_DAMAGED);
        if (!strstr(error->message, damages[i].what))
            g_error("damage %zu: \"%s\" does not say \"%s\"", i, error->message, damages[i].what);
        /* The connection can be asked again: all replies were read. */
        g_autoptr(GError) second = NULL;
        g_assert_true(commit_guard(world.owner.commit, &second));
        g_assert_no_error(second);
        world_clear(&world);
    }
}

/* Half-way through, the partition is given up. */
static void test_given_up(void)
{
    struct world world;
    g_autoptr(GError) error = NULL;
    bool done;
    world_init(&world);
    for (unsigned i = 0; i < 100; i++) {
        g_autofree char *client = g_strdup_printf("client-%u", i);
        put_one(&world, client, "u", i % 7);
    }
    for (int steps = 0; steps < 3; steps++) {
        struct frozen *frozen = frozen_new(PARTITION, DAY, REVISION, world.builder);
        for (int i = 0; i < steps; i++)
            g_assert_true(frozen_step(frozen, world.owner.commit, &done, &error));
        g_assert_no_error(error);
        frozen_free(frozen);
    }
    world_clear(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/frozen/nothing", test_nothing);
    g_test_add_func("/frozen/random", test_random);
    g_test_add_func("/frozen/users", test_users);
    g_test_add_func("/frozen/pieces", test_pieces);
    g_test_add_func("/frozen/between", test_between);
    g_test_add_func("/frozen/damage", test_damage);
    g_test_add_func("/frozen/given-up", test_given_up);
    return g_test_run();
}
