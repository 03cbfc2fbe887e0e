/* The picked columns are those that sheet_rows has, whatever else is picked. */
#include "lib/sheet_columns.h"

#include "tests/unit/sheet_tools.h"

static void assert_same32(const uint32_t *a, const uint32_t *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        g_assert_cmpuint(a[i], ==, b[i]);
}

static void assert_tallies(const struct sheet_columns *columns, const struct sheet_rows *rows)
{
    for (uint32_t i = 0; i < rows->n_rows; i++) {
        const uint32_t begin = columns->one_status ? i : columns->at[i], end = columns->one_status ? i + 1 : columns->at[i + 1];
        g_assert_cmpuint(begin, ==, rows->status_at[i]);
        g_assert_cmpuint(end, ==, rows->status_at[i + 1]);
    }
    for (uint32_t i = 0; i < columns->n_tallies; i++) {
        g_assert_cmpuint(columns->status[i], ==, rows->statuses[i].key);
        g_assert_cmpuint(columns->one_request ? 1 : columns->count[i], ==, rows->statuses[i].count);
    }
}

static void assert_client(const struct sheet *sheet, uint32_t number, struct sheet_columns *columns, unsigned picked)
{
    struct sheet_rows rows = {0};
    sheet_rows_read(&rows, sheet, number);
    g_assert_true(sheet_columns_read(columns, sheet, number, picked));
    g_assert_cmpuint(columns->n_rows, ==, rows.n_rows);
    if (picked & SHEET_PICK_ROUTES) {
        g_assert_cmpuint(columns->n_routes, ==, rows.n_routes);
        assert_same32(columns->method, rows.method, rows.n_routes);
        assert_same32(columns->template, rows.template, rows.n_routes);
        assert_same32(columns->route, rows.route, rows.n_rows);
    }
    if (picked & SHEET_PICK_USERS)
        assert_same32(columns->user, rows.user, rows.n_rows);
    if (picked & SHEET_PICK_PLATFORMS)
        assert_same32(columns->platform, rows.platform, rows.n_rows);
    if (picked & SHEET_PICK_SLOTS)
        assert_same32(columns->slot, rows.slot, rows.n_rows);
    assert_tallies(columns, &rows);
    sheet_rows_clear(&rows);
}

static void assert_sheet(GBytes *bytes, struct sheet_columns *columns)
{
    struct sheet *sheet = open_sheet(bytes);
    for (unsigned picked = 0; picked < 16; picked++)
        for (uint32_t number = 0; number < sheet_client_count(sheet); number++)
            assert_client(sheet, number, columns, picked);
    sheet_free(sheet);
}

static void test_random(void)
{
    GRand *rand = g_rand_new_with_seed(g_test_rand_int_range(0, G_MAXINT32) & 0x7fffffff);
    struct sheet_columns columns = {0};
    for (guint n = 1; n < 2000; n = n * 2 + 1) {
        g_autoptr(GPtrArray) parts = random_parts(rand, n);
        g_autoptr(GBytes) bytes = sheet_of(parts, 0, n);
        assert_sheet(bytes, &columns);
    }
    sheet_columns_clear(&columns);
    g_rand_free(rand);
}

/* A client whose every column has the shape that is said: values of one byte, of two, of both and of more. */
static GBytes *shaped(guint n, guint status, guint other_status, uint64_t count)
{
    struct sheet_builder *builder = sheet_builder_new();
    for (guint i = 0; i < n; i++) {
        g_autofree char *template = g_strdup_printf("/v1/%u", i);
        g_autofree char *user = g_strdup_printf("u-%u", i * 7 % n);
        struct sheet_row row = {.client = view_of("c"), .template = view_of(template), .user = view_of(user)};
        struct tally tally = {.key = (i % 3 == 1 ? other_status : status) & UINT16_MAX, .count = count & TALLY_COUNT_MAX};
        row.slot = i % 96;
        row.measure = (struct measure){.requests = tally.count, .statuses = {&tally, 1, 1}};
        add_part(builder, &row);
    }
    GBytes *bytes = finish(builder);
    sheet_builder_free(builder);
    return bytes;
}

