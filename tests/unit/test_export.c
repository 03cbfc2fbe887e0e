#include "api/export.h"

#include "lib/csv.h"
#include "lib/http_gzip.h"
#include <jansson.h>
#include <unistd.h>
#include <zlib.h>

#define LARGE ((UINT64_C(1) << 60) + 1) /* no double */

static const struct export_column columns[] = {
    {"clientId", EXPORT_CLIENT_ID},  {"clientName", EXPORT_CLIENT_NAME}, {"organizationId", EXPORT_ORGANIZATION},
    {"userId", EXPORT_USER},         {"templateUri", EXPORT_TEMPLATE},   {"httpMethod", EXPORT_METHOD},
    {"status200", EXPORT_STATUS200}, {"status300", EXPORT_STATUS300},    {"status400", EXPORT_STATUS400},
    {"status500", EXPORT_STATUS500}, {"status429", EXPORT_STATUS429},    {"requests", EXPORT_REQUESTS},
    {"date", EXPORT_PERIOD_FIRST},   {"platform", EXPORT_PLATFORM},
};

struct fixture {
    struct registry_snapshot *registry;
    GPtrArray *dates;
    GPtrArray *periods[1];
    struct export_spec spec;
    struct result *result;
    uint64_t failures; /* of each row */
};

static struct result *new_result(void)
{
    g_autoptr(GError) error = NULL;
    struct result *result = result_new(g_get_tmp_dir(), UINT64_C(1) << 32, &error);
    g_assert_no_error(error);
    return result;
}

static void add_client(struct registry_snapshot *registry, const char *id, const char *name, const char *organization)
{
    struct registry_client *client = g_new0(struct registry_client, 1);
    *client = (struct registry_client){g_strdup(id), g_strdup(name), g_strdup(organization), g_strdup(""), g_strdup(""), TIER_FREE};
    g_assert_true(registry_snapshot_add(registry, REGISTRY_CLIENTS, client));
}

static void set_up(struct fixture *f, enum export_format format)
{
    f->registry = registry_snapshot_new(1);
    add_client(f->registry, "c-1", "First, \"the\" client", "acme");
    add_client(f->registry, "c-1", "Another", "globex");
    add_client(f->registry, "c-2", "=cmd|' /C calc'!A0", "acme");
    registry_snapshot_seal(f->registry, NULL);
    f->dates = g_ptr_array_new_with_free_func(g_free);
    for (int day = 0; day < 3; day++)
        g_ptr_array_add(f->dates, g_strdup_printf("2026-11-0%dT00:00:00Z", day + 1));
    f->periods[0] = f->dates;
    f->spec = (struct export_spec){.format = format,
                                   .columns = columns,
                                   .n_columns = G_N_ELEMENTS(columns),
                                   .periods = f->periods,
                                   .prefix = "{\"results\":[",
                                   .suffix = "],\"queryStatus\":\"Complete\"}",
                                   .registry = f->registry,
                                   .by_organization = true};
    f->result = new_result();
    f->failures = 0;
}

static void tear_down(struct fixture *f)
{
    registry_snapshot_unref(f->registry);
    g_ptr_array_free(f->dates, TRUE);
    result_unref(f->result);
}

/* names: client, organization, user, template, method, platform. */
static void add(struct fixture *f, uint32_t period, const char *const names[REPORT_NAMES], uint64_t count)
{
    struct report_row row = {.period = period};
    for (int i = 0; i < REPORT_NAMES; i++)
        row.names[i] = view_of(names[i]);
    row.counts = (struct report_counts){count, count / 2, 0, count / 3, f->failures, 1};
    g_assert_true(result_add(&row, f->result));
}

