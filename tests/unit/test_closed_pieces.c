/* What the sheets of closed days come to is the same, whether it is read row by row, by one thread or several, kept, kept only in
 * part, or taken from what is kept; of a day that is restated the new sheet counts. */
#include "api/closed_pieces.h"
#include "api/meters.h"
#include "lib/civil.h"
#include "lib/keys.h"
#include "tests/unit/redis_process.h"

enum { TODAY = 20778, DAYS = 12, FIRST = TODAY - DAYS, PARTITIONS = 2, ROWS = 3500, MANY_TEMPLATES = 1500, CACHE = 1 << 24 };

static const int64_t now_ms = INT64_C(1795257421000); /* 2026-11-21T10:37:01 */
static const char *const organizations[] = {"", "acme", "globex"};
static struct redis_process server;
static struct redis *redis;
static struct reader *reader;
static struct metrics *metrics;
static struct sheets *sheets;
static GRand *source;
static struct sheet *opened[DAYS * PARTITIONS]; /* what the reference reads */
static struct sheet_want wants[DAYS * PARTITIONS];

/* ---- sheets ---- */

static void add_row(struct sheet_builder *builder, int partition, int templates)
{
    static const uint32_t statuses[] = {200, 200, 200, 201, 404, 429, 500};
    static const char *const methods[] = {"GET", "POST", ""};
    g_autoptr(GError) error = NULL;
    char client[16], user[16], template[32];
    struct sheet_row row = {.slot = (uint32_t)g_rand_int_range(source, 0, KEYS_SLOTS_PER_DAY)};
    const int number = g_rand_int_range(source, 0, 6), method = g_rand_int_range(source, 0, G_N_ELEMENTS(methods));
    g_snprintf(client, sizeof client, "c-%d", number * PARTITIONS + (number == 5 ? 0 : partition)); /* one is in all */
    g_snprintf(user, sizeof user, "u-%d", g_rand_int_range(source, 0, 1000));
    g_snprintf(template, sizeof template, "/v1/%d", g_rand_int_range(source, 0, templates));
    row.organization = view_of(organizations[number % 3]);
    row.client = view_of(client);
    row.user = view_of(user);
    row.method = view_of(methods[method]);
    row.template = view_of(method == 2 ? KEYS_OTHER : template);
    measure_init(&row.measure);
    for (int n = g_rand_int_range(source, 1, 4); n > 0; n--)
        measure_add(&row.measure, statuses[g_rand_int_range(source, 0, G_N_ELEMENTS(statuses))],
                    g_rand_int(source) >> g_rand_int_range(source, 0, 30), 3, g_rand_int(source), g_rand_boolean(source));
    g_assert_true(sheet_builder_add(builder, &row, &error));
    measure_clear(&row.measure);
}

static void write_sheet(int at, uint32_t revision, int rows)
{
    g_autoptr(GError) error = NULL;
    char key[KEYS_MAX];
    const struct sheet_header header = {(uint32_t)(at % PARTITIONS), (uint32_t)(FIRST + at / PARTITIONS), revision, 0, 0};
    struct sheet_builder *builder = sheet_builder_new();
    for (int i = 0; i < rows; i++)
        add_row(builder, at % PARTITIONS, at == 0 ? MANY_TEMPLATES : 40);
    wants[at] = (struct sheet_want){.name = {at % PARTITIONS, header.day, (int)revision}};
    wants[at].rows = sheet_builder_totals(builder)->rows;
    wants[at].events = sheet_builder_totals(builder)->requests;
    g_autoptr(GBytes) bytes = sheet_builder_finish(builder, &header, &error);
    g_assert_no_error(error);
    sheet_builder_free(builder);
    sheet_checksum(bytes, wants[at].checksum);
    g_autoptr(GBytes) packed = sheet_pack(bytes);
    sheet_free(opened[at]);
    opened[at] = sheet_open(bytes, &error);
    g_assert_no_error(error);
    gsize size;
    const void *data = g_bytes_get_data(packed, &size);
    const struct view argv[] = {view_of("SET"), view_make(key, keys_sheet(key, at % PARTITIONS, header.day, (int)revision)),
                                view_make(data, size)};
    redis_reply_free(redis_command(redis, G_N_ELEMENTS(argv), argv, &error));
    g_assert_no_error(error);
}

/* ---- the reference: row by row, by their names ---- */

