/* Entries are compared with sums made here in the simplest way: tables from names to numbers. */
#include "aggregator/ledger_build.h"

enum { DAY = 20778, PARTITIONS = 3 };

struct row {
    const char *organization, *client;
    guint64 requests;
};

static struct sheet *make_sheet(guint32 partition, guint32 revision, const struct row *rows, gsize n)
{
    g_autoptr(GError) error = NULL;
    struct sheet_builder *builder = sheet_builder_new();
    for (gsize i = 0; i < n; i++) {
        struct sheet_row row = {.organization = view_of(rows[i].organization),
                                .client = view_of(rows[i].client),
                                .method = view_of("GET"),
                                .template = view_of("/")};
        measure_init(&row.measure);
        for (guint64 k = 0; k < rows[i].requests; k++)
            measure_add(&row.measure, 200, 5, 6, 7, true);
        if (rows[i].requests > 0)
            g_assert_true(sheet_builder_add(builder, &row, &error));
        g_assert_no_error(error);
        measure_clear(&row.measure);
    }
    const struct sheet_header header = {.partition = partition, .day = DAY, .revision = revision};
    g_autoptr(GBytes) bytes = sheet_builder_finish(builder, &header, &error);
    g_assert_no_error(error);
    struct sheet *sheet = sheet_open(bytes, &error);
    g_assert_no_error(error);
    sheet_builder_free(builder);
    return sheet;
}

/* What the partition says of the sheet. */
static struct partition_day *day_of(const struct sheet *sheet)
{
    struct partition_day *day = partition_day_new();
    day->partition = sheet_header(sheet)->partition;
    day->sealed_at_ms = (DAY + 1) * INT64_C(86400000) + day->partition;
    day->events = sheet_totals(sheet)->requests;
    day->rows = sheet_totals(sheet)->rows;
    day->has_sheet = true;
    return day;
}

static bool add(struct ledger_build *build, const struct sheet *sheet, const struct sheet *before, GError **error)
{
    return ledger_build_add(build, day_of(sheet), sheet, before, error);
}

static struct ledger_entry *finish(struct ledger_build *build)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) record = NULL;
    struct ledger_entry *entry = ledger_build_finish(build, &record, &error);
    g_assert_no_error(error);
    gsize size;
    const void *data = g_bytes_get_data(record, &size);
    struct ledger_entry *again = ledger_entry_parse(view_make(data, size), &error); /* what is written can be read */
    g_assert_no_error(error);
    ledger_entry_free(again);
    ledger_build_free(build);
    return entry;
}

/* "organization:requests …" and "organization/client:difference …" */
static void expect(const struct ledger_entry *entry, const char *organizations, const char *differences)
{
    g_autoptr(GString) first = g_string_new(NULL), second = g_string_new(NULL);
    for (guint i = 0; i < entry->organizations->len; i++) {
        const struct organization_total *total = g_ptr_array_index(entry->organizations, i);
        g_string_append_printf(first, "%s%s:%" G_GUINT64_FORMAT, i ? " " : "", total->organization, total->requests);
    }
    for (guint i = 0; i < entry->differences->len; i++) {
        const struct client_difference *difference = g_ptr_array_index(entry->differences, i);
        g_string_append_printf(second, "%s%s/%s:%" G_GINT64_FORMAT, i ? " " : "", difference->organization, difference->client,
                               difference->requests);
    }
    g_assert_cmpstr(first->str, ==, organizations);
    g_assert_cmpstr(second->str, ==, differences);
}
#define SHEET(partition, revision, ...) \
    make_sheet(partition, revision, (const struct row[]){__VA_ARGS__}, G_N_ELEMENTS(((const struct row[]){__VA_ARGS__})))

/* ---- sums ---- */

