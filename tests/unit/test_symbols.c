#include "aggregator/symbols.h"
#include "lib/keys.h"
#include "tests/unit/model_store.h"

enum { PARTITION = 3, DAY = 20000, MINUTES_PER_DAY = 1440, BEFORE = DAY * MINUTES_PER_DAY - 1, AFTER = BEFORE + 1 };
/* Horizons: BEFORE the day nothing of it can have been counted, AFTER that it can. */

struct world {
    struct owner owner;
    struct symbols *symbols;
    struct mirror *meta;
    struct payload *payload;
    int64_t horizon;
};

static void world_claim(struct world *world)
{
    symbols_free(world->symbols);
    mirror_free(world->meta);
    owner_claim(&world->owner, PARTITION);
    world->symbols = symbols_new(PARTITION);
    world->meta = mirror_new(PARTITION, "meta");
    mirror_load(world->meta, world->owner.commit);
    owner_read(&world->owner);
    g_free(owner_asked(&world->owner));
}

static void world_init(struct world *world)
{
    *world = (struct world){.payload = payload_new(), .horizon = BEFORE};
    owner_init(&world->owner);
    world_claim(world);
}

static void world_clear(struct world *world)
{
    symbols_free(world->symbols);
    mirror_free(world->meta);
    payload_free(world->payload);
    owner_clear(&world->owner);
}

static void flush(struct world *world)
{
    symbols_flush(world->symbols, world->payload, world->meta);
    g_assert_cmpuint(symbols_dirty_bytes(world->symbols), ==, 0);
    mirror_flush(world->meta, world->payload);
    owner_flush(&world->owner, world->payload);
    world->horizon = INT64_MAX; /* from now on Redis may have something */
}

/* ---- looking up, with as many reads as it takes ---- */

static uint32_t name(struct world *world, const char *text)
{
    return symbols_name(world->symbols, view_of(text));
}

static struct generation *generation(struct world *world, int64_t day, int revision)
{
    struct generation *found = symbols_generation(world->symbols, world->owner.commit, day, revision, world->horizon);
    if (found)
        return found;
    g_assert_cmpuint(commit_asked(world->owner.commit), ==, 1);
    owner_read(&world->owner);
    found = symbols_generation(world->symbols, world->owner.commit, day, revision, world->horizon);
    g_assert_nonnull(found);
    return found;
}

/* over_cap is added to. */
static struct client *client_of(struct world *world, struct generation *in, const char *text, guint *over_cap)
{
    bool over = false;
    struct client *client = symbols_client(world->symbols, world->owner.commit, in, name(world, text), &over);
    *over_cap += over;
    if (client)
        return client;
    g_assert_cmpuint(commit_asked(world->owner.commit), ==, 2);
    owner_read(&world->owner);
    client = symbols_client(world->symbols, world->owner.commit, in, name(world, text), &over);
    g_assert_nonnull(client);
    return client;
}

static struct client *client(struct world *world, const char *text)
{
    guint over_cap = 0;
    struct client *found = client_of(world, generation(world, DAY, 1), text, &over_cap);
    g_assert_cmpuint(over_cap, ==, 0);
    return found;
}

static uint32_t number(struct world *world, struct client *of, enum symbol_kind kind, const char *text)
{
    bool over_cap = false;
    uint32_t found = symbols_number(world->symbols, of, kind, name(world, text), &over_cap);
    g_assert_false(over_cap);
    return found;
}

static void expect_hash(struct world *world, const char *key, const char *wanted)
{
    g_autofree char *found = owner_hash(&world->owner, key);
    g_assert_cmpstr(found, ==, wanted);
}

static void expect_asked(struct world *world, const char *wanted)
{
    g_autofree char *found = owner_asked(&world->owner);
    g_assert_cmpstr(found, ==, wanted);
}

/* ---- names ---- */