static bool is_wanted(const struct scope *scope, const struct sheet_row *row, const char *route)
{
    return (scope->organization == NULL || view_is(row->organization, scope->organization)) &&
           (scope->key == NULL || view_is(row->client, scope->key)) &&
           (scope->endpoints == NULL || endpoints_have(scope->endpoints, view_of(route)));
}

static void refer_row(const struct scope *scope, const struct sheet_row *row, int64_t slot, struct usage_table *table)
{
    g_autofree char *route = g_strdup_printf("%.*s%s%.*s", (int)row->method.size, row->method.data, row->method.size > 0 ? " " : "",
                                             (int)row->template.size, row->template.data);
    g_autofree char *client = g_strdup_printf("%.*s\x1f%.*s", (int)row->organization.size, row->organization.data,
                                              (int)row->client.size, row->client.data);
    const struct window *window = table->window;
    if (!is_wanted(scope, row, route) || slot < window->first_slot || slot >= window->first_slot + window->n_slots)
        return;
    usage_table_add_slot(table, slot, &row->measure);
    usage_table_add_route(table, route, &row->measure, slot);
    usage_table_add_client(table, client, &row->measure, slot);
}

static struct usage_table *refer(const struct scope *scope, const struct window *window)
{
    struct usage_table *table = usage_table_new(window);
    struct sheet_rows rows = {0};
    for (int at = 0; at < DAYS * PARTITIONS; at++)
        for (uint32_t client = 0; client < sheet_client_count(opened[at]); client++) {
            sheet_rows_read(&rows, opened[at], client);
            for (uint32_t i = 0; i < rows.n_rows; i++) {
                struct sheet_row row;
                sheet_rows_get(&rows, i, &row);
                refer_row(scope, &row, (FIRST + at / PARTITIONS) * (int64_t)KEYS_SLOTS_PER_DAY + row.slot, table);
            }
        }
    sheet_rows_clear(&rows);
    return table;
}

/* ---- comparing ---- */

static void append_line(GString *text, const char *name, const struct measure *measure, int64_t last)
{
    g_string_append_printf(text, "%s %" G_GINT64_FORMAT " ", name, last);
    measure_format(measure, text);
    g_string_append_c(text, '\n');
}

static void append_lines(GString *text, GHashTable *lines)
{
    GList *names = g_list_sort(g_hash_table_get_keys(lines), (GCompareFunc)strcmp);
    for (const GList *name = names; name != NULL; name = name->next) {
        const struct usage_line *line = g_hash_table_lookup(lines, name->data);
        append_line(text, line->name, &line->measure, line->last_slot);
    }
    g_list_free(names);
}

static char *show(const struct usage_table *table)
{
    GString *text = g_string_new(NULL);
    for (uint32_t i = 0; i < table->n_cells; i++)
        if (table->cells[i].requests > 0)
            append_line(text, "cell", &table->cells[i], i);
    for (uint32_t i = 0; i < table->window->n_slots; i++)
        g_string_append_printf(text, "%u: %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT "\n", i, table->slot_requests[i],
                               table->slot_errors[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(table->status_last); i++)
        if (table->status_last[i] >= 0)
            g_string_append_printf(text, "status %zu: %" G_GINT64_FORMAT "\n", i, table->status_last[i]);
    append_lines(text, table->routes);
    append_lines(text, table->clients);
    return g_string_free(text, FALSE);
}

static uint64_t sheets_used(void)
{
    return (uint64_t)metrics_get(metrics, METER_SHEETS_USED, NULL);
}

/* What is summed up; how many sheets were needed. */
static char *sum(const struct closed_place *place, const struct window *window, uint64_t *used)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) wanted = g_ptr_array_new();
    const uint64_t before = sheets_used();
    bool seen = false;
    for (int at = 0; at < DAYS * PARTITIONS; at++) {
        int64_t midnight = wants[at].name.day * KEYS_SLOTS_PER_DAY;
        if (midnight < window->first_slot + window->n_slots && midnight + KEYS_SLOTS_PER_DAY > window->first_slot)
            g_ptr_array_add(wanted, &wants[at]);
    }
    struct usage_table *table = usage_table_new(window);
    g_assert_true(reader_begin(reader, g_get_monotonic_time() + 600 * G_TIME_SPAN_SECOND, &error));
    g_assert_true(closed_pieces_sum(place, wanted, table, &seen, &error));
    g_assert_no_error(error);
    struct measure total;
    measure_init(&total);
    usage_table_total(table, &total);
    g_assert_true(seen || total.requests == 0);
    measure_clear(&total);
    *used = sheets_used() - before;
    char *text = show(table);
    usage_table_free(table);
    return text;
}