static const char *const texts[][REPORT_NAMES] = {
    {"c-1", "acme", "u-1", "api/v2/users/{userId}", "GET", ""},
    {"c-1", "globex", "u-1", "api/v2/users/{userId}", "GET", "web"},
    {"c-2", "acme", "", "a,b\"c\"", "POST", "ios"},
    {"=1+1", "+acme", "-2", "@x", "GET", "'='"},
    {"größe 日本", "\xf0\x9f\x98\x80", "a\\b", "x\ty", "GET", " blank "},
    {"-", "", "", "", "", "\"=quoted, formula\""},
    {"-,\"", "", "", "", "", ""},
};

static void add_texts(struct fixture *f)
{
    g_autoptr(GError) error = NULL;
    f->failures = LARGE;
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        add(f, (uint32_t)(i / 3), texts[i], 10 * i);
    result_finish(f->result, &error);
    g_assert_no_error(error);
}

static char *bytes_of(const struct export_file *file)
{
    char *bytes = g_malloc((gsize)file->size + 1);
    g_assert_cmpint(pread(file->fd, bytes, (size_t)file->size, 0), ==, file->size);
    g_assert_cmpint(pread(file->fd, bytes, 1, file->size), ==, 0);
    bytes[file->size] = '\0';
    return bytes;
}

static char *render(struct fixture *f, struct export_file *file)
{
    g_autoptr(GError) error = NULL;
    export_render(&f->spec, f->result, g_get_tmp_dir(), file, &error);
    g_assert_no_error(error);
    char *bytes = bytes_of(file);
    g_autofree char *digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)bytes, (gsize)file->size);
    g_autofree char *etag = g_strdup_printf("\"%s\"", digest);
    g_assert_cmpstr(file->etag, ==, etag);
    close(file->fd);
    return bytes;
}

static const char *name_of(const char *const names[REPORT_NAMES])
{
    if (strcmp(names[0], "c-1") == 0)
        return strcmp(names[1], "acme") == 0 ? "First, \"the\" client" : "Another";
    return strcmp(names[0], "c-2") == 0 ? "=cmd|' /C calc'!A0" : names[0];
}

/* As a spreadsheet shows it. */
static void check_text(const char *shown, const char *text)
{
    bool guarded = text[0] != '\0' && strchr("=+-@", text[0]) != NULL;
    g_assert_cmpstr(guarded ? shown + 1 : shown, ==, text);
    g_assert_true(!guarded || shown[0] == '\'');
}

static void test_csv(void)
{
    static const char header[] = "clientId,clientName,organizationId,userId,templateUri,httpMethod,status200,status300,status400,"
                                 "status500,status429,requests,date,platform\r\n"
                                 "c-1,\"First, \"\"the\"\" client\",acme,u-1,api/v2/users/{userId},GET,0,0,0,"
                                 "1152921504606846977,1,0,2026-11-01T00:00:00Z,\r\n"
                                 "c-1,Another,";
    struct fixture f;
    struct export_file file;
    set_up(&f, EXPORT_CSV);
    add_texts(&f);
    g_autofree char *bytes = render(&f, &file);
    g_assert_true(g_str_has_prefix(bytes, header));
    g_assert_true(g_str_has_suffix(bytes, "\r\n"));
    struct csv *csv = csv_new(view_make(bytes, (size_t)file.size));
    g_assert_true(csv_next(csv, NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_assert_true(csv_next(csv, NULL));
        g_assert_cmpuint(csv_count(csv), ==, G_N_ELEMENTS(columns));
        check_text(csv_field(csv, 0), texts[i][0]);
        check_text(csv_field(csv, 1), name_of(texts[i]));
        check_text(csv_field(csv, 2), texts[i][1]);
        check_text(csv_field(csv, 3), texts[i][2]);
        check_text(csv_field(csv, 4), texts[i][3]);
        check_text(csv_field(csv, 13), texts[i][5]);
        g_assert_cmpstr(csv_field(csv, 12), ==, g_ptr_array_index(f.dates, i / 3));
        g_assert_cmpuint(g_ascii_strtoull(csv_field(csv, 11), NULL, 10), ==, 10 * i);
    }
    g_assert_false(csv_next(csv, NULL));
    csv_free(csv);
    tear_down(&f);
}

static void check_object(json_t *object, size_t i)
{
    g_assert_nonnull(object);
    g_assert_cmpuint(json_object_size(object), ==, G_N_ELEMENTS(columns));
    g_assert_cmpstr(json_string_value(json_object_get(object, "clientId")), ==, texts[i][0]);
    g_assert_cmpstr(json_string_value(json_object_get(object, "clientName")), ==, name_of(texts[i]));
    g_assert_cmpstr(json_string_value(json_object_get(object, "organizationId")), ==, texts[i][1]);
    g_assert_cmpstr(json_string_value(json_object_get(object, "templateUri")), ==, texts[i][3]);
    g_assert_cmpstr(json_string_value(json_object_get(object, "platform")), ==, texts[i][5]);
    g_assert_cmpint(json_integer_value(json_object_get(object, "requests")), ==, (json_int_t)(10 * i));
}

static void test_json_lines(void)
{
    struct fixture f;
    struct export_file file;
    set_up(&f, EXPORT_JSONL);
    add_texts(&f);
    g_autofree char *bytes = render(&f, &file);
    g_assert_true(
        g_str_has_prefix(bytes, "{\"clientId\":\"c-1\",\"clientName\":\"First, \\\"the\\\" client\",\"organizationId\":"));
    g_auto(GStrv) lines = g_strsplit(bytes, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, G_N_ELEMENTS(texts) + 1);
    g_assert_cmpstr(lines[G_N_ELEMENTS(texts)], ==, "");
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        json_t *object = json_loads(lines[i], JSON_REJECT_DUPLICATES, NULL);
        check_object(object, i);
        json_decref(object);
    }
    tear_down(&f);
}