static void test_first_revision(void)
{
    guint8 previous[LEDGER_CHECKSUM_SIZE] = {1, 2, 3};
    struct ledger_build *build = ledger_build_new(7, previous, DAY, 1);
    struct sheet *sheets[] = {SHEET(0, 1, {"b", "c-1", 3}, {"", "-", 2}), make_sheet(1, 1, NULL, 0),
                              SHEET(2, 1, {"a", "c-1", 1}, {"b", "c-2", 4}, {"b", "c-1", 1})};
    for (guint i = 0; i < PARTITIONS; i++) {
        g_assert_false(ledger_build_wants_before(build, i));
        g_assert_true(add(build, sheets[i], NULL, NULL));
        sheet_free(sheets[i]);
    }
    struct ledger_entry *entry = finish(build);
    expect(entry, ":2 a:1 b:8", "");
    g_assert_cmpuint(entry->n, ==, 7);
    g_assert_true(entry->has_previous && memcmp(entry->previous_checksum, previous, sizeof previous) == 0);
    g_assert_cmpuint(entry->day, ==, DAY);
    g_assert_cmpuint(entry->revision, ==, 1);
    g_assert_cmpuint(entry->events, ==, 11);
    g_assert_cmpint(entry->closed_at_ms, ==, (DAY + 1) * INT64_C(86400000) + 2);
    g_assert_cmpuint(entry->partitions->len, ==, PARTITIONS);
    ledger_entry_free(entry);
}

static void test_nothing_at_all(void)
{
    struct ledger_build *build = ledger_build_new(1, NULL, DAY, 1);
    struct sheet *sheet = make_sheet(0, 1, NULL, 0);
    g_assert_true(add(build, sheet, NULL, NULL));
    sheet_free(sheet);
    struct ledger_entry *entry = finish(build);
    expect(entry, "", "");
    g_assert_false(entry->has_previous);
    g_assert_true(entry->complete);
    ledger_entry_free(entry);
}

/* Revision 1 with partition 0 alone, as an entry. */
static struct ledger_entry *entry_before(struct sheet *sheet)
{
    struct ledger_build *build = ledger_build_new(1, NULL, DAY, 1);
    g_assert_true(add(build, sheet, NULL, NULL));
    return finish(build);
}

/* Clients that are new, gone, more, fewer, the same; one that moved between partitions; and a partition that the entry before did
 * not have. */
static void test_differences(void)
{
    struct ledger_build *build = ledger_build_new(1, NULL, DAY, 1);
    struct sheet *before[] = {SHEET(0, 1, {"a", "same", 5}, {"a", "fewer", 5}, {"a", "moved", 2}, {"a", "gone", 1}),
                              SHEET(1, 1, {"b", "more", 1}, {"a", "z", 1})};
    struct sheet *sheets[] = {SHEET(0, 2, {"a", "same", 5}, {"a", "fewer", 2}, {"", "new", 1}),
                              SHEET(1, 2, {"b", "more", 4}, {"a", "z", 1}, {"a", "moved", 2}), SHEET(2, 2, {"c", "added", 9})};
    for (guint i = 0; i < 2; i++)
        g_assert_true(add(build, before[i], NULL, NULL));
    struct ledger_entry *first = finish(build);
    build = ledger_build_new(2, (const uint8_t[LEDGER_CHECKSUM_SIZE]){9}, DAY, 2);
    ledger_build_continue(build, first);
    for (guint i = 0; i < PARTITIONS; i++) {
        g_assert_true(ledger_build_wants_before(build, i) == (i < 2));
        g_assert_true(add(build, sheets[i], i < 2 ? before[i] : NULL, NULL));
    }
    struct ledger_entry *entry = finish(build);
    expect(entry, ":1 a:10 b:4 c:9", "/new:1 a/fewer:-3 a/gone:-1 b/more:3 c/added:9");
    g_assert_cmpint((gint64)(entry->events - first->events), ==, 9);
    for (guint i = 0; i < PARTITIONS; i++) {
        sheet_free(sheets[i]);
        if (i < 2)
            sheet_free(before[i]);
    }
    ledger_entry_free(first);
    ledger_entry_free(entry);
}

/* ---- bounds ---- */

