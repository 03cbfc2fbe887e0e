#include "ledger_tools.h"
#include "redis_process.h"
#include "sheet_tools.h"

#include "lib/keys.h"
#include "lib/sheet_fetch.h"

static const struct sheet_name name = {3, 20777, 2}; /* 2026-11-20 */

/* A Redis, an archive, and a sheet with its checksum. */
struct world {
    struct redis_process process;
    struct redis *redis;
    struct archive *archive;
    GBytes *bytes, *packed;
    guint8 checksum[LEDGER_CHECKSUM_SIZE];
    char hex[2 * LEDGER_CHECKSUM_SIZE + 1];
    char *key;
};

static GBytes *sheet_with(guint n_rows)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    g_autoptr(GPtrArray) parts = random_parts(rand, n_rows);
    struct sheet_builder *builder = sheet_builder_new();
    for (guint i = 0; i < parts->len; i++)
        g_assert_true(sheet_builder_add(builder, part_at(parts, i), NULL));
    const struct sheet_header header = {(guint32)name.partition, (guint32)name.day, (guint32)name.revision, 5, 9};
    GBytes *bytes = sheet_builder_finish(builder, &header, NULL);
    sheet_builder_free(builder);
    return bytes;
}

static void world_init(struct world *world)
{
    char key[KEYS_MAX];
    g_autoptr(GError) error = NULL;
    redis_process_start(&world->process, 0, NULL);
    world->redis = redis_connect(&(struct redis_settings){world->process.url, 1000, 10000}, NULL, &error);
    g_assert_no_error(error);
    g_autofree char *directory = g_build_filename(world->process.dir, "archive", NULL);
    world->archive = archive_open(directory, &error);
    g_assert_no_error(error);
    world->bytes = sheet_with(100);
    world->packed = sheet_pack(world->bytes);
    sheet_checksum(world->bytes, world->checksum);
    ledger_hex(world->checksum, world->hex);
    keys_sheet(key, name.partition, name.day, name.revision);
    g_assert_cmpstr(key, ==, "{p3}:sheet:2026-11-20:2");
    world->key = g_strdup(key);
}

static void world_clear(struct world *world)
{
    static const char *const parts[] = {"sheets/2026", "sheets", "ledger", ""};
    archive_remove_sheet(world->archive, &name, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++) {
        g_autofree char *path = g_build_filename(archive_directory(world->archive), parts[i], NULL);
        g_rmdir(path);
    }
    archive_free(world->archive);
    redis_free(world->redis);
    redis_process_clear(&world->process);
    g_bytes_unref(world->bytes);
    g_bytes_unref(world->packed);
    g_free(world->key);
}

static void set(struct world *world, struct view value)
{
    g_autoptr(GError) error = NULL;
    redis_reply_free(redis_call(world->redis, &error, "SET %s %b", world->key, value.data, value.size));
    g_assert_no_error(error);
}

static void archive_it(struct world *world)
{
    g_autoptr(GError) error = NULL;
    archive_put_sheet(world->archive, &name, world->packed, &error);
    g_assert_no_error(error);
}

static void damage_archive(struct world *world)
{
    g_autofree char *path = archive_sheet_path(world->archive, &name);
    g_assert_true(g_file_set_contents(path, "damaged", 7, NULL));
}