static void test_json(void)
{
    struct fixture f;
    struct export_file file;
    set_up(&f, EXPORT_JSON);
    add_texts(&f);
    g_autofree char *bytes = render(&f, &file);
    json_t *whole = json_loads(bytes, JSON_REJECT_DUPLICATES, NULL), *results = json_object_get(whole, "results");
    g_assert_cmpstr(json_string_value(json_object_get(whole, "queryStatus")), ==, "Complete");
    g_assert_cmpuint(json_array_size(results), ==, G_N_ELEMENTS(texts));
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        check_object(json_array_get(results, i), i);
    json_decref(whole);
    tear_down(&f);
}

static void test_empty(void)
{
    static const char *const expected[] = {[EXPORT_JSON] = "{\"results\":[],\"queryStatus\":\"Complete\"}",
                                           [EXPORT_JSONL] = "",
                                           [EXPORT_CSV] = "clientId,clientName\r\n"};
    for (int format = EXPORT_JSON; format <= EXPORT_CSV; format++) {
        struct fixture f;
        struct export_file file;
        set_up(&f, (enum export_format)format);
        f.spec.n_columns = 2;
        g_assert_true(result_finish(f.result, NULL));
        g_autofree char *bytes = render(&f, &file);
        g_assert_cmpstr(bytes, ==, expected[format]);
        tear_down(&f);
    }
}

/* Of a single column; a name that is empty is a row all the same. */
static void test_one_column(void)
{
    static const char *const expected[] = {
        [EXPORT_JSON] = "{\"results\":[{\"clientId\":\"\"},{\"clientId\":\"c-1\"}],\"queryStatus\":\"Complete\"}",
        [EXPORT_JSONL] = "{\"clientId\":\"\"}\n{\"clientId\":\"c-1\"}\n",
        [EXPORT_CSV] = "clientId\r\n\"\"\r\nc-1\r\n"};
    for (int format = EXPORT_JSON; format <= EXPORT_CSV; format++) {
        struct fixture f;
        struct export_file file;
        set_up(&f, (enum export_format)format);
        f.spec.n_columns = 1;
        add(&f, 0, (const char *const[]){"", "", "", "", "", ""}, 1);
        add(&f, 0, (const char *const[]){"c-1", "", "", "", "", ""}, 1);
        g_assert_true(result_finish(f.result, NULL));
        g_autofree char *bytes = render(&f, &file);
        g_assert_cmpstr(bytes, ==, expected[format]);
        tear_down(&f);
    }
}