static struct row *many_rows(guint n, guint requests)
{
    struct row *rows = g_new(struct row, n);
    for (guint i = 0; i < n; i++)
        rows[i] = (struct row){g_strdup_printf("org-%05u", n - i), g_strdup_printf("client-%u", i % 7), i % 3 + requests};
    return rows;
}

static void free_rows(struct row *rows, guint n)
{
    for (guint i = 0; i < n; i++) {
        g_free((char *)(uintptr_t)rows[i].organization);
        g_free((char *)(uintptr_t)rows[i].client);
    }
    g_free(rows);
}

static void test_largest_are_listed(void)
{
    enum { N = LEDGER_ORGANIZATIONS_MAX + 1000 };
    struct row *rows = many_rows(N, 1);
    struct sheet *before = make_sheet(0, 1, NULL, 0), *sheet = make_sheet(0, 2, rows, N);
    struct ledger_entry *first = entry_before(before);
    struct ledger_build *build = ledger_build_new(2, (const uint8_t[LEDGER_CHECKSUM_SIZE]){9}, DAY, 2);
    ledger_build_continue(build, first);
    g_assert_true(add(build, sheet, before, NULL));
    struct ledger_entry *entry = finish(build);
    g_assert_cmpuint(entry->organizations->len, ==, LEDGER_ORGANIZATIONS_MAX);
    g_assert_cmpuint(entry->organizations_left_out, ==, 1000);
    g_assert_cmpuint(entry->organization_requests_left_out, ==, 1000); /* of one request each: there are 2000 */
    g_assert_cmpuint(entry->differences->len, ==, LEDGER_DIFFERENCES_MAX);
    g_assert_cmpuint(entry->differences_left_out, ==, N - LEDGER_DIFFERENCES_MAX);
    guint64 listed = 0;
    gint64 difference = 0;
    for (guint i = 0; i < entry->organizations->len; i++)
        listed += ((const struct organization_total *)g_ptr_array_index(entry->organizations, i))->requests;
    for (guint i = 0; i < entry->differences->len; i++) {
        const struct client_difference *one = g_ptr_array_index(entry->differences, i);
        g_assert_cmpint(one->requests, ==, 3);
        difference += one->requests;
    }
    g_assert_cmpuint(listed + entry->organization_requests_left_out, ==, entry->events);
    g_assert_cmpint(difference + entry->difference_left_out, ==, (gint64)entry->events);
    ledger_entry_free(first);
    ledger_entry_free(entry);
    sheet_free(before);
    sheet_free(sheet);
    free_rows(rows, N);
}

static void add_streams(struct partition_day *day, guint n, guint announced)
{
    for (guint i = 0; i < n; i++) {
        struct stream_day *stream = stream_day_new();
        stream->stream_id[0] = (uint8_t)(i >> 8);
        stream->stream_id[1] = (uint8_t)i;
        g_free(stream->collector);
        stream->collector = g_strdup_printf("sidecar-with-a-long-name-%08u", i);
        stream->announced = g_array_new(FALSE, TRUE, sizeof(uint64_t));
        g_array_set_size(stream->announced, announced);
        stream->heard_ms = (DAY + 1) * INT64_C(86400000);
        g_ptr_array_add(day->streams, stream);
    }
}

/* Many collectors and partitions: the entry fits a message of Kafka, and knows all the same whether it is complete. */
static void test_message_size(void)
{
    enum { MANY = 64 };
    struct ledger_build *build = ledger_build_new(1, NULL, DAY, 1);
    for (guint p = 0; p < MANY; p++) {
        struct sheet *sheet = make_sheet(p, 1, NULL, 0);
        struct partition_day *day = day_of(sheet);
        add_streams(day, LEDGER_STREAMS_MAX, MANY);
        g_assert_true(ledger_build_add(build, day, sheet, NULL, NULL));
        sheet_free(sheet);
    }
    g_autoptr(GBytes) record = NULL;
    struct ledger_entry *entry = ledger_build_finish(build, &record, NULL);
    g_assert_cmpuint(g_bytes_get_size(record), <=, LEDGER_BUILD_BYTES_MAX);
    g_assert_cmpuint(g_bytes_get_size(record), >, LEDGER_BUILD_BYTES_MAX / 4);
    g_assert_true(entry->complete);
    ledger_build_free(build);
    ledger_entry_free(entry);
}