static void test_names(void)
{
    struct world world;
    world_init(&world);
    g_assert_cmpuint(name(&world, ""), ==, 0);
    uint32_t a = name(&world, "a"), b = name(&world, "b"), numbers[4];
    g_assert_cmpuint(a, !=, b);
    const struct view texts[] = {view_of("b"), view_of("new"), view_of(""), view_of("a")};
    symbols_names(world.symbols, texts, G_N_ELEMENTS(texts), numbers);
    g_assert_cmpuint(numbers[0], ==, b);
    g_assert_cmpuint(numbers[1], ==, name(&world, "new"));
    g_assert_cmpuint(numbers[2], ==, 0);
    g_assert_cmpuint(numbers[3], ==, a);
    g_assert_true(view_is(symbols_text(world.symbols, numbers[1]), "new"));
    world_clear(&world);
}

static void test_pairs(void)
{
    struct world world;
    world_init(&world);
    uint32_t a = name(&world, "a"), b = name(&world, "b");
    for (int round = 0; round < 2; round++) {
        g_assert_cmpuint(symbols_pair(world.symbols, a, ' ', b), ==, name(&world, "a b"));
        g_assert_cmpuint(symbols_pair(world.symbols, b, ' ', a), ==, name(&world, "b a"));
        g_assert_cmpuint(symbols_pair(world.symbols, a, KEYS_CLIENT_SEPARATOR, b), ==, name(&world, "a\037b"));
        g_assert_cmpuint(symbols_pair(world.symbols, 0, KEYS_CLIENT_SEPARATOR, b), ==, name(&world, "\037b"));
        g_assert_cmpuint(symbols_pair(world.symbols, a, KEYS_CLIENT_SEPARATOR, 0), ==, name(&world, "a\037"));
        symbols_trim(world.symbols);
        name(&world, "other"); /* the numbers are others now */
        b = name(&world, "b");
        a = name(&world, "a");
    }
    world_clear(&world);
}

/* ---- numbers ---- */

static void test_log_order(void)
{
    struct world world;
    world_init(&world);
    struct client *x = client(&world, "o\x1fx"), *y = client(&world, "o\x1fy");
    g_assert_cmpuint(symbols_client_number(x), ==, 1);
    g_assert_cmpuint(symbols_client_number(y), ==, 2);
    g_assert_true(client(&world, "o\x1fx") == x);
    /* Kinds and clients count apart, each from 1 on. */
    g_assert_cmpuint(number(&world, x, SYMBOL_ROUTE, "GET /b"), ==, 1);
    g_assert_cmpuint(number(&world, x, SYMBOL_ROUTE, "GET /a"), ==, 2);
    g_assert_cmpuint(number(&world, x, SYMBOL_ROUTE, "GET /b"), ==, 1);
    g_assert_cmpuint(number(&world, x, SYMBOL_USER, "GET /a"), ==, 1);
    size_t dirty = symbols_dirty_bytes(world.symbols);
    g_assert_cmpuint(dirty, >, strlen("o xo yGET /aGET /bGET /a"));
    g_assert_cmpuint(number(&world, x, SYMBOL_PLATFORM, "ios"), ==, 1);
    g_assert_cmpuint(symbols_dirty_bytes(world.symbols), >=, dirty + 3);
    g_assert_cmpuint(number(&world, y, SYMBOL_ROUTE, "GET /a"), ==, 1);
    for (enum symbol_kind kind = 0; kind < SYMBOL_KINDS; kind++)
        g_assert_cmpuint(number(&world, y, kind, ""), ==, 0); /* nothing has no symbol */
    expect_asked(&world, "");
    flush(&world);
    expect_hash(&world, "{p3}:c:20000.1", "o\x1fx=1 o\x1fy=2");
    expect_hash(&world, "{p3}:r:20000.1:1", "pios=1 rGET /a=2 rGET /b=1");
    expect_hash(&world, "{p3}:u:20000.1:1", "0=GET /a\n");
    expect_hash(&world, "{p3}:r:20000.1:2", "rGET /a=1");
    expect_hash(&world, "{p3}:u:20000.1:2", "");
    g_assert_cmpuint(number(&world, x, SYMBOL_ROUTE, "GET /c"), ==, 3);
    flush(&world);
    const GPtrArray *undo = world.owner.model->undo, *last = g_ptr_array_index(undo, undo->len - 1);
    g_assert_cmpuint(last->len, ==, 1); /* only what is new is written */
    world_clear(&world);
}