/* Not told apart by organization: the caller's gives the names; without one, only a name that is no other's too. */
static void test_names(void)
{
    static const struct {
        const char *organization, *expected;
    } cases[] = {{"globex", "c-1,Another\r\nc-2,c-2\r\n"}, {NULL, "c-1,c-1\r\nc-2,'=cmd|' /C calc'!A0\r\n"}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct fixture f;
        struct export_file file;
        set_up(&f, EXPORT_CSV);
        f.spec.n_columns = 2;
        f.spec.by_organization = false;
        f.spec.organization = cases[i].organization;
        add(&f, 0, (const char *const[]){"c-1", "", "", "", "", ""}, 1);
        add(&f, 0, (const char *const[]){"c-2", "", "", "", "", ""}, 1);
        g_assert_true(result_finish(f.result, NULL));
        g_autofree char *bytes = render(&f, &file);
        g_assert_cmpstr(strchr(bytes, '\n') + 1, ==, cases[i].expected);
        tear_down(&f);
    }
}

/* So many clients that the table of names seen last is too small for them. */
static void add_many(struct fixture *f, int n)
{
    GRand *rand = g_rand_new_with_seed(8);
    for (int i = 0; i < n; i++) {
        g_autofree char *client = g_strdup_printf("c-%d", g_rand_int_range(rand, 0, 10000));
        g_autofree char *template = g_strdup_printf("api/v2/things%d/{id}", i);
        const char *const names[REPORT_NAMES] = {client, "acme", "", template, "GET", ""};
        add(f, 0, names, (uint64_t)i);
    }
    g_rand_free(rand);
    g_assert_true(result_finish(f->result, NULL));
}

static char *inflate_all(const char *bytes, size_t size, size_t *inflated)
{
    z_stream z = {0};
    char *out = g_malloc(*inflated);
    union {
        const char *in;
        Bytef *out;
    } cast = {bytes};
    g_assert_cmpint(inflateInit2(&z, 15 + 16), ==, Z_OK);
    z.next_in = cast.out;
    z.avail_in = (uInt)size;
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)*inflated;
    g_assert_cmpint(inflate(&z, Z_FINISH), ==, Z_STREAM_END);
    *inflated = z.total_out;
    inflateEnd(&z);
    return out;
}

static void test_gzip(void)
{
    enum { ROWS = 20000 };
    struct fixture f;
    struct export_file file, packed_file, again_file;
    set_up(&f, EXPORT_CSV);
    add_many(&f, ROWS);
    g_autofree char *bytes = render(&f, &file);
    g_assert_cmpint(file.size, >, 60 * ROWS);
    f.spec.gzip = true;
    g_autofree char *packed = render(&f, &packed_file);
    g_free(render(&f, &again_file));
    g_assert_true(packed_file.size < file.size / 2);
    g_assert_cmpstr(packed_file.etag, !=, file.etag);
    g_assert_cmpstr(packed_file.etag, ==, again_file.etag);
    size_t size = (size_t)file.size + 1;
    g_autofree char *inflated = inflate_all(packed, (size_t)packed_file.size, &size);
    g_assert_true(size == (size_t)file.size && memcmp(inflated, bytes, size) == 0);
    tear_down(&f);
}

