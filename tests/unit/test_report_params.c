#include "api/report_params.h"

#include "api/call.h"

/* "a=1&b" without percent-encoding; format JSON or CSV. */
static bool parse(struct report_params *params, enum export_format format, const char *query, struct refusal *refusal)
{
    struct usage_param given[CALL_PARAMS_MAX];
    size_t n = 0;
    g_auto(GStrv) parts = g_strsplit(query, "&", -1);
    for (; parts[n] != NULL; n++) {
        char *sign = strchr(parts[n], '=');
        if (sign != NULL)
            *sign = '\0';
        given[n] = (struct usage_param){parts[n], sign ? sign + 1 : NULL};
    }
    refusal_clear(refusal);
    return report_params_parse(params, format, given, n, refusal);
}

static char *join(const GPtrArray *names)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; names != NULL && i < names->len; i++)
        g_string_append_printf(text, "[%s]", (const char *)g_ptr_array_index(names, i));
    return g_string_free(text, FALSE);
}

static void test_defaults(void)
{
    struct refusal refusal = {0};
    struct report_params params;
    g_assert_true(parse(&params, EXPORT_JSON, "", &refusal));
    g_assert_false(params.has_interval || params.local);
    g_assert_cmpstr(tz_name(params.tz), ==, "UTC");
    g_assert_null(params.organization);
    g_assert_null(params.clients);
    g_assert_null(params.templates);
    g_assert_cmpuint(params.top, ==, REPORT_TOP_DEFAULT);
    g_assert_true(parse(&params, EXPORT_CSV, "", &refusal));
    g_assert_cmpuint(params.top, ==, 0);
    g_assert_cmpint(params.section, ==, REPORT_DAYS);
}

static void test_all(void)
{
    struct refusal refusal = {0};
    struct report_params params;
    g_assert_true(parse(&params, EXPORT_XLSX,
                        "interval=2026-11-01/2026-11-20&timeZone=asia/kathmandu&dayBoundary=LOCAL&clients=c-1&top=1000"
                        "&section=CLIENTURLS&templates=/a,/b&organization=acme inc&search= Web  shop",
                        &refusal));
    g_autofree char *clients = join(params.clients), *templates = join(params.templates);
    g_assert_cmpint(params.interval.first_day, ==, 20758);
    g_assert_cmpint(params.interval.last_day, ==, 20777);
    g_assert_cmpstr(tz_name(params.tz), ==, "Asia/Kathmandu");
    g_assert_true(params.has_interval && params.local && params.top == 1000 && params.section == REPORT_CLIENT_URLS);
    g_assert_cmpstr(params.organization, ==, "acme inc");
    g_assert_cmpstr(params.search, ==, " Web  shop");
    g_assert_cmpstr(clients, ==, "[c-1]");
    g_assert_cmpstr(templates, ==, "[/a][/b]");
    report_params_clear(&params);
    for (int i = 0; i < REPORT_SECTION_N; i++) {
        g_autofree char *query = g_strdup_printf("section=%s", report_section_name((enum report_section)i));
        g_assert_true(parse(&params, EXPORT_JSONL, query, &refusal));
        g_assert_cmpint(params.section, ==, i);
    }
}

static void test_lists(void)
{
    static const struct {
        const char *query, *clients;
    } cases[] = {
        {"clients=a", "[a]"},
        {"clients=b,a", "[a][b]"},
        {"clients=b&clients=a", "[a][b]"},
        {"clients=a,b&clients=b,c,a", "[a][b][c]"},
        {"clients=a\\,b,c", "[a,b][c]"},
        {"clients=a\\b\\", "[a\\b\\]"},
        {"clients=\\,", "[,]"},
        {"clients= a ,größe", "[ a ][größe]"},
        {"clients=*", "[*]"},
    };
    struct refusal refusal = {0};
    struct report_params params;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_true(parse(&params, EXPORT_JSON, cases[i].query, &refusal));
        g_autofree char *clients = join(params.clients);
        g_assert_cmpstr(clients, ==, cases[i].clients);
        report_params_clear(&params);
    }
}