static void test_generations(void)
{
    guint over_cap = 0;
    struct world world;
    world_init(&world);
    struct generation *first = generation(&world, DAY, 1), *second = generation(&world, DAY, 2),
                      *next = generation(&world, DAY + 1, 1);
    g_assert_true(first != second && first != next);
    g_assert_true(generation(&world, DAY, 1) == first);
    g_assert_cmpint(second->day, ==, DAY);
    g_assert_cmpint(second->revision, ==, 2);
    client_of(&world, first, "x", &over_cap);
    g_assert_cmpuint(symbols_client_number(client_of(&world, first, "y", &over_cap)), ==, 2);
    struct client *y = client_of(&world, second, "y", &over_cap);
    g_assert_cmpuint(symbols_client_number(y), ==, 1);
    number(&world, y, SYMBOL_USER, "u");
    client_of(&world, next, "z", &over_cap);
    flush(&world);
    expect_hash(&world, "{p3}:c:20000.1", "x=1 y=2");
    expect_hash(&world, "{p3}:c:20000.2", "y=1");
    expect_hash(&world, "{p3}:c:20001.1", "z=1");
    expect_hash(&world, "{p3}:u:20000.2:1", "0=u\n");
    expect_hash(&world, "{p3}:u:20000.1:1", "");
    world_clear(&world);
}

/* Numbers go on where Redis says that they ended, after a trim and after a claim. */
static void test_read_again(void)
{
    for (int way = 0; way < 2; way++) {
        struct world world;
        world_init(&world);
        struct client *x = client(&world, "x");
        number(&world, x, SYMBOL_ROUTE, "GET /1");
        number(&world, x, SYMBOL_ROUTE, "GET /2");
        number(&world, x, SYMBOL_PLATFORM, "ios");
        number(&world, x, SYMBOL_USER, "u");
        client(&world, "y");
        size_t before = symbols_bytes(world.symbols);
        flush(&world);
        if (way == 0)
            symbols_trim(world.symbols);
        else
            world_claim(&world);
        g_assert_cmpuint(symbols_bytes(world.symbols), <, before);
        struct client *y = client(&world, "y");
        expect_asked(&world, "HGETALL {p3}:c:20000.1 0; HGETALL {p3}:r:20000.1:2 0; HGETALL {p3}:u:20000.1:2 0");
        g_assert_cmpuint(symbols_client_number(y), ==, 2);
        g_assert_cmpuint(symbols_client_number(client(&world, "z")), ==, 3);
        expect_asked(&world, ""); /* a new client's tables are empty */
        x = client(&world, "x");
        expect_asked(&world, "HGETALL {p3}:r:20000.1:1 0; HGETALL {p3}:u:20000.1:1 0");
        g_assert_cmpuint(number(&world, x, SYMBOL_ROUTE, "GET /3"), ==, 3);
        g_assert_cmpuint(number(&world, x, SYMBOL_ROUTE, "GET /1"), ==, 1);
        g_assert_cmpuint(number(&world, x, SYMBOL_ROUTE, "GET /2"), ==, 2);
        g_assert_cmpuint(number(&world, x, SYMBOL_PLATFORM, "web"), ==, 2);
        g_assert_cmpuint(number(&world, x, SYMBOL_USER, "v"), ==, 2);
        flush(&world);
        expect_hash(&world, "{p3}:c:20000.1", "x=1 y=2 z=3");
        expect_hash(&world, "{p3}:r:20000.1:1", "pios=1 pweb=2 rGET /1=1 rGET /2=2 rGET /3=3");
        expect_hash(&world, "{p3}:u:20000.1:1", "0=u\nv\n");
        world_clear(&world);
    }
}

