/* sheet_tools: rows for the tests of day sheets, and what a sheet of them must hold, kept in the simplest way: a map from the
 * names of a row, as text, to its measure. */
#ifndef DAYBOOK_TESTS_SHEET_TOOLS_H
#define DAYBOOK_TESTS_SHEET_TOOLS_H

#include "lib/sheet.h"

struct part {
    struct sheet_row row; /* its names live in static memory */
};

static inline void part_free(gpointer opaque)
{
    struct part *part = opaque;
    measure_clear(&part->row.measure);
    g_free(part);
}

static inline struct view pick(GRand *rand, const char *const *names, guint n)
{
    return view_of(names[g_rand_int_range(rand, 0, (gint32)n)]);
}
#define PICK(rand, names) pick((rand), (names), G_N_ELEMENTS(names))

/* One to three requests; some without a histogram, some with the largest values. */
static inline void random_measure(GRand *rand, struct measure *measure)
{
    static const guint statuses[] = {100, 200, 200, 200, 200, 201, 204, 404, 429, 500, 599};
    bool histogram = g_rand_int_range(rand, 0, 10) > 0;
    measure_init(measure);
    for (gint n = g_rand_int_range(rand, 1, 4); n > 0; n--) {
        guint64 latency = g_rand_int(rand), bytes = (guint64)g_rand_int(rand) << 12;
        latency >>= g_rand_int_range(rand, 0, 33);
        bytes >>= g_rand_int_range(rand, 0, 45);
        measure_add(measure, statuses[g_rand_int_range(rand, 0, G_N_ELEMENTS(statuses))], latency, bytes & 0xffff, bytes,
                    histogram);
    }
}

static inline struct part *random_part(GRand *rand)
{
    static const char *const organizations[] = {"", "acme", "globex", "Ünïcode-Örg", "日本"};
    static const char *const clients[] = {"-", "c", "c-1", "c-2", "c-10", "acme", "{other}", "ø"};
    static const char *const users[] = {"", "", "", "", "u-1", "u-2", "u-10", "GET", "c-1", "ü"};
    static const char *const methods[] = {"GET", "POST", "DELETE", "M-SEARCH", ""};
    static const char *const templates[] = {"/", "/v1/orders", "/v1/orders/{id}", "/v1/naïve/{n}", "{other}"};
    static const char *const platforms[] = {"", "", "", "ios", "android"};
    struct part *part = g_new0(struct part, 1);
    struct sheet_row *row = &part->row;
    row->organization = PICK(rand, organizations); /* one after the other: an initializer may take them in any order */
    row->client = PICK(rand, clients);
    row->user = PICK(rand, users);
    row->method = PICK(rand, methods);
    row->template = PICK(rand, templates);
    row->platform = PICK(rand, platforms);
    gint32 slots = g_rand_boolean(rand) ? 96 : 3;
    row->slot = (guint32)g_rand_int_range(rand, 0, slots);
    random_measure(rand, &row->measure);
    return part;
}

static inline GPtrArray *random_parts(GRand *rand, guint n)
{
    GPtrArray *parts = g_ptr_array_new_with_free_func(part_free);
    for (guint i = 0; i < n; i++)
        g_ptr_array_add(parts, random_part(rand));
    return parts;
}

static inline void shuffle(GRand *rand, GPtrArray *parts)
{
    for (guint i = parts->len; i > 1; i--) {
        guint other = (guint)g_rand_int_range(rand, 0, (gint32)i);
        gpointer kept = parts->pdata[i - 1];
        parts->pdata[i - 1] = parts->pdata[other];
        parts->pdata[other] = kept;
    }
}

static inline const struct sheet_row *part_at(GPtrArray *parts, guint i)
{
    return &((const struct part *)g_ptr_array_index(parts, i))->row;
}

/* ---- what must come out ---- */

/* The names and the slot, separated by tabs. */
static inline char *row_key(const struct sheet_row *row)
{
    const struct view names[] = {row->organization, row->client, row->user, row->method, row->template, row->platform};
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_string_append_len(text, names[i].data, (gssize)names[i].size);
        g_string_append_c(text, '\t');
    }
    g_string_append_printf(text, "%u", row->slot);
    return g_string_free(text, FALSE);
}

static inline void free_measure(gpointer opaque)
{
    measure_clear(opaque);
    g_free(opaque);
}

static inline GHashTable *oracle_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_measure);
}

static inline void oracle_add(GHashTable *oracle, const struct sheet_row *row)
{
    char *key = row_key(row);
    struct measure *measure = g_hash_table_lookup(oracle, key);
    if (!measure) {
        measure = g_new(struct measure, 1);
        measure_init(measure);
        g_hash_table_insert(oracle, key, measure);
    } else {
        g_free(key);
    }
    measure_merge(measure, &row->measure);
}

static inline char *measure_text(const struct measure *measure)
{
    GString *text = g_string_new(NULL);
    measure_format(measure, text);
    return g_string_free(text, FALSE);
}

static const struct sheet_header tools_header = {
    .partition = 3, .day = 20778, .revision = 2, .first_offset = 17, .end_offset = G_GUINT64_CONSTANT(5000000000)};

static inline void add_part(struct sheet_builder *builder, const struct sheet_row *row)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(sheet_builder_add(builder, row, &error));
    g_assert_no_error(error);
}

static inline GBytes *finish(struct sheet_builder *builder)
{
    g_autoptr(GError) error = NULL;
    GBytes *bytes = sheet_builder_finish(builder, &tools_header, &error);
    g_assert_no_error(error);
    return bytes;
}

/* The sheet of the parts from begin to end. */
static inline GBytes *sheet_of(GPtrArray *parts, guint begin, guint end)
{
    struct sheet_builder *builder = sheet_builder_new();
    for (guint i = begin; i < end; i++)
        add_part(builder, part_at(parts, i));
    GBytes *bytes = finish(builder);
    sheet_builder_free(builder);
    return bytes;
}

static inline struct sheet *open_sheet(GBytes *bytes)
{
    g_autoptr(GError) error = NULL;
    struct sheet *sheet = sheet_open(bytes, &error);
    g_assert_no_error(error);
    return sheet;
}

/* The sheet that a builder writes when it is given every row of this one. */
static inline GBytes *rebuild(const struct sheet *sheet)
{
    struct sheet_builder *builder = sheet_builder_new();
    struct sheet_rows rows = {0};
    struct sheet_row row;
    for (guint32 client = sheet_client_count(sheet); client-- > 0;) {
        sheet_rows_read(&rows, sheet, client);
        for (guint32 i = rows.n_rows; i-- > 0;) {
            sheet_rows_get(&rows, i, &row);
            add_part(builder, &row);
        }
    }
    sheet_rows_clear(&rows);
    GBytes *bytes = sheet_builder_finish(builder, sheet_header(sheet), NULL);
    sheet_builder_free(builder);
    return bytes;
}

#endif
