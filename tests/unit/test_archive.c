/* The process that shall die, or has no disk left, is this program again, as a child. */
#include "ledger_tools.h"
#include "sheet_tools.h"

#include "lib/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utime.h>

static const char *self;

static void remove_below(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *below = g_build_filename(path, name, NULL);
        remove_below(below);
    }
    if (dir)
        g_dir_close(dir);
    g_remove(path);
}

static guint count_files(const char *path, const char *prefix)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;
    guint n = 0;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *below = g_build_filename(path, name, NULL);
        if (g_file_test(below, G_FILE_TEST_IS_DIR))
            n += count_files(below, prefix);
        else
            n += g_str_has_prefix(name, prefix) ? 1 : 0;
    }
    if (dir)
        g_dir_close(dir);
    return n;
}

/* ---- a directory, and what is put into it ---- */

struct world {
    char *directory;
    struct archive *archive;
    struct sheet_name name;
    GBytes *bytes, *packed; /* of a sheet with that name */
    guint8 checksum[LEDGER_CHECKSUM_SIZE];
};

static GBytes *sheet_named(const struct sheet_name *name, guint n_rows)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    g_autoptr(GPtrArray) parts = random_parts(rand, n_rows);
    struct sheet_builder *builder = sheet_builder_new();
    for (guint i = 0; i < parts->len; i++)
        g_assert_true(sheet_builder_add(builder, part_at(parts, i), NULL));
    const struct sheet_header header = {(guint32)name->partition, (guint32)name->day, (guint32)name->revision, 5, 9};
    GBytes *bytes = sheet_builder_finish(builder, &header, NULL);
    sheet_builder_free(builder);
    return bytes;
}

static struct archive *open_archive(const char *directory)
{
    g_autoptr(GError) error = NULL;
    struct archive *archive = archive_open(directory, &error);
    g_assert_no_error(error);
    return archive;
}

static void world_init(struct world *world)
{
    g_autofree char *above = g_dir_make_tmp("daybook-archive-XXXXXX", NULL);
    world->directory = g_build_filename(above, "deep", "archive", NULL);
    world->archive = open_archive(world->directory);
    world->name = (struct sheet_name){3, 20777, 2}; /* 2026-11-20 */
    world->bytes = sheet_named(&world->name, 200);
    world->packed = sheet_pack(world->bytes);
    sheet_checksum(world->bytes, world->checksum);
}

static void world_clear(struct world *world)
{
    g_autofree char *deep = g_path_get_dirname(world->directory), *above = g_path_get_dirname(deep);
    remove_below(above);
    archive_free(world->archive);
    g_free(world->directory);
    g_bytes_unref(world->bytes);
    g_bytes_unref(world->packed);
}

static void put_sheet(struct world *world)
{
    g_autoptr(GError) error = NULL;
    archive_put_sheet(world->archive, &world->name, world->packed, &error);
    g_assert_no_error(error);
}

static void assert_sheet(struct world *world)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = archive_get_sheet(world->archive, &world->name, world->checksum, &error);
    g_assert_no_error(error);
    g_assert_true(g_bytes_equal(bytes, world->bytes));
    g_autoptr(GBytes) any = archive_get_sheet(world->archive, &world->name, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(g_bytes_equal(any, world->bytes));
    g_autoptr(GBytes) packed = archive_get_packed_sheet(world->archive, &world->name, world->checksum, &error);
    g_assert_no_error(error);
    g_autoptr(GBytes) unpacked = sheet_unpack(g_bytes_get_data(packed, NULL), g_bytes_get_size(packed), &error);
    g_assert_no_error(error);
    g_assert_true(g_bytes_equal(unpacked, world->bytes));
    g_assert_cmpuint(count_files(world->directory, ".tmp-"), ==, 0);
}

static void assert_fails(GError *error, enum archive_error code, const char *what)
{
    g_assert_error(error, ARCHIVE_ERROR, (int)code);
    if (!strstr(error->message, what))
        g_error("“%s” does not say “%s”", error->message, what);
}

static void assert_no_sheet(struct world *world, const guint8 *checksum, enum archive_error code, const char *what)
{
    g_autoptr(GError) error = NULL;
    GBytes *bytes = archive_get_sheet(world->archive, &world->name, checksum, &error);
    g_assert_null(bytes);
    assert_fails(error, code, what);
}

static char *sheet_file(struct world *world)
{
    return g_build_filename(world->directory, "sheets", "2026", "2026-11-20.r2.p3.sheet.zst", NULL);
}