static void assert_from(struct world *world, struct archive *archive, enum sheet_source wanted)
{
    enum sheet_source source;
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = sheet_fetch(world->redis, archive, &name, world->checksum, &source, &error);
    g_assert_no_error(error);
    g_assert_true(g_bytes_equal(bytes, world->bytes));
    g_assert_cmpint(source, ==, wanted);
    g_autoptr(GBytes) again = sheet_fetch(world->redis, archive, &name, world->checksum, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(g_bytes_equal(again, world->bytes));
}

/* The message holds all of what (to the first NULL). */
static void assert_nowhere(struct world *world, struct archive *archive, enum archive_error code, const char *const what[])
{
    g_autoptr(GError) error = NULL;
    g_assert_null(sheet_fetch(world->redis, archive, &name, world->checksum, NULL, &error));
    g_assert_error(error, ARCHIVE_ERROR, (int)code);
    for (gsize i = 0; what[i]; i++)
        if (!strstr(error->message, what[i]))
            g_error("“%s” does not say “%s”", error->message, what[i]);
}

static void test_places(void)
{
    struct world world;
    world_init(&world);
    g_autofree char *path = archive_sheet_path(world.archive, &name);
    assert_nowhere(&world, NULL, ARCHIVE_ERROR_MISSING, (const char *const[]){world.key, "no archive", NULL});
    assert_nowhere(&world, world.archive, ARCHIVE_ERROR_MISSING, (const char *const[]){world.key, path, NULL});
    archive_it(&world);
    assert_from(&world, world.archive, SHEET_FROM_ARCHIVE);
    set(&world, bytes_view(world.packed));
    assert_from(&world, world.archive, SHEET_FROM_REDIS);
    assert_from(&world, NULL, SHEET_FROM_REDIS);
    world_clear(&world);
}

static void test_damage(void)
{
    struct world world;
    char other_hex[2 * LEDGER_CHECKSUM_SIZE + 1];
    guint8 other_checksum[LEDGER_CHECKSUM_SIZE];
    world_init(&world);
    g_autofree char *path = archive_sheet_path(world.archive, &name);
    g_autoptr(GBytes) other = sheet_with(50), other_packed = sheet_pack(other);
    sheet_checksum(other, other_checksum);
    ledger_hex(other_checksum, other_hex);
    archive_it(&world);
    set(&world, bytes_view(other_packed)); /* a sound sheet, but another one */
    assert_from(&world, world.archive, SHEET_FROM_ARCHIVE);
    assert_nowhere(&world, NULL, ARCHIVE_ERROR_DAMAGED, (const char *const[]){world.key, world.hex, other_hex, NULL});
    struct view packed = bytes_view(world.packed);
    set(&world, view_make(packed.data, packed.size - 1)); /* cut off */
    assert_from(&world, world.archive, SHEET_FROM_ARCHIVE);
    damage_archive(&world);
    assert_nowhere(&world, world.archive, ARCHIVE_ERROR_DAMAGED, (const char *const[]){world.key, path, world.hex, NULL});
    redis_reply_free(redis_call(world.redis, NULL, "DEL %s", world.key));
    assert_nowhere(&world, world.archive, ARCHIVE_ERROR_DAMAGED, (const char *const[]){world.key, path, world.hex, NULL});
    set(&world, packed);
    assert_from(&world, world.archive, SHEET_FROM_REDIS);
    world_clear(&world);
}

/* What is no string under the key, and a server that is gone. */
static void test_redis_fails(void)
{
    struct world world;
    g_autoptr(GError) error = NULL, lost = NULL, both = NULL;
    world_init(&world);
    redis_reply_free(redis_call(world.redis, NULL, "LPUSH %s x", world.key));
    g_assert_null(sheet_fetch(world.redis, NULL, &name, world.checksum, NULL, &error));
    g_assert_error(error, REDIS_ERROR, REDIS_ERROR_REPLY);
    g_assert_nonnull(strstr(error->message, world.key));
    archive_it(&world);
    assert_from(&world, world.archive, SHEET_FROM_ARCHIVE);
    redis_process_kill(&world.process);
    assert_from(&world, world.archive, SHEET_FROM_ARCHIVE);
    g_assert_null(sheet_fetch(world.redis, NULL, &name, world.checksum, NULL, &lost));
    g_assert_error(lost, REDIS_ERROR, REDIS_ERROR_LOST);
    damage_archive(&world); /* that Redis may come back is the better news */
    g_assert_null(sheet_fetch(world.redis, world.archive, &name, world.checksum, NULL, &both));
    g_assert_error(both, REDIS_ERROR, REDIS_ERROR_LOST);
    world_clear(&world);
}

static void assert_reply(const char *resp, enum archive_error code)
{
    static const guint8 checksum[LEDGER_CHECKSUM_SIZE];
    g_autoptr(GError) error = NULL;
    struct redis_reply *reply = redis_reply_from_resp(view_of(resp));
    g_assert_nonnull(reply);
    g_assert_null(sheet_fetch_reply(reply, &name, checksum, &error));
    g_assert_error(error, ARCHIVE_ERROR, (int)code);
    redis_reply_free(reply);
}

static void test_reply(void)
{
    assert_reply("$-1\r\n", ARCHIVE_ERROR_MISSING);
    assert_reply("$0\r\n\r\n", ARCHIVE_ERROR_DAMAGED);
    assert_reply("$3\r\nabc\r\n", ARCHIVE_ERROR_DAMAGED);
    g_autoptr(GError) error = NULL;
    struct redis_reply *list = redis_reply_from_resp(view_of("*0\r\n"));
    g_assert_null(sheet_fetch_reply(list, &name, (const guint8[LEDGER_CHECKSUM_SIZE]){0}, &error));
    g_assert_error(error, REDIS_ERROR, REDIS_ERROR_REPLY);
    redis_reply_free(list);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sheet-fetch/places", test_places);
    g_test_add_func("/sheet-fetch/damage", test_damage);
    g_test_add_func("/sheet-fetch/redis-fails", test_redis_fails);
    g_test_add_func("/sheet-fetch/reply", test_reply);
    return g_test_run();
}
