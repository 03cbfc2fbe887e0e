#include "sheet_tools.h"

#include "lib/histogram.h"
#include "lib/sheet.h"

static GRand *fixed_rand(void)
{
    return g_rand_new_with_seed((guint32)g_test_rand_int());
}

static void assert_same(GBytes *a, GBytes *b)
{
    g_assert_true(g_bytes_equal(a, b));
}

/* ---- contents ---- */

/* Every row of the sheet is that of the oracle, and there are as many; rows come in order. */
static void assert_holds(const struct sheet *sheet, GHashTable *oracle)
{
    struct sheet_rows rows = {0};
    guint found = 0;
    for (guint32 client = 0; client < sheet_client_count(sheet); client++) {
        sheet_rows_read(&rows, sheet, client);
        for (guint32 i = 0; i < rows.n_rows; i++, found++) {
            struct sheet_row row;
            sheet_rows_get(&rows, i, &row);
            g_autofree char *key = row_key(&row);
            const struct measure *wanted = g_hash_table_lookup(oracle, key);
            g_assert_nonnull(wanted);
            g_autofree char *is = measure_text(&row.measure), *should = measure_text(wanted);
            g_assert_cmpstr(is, ==, should);
        }
    }
    sheet_rows_clear(&rows);
    g_assert_cmpuint(found, ==, g_hash_table_size(oracle));
    g_assert_cmpuint(found, ==, sheet_totals(sheet)->rows);
}

static void assert_totals(const struct sheet *sheet, GHashTable *oracle)
{
    struct sheet_totals sums = {.rows = g_hash_table_size(oracle)};
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, oracle);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct measure *measure = value;
        sums.requests += measure->requests;
        sums.latency_sum_us += measure->latency_sum_us;
        sums.request_bytes += measure->request_bytes;
        sums.response_bytes += measure->response_bytes;
    }
    g_assert_true(memcmp(&sums, sheet_totals(sheet), sizeof sums) == 0);
}

/* In any order, in any parts, directly or by way of other sheets. */
static void test_order_and_parts(void)
{
    g_autoptr(GRand) rand = fixed_rand();
    for (guint round = 0; round < 20; round++) {
        g_autoptr(GPtrArray) parts = random_parts(rand, (guint)g_rand_int_range(rand, 1, 2000));
        g_autoptr(GHashTable) oracle = oracle_new();
        for (guint i = 0; i < parts->len; i++)
            oracle_add(oracle, part_at(parts, i));
        g_autoptr(GBytes) bytes = sheet_of(parts, 0, parts->len);
        struct sheet *sheet = open_sheet(bytes);
        assert_holds(sheet, oracle);
        assert_totals(sheet, oracle);
        g_assert_true(memcmp(&tools_header, sheet_header(sheet), sizeof tools_header) == 0);

        shuffle(rand, parts);
        g_autoptr(GBytes) shuffled = sheet_of(parts, 0, parts->len);
        assert_same(bytes, shuffled);
        g_autoptr(GBytes) rebuilt = rebuild(sheet);
        assert_same(bytes, rebuilt);
        sheet_free(sheet);
    }
}

/* Sheet n and late rows are the sheet of all rows; so is the sum of the sheets of parts of them, merged in any order. */
static void test_merge(void)
{
    g_autoptr(GRand) rand = fixed_rand();
    for (guint round = 0; round < 20; round++) {
        g_autoptr(GPtrArray) parts = random_parts(rand, 900);
        g_autoptr(GBytes) whole = sheet_of(parts, 0, 900);
        guint cut = (guint)g_rand_int_range(rand, 0, 901), second = (guint)g_rand_int_range(rand, (gint32)cut, 901);
        g_autoptr(GBytes) a = sheet_of(parts, 0, cut), b = sheet_of(parts, cut, second);
        struct sheet *sheet_a = open_sheet(a), *sheet_b = open_sheet(b);
        struct sheet_builder *builder = sheet_builder_new();
        g_assert_true(sheet_builder_merge(builder, sheet_b, NULL));
        for (guint i = second; i < 900; i++)
            add_part(builder, part_at(parts, i));
        g_assert_true(sheet_builder_merge(builder, sheet_a, NULL));
        g_autoptr(GBytes) merged = finish(builder);
        assert_same(whole, merged);
        g_autoptr(GBytes) empty = finish(builder); /* and begins anew */
        struct sheet *nothing = open_sheet(empty);
        g_assert_cmpuint(sheet_totals(nothing)->rows, ==, 0);
        sheet_free(nothing);
        sheet_builder_free(builder);
        sheet_free(sheet_a);
        sheet_free(sheet_b);
    }
}

