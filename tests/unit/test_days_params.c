#include "api/days_params.h"

#include "lib/ledger.h"

static bool parse(struct days_params *params, const char *day, const char *revision, const char *query, struct refusal *refusal)
{
    struct usage_param given[16];
    size_t n = 0;
    g_auto(GStrv) parts = g_strsplit(query, "&", -1);
    for (; parts[n] != NULL; n++) {
        char *sign = strchr(parts[n], '=');
        if (sign != NULL)
            *sign = '\0';
        given[n] = (struct usage_param){parts[n], sign ? sign + 1 : NULL};
    }
    refusal_clear(refusal);
    return days_params_parse(params, day, revision, given, n, refusal);
}

static void test_days(void)
{
    static const char *const wrong[] = {"",           "2026-11-2",   "2026-11-200", "2026-11-00", "2026-00-01",
                                        "2026-13-01", "2026-11-31",  "2026-02-29",  "2026/11/20", "2026-11-2x",
                                        "+026-11-20", "2026-11-20Z", " 2026-11-20"};
    int64_t day;
    g_assert_true(days_parse_day("1970-01-01", &day));
    g_assert_cmpint(day, ==, 0);
    g_assert_true(days_parse_day("2024-02-29", &day));
    g_assert_cmpint(day, ==, 19782);
    g_assert_true(days_parse_day("0000-01-01", &day));
    g_assert_cmpint(day, ==, -719528);
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        if (days_parse_day(wrong[i], &day))
            g_error("'%s' is taken for a day", wrong[i]);
}

static void test_defaults(void)
{
    struct refusal refusal = {0};
    struct days_params params;
    g_assert_true(parse(&params, NULL, NULL, "", &refusal));
    g_assert_cmpint(params.kind, ==, DAYS_LIST);
    g_assert_cmpint(params.page_size, ==, DAYS_PAGE_DEFAULT);
    g_assert_false(params.has_from || params.has_to || params.has_page_size);
    g_assert_cmpint(params.after_revision, ==, 0);
    g_assert_true(parse(&params, "2026-11-20", NULL, "", &refusal));
    g_assert_cmpint(params.kind, ==, DAYS_DAY);
    g_assert_true(parse(&params, "2026-11-20", "12", "", &refusal));
    g_assert_cmpint(params.kind, ==, DAYS_REVISION);
    g_assert_cmpint(params.day, ==, 20777);
    g_assert_cmpint(params.revision, ==, 12);
}

/* The address of the next page brings the place that was reached, and all else as it was. */
static void test_next(void)
{
    static const char *const queries[] = {"", "pageSize=7", "from=2026-11-01&to=2026-11-02", "to=2026-11-02&pageSize=1000"};
    struct refusal refusal = {0};
    struct days_params params, again;
    for (size_t i = 0; i < G_N_ELEMENTS(queries); i++) {
        g_assert_true(parse(&params, NULL, NULL, queries[i], &refusal));
        for (int revision = 1; revision < 2000; revision = revision * 3 + 1) {
            g_autoptr(GString) uri = g_string_new(NULL);
            days_params_next(&params, 20000 + revision, revision, uri);
            const char *query = strchr(uri->str, '?') + 1;
            g_assert_cmpuint(strspn(query, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=&"), ==,
                             strlen(query));
            g_assert_true(parse(&again, NULL, NULL, query, &refusal));
            g_assert_cmpint(again.after_day, ==, 20000 + revision);
            g_assert_cmpint(again.after_revision, ==, revision);
            g_assert_true(again.from == params.from && again.to == params.to && again.page_size == params.page_size);
        }
    }
}

static void test_refused(void)
{
    static const struct {
        const char *query, *field, *code;
    } cases[] = {{"from=2026-11-31", "from", "INVALID_DATE"},
                 {"from", "from", "INVALID_DATE"},
                 {"from=2026-11-03&to=2026-11-02", "to", "INVALID_DATE"},
                 {"pageSize=0", "pageSize", "INVALID_PARAMETER"},
                 {"pageSize=99999999999999999999", "pageSize", "INVALID_PARAMETER"},
                 {"pageSize=5&pageSize=5", "pageSize", "INVALID_PARAMETER"},
                 {"after=MjAwMDAuMQ==", "after", "INVALID_PARAMETER"}, /* not as we write it */
                 {"after=MjAwMDAuMR", "after", "INVALID_PARAMETER"},   /* bits that mean nothing */
                 {"after=MjAwMDAuMA", "after", "INVALID_PARAMETER"},   /* revision 0 */
                 {"after=%", "after", "INVALID_PARAMETER"},
                 {"page=1", "page", "UNKNOWN_PARAMETER"}};
    struct refusal refusal = {0};
    struct days_params params;
    g_assert_true(parse(&params, NULL, NULL, "after=MjAwMDAuMQ", &refusal));
    g_assert_cmpint(params.after_day, ==, 20000);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        if (parse(&params, NULL, NULL, cases[i].query, &refusal))
            g_error("%s is taken", cases[i].query);
        g_assert_cmpint(refusal.status, ==, 400);
        g_assert_cmpstr(refusal.field, ==, cases[i].field);
        g_assert_cmpstr(refusal.code, ==, cases[i].code);
        g_assert_nonnull(refusal.value);
    }
    g_assert_false(parse(&params, "2026-11-20", "0", "", &refusal));
    g_assert_cmpstr(refusal.field, ==, "revision");
    g_assert_false(parse(&params, "2026-11-20", "4294967296", "", &refusal));
    g_assert_false(parse(&params, "x", NULL, "", &refusal));
    g_assert_cmpstr(refusal.field, ==, "day");
    g_assert_false(parse(&params, "2026-11-20", NULL, "from=2026-11-20", &refusal));
    refusal_clear(&refusal);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/days_params/days", test_days);
    g_test_add_func("/days_params/defaults", test_defaults);
    g_test_add_func("/days_params/next", test_next);
    g_test_add_func("/days_params/refused", test_refused);
    return g_test_run();
}