static void write_file(const char *path, const void *data, gsize size)
{
    g_autoptr(GError) error = NULL;
    g_file_set_contents(path, data, (gssize)size, &error);
    g_assert_no_error(error);
}

/* ---- sheets ---- */

static void test_sheet(void)
{
    struct world world;
    world_init(&world);
    assert_no_sheet(&world, world.checksum, ARCHIVE_ERROR_MISSING, "2026-11-20.r2.p3.sheet.zst");
    put_sheet(&world);
    assert_sheet(&world);
    put_sheet(&world); /* again: it is there */
    assert_sheet(&world);
    g_autofree char *path = archive_sheet_path(world.archive, &world.name), *wanted = sheet_file(&world), *content = NULL;
    g_assert_cmpstr(path, ==, wanted);
    gsize size;
    g_assert_true(g_file_get_contents(path, &content, &size, NULL));
    g_assert_true(view_equal(view_make(content, size), bytes_view(world.packed)));
    g_assert_true(archive_remove_sheet(world.archive, &world.name, NULL));
    g_assert_true(archive_remove_sheet(world.archive, &world.name, NULL));
    assert_no_sheet(&world, NULL, ARCHIVE_ERROR_MISSING, wanted);
    world_clear(&world);
}

/* Another zstd makes other bytes of the same sheet. */
static void test_same_when_unpacked(void)
{
    struct world world;
    world_init(&world);
    put_sheet(&world);
    /* A raw frame (RFC 8878): the magic number, a descriptor with 4 bytes of content size, one last raw block. */
    gsize size;
    const guint8 *data = g_bytes_get_data(world.bytes, &size);
    guint32 block = (guint32)(size << 3 | 1);
    g_assert_cmpuint(size, <, 128 * 1024);
    GByteArray *frame = g_byte_array_new();
    g_byte_array_append(frame, (const guint8[]){0x28, 0xb5, 0x2f, 0xfd, 0xa0}, 5);
    for (guint i = 0; i < 4; i++)
        g_byte_array_append(frame, &(guint8){(guint8)(size >> 8 * i)}, 1);
    for (guint i = 0; i < 3; i++)
        g_byte_array_append(frame, &(guint8){(guint8)(block >> 8 * i)}, 1);
    g_byte_array_append(frame, data, (guint)size);
    g_autoptr(GBytes) other = g_byte_array_free_to_bytes(frame);
    g_autoptr(GError) error = NULL;
    g_assert_false(g_bytes_equal(other, world.packed));
    archive_put_sheet(world.archive, &world.name, other, &error);
    g_assert_no_error(error);
    assert_sheet(&world);
    world_clear(&world);
}

static void hex_of(GBytes *bytes, char hex[2 * LEDGER_CHECKSUM_SIZE + 1])
{
    guint8 checksum[LEDGER_CHECKSUM_SIZE];
    ledger_checksum(bytes_view(bytes), checksum);
    ledger_hex(checksum, hex);
}

static void test_conflict(void)
{
    struct world world;
    char hex[2 * LEDGER_CHECKSUM_SIZE + 1];
    world_init(&world);
    put_sheet(&world);
    g_autoptr(GBytes) other = sheet_named(&world.name, 100), packed = sheet_pack(other);
    g_autoptr(GError) error = NULL, second = NULL, third = NULL;
    g_assert_false(archive_put_sheet(world.archive, &world.name, packed, &error));
    hex_of(world.bytes, hex);
    assert_fails(error, ARCHIVE_ERROR_CONFLICT, hex);
    hex_of(other, hex);
    assert_fails(error, ARCHIVE_ERROR_CONFLICT, hex);
    assert_sheet(&world);

    g_autofree char *path = sheet_file(&world); /* what is damaged is not written over either */
    write_file(path, "no sheet", 8);
    g_assert_false(archive_put_sheet(world.archive, &world.name, world.packed, &second));
    assert_fails(second, ARCHIVE_ERROR_CONFLICT, "damaged file");
    g_remove(path);
    g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
    g_assert_false(archive_put_sheet(world.archive, &world.name, world.packed, &third));
    assert_fails(third, ARCHIVE_ERROR_DAMAGED, "no regular file");
    assert_no_sheet(&world, world.checksum, ARCHIVE_ERROR_DAMAGED, "no regular file");
    g_remove(path);
    put_sheet(&world);
    assert_sheet(&world);
    world_clear(&world);
}

