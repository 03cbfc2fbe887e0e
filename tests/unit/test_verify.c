/* What `daybook verify` finds: nothing in what is right, and each kind of damage by its name. On a real Redis and a real archive.
 */
#include "cli/verify_chain.h"
#include "cli/verify_sheets.h"
#include "lib/civil.h"
#include "tests/unit/ledger_world.h"

/* Two days; the first one in two revisions, the second of which has one request more of c-1. */
static void set_up(struct ledger_world *world, gconstpointer unused)
{
    (void)unused;
    world_set_up(world);
    for (int revision = 1; revision <= 2; revision++) {
        world_rows(world, "acme", 0, "ann", 5);
        world_rows(world, "acme", 1, "", 6 + (uint64_t)revision);
        world_rows(world, "globex", 2, "", 3);
        world_close(world, WORLD_DAY, revision, revision == 1 ? SEAL_DAY_END : SEAL_LATE);
    }
    world_rows(world, "acme", 1, "", 2);
    world_close(world, WORLD_DAY + 1, 1, SEAL_REQUESTED);
}

static void tear_down(struct ledger_world *world, gconstpointer unused)
{
    (void)unused;
    world_tear_down(world);
}

/* ---- running it ---- */

struct outcome {
    struct finding *finding;
    struct chain_check chain;
    struct sheets_check sheets;
};

static void verify_as(struct ledger_world *world, struct sheets_check wishes, struct outcome *outcome)
{
    GError *error = NULL;
    struct shards *shards = shards_open(world->server.url, &error);

    g_assert_no_error(error);
    struct chain *chain = chain_read(shards, &error);
    g_assert_no_error(error);
    outcome->finding = NULL;
    outcome->chain = (struct chain_check){.chain = chain, .shards = shards, .archive = wishes.archive};
    g_assert_true(verify_chain(&outcome->chain, &outcome->finding, &error));
    wishes.chain = chain;
    wishes.redis_url = world->server.url;
    wishes.n_partitions = shards_count(shards);
    outcome->sheets = wishes;
    if (!outcome->finding)
        g_assert_true(verify_sheets(&outcome->sheets, &outcome->finding, &error));
    g_assert_no_error(error);
    if (outcome->finding)
        g_test_message("%s | %s | %s | %s", outcome->finding->where, outcome->finding->what, outcome->finding->expected,
                       outcome->finding->found);
    chain_free(chain);
    shards_free(shards);
}

static struct sheets_check usual(struct ledger_world *world)
{
    return (struct sheets_check){.archive = world->archive, .range = date_range_all(), .threads = 3};
}

/* Where and what must be in the texts of the first difference. */
static void expect(struct ledger_world *world, const char *where, const char *what, const char *found)
{
    struct outcome outcome;

    verify_as(world, usual(world), &outcome);
    g_assert_nonnull(outcome.finding);
    g_assert_nonnull(strstr(outcome.finding->where, where));
    g_assert_nonnull(strstr(outcome.finding->what, what));
    g_assert_nonnull(strstr(outcome.finding->found, found));
    finding_free(outcome.finding);
}

/* ---- what is right ---- */

static void test_right(struct ledger_world *world, gconstpointer unused)
{
    struct outcome outcome;

    (void)unused;
    verify_as(world, usual(world), &outcome);
    g_assert_null(outcome.finding);
    g_assert_cmpuint(outcome.chain.archived, ==, 3);
    const struct sheets_count *count = &outcome.sheets.count;
    g_assert_cmpuint(count->days, ==, 2);
    g_assert_cmpuint(count->revisions, ==, 3);
    g_assert_cmpuint(count->in_redis, ==, 6);
    g_assert_cmpuint(count->in_archive, ==, 6);
    g_assert_cmpuint(count->events, ==, 16 + 2);
    g_assert_cmpuint(count->rows, ==, 3 + 3 + 1);
    g_assert_cmpuint(count->erased + count->removed, ==, 0);
}