static void test_horizon(void)
{
    static const int64_t horizons[] = {-1, BEFORE, AFTER, AFTER + MINUTES_PER_DAY - 1, AFTER + 9 * MINUTES_PER_DAY};
    for (size_t i = 0; i < G_N_ELEMENTS(horizons); i++) {
        struct world world;
        world_init(&world);
        bool may_be = horizons[i] > BEFORE;
        world.horizon = horizons[i];
        struct generation *found = symbols_generation(world.symbols, world.owner.commit, DAY, 1, world.horizon);
        expect_asked(&world, may_be ? "HGETALL {p3}:c:20000.1 0" : "");
        g_assert_cmpint(found == NULL, ==, may_be);
        /* It is asked for once, however often it is wanted. */
        symbols_generation(world.symbols, world.owner.commit, DAY, 1, world.horizon);
        expect_asked(&world, "");
        world_clear(&world);
    }
}

/* A client that is wanted again before its tables have come is not asked for again. */
static void test_asked_once(void)
{
    bool over_cap = false;
    struct world world;
    world_init(&world);
    number(&world, client(&world, "x"), SYMBOL_USER, "u");
    flush(&world);
    symbols_trim(world.symbols);
    struct generation *in = generation(&world, DAY, 1);
    g_free(owner_asked(&world.owner));
    for (int i = 0; i < 3; i++)
        g_assert_null(symbols_client(world.symbols, world.owner.commit, in, name(&world, "x"), &over_cap));
    expect_asked(&world, "HGETALL {p3}:r:20000.1:1 0; HGETALL {p3}:u:20000.1:1 0");
    g_assert_cmpuint(symbols_client_number(client(&world, "y")), ==, 2); /* in memory already: the order is the log's */
    owner_read(&world.owner);
    g_assert_cmpuint(number(&world, client(&world, "x"), SYMBOL_USER, "u"), ==, 1);
    world_clear(&world);
}

/* ---- caps ---- */

static uint32_t number_over(struct world *world, enum symbol_kind kind, const char *text, bool wanted)
{
    bool over_cap = false;
    uint32_t found = symbols_number(world->symbols, client(world, "x"), kind, name(world, text), &over_cap);
    g_assert_cmpint(over_cap, ==, wanted);
    return found;
}

static void pass(struct world *world, int way)
{
    if (way > 0)
        flush(world);
    if (way > 1)
        symbols_trim(world->symbols);
}

static void check_cap(enum symbol_kind kind, uint32_t cap, int way)
{
    struct world world;
    world_init(&world);
    for (uint32_t i = 1; i <= cap; i++) {
        char text[16];
        g_snprintf(text, sizeof text, "n%u", i);
        g_assert_cmpuint(number_over(&world, kind, text, false), ==, i);
    }
    pass(&world, way);
    g_assert_cmpuint(number_over(&world, kind, "more", true), ==, cap + 1);
    pass(&world, way);
    g_assert_cmpuint(number_over(&world, kind, "still more", true), ==, cap + 1);
    g_assert_cmpuint(number_over(&world, kind, "more", true), ==, cap + 1);
    g_assert_cmpuint(number_over(&world, kind, "n1", false), ==, 1); /* who is in stays */
    g_assert_cmpuint(number_over(&world, kind, KEYS_OTHER, false), ==, cap + 1);
    for (enum symbol_kind other = 0; other < SYMBOL_KINDS; other++)
        if (other != kind)
            g_assert_cmpuint(number_over(&world, other, "more", false), ==, 1);
    world_clear(&world);
}

static void test_caps(void)
{
    for (int way = 0; way < 3; way++) {
        check_cap(SYMBOL_ROUTE, KEYS_ROUTES_MAX, way);
        check_cap(SYMBOL_USER, KEYS_USERS_MAX, way);
        check_cap(SYMBOL_PLATFORM, KEYS_PLATFORMS_MAX, way);
    }
}