/* One flipped bit anywhere, or cut off anywhere: named with both checksums, never handed out. */
static void test_damage(void)
{
    struct world world;
    char hex[2 * LEDGER_CHECKSUM_SIZE + 1];
    world_init(&world);
    put_sheet(&world);
    ledger_hex(world.checksum, hex);
    g_autofree char *path = sheet_file(&world);
    struct view packed = bytes_view(world.packed);
    for (gsize i = 0; i < packed.size; i += packed.size / 100 + 1) {
        g_autofree char *copy = g_memdup2(packed.data, packed.size);
        copy[i] = (char)(copy[i] ^ 1 << i % 8);
        write_file(path, copy, packed.size);
        g_autoptr(GBytes) bytes = archive_get_sheet(world.archive, &world.name, world.checksum, NULL);
        if (bytes) /* bits that zstd does not care about */
            g_assert_true(g_bytes_equal(bytes, world.bytes));
        else
            assert_no_sheet(&world, world.checksum, ARCHIVE_ERROR_DAMAGED, hex);
        write_file(path, packed.data, i);
        assert_no_sheet(&world, world.checksum, ARCHIVE_ERROR_DAMAGED, hex);
        assert_no_sheet(&world, NULL, ARCHIVE_ERROR_DAMAGED, path);
    }
    write_file(path, packed.data, packed.size);
    assert_sheet(&world);
    world_clear(&world);
}

/* A sound sheet in the file of another one. */
static void test_wrong_name(void)
{
    static const struct sheet_name others[] = {{3, 20776, 2}, {3, 20777, 1}, {2, 20777, 2}};
    struct world world;
    world_init(&world);
    put_sheet(&world);
    g_autofree char *path = sheet_file(&world);
    for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autoptr(GBytes) bytes = sheet_named(&others[i], 50), packed = sheet_pack(bytes);
        struct view view = bytes_view(packed);
        write_file(path, view.data, view.size);
        assert_no_sheet(&world, world.checksum, ARCHIVE_ERROR_DAMAGED, "SHA-256");
        assert_no_sheet(&world, NULL, ARCHIVE_ERROR_DAMAGED, "holds another sheet");
    }
    g_autoptr(GBytes) garbage = g_bytes_new("no sheet at all", 15), packed = sheet_pack(garbage);
    write_file(path, bytes_view(packed).data, bytes_view(packed).size);
    assert_no_sheet(&world, NULL, ARCHIVE_ERROR_DAMAGED, path);
    world_clear(&world);
}

/* ---- entries ---- */

