/* The cache of opened sheets, on a real redis-server. */
#include "api/sheets.h"

#include "api/meters.h"
#include "lib/arena.h"
#include "tests/unit/closed_world.h"

enum { DAY = 20700, DAYS = 40 };

static struct world world;
static struct metrics *metrics;

static void begin(struct reader *reader)
{
    g_autoptr(GError) error = NULL;
    reader_begin(reader, g_get_monotonic_time() + 600 * G_TIME_SPAN_SECOND, &error);
    g_assert_no_error(error);
}

static struct reader *open_reader(void)
{
    const struct redis_settings settings = {world.server.url, 20000, 60000};
    struct reader *reader = reader_new(&settings, 1);
    begin(reader);
    return reader;
}

static void fill(void)
{
    GRand *rand = g_rand_new_with_seed(5);
    for (int day = DAY; day < DAY + DAYS; day++) {
        for (int n = 0; n < 20; n++)
            world_add(&world, rand, day, 1);
        world_seal(&world, day, 1);
    }
    g_rand_free(rand);
}

static struct sheet_want want_of(int day)
{
    struct sheet_want want = {.name = {0, day, 1}};
    struct sheet_totals totals;
    GBytes *bytes = world_sheet(&world, day, 1, &totals);
    sheet_checksum(bytes, want.checksum);
    want.events = totals.requests;
    want.rows = totals.rows;
    g_bytes_unref(bytes);
    return want;
}

static GPtrArray *wants(int first, int n)
{
    GPtrArray *wanted = g_ptr_array_new_with_free_func(g_free);
    for (int day = first; day < first + n; day++) {
        struct sheet_want *want = g_new(struct sheet_want, 1);
        *want = want_of(day);
        g_ptr_array_add(wanted, want);
    }
    return wanted;
}

struct seen {
    int64_t next_day;
    guint n, stop_after;
};

static bool look(struct sheet_want *want, const struct sheet *sheet, void *opaque)
{
    struct seen *seen = opaque;
    g_assert_cmpint(want->name.day, ==, seen->next_day++);
    g_assert_cmpint(sheet_header(sheet)->day, ==, want->name.day);
    g_assert_cmpuint(sheet_totals(sheet)->requests, ==, want->events);
    return ++seen->n != seen->stop_after;
}

static guint visit(struct sheets *sheets, struct reader *reader, GPtrArray *wanted, guint stop_after)
{
    g_autoptr(GError) error = NULL;
    struct seen seen = {.stop_after = stop_after};
    seen.next_day = ((const struct sheet_want *)g_ptr_array_index(wanted, 0))->name.day;
    sheets_visit(sheets, reader, wanted, (struct sheets_visit){look, &seen}, &error);
    g_assert_no_error(error);
    return seen.n;
}

static int64_t reads(void)
{
    return metrics_get(metrics, METER_SHEETS_READ, "redis");
}

static void test_kept_and_forgotten(void)
{
    struct reader *reader = open_reader();
    struct sheets *sheets = sheets_new(1 << 20, NULL, metrics);
    g_autoptr(GPtrArray) all = wants(DAY, DAYS);
    int64_t before = reads();
    g_assert_cmpuint(visit(sheets, reader, all, 0), ==, DAYS);
    g_assert_cmpuint(visit(sheets, reader, all, 0), ==, DAYS);
    g_assert_cmpint(reads() - before, ==, DAYS); /* once each */
    int64_t held = metrics_get(metrics, METER_SHEETS_BYTES, NULL);
    g_assert_cmpint(held, >, DAYS * 500);
    sheets_free(sheets);
    sheets = sheets_new((size_t)held / 2, NULL, metrics); /* the last half stays */
    visit(sheets, reader, all, 0);
    g_assert_cmpint(metrics_get(metrics, METER_SHEETS_BYTES, NULL), <=, held / 2);
    g_autoptr(GPtrArray) last = wants(DAY + DAYS - 5, 5), first = wants(DAY, 5);
    before = reads();
    visit(sheets, reader, last, 0);
    g_assert_cmpint(reads() - before, ==, 0);
    visit(sheets, reader, first, 0);
    g_assert_cmpint(reads() - before, ==, 5);
    visit(sheets, reader, last, 0); /* used a moment ago: others had to go */
    g_assert_cmpint(reads() - before, ==, 5);
    sheets_free(sheets);
    sheets = sheets_new(0, NULL, metrics); /* nothing is kept, everything is read */
    g_assert_cmpuint(visit(sheets, reader, all, 0), ==, DAYS);
    g_assert_cmpint(metrics_get(metrics, METER_SHEETS_BYTES, NULL), ==, 0);
    before = reads();
    g_assert_cmpuint(visit(sheets, reader, all, 3), ==, 3);
    g_assert_cmpint(reads() - before, <, DAYS); /* the visitor had seen enough */
    sheets_free(sheets);
    reader_free(reader);
}