/* A builder that is fed one row again and again keeps its size. */
static void test_memory(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    g_autoptr(GPtrArray) parts = random_parts(rand, 500);
    struct sheet_builder *builder = sheet_builder_new();
    gsize after_some = 0;
    for (guint round = 0; round < 400; round++) {
        for (guint i = 0; i < parts->len; i++)
            add_part(builder, part_at(parts, i));
        if (round == 10)
            after_some = sheet_builder_bytes(builder);
    }
    g_assert_cmpuint(sheet_builder_bytes(builder), ==, after_some);
    sheet_builder_free(builder);
}

static void test_empty(void)
{
    struct sheet_builder *builder = sheet_builder_new();
    const struct sheet_header header = {.revision = 1};
    g_autoptr(GBytes) bytes = sheet_builder_finish(builder, &header, NULL);
    struct sheet *sheet = open_sheet(bytes);
    guint32 number;
    g_autoptr(GBytes) wanted = g_bytes_new_static("\x08\x01\x20\x01\x62\x00", 6);
    assert_same(bytes, wanted);
    g_assert_cmpuint(sheet_client_count(sheet), ==, 0);
    g_assert_cmpuint(sheet_symbol_count(sheet), ==, 1);
    g_assert_false(sheet_find_client(sheet, view_of(""), view_of(""), &number));
    sheet_free(sheet);
    sheet_builder_free(builder);
}

/* ---- finding ---- */

/* By looking at all; G_MAXUINT32: not there. */
static guint32 scan(const struct sheet *sheet, const char *organization, const char *name)
{
    guint32 found = G_MAXUINT32;
    for (guint32 i = 0; i < sheet_client_count(sheet); i++) {
        struct sheet_client client;
        sheet_client_get(sheet, i, &client);
        if (view_is(sheet_symbol(sheet, client.organization), organization) && view_is(sheet_symbol(sheet, client.client), name))
            found = i;
    }
    return found;
}

static void test_lookup(void)
{
    static const char *const names[] = {"", "-", "acme", "b", "c", "c-1", "c-10", "c-2", "globex", "GET", "zz", "{other}"};
    g_autoptr(GRand) rand = fixed_rand();
    g_autoptr(GPtrArray) parts = random_parts(rand, 60);
    g_autoptr(GBytes) bytes = sheet_of(parts, 0, parts->len);
    struct sheet *sheet = open_sheet(bytes);
    for (guint i = 0; i < G_N_ELEMENTS(names) * G_N_ELEMENTS(names); i++) {
        const char *organization = names[i / G_N_ELEMENTS(names)], *client = names[i % G_N_ELEMENTS(names)];
        guint32 wanted = scan(sheet, organization, client), found;
        bool there = sheet_find_client(sheet, view_of(organization), view_of(client), &found);
        g_assert_true(there == (wanted != G_MAXUINT32));
        g_assert_true(!there || found == wanted);
    }
    sheet_free(sheet);
}

/* What the index says of a client is what its rows sum up to. */
static void test_index(void)
{
    g_autoptr(GRand) rand = fixed_rand();
    g_autoptr(GPtrArray) parts = random_parts(rand, 500);
    g_autoptr(GBytes) bytes = sheet_of(parts, 0, parts->len);
    struct sheet *sheet = open_sheet(bytes);
    struct sheet_rows rows = {0};
    for (guint32 i = 0; i < sheet_client_count(sheet); i++) {
        struct sheet_client client;
        guint64 requests = 0;
        sheet_client_get(sheet, i, &client);
        sheet_rows_read(&rows, sheet, i);
        for (guint32 k = 0; k < rows.n_rows; k++)
            requests += rows.requests[k];
        g_assert_cmpuint(client.rows, ==, rows.n_rows);
        g_assert_cmpuint(client.requests, ==, requests);
        g_assert_cmpuint(client.client, ==, rows.client);
    }
    sheet_rows_clear(&rows);
    sheet_free(sheet);
}

/* ---- what is refused ---- */

static void make_row(struct sheet_row *row)
{
    *row = (struct sheet_row){.client = view_of("c"), .method = view_of("GET"), .template = view_of("/")};
    measure_init(&row->measure);
    measure_add(&row->measure, 200, 1000, 5, 6, true);
}