static void assert_last(struct world *world, guint64 wanted)
{
    guint64 n;
    g_autoptr(GError) error = NULL;
    archive_last_entry(world->archive, &n, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(n, ==, wanted);
}

static void test_entries(void)
{
    struct world world;
    g_autoptr(GRand) rand = g_rand_new_with_seed(3);
    g_autoptr(GError) error = NULL, conflict = NULL, missing = NULL, damaged = NULL, wrong = NULL;
    world_init(&world);
    struct ledger_entry *entry = random_entry(rand, 17, 2), *other = random_entry(rand, 17, 2);
    g_autoptr(GBytes) record = ledger_entry_pack(entry), other_record = ledger_entry_pack(other);
    assert_last(&world, 0);
    g_assert_null(archive_get_entry(world.archive, 17, &missing));
    assert_fails(missing, ARCHIVE_ERROR_MISSING, "/ledger/000000000017.record");
    for (guint i = 0; i < 2; i++) {
        archive_put_entry(world.archive, 17, record, &error);
        g_assert_no_error(error);
        g_autoptr(GBytes) again = archive_get_entry(world.archive, 17, &error);
        g_assert_no_error(error);
        g_assert_true(g_bytes_equal(record, again));
        assert_last(&world, 17);
    }
    g_assert_false(archive_put_entry(world.archive, 17, other_record, &conflict));
    assert_fails(conflict, ARCHIVE_ERROR_CONFLICT, "000000000017.record");
    g_autofree char *path = archive_entry_path(world.archive, 18);
    write_file(path, bytes_view(record).data, bytes_view(record).size);
    g_assert_null(archive_get_entry(world.archive, 18, &wrong));
    assert_fails(wrong, ARCHIVE_ERROR_DAMAGED, "number 17");
    write_file(path, bytes_view(record).data, bytes_view(record).size - 1);
    g_assert_null(archive_get_entry(world.archive, 18, &damaged));
    assert_fails(damaged, ARCHIVE_ERROR_DAMAGED, "000000000018.record");
    ledger_entry_free(entry);
    ledger_entry_free(other);
    world_clear(&world);
}

/* ---- directories ---- */

static void test_open(void)
{
    struct world world;
    g_autoptr(GError) error = NULL, missing = NULL, no_directory = NULL;
    world_init(&world);
    g_assert_cmpstr(archive_directory(world.archive), ==, world.directory);
    g_autofree char *file = g_build_filename(world.directory, "file", NULL), *in_file = g_build_filename(file, "archive", NULL);
    write_file(file, "", 0);
    g_assert_null(archive_open(in_file, &error));
    assert_fails(error, ARCHIVE_ERROR_SYSTEM, in_file);
    g_assert_null(archive_open_reader(in_file, &missing));
    assert_fails(missing, ARCHIVE_ERROR_SYSTEM, in_file);
    g_assert_null(archive_open_reader(file, &no_directory));
    assert_fails(no_directory, ARCHIVE_ERROR_SYSTEM, file);
    put_sheet(&world);
    archive_free(world.archive);
    world.archive = archive_open_reader(world.directory, NULL);
    assert_sheet(&world);
    world_clear(&world);
}

/* Temporary files of yesterday go, younger ones and others stay. */
static void test_left_overs(void)
{
    struct world world;
    world_init(&world);
    put_sheet(&world);
    static const char *const names[] = {"sheets/2026/.tmp-1-0", "ledger/.tmp-1-1", "sheets/2026/.tmp-1-2", "ledger/other"};
    const struct utimbuf two_days_ago = {time(NULL) - 2 * 86400, time(NULL) - 2 * 86400};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(world.directory, names[i], NULL);
        write_file(path, "x", 1);
        if (i != 2)
            g_assert_cmpint(g_utime(path, (struct utimbuf *)(uintptr_t)&two_days_ago), ==, 0);
    }
    archive_free(open_archive(world.directory));
    g_assert_cmpuint(count_files(world.directory, ".tmp-"), ==, 1);
    g_assert_cmpuint(count_files(world.directory, "other"), ==, 1);
    g_assert_cmpuint(count_files(world.directory, "2026"), ==, 1);
    world_clear(&world);
}

/* ---- several at once, kills, full disks ---- */

struct writer {
    struct world *world;
    GBytes *packed;
    gboolean ok;
};

static gpointer write_sheet(gpointer opaque)
{
    struct writer *writer = opaque;
    writer->ok = archive_put_sheet(writer->world->archive, &writer->world->name, writer->packed, NULL);
    return NULL;
}

/* Eight threads, half of them with another sheet: one of the two is there, whole, and those who wrote it were told so. */
static void test_concurrent(void)
{
    for (guint round = 0; round < 10; round++) {
        struct world world;
        struct writer writers[8];
        GThread *threads[8];
        world_init(&world);
        g_autoptr(GBytes) other = sheet_named(&world.name, 100), other_packed = sheet_pack(other);
        for (guint i = 0; i < 8; i++) {
            writers[i] = (struct writer){&world, i % 2 ? world.packed : other_packed, FALSE};
            threads[i] = g_thread_new("writer", write_sheet, &writers[i]);
        }
        for (guint i = 0; i < 8; i++)
            g_thread_join(threads[i]);
        g_autoptr(GBytes) is = archive_get_sheet(world.archive, &world.name, NULL, NULL);
        g_assert_nonnull(is);
        bool first = g_bytes_equal(is, world.bytes);
        g_assert_true(first || g_bytes_equal(is, other));
        for (guint i = 0; i < 8; i++)
            g_assert_true(writers[i].ok == ((writers[i].packed == world.packed) == first));
        g_assert_cmpuint(count_files(world.directory, ".tmp-"), ==, 0);
        world_clear(&world);
    }
}

/* Puts the sheet into the archive of argv[2]. RLIMIT: no file may grow beyond some bytes. */
static int child(const char *directory, const char *limit)
{
    struct sheet_name name = {3, 20777, 2};
    g_autoptr(GBytes) bytes = sheet_named(&name, 200), packed = sheet_pack(bytes);
    g_autoptr(GError) error = NULL;
    struct archive *archive = archive_open(directory, &error);
    if (limit) {
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){500, 500});
    }
    bool ok = archive && archive_put_sheet(archive, &name, packed, &error);
    archive_free(archive);
    if (ok)
        return 0;
    g_printerr("%s\n", error->message);
    return g_error_matches(error, ARCHIVE_ERROR, ARCHIVE_ERROR_SYSTEM) ? 3 : 4;
}