/* Who is called like the rest gets the rest. */
static void test_cap_taken(void)
{
    struct world world;
    world_init(&world);
    g_assert_cmpuint(number_over(&world, SYMBOL_PLATFORM, KEYS_OTHER, false), ==, 1);
    for (uint32_t i = 2; i <= KEYS_PLATFORMS_MAX; i++) {
        char text[16];
        g_snprintf(text, sizeof text, "n%u", i);
        g_assert_cmpuint(number_over(&world, SYMBOL_PLATFORM, text, false), ==, i);
    }
    g_assert_cmpuint(number_over(&world, SYMBOL_PLATFORM, "more", true), ==, 1);
    world_clear(&world);
}

static void test_cap_clients(void)
{
    guint over_cap = 0;
    struct world world;
    world_init(&world);
    struct generation *in = generation(&world, DAY, 1);
    for (uint32_t i = 1; i <= KEYS_CLIENTS_MAX; i++) {
        char text[16];
        g_snprintf(text, sizeof text, "o\x1f%u", i);
        g_assert_cmpuint(symbols_client_number(client_of(&world, in, text, &over_cap)), ==, i);
    }
    g_assert_cmpuint(over_cap, ==, 0);
    struct client *rest = client_of(&world, in, "o\x1fmore", &over_cap);
    g_assert_cmpuint(symbols_client_number(rest), ==, KEYS_CLIENTS_MAX + 1);
    g_assert_true(client_of(&world, in, "p\x1fmore", &over_cap) == rest);
    g_assert_cmpuint(over_cap, ==, 2);
    g_assert_cmpuint(number(&world, rest, SYMBOL_USER, "u"), ==, 1);
    flush(&world);
    struct view text = model_text(world.owner.model, view_of("{p3}:c:20000.1"), "\x1f" KEYS_OTHER);
    g_assert_true(view_is(text, "100001")); /* without its organization */
    symbols_trim(world.symbols);
    in = generation(&world, DAY, 1);
    g_assert_cmpuint(symbols_client_number(client_of(&world, in, "q\x1fmore", &over_cap)), ==, KEYS_CLIENTS_MAX + 1);
    g_assert_cmpuint(over_cap, ==, 3);
    g_assert_cmpuint(symbols_client_number(client_of(&world, in, "o\03777", &over_cap)), ==, 77);
    g_assert_cmpuint(over_cap, ==, 3);
    world_clear(&world);
}

/* ---- damage ---- */

/* Reads the tables of client x with the damage. */
static bool is_refused(const char *key, const char *field, const char *value)
{
    bool over_cap = false;
    g_autoptr(GError) error = NULL;
    struct world world;
    world_init(&world);
    owner_tamper(&world.owner, "{p3}:c:20000.1", view_of("x"), "1");
    owner_tamper(&world.owner, key, view_of(field), value);
    world.horizon = AFTER;
    symbols_generation(world.symbols, world.owner.commit, DAY, 1, world.horizon);
    bool ok = commit_read(world.owner.commit, &error);
    if (ok) {
        struct generation *in = symbols_generation(world.symbols, world.owner.commit, DAY, 1, world.horizon);
        g_assert_null(symbols_client(world.symbols, world.owner.commit, in, name(&world, "x"), &over_cap));
        ok = commit_read(world.owner.commit, &error);
    }
    if (!ok) {
        g_assert_error(error, COMMIT_ERROR, COMMIT_ERROR_DAMAGED);
        g_assert_nonnull(strstr(error->message, "symbol table"));
    }
    world_clear(&world);
    return !ok;
}

/* All these values of a field, or names of a block. */
static void expect_refused(bool wanted, const char *key, const char *field, const char *values)
{
    g_auto(GStrv) split = g_strsplit(values, "|", -1);
    for (char **value = split; *value; value++)
        if (is_refused(key, field, *value) != wanted)
            g_error("%s \"%s\" \"%s\" is %srefused", key, field, *value, wanted ? "not " : "");
}