static void expect_text(const char *seen, const char *wanted, const char *when)
{
    size_t at = 0;
    while (seen[at] != '\0' && seen[at] == wanted[at])
        at++;
    if (seen[at] != wanted[at])
        g_error("%s: …%.300s, row by row …%.300s", when, seen + MAX(at, 100) - 100, wanted + MAX(at, 100) - 100);
}

static void init_window(struct window *window, int64_t from_slot, int64_t to_slot, int unit, const char *zone)
{
    struct refusal refusal = {0};
    const struct window_range range = {
        .from_ms = from_slot * KEYS_SLOT_MS, .to_ms = to_slot * KEYS_SLOT_MS, .unit = unit, .tz = tz_shared(zone, NULL)};
    g_assert_true(window_init_range(window, &range, now_ms, (struct window_extent){0, 0}, &refusal));
}

static struct live_cache *cache;

static void expect_window(const struct scope *scope, const struct window *window)
{
    uint64_t used;
    struct usage_table *reference = refer(scope, window);
    g_autofree char *wanted = show(reference);
    usage_table_free(reference);
    const struct sheets_query query = {sheets, reader, scope};
    const struct closed_place places[] = {{query, NULL, 1}, {query, NULL, 3}, {query, cache, 3}, {query, cache, 1}};
    static const char *const names[] = {"with one thread", "with three threads", "kept", "taken from what is kept"};
    for (guint i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autofree char *text = sum(&places[i], window, &used);
        expect_text(text, wanted, names[i]);
    }
}

static void expect_windows(const struct scope *scope, guint n)
{
    static const struct {
        int from, to; /* slots, from the first midnight on */
        int unit;
        const char *zone;
    } windows[] = {{0, DAYS * 96, CIVIL_DAY, "UTC"},
                   {37, DAYS * 96 + 42, CIVIL_DAY, "UTC"},
                   {-19, 10 * 96 - 19, CIVIL_DAY, "Asia/Kathmandu"},
                   {5 * 96 + 1, 5 * 96 + 7, CIVIL_HOUR, "UTC"},
                   {37, DAYS * 96, CIVIL_WEEK, "America/New_York"},
                   {96, 11 * 96, WINDOW_SIX_HOURS, "Asia/Kathmandu"},
                   {100, 600, WINDOW_WHOLE, "UTC"},
                   {0, DAYS * 96, CIVIL_MONTH, "America/New_York"},
                   {10, DAYS * 96 - 10, CIVIL_HOUR, "America/New_York"}};
    for (guint i = 0; i < MIN(n, G_N_ELEMENTS(windows)); i++) {
        struct window window;
        const int64_t midnight = (int64_t)FIRST * KEYS_SLOTS_PER_DAY;
        init_window(&window, midnight + windows[i].from, midnight + windows[i].to, windows[i].unit, windows[i].zone);
        expect_window(scope, &window);
        window_clear(&window);
    }
}

/* ---- tests ---- */

static void test_same(void)
{
    struct endpoints *endpoints = endpoints_new_exact("POST /v1/7");
    const struct scope scopes[] = {{NULL, NULL, NULL},    {"acme", NULL, NULL},    {NULL, "c-3", NULL}, {"globex", "c-5", NULL},
                                   {"acme", "c-5", NULL}, {NULL, NULL, endpoints}, {"", NULL, NULL},    {"nobody", NULL, NULL}};
    for (guint i = 0; i < G_N_ELEMENTS(scopes); i++)
        expect_windows(&scopes[i], i == 0 ? G_MAXUINT : 3);
    endpoints_free(endpoints);
}

static void test_small_cache(void)
{
    const struct scope everybody = {NULL, NULL, NULL};
    struct live_cache *before = cache;
    cache = live_cache_new(100000);
    expect_windows(&everybody, 3);
    g_assert_cmpuint(live_cache_bytes(cache), <=, 100000);
    live_cache_free(cache);
    cache = before;
}

