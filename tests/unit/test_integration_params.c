#include "api/integration_params.h"

static bool parse(struct integration_params *params, enum integration_kind kind, const char *query, struct refusal *refusal)
{
    struct usage_param given[16];
    size_t n = 0;
    g_auto(GStrv) parts = g_strsplit(query, "&", -1);
    for (; parts[n] != NULL; n++) {
        g_autofree char *decoded = g_uri_unescape_string(parts[n], NULL);
        char *sign = strchr(parts[n], '=');
        if (sign != NULL)
            g_strlcpy(parts[n], decoded, strlen(parts[n]) + 1), *sign = (char)0;
        given[n] = (struct usage_param){parts[n], sign ? sign + 1 : NULL};
    }
    refusal_clear(refusal);
    return integration_params_parse(params, kind, given, n, refusal);
}

static void test_defaults(void)
{
    struct refusal refusal = {0};
    struct integration_params params;
    g_assert_true(parse(&params, INTEGRATION_LIST, "", &refusal));
    g_assert_cmpuint(params.page_size, ==, INTEGRATION_PAGE_DEFAULT);
    g_assert_true(params.from_day == INT64_MIN && params.to_day == INT64_MAX && !params.has_after);
    g_assert_null(params.collector);
    integration_params_clear(&params);
    g_assert_true(parse(&params, INTEGRATION_FILE, "pageSize=10000", &refusal));
    g_assert_cmpuint(params.page_size, ==, INTEGRATION_FILE_MAX);
    integration_params_clear(&params);
    g_assert_true(parse(&params, INTEGRATION_PURGE, "before=1970-01-03", &refusal));
    g_assert_cmpint(params.before_day, ==, 2);
    integration_params_clear(&params);
}

/* The address of the next page brings the place that was reached, and all else as it was. */
static void test_next(void)
{
    static const char *const queries[] = {"", "from=2026-11-01&to=2026-11-02",
                                          "collector=edge%20%26%201&reason=too_old&pageSize=7"};
    const struct integration_place place = {1795260000123, 17, G_MAXUINT64};
    for (size_t i = 0; i < G_N_ELEMENTS(queries); i++) {
        struct refusal refusal = {0};
        struct integration_params params, again;
        g_assert_true(parse(&params, INTEGRATION_LIST, queries[i], &refusal));
        g_autofree char *next = integration_params_next(&params, "/p", &place);
        g_assert_true(g_str_has_prefix(next, "/p?"));
        g_assert_true(parse(&again, INTEGRATION_LIST, next + 3, &refusal));
        g_assert_cmpstr(again.collector, ==, params.collector);
        g_assert_cmpstr(again.reason, ==, params.reason);
        g_assert_true(again.from_day == params.from_day && again.to_day == params.to_day && again.page_size == params.page_size);
        g_assert_true(again.has_after && again.after.time_ms == place.time_ms && again.after.partition == place.partition &&
                      again.after.number == place.number);
        integration_params_clear(&params);
        integration_params_clear(&again);
    }
}

static void test_refused(void)
{
    static const struct {
        enum integration_kind kind;
        const char *query, *field;
    } cases[] = {
        {INTEGRATION_LIST, "from=yesterday", "from"},
        {INTEGRATION_LIST, "to=2026-02-30", "to"},
        {INTEGRATION_LIST, "from=2026-11-02&to=2026-11-01", "to"},
        {INTEGRATION_LIST, "pageSize=0", "pageSize"},
        {INTEGRATION_LIST, "pageSize=1001", "pageSize"},
        {INTEGRATION_FILE, "pageSize=10001", "pageSize"},
        {INTEGRATION_LIST, "after=", "after"},
        {INTEGRATION_LIST, "after=MS4yLjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OQ", "after"},
        {INTEGRATION_LIST, "after=MDEuMi4z", "after"}, /* 01.2.3 */
        {INTEGRATION_LIST, "reason=a&reason=a", "reason"},
        {INTEGRATION_LIST, "reason=", "reason"},
        {INTEGRATION_LIST, "reason=a_reason_that_has_33_bytes_in_all", "reason"},
        {INTEGRATION_LIST, "collector", "collector"},
        {INTEGRATION_FILE, "collector=a%0a", "collector"},
        {INTEGRATION_FILE, "collector=\xff", "collector"},
        {INTEGRATION_LIST, "before=2026-11-01", "before"},
        {INTEGRATION_PURGE, "", "before"},
        {INTEGRATION_PURGE, "before=now", "before"},
        {INTEGRATION_PURGE, "before=2026-11-01&collector=a", "collector"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct refusal refusal = {0};
        struct integration_params params;
        g_test_message("%s", cases[i].query);
        g_assert_false(parse(&params, cases[i].kind, cases[i].query, &refusal));
        g_assert_cmpint(refusal.status, ==, 400);
        g_assert_cmpstr(refusal.field, ==, cases[i].field);
        refusal_clear(&refusal);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/integration_params/defaults", test_defaults);
    g_test_add_func("/integration_params/next", test_next);
    g_test_add_func("/integration_params/refused", test_refused);
    return g_test_run();
}