static void refused(struct sheet_builder *builder, const struct sheet_row *row, enum sheet_error code)
{
    g_autoptr(GError) error = NULL;
    g_assert_false(sheet_builder_add(builder, row, &error));
    g_assert_error(error, SHEET_ERROR, (gint)code);
}

static void refused_with(struct sheet_builder *builder, gsize field, struct view name)
{
    struct sheet_row row;
    make_row(&row);
    *(struct view *)(void *)((char *)&row + field) = name;
    refused(builder, &row, SHEET_ERROR_ROW);
    refused(builder, &row, SHEET_ERROR_ROW); /* it is known by then */
    measure_clear(&row.measure);
}

static void test_refused_names(void)
{
    struct sheet_builder *builder = sheet_builder_new();
    g_autofree char *long_name = g_strnfill(257, 'x'), *long_template = g_strnfill(1025, '/');
    struct sheet_row row;
    make_row(&row);
    add_part(builder, &row);
    refused_with(builder, offsetof(struct sheet_row, client), view_of(""));
    refused_with(builder, offsetof(struct sheet_row, template), view_of(""));
    refused_with(builder, offsetof(struct sheet_row, user), view_of(long_name));
    refused_with(builder, offsetof(struct sheet_row, method), view_make(long_name, 33));
    refused_with(builder, offsetof(struct sheet_row, template), view_of(long_template));
    refused_with(builder, offsetof(struct sheet_row, platform), view_of("a\tb"));
    refused_with(builder, offsetof(struct sheet_row, organization), view_of("\xff"));
    refused_with(builder, offsetof(struct sheet_row, user), view_make("a\0b", 3));
    g_autoptr(GBytes) bytes = finish(builder);
    add_part(builder, &row);
    g_autoptr(GBytes) wanted = finish(builder);
    assert_same(bytes, wanted);
    measure_clear(&row.measure);
    sheet_builder_free(builder);
}

static void test_refused_numbers(void)
{
    struct sheet_builder *builder = sheet_builder_new();
    struct sheet_row row;
    make_row(&row);
    struct measure *measure = &row.measure;
    const struct measure good = *measure;
    row.slot = 96;
    refused(builder, &row, SHEET_ERROR_ROW);
    row.slot = 95;
    *measure = (struct measure){0};
    refused(builder, &row, SHEET_ERROR_ROW);
    struct tally wrong[] = {{600, 1}, {99, 1}, {200, 0}, {histogram_bucket(1000) & 0xffff, 1}, {3, 2}};
    wrong[3].key++;
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        *measure = good;
        *(i < 3 ? &measure->statuses.items : &measure->latencies.items) = &wrong[i];
        refused(builder, &row, SHEET_ERROR_ROW);
    }
    guint64 *const fields[] = {&measure->requests, &measure->latency_sum_us, &measure->latency_sum_us, &measure->latency_max_us};
    const guint64 values[] = {2, 999, 1001, 1001};
    for (guint i = 0; i < G_N_ELEMENTS(fields); i++) {
        *measure = good;
        *fields[i] = values[i];
        refused(builder, &row, SHEET_ERROR_ROW);
    }
    *measure = good;
    g_assert_cmpuint(sheet_builder_totals(builder)->rows, ==, 0);
    measure_clear(measure);
    sheet_builder_free(builder);
}

static void test_refused_sums(void)
{
    struct sheet_builder *builder = sheet_builder_new();
    struct sheet_row row;
    make_row(&row);
    row.measure.response_bytes = G_MAXINT64 - 10;
    add_part(builder, &row);
    row.measure.response_bytes = 11;
    row.slot = 1;
    refused(builder, &row, SHEET_ERROR_LIMIT);
    row.measure.response_bytes = 10;
    add_part(builder, &row);
    row.measure.response_bytes = 0;
    row.measure.latencies.n = 0;
    row.measure.latency_max_us = row.measure.latency_sum_us = 0;
    row.measure.requests = TALLY_COUNT_MAX;
    row.measure.statuses.items[0].count = TALLY_COUNT_MAX;
    refused(builder, &row, SHEET_ERROR_LIMIT);
    row.slot = 2;
    add_part(builder, &row);
    g_autoptr(GBytes) bytes = finish(builder);
    struct sheet *sheet = open_sheet(bytes);
    g_assert_cmpuint(sheet_totals(sheet)->response_bytes, ==, G_MAXINT64);
    g_assert_cmpuint(sheet_totals(sheet)->requests, ==, TALLY_COUNT_MAX + 2);

    /* The sum of two such sheets is none. */
    g_autoptr(GError) error = NULL;
    g_assert_true(sheet_builder_merge(builder, sheet, NULL));
    g_assert_false(sheet_builder_merge(builder, sheet, &error));
    g_assert_error(error, SHEET_ERROR, SHEET_ERROR_LIMIT);
    sheet_free(sheet);
    measure_clear(&row.measure);
    sheet_builder_free(builder);
}