/* Every row has the name of its own client, whichever were seen before. */
static void test_many_clients(void)
{
    struct fixture f;
    struct export_file file;
    set_up(&f, EXPORT_CSV);
    for (int i = 0; i < 10000; i++) {
        g_autofree char *id = g_strdup_printf("c-%d", i + 3), *name = g_strdup_printf("name %d", i + 3);
        add_client(f.registry, id, name, "acme");
    }
    f.spec.n_columns = 2;
    add_many(&f, 50000);
    g_autofree char *bytes = render(&f, &file);
    struct csv *csv = csv_new(view_make(bytes, (size_t)file.size));
    int rows = 0;
    for (csv_next(csv, NULL); csv_next(csv, NULL); rows++) {
        const char *id = csv_field(csv, 0);
        g_autofree char *expected = g_strdup_printf("name %s", id + strlen("c-"));
        if (strlen(id) > strlen("c-1") || id[2] > '2')
            g_assert_cmpstr(csv_field(csv, 1), ==, expected);
    }
    g_assert_cmpint(rows, ==, 50000);
    csv_free(csv);
    tear_down(&f);
}

/* ---- workbooks ---- */

/* What a member of the ZIP file holds, by unzip of the libraries' own language: the test of the system reads whole workbooks. */
static char *member_of(const struct export_file *file, const char *member)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/fd/%d", (int)getpid(), file->fd);
    const char *const argv[] = {"/usr/bin/python3",
                                "-c",
                                "import sys,zipfile; sys.stdout.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]).decode())",
                                path,
                                member,
                                NULL};
    g_autofree char *out = NULL;
    int status;
    if (!g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &out, NULL, &status, NULL) || status != 0)
        return NULL;
    return g_steal_pointer(&out);
}

static int count_of(const char *text, const char *what)
{
    int n = 0;
    for (; (text = strstr(text, what)) != NULL; text++)
        n++;
    return n;
}

static void render_book(struct fixture *f, struct export_file *file)
{
    g_autoptr(GError) error = NULL;
    export_render(&f->spec, f->result, g_get_tmp_dir(), file, &error);
    g_assert_no_error(error);
}

static void test_workbook(void)
{
    struct fixture f;
    struct export_file file, again;
    set_up(&f, EXPORT_XLSX);
    add_texts(&f);
    render_book(&f, &file);
    g_usleep(1100 * 1000); /* a clock that shows would show */
    render_book(&f, &again);
    g_assert_cmpstr(file.etag, ==, again.etag);
    g_autofree char *sheet = member_of(&file, "xl/worksheets/sheet1.xml");
    g_assert_nonnull(sheet);
    g_assert_cmpint(count_of(sheet, "<row "), ==, G_N_ELEMENTS(texts) + 1);
    g_assert_nonnull(strstr(sheet, "<c r=\"D5\" t=\"inlineStr\"><is><t>-2</t></is></c>"));
    g_assert_nonnull(strstr(sheet, "<t>1152921504606846977</t>"));
    g_assert_nonnull(strstr(sheet, "<c r=\"L5\"><v>30</v></c>"));
    g_assert_null(strstr(sheet, "<f>"));
    close(file.fd);
    close(again.fd);
    tear_down(&f);
}

static void test_further_sheets(void)
{
    static const int expected[] = {4, 4, 2};
    struct fixture f;
    struct export_file file;
    set_up(&f, EXPORT_XLSX);
    f.spec.sheet_rows = 3;
    add_texts(&f);
    render_book(&f, &file);
    for (size_t i = 0; i < G_N_ELEMENTS(expected); i++) {
        g_autofree char *name = g_strdup_printf("xl/worksheets/sheet%zu.xml", i + 1);
        g_autofree char *sheet = member_of(&file, name);
        g_assert_nonnull(sheet);
        g_assert_cmpint(count_of(sheet, "<row "), ==, expected[i]);
        g_assert_nonnull(strstr(sheet, "<t>clientName</t>"));
    }
    g_assert_null(member_of(&file, "xl/worksheets/sheet4.xml"));
    close(file.fd);
    tear_down(&f);
}

/* ---- memory ---- */

static long memory_peak_kib(void)
{
    g_autofree char *status = NULL;
    g_assert_true(g_file_get_contents("/proc/self/status", &status, NULL, NULL));
    return strtol(strstr(status, "VmHWM:") + strlen("VmHWM:"), NULL, 10);
}