static void test_without_archive_and_in_a_range(struct ledger_world *world, gconstpointer unused)
{
    struct sheets_check wishes = usual(world);
    struct outcome outcome;

    (void)unused;
    wishes.archive = NULL;
    wishes.range = (struct date_range){WORLD_DAY + 1, WORLD_DAY + 1};
    world_flip_value(world, "{p0}:sheet:2026-11-21:1"); /* outside */
    verify_as(world, wishes, &outcome);
    g_assert_null(outcome.finding);
    g_assert_cmpuint(outcome.sheets.count.days, ==, 1);
    g_assert_cmpuint(outcome.sheets.count.in_redis, ==, 2);
    g_assert_cmpuint(outcome.sheets.count.in_archive, ==, 0);
}

static void test_empty(struct ledger_world *world, gconstpointer unused)
{
    struct outcome outcome;

    (void)unused;
    world_call(world, "FLUSHALL");
    world_call(world, "HSET daybook:topic topic usage.events partitions %s", "2");
    verify_as(world, usual(world), &outcome);
    g_assert_null(outcome.finding);
    g_assert_cmpuint(outcome.sheets.count.days, ==, 0);
}

/* ---- sheets ---- */

static void test_flipped_bit_in_redis(struct ledger_world *world, gconstpointer unused)
{
    (void)unused;
    world_flip_value(world, "{p1}:sheet:2026-11-21:2");
    expect(world, "2026-11-21, revision 2, partition 1: the sheet in Redis, {p1}:sheet:2026-11-21:2", "the sheet", "SHA-256");
}

static void test_flipped_bit_in_the_archive(struct ledger_world *world, gconstpointer unused)
{
    const struct sheet_name name = {0, WORLD_DAY + 1, 1};
    g_autofree char *path = archive_sheet_path(world->archive, &name);

    (void)unused;
    world_flip_file(path);
    expect(world, path, "the sheet", "SHA-256");
}

static void test_missing_sheets(struct ledger_world *world, gconstpointer unused)
{
    const struct sheet_name name = {0, WORLD_DAY + 1, 1};
    g_autofree char *path = archive_sheet_path(world->archive, &name);

    (void)unused;
    g_assert_cmpint(g_unlink(path), ==, 0);
    expect(world, path, "the sheet", "it is not there");
    world_call(world, "DEL {p0}:sheet:2026-11-21:1");
    expect(world, "{p0}:sheet:2026-11-21:1", "the sheet", "it is not there");
    world_call(world, "LPUSH {p0}:sheet:2026-11-21:1 x");
    expect(world, "{p0}:sheet:2026-11-21:1", "", "WRONGTYPE");
}

/* A sheet of another day under the name: whole and undamaged, but not the one. */
static void test_another_sheet(struct ledger_world *world, gconstpointer unused)
{
    (void)unused;
    world_call(world, "COPY {p1}:sheet:2026-11-22:1 {p1}:sheet:2026-11-21:1 REPLACE");
    expect(world, "{p1}:sheet:2026-11-21:1", "the sheet", "SHA-256");
}

static void test_removed_after_keep_days(struct ledger_world *world, gconstpointer unused)
{
    struct sheets_check wishes = usual(world);
    struct outcome outcome;

    (void)unused;
    world_call(world, "DEL {p0}:sheet:2026-11-21:1 {p0}:sheet:2026-11-21:2 {p1}:sheet:2026-11-21:1 {p1}:sheet:2026-11-21:2");
    wishes.kept_from = WORLD_DAY + 1;
    verify_as(world, wishes, &outcome);
    g_assert_null(outcome.finding);
    g_assert_cmpuint(outcome.sheets.count.removed, ==, 4);
    g_assert_cmpuint(outcome.sheets.count.in_redis, ==, 2);
}