/* The same day and revision with another checksum is another sheet. */
static void test_another_checksum(void)
{
    struct reader *reader = open_reader();
    struct sheets *sheets = sheets_new(1 << 20, NULL, metrics);
    g_autoptr(GPtrArray) one = wants(DAY, 1);
    g_autoptr(GError) error = NULL;
    struct seen seen = {.next_day = DAY};
    visit(sheets, reader, one, 0);
    ((struct sheet_want *)g_ptr_array_index(one, 0))->checksum[31] ^= 1;
    g_assert_false(sheets_visit(sheets, reader, one, (struct sheets_visit){look, &seen}, &error));
    g_assert_error(error, READER_ERROR, READER_ERROR_COPY);
    g_assert_nonnull(strstr(error->message, "{p0}:sheet:2026-09-04:1"));
    g_assert_cmpuint(seen.n, ==, 0);
    g_clear_error(&error);
    ((struct sheet_want *)g_ptr_array_index(one, 0))->checksum[31] ^= 1;
    visit(sheets, reader, one, 0);
    sheets_free(sheets);
    reader_free(reader);
}

static void test_archive(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *directory = g_dir_make_tmp("daybook-sheets-XXXXXX", NULL);
    struct archive *archive = archive_open(directory, &error);
    g_assert_no_error(error);
    struct sheets *sheets = sheets_new(0, archive, metrics);
    struct reader *reader = open_reader();
    g_autoptr(GPtrArray) two = wants(DAY + 1, 2);
    struct sheet_totals totals;
    struct seen seen = {.next_day = DAY + 1};
    GBytes *bytes = world_sheet(&world, DAY + 1, 1, &totals), *packed = sheet_pack(bytes);
    const struct sheet_name name = {0, DAY + 1, 1};
    g_assert_true(archive_put_sheet(archive, &name, packed, &error));
    world_set(&world, "SET", "{p0}:sheet:2026-09-05:1", "nonsense", NULL);
    g_assert_cmpuint(visit(sheets, reader, two, 0), ==, 2);
    g_assert_cmpint(metrics_get(metrics, METER_SHEETS_READ, "archive"), ==, 1);
    world_delete(&world, "{p0}:sheet:2026-09-05:1");
    g_assert_cmpuint(visit(sheets, reader, two, 0), ==, 2);
    g_assert_true(archive_remove_sheet(archive, &name, &error));
    g_assert_false(sheets_visit(sheets, reader, two, (struct sheets_visit){look, &seen}, &error));
    g_assert_error(error, READER_ERROR, READER_ERROR_COPY);
    g_assert_nonnull(strstr(error->message, directory));
    world_seal(&world, DAY + 1, 1);
    g_assert_cmpuint(visit(sheets, reader, two, 0), ==, 2); /* the connection is as it was */
    sheets_free(sheets);
    archive_free(archive);
    reader_free(reader);
    g_bytes_unref(bytes);
    g_bytes_unref(packed);
    g_autofree char *year = g_build_filename(directory, "sheets", "2026", NULL);
    g_autofree char *sheets_directory = g_path_get_dirname(year);
    g_autofree char *ledger = g_build_filename(directory, "ledger", NULL);
    const char *const left[] = {year, sheets_directory, ledger, directory};
    for (size_t i = 0; i < G_N_ELEMENTS(left); i++)
        g_rmdir(left[i]);
}

/* ---- several workers ---- */

struct worker {
    struct sheets *sheets;
    GPtrArray *wanted;
};

static void *work(void *opaque)
{
    const struct worker *worker = opaque;
    struct reader *reader = open_reader();
    for (int i = 0; i < 20; i++)
        g_assert_cmpuint(visit(worker->sheets, reader, worker->wanted, 0), ==, worker->wanted->len);
    reader_free(reader);
    return NULL;
}

static void test_several_workers(void)
{
    GThread *threads[4];
    struct worker workers[4];
    struct sheets *sheets = sheets_new(20000, NULL, metrics); /* too little for all */
    for (int i = 0; i < 4; i++) {
        workers[i] = (struct worker){sheets, wants(DAY + i * 5, 20)};
        threads[i] = g_thread_new("worker", work, &workers[i]);
    }
    for (int i = 0; i < 4; i++) {
        g_thread_join(threads[i]);
        g_ptr_array_free(workers[i].wanted, TRUE);
    }
    sheets_free(sheets);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    world_start(&world);
    metrics = metrics_new(api_meters, METER_N);
    fill();
    g_test_add_func("/sheets/kept-and-forgotten", test_kept_and_forgotten);
    g_test_add_func("/sheets/another-checksum", test_another_checksum);
    g_test_add_func("/sheets/archive", test_archive);
    g_test_add_func("/sheets/several-workers", test_several_workers);
    int code = g_test_run();
    metrics_free(metrics);
    world_clear(&world);
    return code;
}
