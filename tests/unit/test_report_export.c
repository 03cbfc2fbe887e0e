#include "api/report_export.h"

static struct report_range range_of(const char *zone, bool local, int64_t first_day, int64_t last_day)
{
    const struct report_known known = {.through = 30000, .has_first = true, .first_day = 0, .now_s = INT64_C(3000000000)};
    struct report_params params = {.has_interval = true, .interval = {first_day, last_day}, .local = local};
    struct report_range range;
    params.tz = tz_shared(zone, NULL);
    report_range_init(&range, &params, &known);
    return range;
}

static char *columns_of(const struct report_export *export)
{
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < export->n_columns; i++)
        g_string_append_printf(text, "%s ", export->columns[i].name);
    return g_string_free(text, FALSE);
}

#define COUNTS "status200 status300 status400 status500 status429 requests "

static void test_columns(void)
{
    static const char *const expected[] = {
        [REPORT_DAYS] = "date begin end " COUNTS,
        [REPORT_CLIENTS] = "clientId clientName organizationId " COUNTS,
        [REPORT_URLS] = "templateUri " COUNTS,
        [REPORT_CLIENT_URLS] = "clientId clientName organizationId templateUri " COUNTS,
        [REPORT_ALL] = "section date begin end clientId clientName organizationId templateUri " COUNTS,
    };
    struct report_range range = range_of("UTC", false, 20000, 20001);
    for (int section = 0; section < REPORT_SECTION_N; section++) {
        struct report_export export;
        report_export_init(&export, &range, (enum report_section)section);
        g_autofree char *columns = columns_of(&export);
        g_assert_cmpstr(columns, ==, expected[section]);
        report_export_clear(&export);
    }
    report_range_clear(&range);
}

static void test_texts(void)
{
    static const char *const expected[][REPORT_TEXTS] = {
        {"days", "2026-10-31", "2026-10-31T00:00:00-04:00", "2026-11-01T00:00:00-04:00"},
        {"days", "2026-11-01", "2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00"},
        {"clients", "", "", ""},
        {"urls", "", "", ""},
        {"clientUrls", "", "", ""},
    };
    struct report_range range = range_of("America/New_York", true, 20757, 20758);
    struct report_export export;
    report_export_init(&export, &range, REPORT_ALL);
    for (int text = 0; text < REPORT_TEXTS; text++) {
        g_assert_cmpuint(export.texts[text]->len, ==, G_N_ELEMENTS(expected));
        for (guint i = 0; i < G_N_ELEMENTS(expected); i++)
            g_assert_cmpstr(g_ptr_array_index(export.texts[text], i), ==, expected[i][text]);
    }
    report_export_clear(&export);
    report_range_clear(&range);
}

static void test_names(void)
{
    struct report_range range = range_of("America/Argentina/Buenos_Aires", true, 20757, 20758);
    g_autofree char *local = report_export_name(&range, REPORT_CLIENT_URLS, EXPORT_XLSX);
    g_assert_cmpstr(local, ==, "usage-report_clientUrls_2026-10-31_2026-11-01_America-Argentina-Buenos_Aires_local.xlsx");
    report_range_clear(&range);
    range = range_of("UTC", false, 20757, 20757);
    g_autofree char *utc = report_export_name(&range, REPORT_ALL, EXPORT_JSONL);
    g_assert_cmpstr(utc, ==, "usage-report_all_2026-10-31_2026-10-31_UTC.jsonl");
    report_range_clear(&range);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/report-export/columns", test_columns);
    g_test_add_func("/report-export/texts", test_texts);
    g_test_add_func("/report-export/names", test_names);
    int failed = g_test_run();
    tz_shared_clear();
    return failed;
}