static int run_child(struct world *world, const char *crash_at, const char *limit, char **message)
{
    const char *argv[] = {self, "--child", world->directory, limit, NULL};
    g_auto(GStrv) environment = g_environ_setenv(g_get_environ(), "DAYBOOK_CRASH_AT", crash_at, TRUE);
    int status = 0;
    g_autoptr(GError) error = NULL;
    union {
        const char **in;
        char **out; /* g_spawn_sync takes the vector as char **, but does not change it */
    } arguments = {argv};
    g_spawn_sync(NULL, arguments.out, environment, G_SPAWN_DEFAULT, NULL, NULL, NULL, message, &status, &error);
    g_assert_no_error(error);
    return status;
}

static void test_killed(void)
{
    static const char *const points[] = {"archive.written", "archive.linked"};
    for (guint i = 0; i < 2; i++) {
        struct world world;
        g_autofree char *message = NULL, *again = NULL;
        world_init(&world);
        int status = run_child(&world, points[i], NULL, &message);
        g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        g_assert_cmpuint(count_files(world.directory, ".tmp-"), ==, 1);
        g_assert_cmpuint(count_files(world.directory, "2026"), ==, i);
        status = run_child(&world, "", NULL, &again);
        g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        g_autoptr(GBytes) bytes = archive_get_sheet(world.archive, &world.name, world.checksum, NULL);
        g_assert_true(bytes && g_bytes_equal(bytes, world.bytes));
        world_clear(&world);
    }
}

static void assert_refused_then_taken(struct world *world)
{
    g_assert_cmpuint(count_files(world->directory, ""), ==, 0); /* no part, nothing temporary */
    put_sheet(world);
    assert_sheet(world);
}

static void test_no_space_for_file(void)
{
    struct world world;
    g_autofree char *message = NULL;
    world_init(&world);
    int status = run_child(&world, "", "limit", &message);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 3);
    g_assert_nonnull(strstr(message, world.directory));
    g_assert_nonnull(strstr(message, g_strerror(EFBIG)));
    assert_refused_then_taken(&world);
    world_clear(&world);
}

/* A disk that is really full; needs the right to mount one. */
static void test_full_disk(void)
{
    struct world world;
    world_init(&world);
    /* In a name space of its own, so that nothing is left mounted whatever happens. */
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", world.directory, "tmpfs", 0, "size=64k") != 0) {
        g_test_skip("no right to mount");
        world_clear(&world);
        return;
    }
    archive_free(world.archive);
    world.archive = open_archive(world.directory);
    g_autofree char *filler = g_build_filename(world.directory, "filler", NULL);
    int fd = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    static const char page[4096];
    while (write(fd, page, sizeof page) == (ssize_t)sizeof page)
        ;
    close(fd);
    g_autoptr(GError) error = NULL;
    g_assert_false(archive_put_sheet(world.archive, &world.name, world.packed, &error));
    assert_fails(error, ARCHIVE_ERROR_SYSTEM, g_strerror(ENOSPC));
    g_assert_nonnull(strstr(error->message, world.directory));
    g_assert_cmpint(g_unlink(filler), ==, 0);
    assert_refused_then_taken(&world);
    g_assert_cmpint(umount(world.directory), ==, 0);
    world_clear(&world);
}

int main(int argc, char **argv)
{
    self = argv[0];
    if (argc > 2 && g_str_equal(argv[1], "--child"))
        return child(argv[2], argc > 3 ? argv[3] : NULL);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/archive/sheet", test_sheet);
    g_test_add_func("/archive/same-when-unpacked", test_same_when_unpacked);
    g_test_add_func("/archive/conflict", test_conflict);
    g_test_add_func("/archive/damage", test_damage);
    g_test_add_func("/archive/wrong-name", test_wrong_name);
    g_test_add_func("/archive/entries", test_entries);
    g_test_add_func("/archive/open", test_open);
    g_test_add_func("/archive/left-overs", test_left_overs);
    g_test_add_func("/archive/concurrent", test_concurrent);
    g_test_add_func("/archive/killed", test_killed);
    g_test_add_func("/archive/no-space-for-file", test_no_space_for_file);
    g_test_add_func("/archive/full-disk", test_full_disk);
    return g_test_run();
}