/* ---- damage ---- */

/* Bytes other than those of a sheet are refused, or are the sheet of other rows: with another checksum, and canonical too. */
static bool judge(const guint8 *data, gsize size, GBytes *original)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);
    struct sheet *sheet = sheet_open(bytes, &error);
    g_assert_true((sheet == NULL) == (error != NULL));
    if (!sheet) {
        g_assert_error(error, SHEET_ERROR, SHEET_ERROR_MALFORMED);
        return false;
    }
    guint8 a[SHEET_CHECKSUM_SIZE], b[SHEET_CHECKSUM_SIZE];
    sheet_checksum(bytes, a);
    sheet_checksum(original, b);
    g_assert_true((memcmp(a, b, sizeof a) == 0) == g_bytes_equal(bytes, original));
    g_autoptr(GBytes) rebuilt = rebuild(sheet);
    assert_same(bytes, rebuilt);
    sheet_free(sheet);
    return true;
}

static void test_truncated(void)
{
    g_autoptr(GRand) rand = fixed_rand();
    g_autoptr(GPtrArray) parts = random_parts(rand, 60);
    g_autoptr(GBytes) bytes = sheet_of(parts, 0, parts->len);
    gsize size;
    const guint8 *data = g_bytes_get_data(bytes, &size);
    for (gsize cut = 0; cut < size; cut++) {
        g_autofree guint8 *exact = g_memdup2(data, cut); /* so that a sanitizer sees a byte too far */
        g_assert_false(judge(exact, cut, bytes));
    }
    g_autofree guint8 *longer = g_malloc0(size + 1);
    memcpy(longer, data, size);
    g_assert_false(judge(longer, size + 1, bytes));
}

/* Of n damaged copies: how many open. */
static guint damage(GRand *rand, GBytes *bytes, guint n)
{
    gsize size;
    const guint8 *data = g_bytes_get_data(bytes, &size);
    guint valid = 0;
    for (guint i = 0; i < n; i++) {
        g_autofree guint8 *copy = g_memdup2(data, size);
        for (guint k = 0; k <= i % 3; k++)
            copy[g_rand_int_range(rand, 0, (gint32)size)] ^=
                (guint8)(i % 2 ? 1u << g_rand_int_range(rand, 0, 8) : g_rand_int(rand));
        valid += judge(copy, size, bytes);
    }
    return valid;
}

static void test_damaged(void)
{
    g_autoptr(GRand) rand = fixed_rand();
    guint valid = 0;
    for (guint round = 0; round < 20; round++) {
        g_autoptr(GPtrArray) parts = random_parts(rand, 3 + 5 * round);
        g_autoptr(GBytes) bytes = sheet_of(parts, 0, parts->len);
        valid += damage(rand, bytes, 2000);
    }
    g_assert_cmpuint(valid, >, 20); /* or else this does not test what it says */
}

/* Rows of one client, so near to each other that damage puts them out of order or makes two alike. */
static void test_damaged_keys(void)
{
    g_autoptr(GRand) rand = fixed_rand();
    guint valid = 0;
    for (guint round = 0; round < 20; round++) {
        g_autoptr(GPtrArray) parts = random_parts(rand, 12);
        for (guint i = 0; i < parts->len; i++) {
            struct sheet_row *row = &((struct part *)parts->pdata[i])->row;
            row->organization = row->client = row->method = row->template = view_of("a");
            row->user = row->platform = view_of(g_rand_boolean(rand) ? "a" : "");
            row->slot = (guint32)g_rand_int_range(rand, 0, 8);
        }
        g_autoptr(GBytes) bytes = sheet_of(parts, 0, parts->len);
        valid += damage(rand, bytes, 2000);
    }
    g_assert_cmpuint(valid, >, 20);
}