/* A file much larger than what its making may take. Sanitizers keep what is freed. */
static void test_memory(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    g_test_skip("with a sanitizer");
    return;
#endif
    enum { ROWS = 100000, MORE_KIB = 8 * 1024 };
    struct fixture f;
    struct export_file file;
    set_up(&f, EXPORT_CSV);
    add_many(&f, ROWS);
    long before = memory_peak_kib();
    for (int format = EXPORT_JSON; format < EXPORT_FORMAT_N; format++) {
        g_autoptr(GError) error = NULL;
        f.spec.format = (enum export_format)format;
        f.spec.gzip = format == EXPORT_CSV;
        g_assert_true(export_render(&f.spec, f.result, g_get_tmp_dir(), &file, &error));
        g_assert_cmpint(file.size, >, format <= EXPORT_JSONL ? 2 * MORE_KIB * 1024 : 1024 * 1024);
        close(file.fd);
    }
    g_assert_cmpint(memory_peak_kib() - before, <, MORE_KIB);
    tear_down(&f);
}

/* ---- what goes wrong ---- */

static void test_no_directory(void)
{
    for (int format = EXPORT_JSON; format < EXPORT_FORMAT_N; format++) {
        g_autoptr(GError) error = NULL;
        struct fixture f;
        struct export_file file;
        set_up(&f, (enum export_format)format);
        add_texts(&f);
        g_assert_false(export_render(&f.spec, f.result, "/nonexistent", &file, &error));
        g_assert_error(error, EXPORT_ERROR, EXPORT_ERROR_FILE);
        tear_down(&f);
    }
}

/* ---- formats ---- */

static void test_formats(void)
{
    static const struct {
        const char *accept;
        enum export_format format;
    } cases[] = {
        {NULL, EXPORT_JSON},
        {"", EXPORT_JSON},
        {"*/*", EXPORT_JSON},
        {"text/csv", EXPORT_CSV},
        {"Text/CSV; charset=utf-8", EXPORT_CSV},
        {"text/html,application/xhtml+xml,*/*;q=0.8", EXPORT_JSON},
        {"application/json, text/csv", EXPORT_JSON},
        {"application/json;q=0.5, text/csv;q=0.6", EXPORT_CSV},
        {"application/json;q=0.5, text/csv;q=0.4", EXPORT_JSON},
        {"text/csv;q=0", EXPORT_JSON},
        {"application/x-ndjson", EXPORT_JSONL},
        {"application/jsonl", EXPORT_JSONL},
        {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet, */*;q=0.1", EXPORT_XLSX},
        {",;,text/csv;q=x;;,", EXPORT_JSON},
    };
    enum export_format format;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        if (export_format_of_accept(cases[i].accept) != cases[i].format)
            g_error("Accept: %s", cases[i].accept);
    for (int i = 0; i < EXPORT_FORMAT_N; i++) {
        g_assert_true(export_format_parse(export_suffix((enum export_format)i), &format) && format == (enum export_format)i);
        g_assert_cmpint(export_format_of_accept(export_content_type((enum export_format)i)), ==, i);
    }
    g_assert_false(export_format_parse("", &format) || export_format_parse("xls", &format) ||
                   export_format_parse("csv.gz", &format));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/export/csv", test_csv);
    g_test_add_func("/export/json-lines", test_json_lines);
    g_test_add_func("/export/json", test_json);
    g_test_add_func("/export/empty", test_empty);
    g_test_add_func("/export/one-column", test_one_column);
    g_test_add_func("/export/names", test_names);
    g_test_add_func("/export/gzip", test_gzip);
    g_test_add_func("/export/many-clients", test_many_clients);
    g_test_add_func("/export/workbook", test_workbook);
    g_test_add_func("/export/further-sheets", test_further_sheets);
    g_test_add_func("/export/memory", test_memory);
    g_test_add_func("/export/no-directory", test_no_directory);
    g_test_add_func("/export/formats", test_formats);
    return g_test_run();
}