/* Names as long as they can be: fewer are listed, but the sums stay. */
static void test_long_names(void)
{
    enum { N = 4000 };
    struct row *rows = g_new(struct row, N);
    g_autofree char *filler = g_strnfill(240, 'x');
    for (guint i = 0; i < N; i++)
        rows[i] = (struct row){g_strdup_printf("%05u%s", i, filler), g_strdup("c"), 1};
    struct sheet *sheet = make_sheet(0, 1, rows, N);
    struct ledger_build *build = ledger_build_new(1, NULL, DAY, 1);
    g_assert_true(add(build, sheet, NULL, NULL));
    g_autoptr(GBytes) record = NULL;
    struct ledger_entry *entry = ledger_build_finish(build, &record, NULL);
    g_assert_cmpuint(g_bytes_get_size(record), <=, LEDGER_BUILD_BYTES_MAX);
    g_assert_cmpuint(entry->organizations->len + entry->organization_requests_left_out, ==, N);
    g_assert_cmpuint(entry->organizations->len, >=, 1000);
    ledger_build_free(build);
    ledger_entry_free(entry);
    sheet_free(sheet);
    free_rows(rows, N);
}

/* ---- contradictions ---- */

static void test_contradictions(void)
{
    struct sheet *sheet = SHEET(0, 1, {"a", "c", 2});
    struct ledger_build *build = ledger_build_new(1, NULL, DAY, 1);
    for (guint i = 0; i < 5; i++) {
        g_autoptr(GError) error = NULL;
        struct partition_day *day = day_of(sheet);
        day->events += i == 0;
        day->rows += i == 1;
        day->partition += i == 2;
        struct sheet *other = i == 3 ? SHEET(0, 2, {"a", "c", 2}) : NULL;
        bool ok = ledger_build_add(build, day, other ? other : sheet, NULL, &error);
        g_assert_true(ok == (i == 4));
        if (!ok)
            g_assert_error(error, LEDGER_BUILD_ERROR, LEDGER_BUILD_ERROR_CONTRADICTION);
        if (other)
            sheet_free(other);
    }
    struct ledger_entry *entry = finish(build);
    expect(entry, "a:2", "");
    ledger_entry_free(entry);
    sheet_free(sheet);
}

/* The entry before says other sums than the sheets have. */
static void test_contradiction_with_the_entry_before(void)
{
    g_autoptr(GError) error = NULL;
    struct sheet *before = SHEET(0, 1, {"a", "c", 2}), *sheet = SHEET(0, 2, {"a", "c", 3});
    struct ledger_entry *first = entry_before(before);
    first->events++;
    struct ledger_build *build = ledger_build_new(2, (const uint8_t[LEDGER_CHECKSUM_SIZE]){9}, DAY, 2);
    ledger_build_continue(build, first);
    g_assert_true(add(build, sheet, before, &error));
    g_assert_null(ledger_build_finish(build, NULL, &error));
    g_assert_error(error, LEDGER_BUILD_ERROR, LEDGER_BUILD_ERROR_CONTRADICTION);
    ledger_build_free(build);
    ledger_entry_free(first);
    sheet_free(before);
    sheet_free(sheet);
}

/* ---- against tables ---- */

static gint64 *counter(GHashTable *table, const char *name)
{
    gint64 *value = g_hash_table_lookup(table, name);
    if (!value) {
        value = g_new0(gint64, 1);
        g_hash_table_insert(table, g_strdup(name), value);
    }
    return value;
}