/* An erased user's sheets may be gone, from both places, but not without the revision that says so. */
static void test_erased(struct ledger_world *world, gconstpointer unused)
{
    const struct sheet_name name = {0, WORLD_DAY + 1, 1};
    struct outcome outcome;
    GError *error = NULL;

    (void)unused;
    g_assert_true(archive_remove_sheet(world->archive, &name, &error));
    world_call(world, "DEL {p0}:sheet:2026-11-22:1");
    expect(world, "{p0}:sheet:2026-11-22:1", "the sheet", "it is not there");
    world_rows(world, "acme", 1, "erased-1", 2);
    world_close(world, WORLD_DAY + 1, 2, SEAL_ERASURE);
    verify_as(world, usual(world), &outcome);
    g_assert_null(outcome.finding);
    g_assert_cmpuint(outcome.sheets.count.erased, ==, 1);
    /* It may still be there, too, but must be undamaged then. */
    world_flip_value(world, "{p1}:sheet:2026-11-22:1");
    expect(world, "{p1}:sheet:2026-11-22:1", "the sheet", "SHA-256");
}

/* ---- totals: everything is undamaged, and wrong from the beginning ---- */

static void more_events(struct ledger_entry *entry)
{
    ((struct partition_day *)g_ptr_array_index(entry->partitions, 1))->events++;
    ((struct organization_total *)g_ptr_array_index(entry->organizations, 0))->requests++;
    entry->events++;
}

static void more_rows(struct ledger_entry *entry)
{
    ((struct partition_day *)g_ptr_array_index(entry->partitions, 1))->rows++;
}

static void other_offset(struct ledger_entry *entry)
{
    ((struct partition_day *)g_ptr_array_index(entry->partitions, 1))->end_offset++;
}

static void other_organization(struct ledger_entry *entry)
{
    ((struct organization_total *)g_ptr_array_index(entry->organizations, 0))->requests--;
    ((struct organization_total *)g_ptr_array_index(entry->organizations, 1))->requests++;
}

static void left_out_organization(struct ledger_entry *entry)
{
    const struct organization_total *total = g_ptr_array_index(entry->organizations, 1);
    entry->organization_requests_left_out = total->requests;
    entry->organizations_left_out = 2;
    g_ptr_array_remove_index(entry->organizations, 1);
}

static void other_difference(struct ledger_entry *entry)
{
    ((struct client_difference *)g_ptr_array_index(entry->differences, 0))->requests++;
}

static void left_out_difference(struct ledger_entry *entry)
{
    entry->differences_left_out = 1;
    entry->difference_left_out = 7;
    g_ptr_array_remove_index(entry->differences, 0);
}

static void no_difference(struct ledger_entry *entry)
{
    g_ptr_array_set_size(entry->differences, 0);
}

static void test_wrong_totals(struct ledger_world *world, gconstpointer unused)
{
    static const struct {
        void (*tamper)(struct ledger_entry *);
        const char *where, *what;
    } cases[] = {
        {more_events, "the sheet of partition 1", "its requests"},
        {more_rows, "the sheet of partition 1", "its rows"},
        {other_offset, "the sheet of partition 1", "the end offset"},
        {other_organization, "totals by organization", "organization 'acme'"},
        {left_out_organization, "totals by organization", "how many organizations"},
        {other_difference, "differences to the revision before", "client 'c-0' of organization 'acme'"},
        {left_out_difference, "differences to the revision before", "not listed"},
        {no_difference, "differences to the revision before", "how many clients"},
    };

    (void)unused;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        int64_t day = WORLD_DAY + 2 + (int64_t)i;
        char date[CIVIL_TEXT_MAX];
        for (int revision = 1; revision <= 2; revision++) {
            world_rows(world, "acme", 0, "", 3 + (uint64_t)revision);
            world_rows(world, "globex", 1, "", 2);
            world->tamper = revision == 2 ? cases[i].tamper : NULL;
            world_close(world, day, revision, revision == 1 ? SEAL_DAY_END : SEAL_LATE);
        }
        world->tamper = NULL;
        civil_format_day(date, day);
        expect(world, cases[i].where, cases[i].what, "");
        expect(world, date, "", "");
        /* Mended by a world that begins anew. */
        tear_down(world, NULL);
        set_up(world, NULL);
    }
}