static void test_shapes(void)
{
    static const guint sizes[] = {1, 2, 3, 100, 128, 129, 300, 20000};
    struct sheet_columns columns = {0};
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(GBytes) pairs = shaped(sizes[i], 200, 404, 1);
        g_autoptr(GBytes) mixed = shaped(sizes[i], 200, 101, 5000);
        g_autoptr(GBytes) shorts = shaped(sizes[i], 101, 102, UINT64_C(1) << 40);
        assert_sheet(pairs, &columns);
        assert_sheet(mixed, &columns);
        assert_sheet(shorts, &columns);
    }
    sheet_columns_clear(&columns);
}

/* ---- damage ---- */

static GBytes *damage(GRand *rand, GBytes *bytes)
{
    gsize size;
    const uint8_t *data = g_bytes_get_data(bytes, &size);
    uint8_t *changed = g_memdup2(data, size);
    for (gint32 n = g_rand_int_range(rand, 1, 4); n > 0; n--)
        changed[g_rand_int(rand) % size] ^= (uint8_t)(1 << g_rand_int_range(rand, 0, 8));
    return g_bytes_new_take(changed, size);
}

static void assert_in_range(const struct sheet *sheet, const struct sheet_columns *columns)
{
    const uint32_t n_symbols = sheet_symbol_count(sheet);
    for (uint32_t i = 0; i < columns->n_routes; i++)
        g_assert_true(columns->method[i] < n_symbols && columns->template[i] < n_symbols);
    for (uint32_t i = 0; i < columns->n_rows; i++) {
        g_assert_true(columns->user[i] < n_symbols && columns->platform[i] < n_symbols);
        g_assert_true(columns->route[i] < columns->n_routes && columns->slot[i] < 96);
        g_assert_true(columns->one_status || columns->at[i] <= columns->at[i + 1]);
    }
    g_assert_true(columns->one_status || columns->at[columns->n_rows] == columns->n_tallies);
    for (uint32_t i = 0; i < columns->n_tallies; i++)
        g_assert_true(columns->status[i] <= 599 && (columns->one_request || columns->count[i] <= TALLY_COUNT_MAX));
}

/* What cannot be trusted is refused, or read within bounds; what is checked later is what is checked at once. */
static void test_damage(void)
{
    GRand *rand = g_rand_new_with_seed(g_test_rand_int_range(0, G_MAXINT32) & 0x7fffffff);
    struct sheet_columns columns = {0};
    g_autoptr(GPtrArray) parts = random_parts(rand, 60);
    g_autoptr(GBytes) bytes = sheet_of(parts, 0, parts->len);
    guint refused = 0, read = 0;
    for (int i = 0; i < 20000; i++) {
        g_autoptr(GBytes) damaged = damage(rand, bytes);
        struct sheet *sheet = sheet_open_lazily(damaged, NULL), *strict = sheet_open(damaged, NULL);
        for (uint32_t number = 0; sheet != NULL && number < sheet_client_count(sheet); number++) {
            struct sheet_client client;
            sheet_client_get(sheet, number, &client);
            g_assert_true(client.client < sheet_symbol_count(sheet) && client.organization < sheet_symbol_count(sheet));
            const bool ok = sheet_columns_read(&columns, sheet, number,
                                               SHEET_PICK_ROUTES | SHEET_PICK_USERS | SHEET_PICK_PLATFORMS | SHEET_PICK_SLOTS);
            if (ok)
                assert_in_range(sheet, &columns);
            refused += !ok;
            read += ok;
        }
        g_assert_true((sheet != NULL && sheet_check(sheet, NULL)) == (strict != NULL));
        sheet_free(sheet);
        sheet_free(strict);
    }
    g_assert_cmpuint(refused, >, 100);
    g_assert_cmpuint(read, >, 100);
    sheet_columns_clear(&columns);
    g_rand_free(rand);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sheet_columns/random", test_random);
    g_test_add_func("/sheet_columns/shapes", test_shapes);
    g_test_add_func("/sheet_columns/damage", test_damage);
    return g_test_run();
}
