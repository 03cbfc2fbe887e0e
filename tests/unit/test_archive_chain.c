#include "ledger_tools.h"

#include "cli/archive_chain.h"

#include <glib/gstdio.h>

enum { ENTRIES = 6 };

struct world {
    char *directory;
    struct archive *archive;
    GPtrArray *records; /* GBytes */
};

/* Two revisions of each of three days. */
static void world_init(struct world *world)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(11);
    g_autoptr(GError) error = NULL;
    world->directory = g_dir_make_tmp("daybook-chain-XXXXXX", NULL);
    world->archive = archive_open(world->directory, &error);
    world->records = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    for (guint i = 0; i < ENTRIES; i++) {
        struct ledger_entry *entry = random_entry(rand, i + 1, 2);
        entry->day = 20000 + i % 3;
        entry->revision = 1 + i / 3;
        entry->reason = i == 4 ? SEAL_ERASURE : SEAL_DAY_END;
        if (i > 0)
            ledger_checksum(bytes_view(g_ptr_array_index(world->records, i - 1)), entry->previous_checksum);
        GBytes *record = ledger_entry_pack(entry);
        g_ptr_array_add(world->records, record);
        archive_put_entry(world->archive, i + 1, record, &error);
        g_assert_no_error(error);
        ledger_entry_free(entry);
    }
}

static void world_clear(struct world *world)
{
    for (guint i = 1; i <= ENTRIES; i++) {
        g_autofree char *path = archive_entry_path(world->archive, i);
        g_unlink(path);
    }
    g_autofree char *ledger = g_build_filename(world->directory, "ledger", NULL);
    g_autofree char *sheets = g_build_filename(world->directory, "sheets", NULL);
    g_rmdir(ledger);
    g_rmdir(sheets);
    g_rmdir(world->directory);
    archive_free(world->archive);
    g_ptr_array_unref(world->records);
    g_free(world->directory);
}

static void replace(struct world *world, guint n, GBytes *record)
{
    g_autofree char *path = archive_entry_path(world->archive, n);
    gsize size = record ? g_bytes_get_size(record) : 0;
    if (record)
        g_assert_true(g_file_set_contents(path, g_bytes_get_data(record, NULL), (gssize)size, NULL));
    else
        g_unlink(path);
}

static void assert_broken(struct world *world, guint n, const char *why)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = archive_entry_path(world->archive, n);
    g_assert_null(archive_chain_read(world->archive, false, &error));
    g_assert_nonnull(error);
    if (!strstr(error->message, path) || !strstr(error->message, why))
        g_error("“%s” does not name %s and “%s”", error->message, path, why);
}

static void test_whole(void)
{
    struct world world;
    g_autoptr(GError) error = NULL;
    world_init(&world);
    struct archive_chain *chain = archive_chain_read(world.archive, false, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(archive_chain_count(chain), ==, ENTRIES);
    for (guint i = 0; i < ENTRIES; i++) {
        g_autoptr(GBytes) record = archive_chain_record(chain, i, &error);
        g_assert_no_error(error);
        g_assert_true(g_bytes_equal(record, g_ptr_array_index(world.records, i)));
        g_assert_cmpuint(archive_chain_at(chain, i)->day, ==, 20000 + i % 3);
        g_assert_cmpuint(archive_chain_at(chain, i)->revision, ==, 1 + i / 3);
    }
    g_assert_true(archive_chain_is_erased(chain, 20001, 1)); /* by revision 2 */
    g_assert_false(archive_chain_is_erased(chain, 20001, 2));
    g_assert_false(archive_chain_is_erased(chain, 20000, 1));
    replace(&world, 3, g_ptr_array_index(world.records, 3)); /* behind our back */
    g_assert_null(archive_chain_record(chain, 2, &error));
    g_assert_error(error, ARCHIVE_ERROR, ARCHIVE_ERROR_DAMAGED);
    archive_chain_free(chain);
    world_clear(&world);
}

static void test_broken(void)
{
    struct world world;
    g_autoptr(GRand) rand = g_rand_new_with_seed(12);
    world_init(&world);
    replace(&world, 3, NULL);
    assert_broken(&world, 3, "there is no file");
    struct ledger_entry *other = random_entry(rand, 3, 1);
    g_autoptr(GBytes) unlinked = ledger_entry_pack(other);
    replace(&world, 3, unlinked);
    assert_broken(&world, 3, "SHA-256 of the entry before");
    ledger_checksum(bytes_view(g_ptr_array_index(world.records, 1)), other->previous_checksum);
    other->day = 20000; /* its revision 1 is there */
    other->revision = 1;
    g_autoptr(GBytes) repeated = ledger_entry_pack(other);
    replace(&world, 3, repeated);
    assert_broken(&world, 3, "its revision");
    other->day = 20002;
    g_autoptr(GBytes) changed = ledger_entry_pack(other); /* fits, but is not what the next one was written behind */
    replace(&world, 3, changed);
    assert_broken(&world, 4, "SHA-256 of the entry before");
    ledger_entry_free(other);
    world_clear(&world);
}

static void test_empty(void)
{
    struct world world;
    world_init(&world);
    for (guint n = 1; n <= ENTRIES; n++)
        replace(&world, n, NULL);
    struct archive_chain *chain = archive_chain_read(world.archive, false, NULL);
    g_assert_nonnull(chain);
    g_assert_cmpuint(archive_chain_count(chain), ==, 0);
    archive_chain_free(chain);
    world_clear(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/archive-chain/whole", test_whole);
    g_test_add_func("/archive-chain/broken", test_broken);
    g_test_add_func("/archive-chain/empty", test_empty);
    return g_test_run();
}