/* ---- the ledger ---- */

/* The record of an entry in Redis, changed. */
static void change_entry(struct ledger_world *world, const char *n, void (*change)(struct ledger_entry *))
{
    GError *error = NULL;
    struct redis_reply *reply = redis_call(world->redis, &error, "HGET {p0}:ledger %s", n);
    struct ledger_entry *entry = ledger_entry_parse(redis_reply_text(reply), &error);
    gsize size;

    g_assert_no_error(error);
    change(entry);
    g_autoptr(GBytes) record = ledger_entry_pack(entry);
    const void *data = g_bytes_get_data(record, &size);
    world_call(world, "HSET {p0}:ledger %s %b", n, data, size);
    ledger_entry_free(entry);
    redis_reply_free(reply);
}

static void later(struct ledger_entry *entry)
{
    ((struct partition_day *)g_ptr_array_index(entry->partitions, 0))->sealed_at_ms += 60000;
    entry->closed_at_ms += 60000;
}

static void more_duplicates(struct ledger_entry *entry)
{
    entry->duplicates++;
}

static void complete(struct ledger_entry *entry)
{
    entry->complete = !entry->complete;
}

static void test_changed_entry(struct ledger_world *world, gconstpointer unused)
{
    struct sheets_check wishes = usual(world);
    struct outcome outcome;

    (void)unused;
    change_entry(world, "2", later);
    expect(world, "entry 2 (2026-11-21, revision 2)", "its SHA-256", "");
    /* Without an archive the next one's link shows it; the last one, the checksum beside the ledger. */
    wishes.archive = NULL;
    verify_as(world, wishes, &outcome);
    g_assert_nonnull(outcome.finding);
    g_assert_nonnull(strstr(outcome.finding->where, "entry 3"));
    g_assert_nonnull(strstr(outcome.finding->what, "the SHA-256 of entry 2"));
    finding_free(outcome.finding);
    tear_down(world, NULL);
    set_up(world, NULL);
    wishes.archive = NULL;
    change_entry(world, "3", later);
    verify_as(world, wishes, &outcome);
    g_assert_nonnull(outcome.finding);
    g_assert_nonnull(strstr(outcome.finding->where, "ledger_checksum"));
    finding_free(outcome.finding);
}

static void test_contradictory_entries(struct ledger_world *world, gconstpointer unused)
{
    (void)unused;
    world->tamper = more_duplicates;
    world_close(world, WORLD_DAY + 2, 1, SEAL_DAY_END);
    expect(world, "entry 4 (2026-11-23, revision 1)", "duplicates", "1");
    tear_down(world, NULL);
    set_up(world, NULL);
    world_close(world, WORLD_DAY + 2, 2, SEAL_DAY_END);
    expect(world, "entry 4 (2026-11-23, revision 2)", "its revision", "2");
}

static void test_damaged_entries(struct ledger_world *world, gconstpointer unused)
{
    g_autofree char *path = archive_entry_path(world->archive, 1);

    (void)unused;
    world_flip_file(path);
    expect(world, path, "its file", "");
    g_assert_cmpint(g_unlink(path), ==, 0);
    expect(world, path, "its file", "no such file");
    world_call(world, "HSET {p0}:ledger 1 garbage");
    expect(world, "entry 1 of the ledger in Redis", "the entry", "");
    world_call(world, "HDEL {p0}:ledger 1");
    expect(world, "entry 1 of the ledger in Redis", "the entry", "it is not there");
}

static void test_index(struct ledger_world *world, gconstpointer unused)
{
    (void)unused;
    world_call(world, "HSET {p0}:entries 20778.2 1");
    expect(world, "{p0}:entries, 20778.2", "the number of the entry", "1");
    world_call(world, "HDEL {p0}:entries 20778.2");
    expect(world, "{p0}:entries, 20778.2", "the number of the entry", "none");
}