static void test_refused(void)
{
    static const struct {
        enum export_format format;
        const char *query, *field, *code;
    } cases[] = {
        {EXPORT_JSON, "intervall=2026", "intervall", "UNKNOWN_PARAMETER"},
        {EXPORT_JSON, "Interval=2026", "Interval", "UNKNOWN_PARAMETER"},
        {EXPORT_JSON, "section=days", "section", "UNKNOWN_PARAMETER"},
        {EXPORT_JSON, "interval", "interval", "INVALID_DATE"},
        {EXPORT_JSON, "interval=", "interval", "INVALID_DATE"},
        {EXPORT_JSON, "interval=2026-11-20/2026-11-01", "interval", "INVALID_DATE"},
        {EXPORT_JSON, "interval=2026-01/2026-02&interval=2026-01/2026-02", "interval", "INVALID_PARAMETER"},
        {EXPORT_JSON, "timeZone", "timeZone", "INVALID_PARAMETER"},
        {EXPORT_JSON, "timeZone=../../etc/passwd", "timeZone", "INVALID_PARAMETER"},
        {EXPORT_JSON, "dayBoundary=zone", "dayBoundary", "INVALID_PARAMETER"},
        {EXPORT_JSON, "dayBoundary", "dayBoundary", "INVALID_PARAMETER"},
        {EXPORT_JSON, "top=0", "top", "INVALID_PARAMETER"},
        {EXPORT_JSON, "top=1001", "top", "INVALID_PARAMETER"},
        {EXPORT_JSON, "top=-5", "top", "INVALID_PARAMETER"},
        {EXPORT_JSON, "top=5.0", "top", "INVALID_PARAMETER"},
        {EXPORT_JSON, "top=5&top=5", "top", "INVALID_PARAMETER"},
        {EXPORT_JSON, "organization=", "organization", "INVALID_PARAMETER"},
        {EXPORT_JSON, "organization=a&organization=b", "organization", "INVALID_PARAMETER"},
        {EXPORT_CSV, "organization=a\n", "organization", "INVALID_PARAMETER"},
        {EXPORT_JSON, "clients=", "clients", "INVALID_PARAMETER"},
        {EXPORT_JSON, "clients", "clients", "INVALID_PARAMETER"},
        {EXPORT_JSON, "clients=a,", "clients", "INVALID_PARAMETER"},
        {EXPORT_JSON, "clients=a,,b", "clients", "INVALID_PARAMETER"},
        {EXPORT_JSON, "clients=a\nb", "clients", "INVALID_PARAMETER"},
        {EXPORT_JSON, "clients=\xff", "clients", "INVALID_PARAMETER"},
        {EXPORT_JSON, "templates=/a\x7f", "templates", "INVALID_PARAMETER"},
        {EXPORT_CSV, "section=", "section", "INVALID_PARAMETER"},
        {EXPORT_CSV, "section=users", "section", "INVALID_PARAMETER"},
        {EXPORT_JSON, "search=a", "search", "UNKNOWN_PARAMETER"},
        {EXPORT_CSV, "search=", "search", "INVALID_PARAMETER"},
        {EXPORT_CSV, "search=a\n", "search", "INVALID_PARAMETER"},
        {EXPORT_CSV, "search=a&search=b", "search", "INVALID_PARAMETER"},
        {EXPORT_CSV, "\xff=1", "\xef\xbf\xbd", "UNKNOWN_PARAMETER"},
    };
    struct refusal refusal = {0};
    struct report_params params;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        if (parse(&params, cases[i].format, cases[i].query, &refusal))
            g_error("'%s' is accepted", cases[i].query);
        g_assert_cmpint(refusal.status, ==, 400);
        g_assert_cmpstr(refusal.field, ==, cases[i].field);
        g_assert_cmpstr(refusal.code, ==, cases[i].code);
        g_assert_nonnull(refusal.allowed[0]);
    }
    refusal_clear(&refusal);
}

static void test_near_zones(void)
{
    struct refusal refusal = {0};
    struct report_params params;
    g_assert_false(parse(&params, EXPORT_JSON, "timeZone=Europe/Berln", &refusal));
    g_assert_cmpstr(refusal.allowed[0], ==, "Europe/Berlin");
    g_assert_false(parse(&params, EXPORT_JSON, "timeZone=kathmandu", &refusal));
    g_assert_true(g_strv_contains((const char *const *)refusal.allowed, "Asia/Kathmandu"));
    g_assert_false(parse(&params, EXPORT_JSON, "timeZone=+05:45", &refusal));
    g_assert_nonnull(refusal.allowed[0]);
    refusal_clear(&refusal);
}

/* What is taken before something is refused is released; too long a list is refused wherever it ends. */
static void test_bounds(void)
{
    struct refusal refusal = {0};
    struct report_params params;
    g_autoptr(GString) query = g_string_new("clients=0");
    for (int i = 1; i < REPORT_LIST_MAX; i++)
        g_string_append_printf(query, ",%d", i);
    g_assert_true(parse(&params, EXPORT_JSON, query->str, &refusal));
    g_assert_cmpuint(params.clients->len, ==, REPORT_LIST_MAX);
    report_params_clear(&params);
    g_string_append(query, "&clients=one-more");
    g_assert_false(parse(&params, EXPORT_JSON, query->str, &refusal));
    g_assert_cmpstr(refusal.value, ==, "one-more");
    g_autofree char *longest = g_strnfill(256, 'x'), *longer = g_strnfill(257, 'x');
    g_string_printf(query, "clients=%s&templates=%s", longest, longer);
    g_assert_true(parse(&params, EXPORT_JSON, query->str, &refusal));
    report_params_clear(&params);
    g_string_printf(query, "clients=%s", longer);
    g_assert_false(parse(&params, EXPORT_JSON, query->str, &refusal));
    g_string_assign(query, "clients=0");
    for (int i = 1; i < CALL_PARAMS_MAX - 1; i++)
        g_string_append_printf(query, "&clients=%d", i);
    g_assert_true(parse(&params, EXPORT_JSON, query->str, &refusal));
    report_params_clear(&params);
    g_string_append(query, "&clients=x"); /* the request may have had more than were taken */
    g_assert_false(parse(&params, EXPORT_JSON, query->str, &refusal));
    refusal_clear(&refusal);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/report-params/defaults", test_defaults);
    g_test_add_func("/report-params/all", test_all);
    g_test_add_func("/report-params/lists", test_lists);
    g_test_add_func("/report-params/refused", test_refused);
    g_test_add_func("/report-params/near-zones", test_near_zones);
    g_test_add_func("/report-params/bounds", test_bounds);
    return g_test_run();
}