static void test_kept(void)
{
    const struct scope everybody = {NULL, NULL, NULL};
    struct live_cache *fresh = live_cache_new(CACHE);
    const struct closed_place place = {{sheets, reader, &everybody}, fresh, 2};
    const int64_t midnight = (int64_t)FIRST * KEYS_SLOTS_PER_DAY;
    struct window window;
    uint64_t used;
    init_window(&window, midnight + 20, midnight + DAYS * 96, CIVIL_DAY, "UTC");
    g_free(sum(&place, &window, &used));
    g_assert_cmpuint(used, ==, DAYS * PARTITIONS);
    g_free(sum(&place, &window, &used));
    g_assert_cmpuint(used, ==, 0);
    window_clear(&window);
    init_window(&window, midnight + 24, midnight + (DAYS - 1) * 96, CIVIL_HOUR, "Asia/Kathmandu");
    g_free(sum(&place, &window, &used));
    g_assert_cmpuint(used, ==, PARTITIONS); /* of the first day, another part */
    write_sheet(5 * PARTITIONS, 2, ROWS);
    g_free(sum(&place, &window, &used));
    g_assert_cmpuint(used, ==, PARTITIONS); /* of the day that was restated */
    window_clear(&window);
    live_cache_free(fresh);
    expect_windows(&everybody, 3); /* the cache of all tests has what was before */
}

/* A day of one row, and one key's few: not worth keeping. */
static void test_little(void)
{
    const struct scope one = {"acme", "c-2", NULL};
    struct live_cache *fresh = live_cache_new(CACHE);
    const struct closed_place place = {{sheets, reader, &one}, fresh, 2};
    const int64_t midnight = (int64_t)FIRST * KEYS_SLOTS_PER_DAY;
    struct window window;
    uint64_t used;
    write_sheet(3 * PARTITIONS, 2, 1);
    init_window(&window, midnight, midnight + 10 * 96, CIVIL_DAY, "UTC");
    g_free(sum(&place, &window, &used));
    g_assert_cmpuint(live_cache_bytes(fresh), ==, 0);
    window_clear(&window);
    live_cache_free(fresh);
}

static void test_missing(void)
{
    g_autoptr(GError) error = NULL;
    const struct scope everybody = {NULL, NULL, NULL};
    const struct closed_place place = {{sheets, reader, &everybody}, cache, 3};
    g_autoptr(GPtrArray) wanted = g_ptr_array_new();
    bool seen = false;
    struct window window;
    struct sheet_want lost = wants[6];
    lost.name.revision = 9;
    for (int at = 0; at < DAYS * PARTITIONS; at++)
        g_ptr_array_add(wanted, at == 6 ? &lost : &wants[at]);
    init_window(&window, (int64_t)FIRST * 96, (int64_t)TODAY * 96, CIVIL_DAY, "UTC");
    struct usage_table *table = usage_table_new(&window);
    g_assert_true(reader_begin(reader, g_get_monotonic_time() + 600 * G_TIME_SPAN_SECOND, &error));
    g_assert_false(closed_pieces_sum(&place, wanted, table, &seen, &error));
    g_assert_error(error, READER_ERROR, READER_ERROR_COPY);
    usage_table_free(table);
    window_clear(&window);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_test_init(&argc, &argv, NULL);
    redis_process_start(&server, 0, NULL);
    const struct redis_settings settings = {server.url, 1000, 5000};
    redis = redis_connect(&settings, NULL, &error);
    g_assert_no_error(error);
    reader = reader_new(&settings, PARTITIONS);
    metrics = metrics_new(api_meters, METER_N);
    source = g_rand_new_with_seed((guint32)g_test_rand_int());
    sheets = sheets_new(1 << 26, NULL, metrics);
    cache = live_cache_new(CACHE);
    for (int at = 0; at < DAYS * PARTITIONS; at++)
        write_sheet(at, 1, ROWS);
    g_test_add_func("/closed_pieces/same", test_same);
    g_test_add_func("/closed_pieces/small-cache", test_small_cache);
    g_test_add_func("/closed_pieces/kept", test_kept);
    g_test_add_func("/closed_pieces/little", test_little);
    g_test_add_func("/closed_pieces/missing", test_missing);
    int code = g_test_run();
    for (int at = 0; at < DAYS * PARTITIONS; at++)
        sheet_free(opened[at]);
    live_cache_free(cache);
    sheets_free(sheets);
    g_rand_free(source);
    metrics_free(metrics);
    reader_free(reader);
    redis_free(redis);
    redis_process_clear(&server);
    tz_shared_clear();
    return code;
}