/* What has not got to the archive yet is not missing there. */
static void test_not_archived_yet(struct ledger_world *world, gconstpointer unused)
{
    g_autofree char *path = archive_entry_path(world->archive, 3);
    struct outcome outcome;

    (void)unused;
    g_assert_cmpint(g_unlink(path), ==, 0);
    expect(world, path, "its file", "no such file");
    world_call(world, "HSET {p0}:meta archived 2");
    verify_as(world, usual(world), &outcome);
    g_assert_null(outcome.finding);
    g_assert_cmpuint(outcome.chain.archived, ==, 2);
}

/* Whether an entry says that it is complete follows from the streams, unless they were too many to be listed. */
static void with_streams(struct ledger_entry *entry)
{
    struct partition_day *day = g_ptr_array_index(entry->partitions, 0);
    struct stream_day *stream = stream_day_new();
    uint64_t announced = 3;

    stream->first_sequence = 1;
    stream->last_sequence = stream->high_water = 3;
    stream->announced = g_array_new(FALSE, FALSE, sizeof announced);
    g_array_append_val(stream->announced, announced);
    g_ptr_array_add(day->streams, stream);
    ledger_entry_add_up(entry);
}

static void with_streams_and_a_lie(struct ledger_entry *entry)
{
    with_streams(entry);
    complete(entry);
}

static void test_completeness(struct ledger_world *world, gconstpointer unused)
{
    struct outcome outcome;

    (void)unused;
    world->tamper = with_streams;
    world_close(world, WORLD_DAY + 2, 1, SEAL_DAY_END);
    world->tamper = complete; /* no stream is listed: who knows */
    world_close(world, WORLD_DAY + 3, 1, SEAL_DAY_END);
    verify_as(world, usual(world), &outcome);
    g_assert_null(outcome.finding);
    world->tamper = with_streams_and_a_lie;
    world_close(world, WORLD_DAY + 4, 1, SEAL_DAY_END);
    expect(world, "entry 6", "complete", "0");
}

/* The first difference is found by whichever thread; it is the first all the same. */
static void test_first_of_many(struct ledger_world *world, gconstpointer unused)
{
    (void)unused;
    for (int64_t day = 2; day < 30; day++) {
        world_rows(world, "acme", 1, "", 2);
        world_close(world, WORLD_DAY + day, 1, SEAL_DAY_END);
    }
    world_call(world, "DEL {p0}:sheet:2026-12-20:1");
    world_flip_value(world, "{p1}:sheet:2026-12-02:1");
    world_call(world, "DEL {p1}:sheet:2026-12-01:1");
    world_call(world, "DEL {p0}:sheet:2026-12-15:1");
    for (int i = 0; i < 20; i++)
        expect(world, "{p1}:sheet:2026-12-01:1", "the sheet", "it is not there");
}

int main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*run)(struct ledger_world *, gconstpointer);
    } tests[] = {
        {"/verify/right", test_right},
        {"/verify/range", test_without_archive_and_in_a_range},
        {"/verify/empty", test_empty},
        {"/verify/sheet/redis", test_flipped_bit_in_redis},
        {"/verify/sheet/archive", test_flipped_bit_in_the_archive},
        {"/verify/sheet/missing", test_missing_sheets},
        {"/verify/sheet/another", test_another_sheet},
        {"/verify/sheet/removed", test_removed_after_keep_days},
        {"/verify/sheet/erased", test_erased},
        {"/verify/totals", test_wrong_totals},
        {"/verify/entry/changed", test_changed_entry},
        {"/verify/entry/contradictory", test_contradictory_entries},
        {"/verify/entry/damaged", test_damaged_entries},
        {"/verify/entry/index", test_index},
        {"/verify/entry/not_archived", test_not_archived_yet},
        {"/verify/entry/complete", test_completeness},
        {"/verify/first", test_first_of_many},
    };

    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, struct ledger_world, NULL, set_up, tests[i].run, tear_down);
    return g_test_run();
}