static void test_damaged(void)
{
    static const char clients[] = "{p3}:c:20000.1", routes[] = "{p3}:r:20000.1:1", users[] = "{p3}:u:20000.1:1";
    expect_refused(true, clients, "y", "x|0|-1|2 |100002|4294967297");
    expect_refused(true, clients, "y", "");
    expect_refused(true, routes, "rGET /", "x|0|1002|4294967297");
    expect_refused(true, routes, "pios", "x|0|66");
    expect_refused(true, routes, "", "1");
    expect_refused(true, users, "0", "u|u\nv");
    static const char *const blocks[] = {"x", "-1", "", "157", "67108864", "288230376151711744", "99999999999999999999"};
    for (size_t i = 0; i < G_N_ELEMENTS(blocks); i++)
        expect_refused(true, users, blocks[i], "u\n");
    expect_refused(false, clients, "y", "2");
    expect_refused(false, routes, "rGET /", "1");
    expect_refused(false, routes, "pios", "1");
    expect_refused(false, users, "0", "u\nv\n");
}

/* ---- what is written besides ---- */

static void test_counts(void)
{
    struct world world;
    world_init(&world);
    struct generation *first = generation(&world, DAY, 1), *second = generation(&world, DAY, 2);
    generation(&world, DAY + 1, 1);
    flush(&world);
    expect_hash(&world, "{p3}:meta", ""); /* nothing counted, nothing written */
    first->counted += 3;
    second->counted++;
    flush(&world);
    g_assert_cmpuint(first->counted, ==, 0);
    expect_hash(&world, "{p3}:meta", "cnt:20000.1=3 cnt:20000.2=1");
    first->counted += 4;
    flush(&world);
    expect_hash(&world, "{p3}:meta", "cnt:20000.1=7 cnt:20000.2=1");
    symbols_trim(world.symbols);
    generation(&world, DAY, 1)->counted += 5;
    flush(&world);
    world_claim(&world);
    generation(&world, DAY, 1)->counted += 6;
    flush(&world);
    expect_hash(&world, "{p3}:meta", "cnt:20000.1=18 cnt:20000.2=1");
    world_clear(&world);
}

/* Only what is new is written; of users, the whole block in which they are. */
static void test_blocks(void)
{
    struct world world;
    world_init(&world);
    g_autoptr(GString) wanted = g_string_new(NULL);
    for (uint32_t i = 1; i <= 2 * KEYS_USERS_PER_BLOCK + 2; i++) {
        char text[16], field[8];
        g_snprintf(text, sizeof text, "u%u", i);
        g_snprintf(field, sizeof field, "%u", (i - 1) / KEYS_USERS_PER_BLOCK);
        if (i % KEYS_USERS_PER_BLOCK == 1)
            g_string_truncate(wanted, 0);
        g_string_append_printf(wanted, "%s\n", text);
        g_assert_cmpuint(number(&world, client(&world, "x"), SYMBOL_USER, text), ==, i);
        flush(&world);
        g_assert_true(view_is(model_text(world.owner.model, view_of("{p3}:u:20000.1:1"), field), wanted->str));
        guint writes = world.owner.model->undo->len;
        flush(&world);
        g_assert_cmpuint(world.owner.model->undo->len, ==, writes + 2); /* the commit, and that it is applied */
    }
    world_clear(&world);
}

/* ---- against the definition ---- */

enum { ROUNDS = 30000, CLIENTS = 6, GENERATIONS = 3 };
static const guint pools[SYMBOL_KINDS] = {30, 300, 80}; /* more platforms than there may be */

/* What follows from the log. */
struct definition {
    GHashTable *tables; /* char * -> GPtrArray of char *: names in the order in which they first came */
    int64_t counted[GENERATIONS];
};

static void table_free(gpointer names)
{
    g_ptr_array_free(names, TRUE);
}

static GPtrArray *table_of(struct definition *definition, size_t generation, uint32_t client, const char *kind)
{
    g_autofree char *key = g_strdup_printf("%zu %u %s", generation, client, kind);
    GPtrArray *names = g_hash_table_lookup(definition->tables, key);
    if (!names) {
        names = g_ptr_array_new_with_free_func(g_free);
        g_hash_table_insert(definition->tables, g_steal_pointer(&key), names);
    }
    return names;
}