static struct sheet *random_sheet(GRand *rand, guint partition, guint revision, GHashTable *organizations, GHashTable *clients)
{
    static const char *const names[] = {"", "a", "ab", "b", "ö", "日本"};
    struct row rows[12];
    gint32 n = g_rand_int_range(rand, 0, G_N_ELEMENTS(rows));
    for (gint32 i = 0; i < n; i++) {
        rows[i].organization = names[g_rand_int_range(rand, 0, G_N_ELEMENTS(names))];
        rows[i].client = names[g_rand_int_range(rand, 1, G_N_ELEMENTS(names))];
        rows[i].requests = (guint64)g_rand_int_range(rand, 1, 4);
        g_autofree char *both = g_strdup_printf("%s/%s", rows[i].organization, rows[i].client);
        if (organizations)
            *counter(organizations, rows[i].organization) += (gint64)rows[i].requests;
        *counter(clients, both) += revision == 2 ? (gint64)rows[i].requests : -(gint64)rows[i].requests;
    }
    return make_sheet(partition, revision, rows, (gsize)n);
}

static void compare(const struct ledger_entry *entry, GHashTable *organizations, GHashTable *clients)
{
    guint changed = 0;
    GHashTableIter iter;
    gpointer value;
    g_assert_cmpuint(entry->organizations->len, ==, g_hash_table_size(organizations));
    for (guint i = 0; i < entry->organizations->len; i++) {
        const struct organization_total *total = g_ptr_array_index(entry->organizations, i);
        g_assert_cmpint((gint64)total->requests, ==, *counter(organizations, total->organization));
    }
    for (guint i = 0; i < entry->differences->len; i++) {
        const struct client_difference *one = g_ptr_array_index(entry->differences, i);
        g_autofree char *both = g_strdup_printf("%s/%s", one->organization, one->client);
        g_assert_cmpint(one->requests, ==, *counter(clients, both));
    }
    g_hash_table_iter_init(&iter, clients);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        changed += *(const gint64 *)value != 0;
    g_assert_cmpuint(entry->differences->len, ==, changed);
}

static void test_random(void)
{
    GRand *rand = g_rand_new_with_seed((guint32)g_test_rand_int());
    for (guint round = 0; round < 200; round++) {
        g_autoptr(GHashTable) organizations = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        g_autoptr(GHashTable) clients = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        struct sheet *before[PARTITIONS], *sheets[PARTITIONS];
        struct ledger_build *build = ledger_build_new(1, NULL, DAY, 1);
        for (guint p = 0; p < PARTITIONS; p++) {
            before[p] = random_sheet(rand, p, 1, NULL, clients);
            sheets[p] = random_sheet(rand, p, 2, organizations, clients);
            g_assert_true(add(build, before[p], NULL, NULL));
        }
        struct ledger_entry *first = finish(build);
        build = ledger_build_new(2, (const uint8_t[LEDGER_CHECKSUM_SIZE]){9}, DAY, 2);
        ledger_build_continue(build, first);
        for (guint p = 0; p < PARTITIONS; p++)
            g_assert_true(add(build, sheets[p], before[p], NULL));
        struct ledger_entry *entry = finish(build);
        compare(entry, organizations, clients);
        for (guint p = 0; p < PARTITIONS; p++) {
            sheet_free(before[p]);
            sheet_free(sheets[p]);
        }
        ledger_entry_free(first);
        ledger_entry_free(entry);
    }
    g_rand_free(rand);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ledger_build/first_revision", test_first_revision);
    g_test_add_func("/ledger_build/nothing_at_all", test_nothing_at_all);
    g_test_add_func("/ledger_build/differences", test_differences);
    g_test_add_func("/ledger_build/largest_are_listed", test_largest_are_listed);
    g_test_add_func("/ledger_build/message_size", test_message_size);
    g_test_add_func("/ledger_build/long_names", test_long_names);
    g_test_add_func("/ledger_build/contradictions", test_contradictions);
    g_test_add_func("/ledger_build/contradiction_with_the_entry_before", test_contradiction_with_the_entry_before);
    g_test_add_func("/ledger_build/random", test_random);
    return g_test_run();
}