/* Something behind the last column of a client, within its block. */
static void test_longer_block(void)
{
    static const char *const tails[] = {"\x90\x01\x01", "\x0a\x01\x01", "\x82\x01\x01\x01", "\x01"};
    struct sheet_builder *builder = sheet_builder_new();
    struct sheet_row row;
    make_row(&row);
    add_part(builder, &row);
    g_autoptr(GBytes) bytes = finish(builder);
    gsize size;
    const char *data = g_bytes_get_data(bytes, &size);
    const char *block = memmem(data, size, "\x8a\x01", 2); /* its tag, and then its size in one byte */
    g_assert_true(block && data + size == block + 3 + block[2]);
    for (guint i = 0; i < G_N_ELEMENTS(tails); i++) {
        g_autoptr(GByteArray) longer = g_byte_array_new();
        g_byte_array_append(longer, (const guint8 *)data, (guint)size);
        longer->data[block + 2 - data] = (guint8)((guint8)block[2] + strlen(tails[i]));
        g_byte_array_append(longer, (const guint8 *)tails[i], (guint)strlen(tails[i]));
        g_assert_false(judge(longer->data, longer->len, bytes));
    }
    measure_clear(&row.measure);
    sheet_builder_free(builder);
}

/* The same content in other bytes, which any protobuf library would take. */
static void test_not_canonical(void)
{
    static const struct {
        const char *bytes;
        gsize size;
        const char *what;
    } cases[] = {
        {"\x08\x01\x10\x00\x20\x01\x62\x00", 8, "a zero is written"},
        {"\x08\x81\x00\x20\x01\x62\x00", 7, "a long varint"},
        {"\x20\x01\x08\x01\x62\x00", 6, "another order"},
        {"\x08\x01\x20\x01\x62\x00\x6a\x00", 8, "an empty column"},
        {"\x08\x01\x20\x01\x62\x00\x62\x01x", 9, "a symbol without use"},
        {"\x08\x01\x20\x01\x62\x00\x90\x02\x01", 9, "an unknown field"},
        {"\x08\x01\x20\x01", 4, "no symbols"},
        {"\x08\x02\x20\x01\x62\x00", 6, "another version"},
        {"\x08\x01\x62\x00", 4, "no revision"},
        {"\x08\x01\x20\x01\x28\x01\x62\x00", 8, "offsets that descend"},
    };
    g_autoptr(GBytes) good = g_bytes_new_static("\x08\x01\x20\x01\x62\x00", 6);
    g_assert_true(judge(g_bytes_get_data(good, NULL), 6, good));
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s", cases[i].what);
        g_assert_false(judge((const guint8 *)cases[i].bytes, cases[i].size, good));
    }
}

/* ---- transport ---- */

static bool unpacks(const void *data, gsize size, GBytes *wanted)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = sheet_unpack(data, size, &error);
    g_assert_true((bytes == NULL) == (error != NULL));
    return bytes && g_bytes_equal(bytes, wanted);
}

static void test_pack(void)
{
    g_autoptr(GRand) rand = fixed_rand();
    g_autoptr(GPtrArray) parts = random_parts(rand, 300);
    g_autoptr(GBytes) bytes = sheet_of(parts, 0, parts->len);
    g_autoptr(GBytes) packed = sheet_pack(bytes);
    gsize size;
    const guint8 *data = g_bytes_get_data(packed, &size);
    g_assert_cmpuint(size, <, g_bytes_get_size(bytes));
    g_assert_true(unpacks(data, size, bytes));
    for (gsize cut = 0; cut < size; cut += 1 + cut / 64) {
        g_autofree guint8 *exact = g_memdup2(data, cut);
        g_assert_false(unpacks(exact, cut, bytes));
    }
    g_autofree guint8 *twice = g_malloc(2 * size);
    memcpy(twice, data, size);
    memcpy(twice + size, data, size);
    g_assert_false(unpacks(twice, size + 1, bytes));
    g_assert_false(unpacks(twice, 2 * size, bytes));
    for (guint i = 0; i < 5000; i++) {
        g_autofree guint8 *copy = g_memdup2(data, size);
        copy[g_rand_int_range(rand, 0, (gint32)size)] ^= (guint8)(1u << g_rand_int_range(rand, 0, 8));
        g_autoptr(GBytes) found = sheet_unpack(copy, size, NULL);
        struct sheet *sheet = found ? sheet_open(found, NULL) : NULL;
        sheet_free(sheet);
    }
}

