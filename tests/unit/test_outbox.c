#include "aggregator/outbox.h"
#include "tests/unit/model_store.h"

enum { PARTITION = 3 };

struct world {
    struct owner owner;
    struct outbox *outbox;
    struct payload *payload;
};

static void world_init(struct world *world)
{
    *world = (struct world){.outbox = outbox_new(PARTITION), .payload = payload_new()};
    owner_init(&world->owner);
    owner_claim(&world->owner, PARTITION);
}

static void world_clear(struct world *world)
{
    outbox_free(world->outbox);
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

/* What is written in a flush, which is carried out. */
static void expect_flush(struct world *world, const char *wanted)
{
    g_autoptr(GString) text = g_string_new(NULL);
    outbox_flush(world->outbox, world->payload);
    g_assert_true(payload_each(payload_bytes(world->payload), command_text, text));
    g_assert_cmpstr(text->str, ==, wanted);
    owner_flush(&world->owner, world->payload);
    owner_read(&world->owner);
}

static void expect_hash(struct world *world, const char *key, const char *wanted)
{
    g_autofree char *found = owner_hash(&world->owner, key);
    g_assert_cmpstr(found, ==, wanted);
}

/* In the order in which they came, each to its key, once. */
static void test_order(void)
{
    struct world world;
    world_init(&world);
    g_assert_cmpuint(outbox_bytes(world.outbox), ==, 0);
    expect_flush(&world, "");
    outbox_put(world.outbox, "closed", "20000.1", view_of("one"));
    outbox_put(world.outbox, "ledger", "1", view_of("entry"));
    outbox_put(world.outbox, "closed", "20000.2", view_of("two"));
    expect_flush(&world, "HSET {p3}:closed 20000.1 one;HSET {p3}:ledger 1 entry;HSET {p3}:closed 20000.2 two;");
    expect_flush(&world, "");
    expect_hash(&world, "{p3}:closed", "20000.1=one 20000.2=two");
    expect_hash(&world, "{p3}:ledger", "1=entry");
    world_clear(&world);
}

/* Of two values for a field the later one stays, within a flush and after it. */
static void test_last_word(void)
{
    struct world world;
    world_init(&world);
    outbox_put(world.outbox, "closed", "20000.1", view_of("without a sheet"));
    outbox_put(world.outbox, "closed", "20000.1", view_of("sheet"));
    outbox_flush(world.outbox, world.payload);
    owner_flush(&world.owner, world.payload);
    owner_read(&world.owner);
    expect_hash(&world, "{p3}:closed", "20000.1=sheet");
    outbox_put(world.outbox, "closed", "20000.1", view_of(""));
    expect_flush(&world, "HSET {p3}:closed 20000.1 ;");
    expect_hash(&world, "{p3}:closed", "20000.1=");
    world_clear(&world);
}

/* Values are bytes, and copies. */
static void test_bytes(void)
{
    struct world world;
    char value[] = "a\0b\r\n\xff", field[] = "f", kind[] = "ledger";
    world_init(&world);
    outbox_put(world.outbox, kind, field, view_make(value, sizeof value));
    memset(value, 'x', sizeof value);
    field[0] = 'g';
    kind[0] = 'k';
    outbox_flush(world.outbox, world.payload);
    owner_flush(&world.owner, world.payload);
    owner_read(&world.owner);
    struct view found = model_text(world.owner.model, view_of("{p3}:ledger"), "f");
    g_assert_true(view_equal(found, view_make("a\0b\r\n\xff", sizeof value)));
    world_clear(&world);
}

/* What is held is seen by whoever decides when to flush; a value larger than a command's other limits goes through. */
static void test_size(void)
{
    struct world world;
    world_init(&world);
    g_autofree char *large = g_strnfill(1000000, 'v');
    outbox_put(world.outbox, "closed", "20000.1", view_of(large));
    size_t one = outbox_bytes(world.outbox);
    g_assert_cmpuint(one, >=, 1000000);
    outbox_put(world.outbox, "closed", "20000.2", view_of(large));
    g_assert_cmpuint(outbox_bytes(world.outbox), ==, 2 * one);
    outbox_flush(world.outbox, world.payload);
    g_assert_cmpuint(outbox_bytes(world.outbox), ==, 0);
    owner_flush(&world.owner, world.payload);
    owner_read(&world.owner);
    g_assert_cmpuint(model_text(world.owner.model, view_of("{p3}:closed"), "20000.2").size, ==, 1000000);
    world_clear(&world);
}

/* What was not flushed is gone with the outbox. */
static void test_free(void)
{
    struct world world;
    world_init(&world);
    outbox_put(world.outbox, "closed", "20000.1", view_of("lost"));
    outbox_free(world.outbox);
    outbox_free(NULL);
    world.outbox = outbox_new(PARTITION + 1);
    outbox_put(world.outbox, "closed", "20000.2", view_of("kept"));
    expect_flush(&world, "HSET {p4}:closed 20000.2 kept;");
    expect_hash(&world, "{p3}:closed", "");
    world_clear(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/outbox/order", test_order);
    g_test_add_func("/outbox/last-word", test_last_word);
    g_test_add_func("/outbox/bytes", test_bytes);
    g_test_add_func("/outbox/size", test_size);
    g_test_add_func("/outbox/free", test_free);
    return g_test_run();
}