static uint32_t define(GPtrArray *names, const char *text, guint cap, bool *over_cap)
{
    guint at;
    *over_cap = false;
    if (g_ptr_array_find_with_equal_func(names, text, g_str_equal, &at))
        return at + 1;
    *over_cap = names->len >= cap;
    if (names->len <= cap)
        g_ptr_array_add(names, g_strdup(*over_cap ? KEYS_OTHER : text));
    return names->len;
}

/* One event, or a part of it. */
static void random_look_up(struct world *world, GRand *random, struct definition *definition)
{
    static const guint caps[SYMBOL_KINDS] = {KEYS_ROUTES_MAX, KEYS_USERS_MAX, KEYS_PLATFORMS_MAX};
    static const char *const kinds[SYMBOL_KINDS] = {"routes", "users", "platforms"};
    char text[32];
    bool wanted_over, over = false;
    guint ignored = 0;
    size_t g = (size_t)g_rand_int_range(random, 0, GENERATIONS);
    struct generation *in = generation(world, DAY + (int64_t)(g / 2), 1 + (int)(g % 2));
    g_snprintf(text, sizeof text, "o\x1f%d", g_rand_int_range(random, 0, CLIENTS));
    uint32_t wanted = define(table_of(definition, g, 0, "clients"), text, KEYS_CLIENTS_MAX, &wanted_over);
    struct client *of = client_of(world, in, text, &ignored);
    g_assert_cmpuint(symbols_client_number(of), ==, wanted);
    in->counted++;
    definition->counted[g]++;
    enum symbol_kind kind = (enum symbol_kind)g_rand_int_range(random, 0, SYMBOL_KINDS);
    g_snprintf(text, sizeof text, "n%d", g_rand_int_range(random, 0, (gint32)pools[kind]));
    uint32_t symbol = define(table_of(definition, g, wanted, kinds[kind]), text, caps[kind], &wanted_over);
    symbols_prefetch(of, kind, name(world, text));
    g_assert_cmpuint(symbols_number(world->symbols, of, kind, name(world, text), &over), ==, symbol);
    g_assert_cmpint(over, ==, wanted_over);
}

/* Whatever is flushed, forgotten and read again when, the numbers are those of the definition. */
static void test_random(void)
{
    struct world world;
    struct definition definition = {.tables = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, table_free)};
    GRand *random = g_rand_new_with_seed(9);
    world_init(&world);
    for (int i = 0; i < ROUNDS; i++) {
        random_look_up(&world, random, &definition);
        int what = g_rand_int_range(random, 0, 400);
        if (what < 12)
            flush(&world);
        if (what < 4)
            symbols_trim(world.symbols);
        if (what == 0)
            world_claim(&world);
    }
    flush(&world);
    for (size_t g = 0; g < GENERATIONS; g++) {
        g_autofree char *field = g_strdup_printf("cnt:%d.%d", DAY + (int)(g / 2), 1 + (int)(g % 2));
        g_assert_cmpint(mirror_number(world.meta, field), ==, definition.counted[g]);
    }
    g_hash_table_destroy(definition.tables);
    g_rand_free(random);
    world_clear(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/symbols/names", test_names);
    g_test_add_func("/symbols/pairs", test_pairs);
    g_test_add_func("/symbols/log-order", test_log_order);
    g_test_add_func("/symbols/generations", test_generations);
    g_test_add_func("/symbols/read-again", test_read_again);
    g_test_add_func("/symbols/horizon", test_horizon);
    g_test_add_func("/symbols/asked-once", test_asked_once);
    g_test_add_func("/symbols/caps", test_caps);
    g_test_add_func("/symbols/cap-taken", test_cap_taken);
    g_test_add_func("/symbols/cap-clients", test_cap_clients);
    g_test_add_func("/symbols/damaged", test_damaged);
    g_test_add_func("/symbols/counts", test_counts);
    g_test_add_func("/symbols/blocks", test_blocks);
    g_test_add_func("/symbols/random", test_random);
    return g_test_run();
}