/* A few bytes that declare much: a frame header without its blocks, and one block of many zeros. */
static void test_pack_bounds(void)
{
    static const guint8 huge[] = {0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0}; /* 4 GiB */
    static const guint8 claims[] = {0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0x10, 1, 0, 0};        /* 256 MiB, none there */
    static const guint8 unsaid[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, 1, 0, 0};                 /* no size */
    g_autoptr(GError) error = NULL;
    g_assert_null(sheet_unpack(huge, sizeof huge, &error));
    g_assert_error(error, SHEET_ERROR, SHEET_ERROR_MALFORMED);
    g_assert_nonnull(strstr(error->message, "declares"));
    g_assert_null(sheet_unpack(claims, sizeof claims, NULL));
    g_assert_null(sheet_unpack(unsaid, sizeof unsaid, NULL));
    g_assert_null(sheet_unpack(NULL, 0, NULL));
    g_assert_null(sheet_unpack("not zstd", 8, NULL));
}

static void test_checksum(void)
{
    /* FIPS 180-2, appendix B.1. */
    static const guint8 abc[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                                 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    guint8 checksum[SHEET_CHECKSUM_SIZE];
    g_autoptr(GBytes) bytes = g_bytes_new_static("abc", 3);
    sheet_checksum(bytes, checksum);
    g_assert_true(memcmp(checksum, abc, sizeof abc) == 0);
}

/* The format does not drift: sheets of years ago keep their checksums. */
static void test_frozen(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);
    g_autoptr(GPtrArray) parts = random_parts(rand, 1000);
    g_autoptr(GBytes) bytes = sheet_of(parts, 0, parts->len);
    guint8 checksum[SHEET_CHECKSUM_SIZE];
    char text[2 * SHEET_CHECKSUM_SIZE + 1];
    sheet_checksum(bytes, checksum);
    for (guint i = 0; i < SHEET_CHECKSUM_SIZE; i++)
        g_snprintf(text + 2 * i, 3, "%02x", checksum[i]);
    g_assert_cmpstr(text, ==, "ab434bdb175175ea12846489a22835823303d22df887a4d10d3f2357b002bbc2");
}

/* ---- for tests/system/test_sheet.py ---- */

/* DIR/sheet, DIR/sheet.zst, and DIR/rows: a line for each row, names, slot and lib/measure.h's text, separated by tabs. */
static int write_files(const char *directory)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);
    g_autoptr(GPtrArray) parts = random_parts(rand, 5000);
    g_autoptr(GHashTable) oracle = oracle_new();
    for (guint i = 0; i < parts->len; i++)
        oracle_add(oracle, part_at(parts, i));
    g_autoptr(GBytes) bytes = sheet_of(parts, 0, parts->len), packed = sheet_pack(bytes);
    g_autoptr(GString) lines = g_string_new(NULL);
    GHashTableIter iter;
    gpointer key, value;
    g_hash_table_iter_init(&iter, oracle);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        g_autofree char *text = measure_text(value);
        g_string_append_printf(lines, "%s\t%s\n", (char *)key, text);
    }
    const struct {
        const char *name, *data;
        gsize size;
    } files[] = {{"sheet", g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes)},
                 {"sheet.zst", g_bytes_get_data(packed, NULL), g_bytes_get_size(packed)},
                 {"rows", lines->str, lines->len}};
    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(directory, files[i].name, NULL);
        g_assert_true(g_file_set_contents(path, files[i].data, (gssize)files[i].size, NULL));
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--write") == 0)
        return write_files(argv[2]);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sheet/order-and-parts", test_order_and_parts);
    g_test_add_func("/sheet/merge", test_merge);
    g_test_add_func("/sheet/memory", test_memory);
    g_test_add_func("/sheet/empty", test_empty);
    g_test_add_func("/sheet/lookup", test_lookup);
    g_test_add_func("/sheet/index", test_index);
    g_test_add_func("/sheet/refused/names", test_refused_names);
    g_test_add_func("/sheet/refused/numbers", test_refused_numbers);
    g_test_add_func("/sheet/refused/sums", test_refused_sums);
    g_test_add_func("/sheet/truncated", test_truncated);
    g_test_add_func("/sheet/damaged/anywhere", test_damaged);
    g_test_add_func("/sheet/damaged/keys", test_damaged_keys);
    g_test_add_func("/sheet/damaged/longer-block", test_longer_block);
    g_test_add_func("/sheet/not-canonical", test_not_canonical);
    g_test_add_func("/sheet/pack", test_pack);
    g_test_add_func("/sheet/pack/bounds", test_pack_bounds);
    g_test_add_func("/sheet/checksum", test_checksum);
    g_test_add_func("/sheet/frozen", test_frozen);
    return g_test_run();
}
