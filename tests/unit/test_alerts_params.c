/* Which alerts are asked for: every parameter, what is refused, and that pages follow each other. */
#include "api/alerts_params.h"

#include "api/v2_body.h"
#include "lib/civil.h"

static bool parse(struct alerts_params *params, const char *name, const char *value, struct refusal *refusal)
{
    const struct usage_param given = {name, value};
    return alerts_params_parse(params, &given, 1, true, refusal);
}

static void test_filters(void)
{
    struct alerts_params params;
    struct refusal refusal = {0};
    g_assert_true(parse(&params, "kind", "VIOLATION", &refusal));
    g_assert_cmpuint(params.filter.kinds, ==, 1u << ALERT_VIOLATION);
    g_assert_true(parse(&params, "state", "all", &refusal));
    g_assert_cmpuint(params.filter.states, ==, 7);
    g_assert_true(parse(&params, "state", "unread", &refusal));
    g_assert_cmpuint(params.filter.states, ==, 1u << ALERT_UNREAD);
    g_assert_true(parse(&params, "level", "10000", &refusal));
    g_assert_cmpuint(params.filter.level, ==, 10000);
    g_assert_true(parse(&params, "period", "Month", &refusal));
    g_assert_cmpuint(params.filter.periods, ==, 1u << LIMIT_MONTH);
    g_assert_true(parse(&params, "active", "False", &refusal));
    g_assert_cmpint(params.filter.active, ==, 0);
    g_assert_true(parse(&params, "organization", "acme", &refusal));
    g_assert_cmpstr(params.filter.organization, ==, "acme");
    g_assert_true(parse(&params, "clientId", "c 1", &refusal));
    g_assert_cmpstr(params.filter.client, ==, "c 1");
    g_assert_true(parse(&params, "metric", "hits", &refusal));
    g_assert_cmpstr(params.filter.metric, ==, "hits");
    g_assert_true(parse(&params, "from", "2024-10-04", &refusal));
    g_assert_cmpint(params.filter.from_ms, ==, 20000 * CIVIL_DAY_MS);
    g_assert_true(parse(&params, "to", "2024-10-04T02:00:00.250+02:00", &refusal));
    g_assert_cmpint(params.filter.to_ms, ==, 20000 * CIVIL_DAY_MS + 250);
    g_assert_true(parse(&params, "pageSize", "1000", &refusal));
    g_assert_cmpuint(params.page_size, ==, 1000);
}

static void test_refused(void)
{
    static const char *const wrong[][2] = {
        {"kind", ""},
        {"kind", "alerts"},
        {"state", "gone"},
        {"level", "0"},
        {"level", "-1"},
        {"period", "year"},
        {"active", "1"},
        {"from", "x"},
        {"to", "2024-10-04T02:00:00"},
        {"to", "\xff"},
        {"pageSize", "1001"},
        {"pageSize", "0"},
        {"after", ""},
        {"after", "eA"},
        {"after", "5.x"},
        {"limit", "5"},
        {"client", "c-1"},
        {"", ""},
        {"organization", ""},
        {"organization", "a\nb"},
        {"clientId", "\xff"},
        {"clientId", ""},
        {"metric", "\x7f"},
        {"metric", "a_metric_of_65_bytes_which_is_one_more_than_the_name_of_a_method_"},
    };
    struct alerts_params params;
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        struct refusal refusal = {0};
        g_assert_false(parse(&params, wrong[i][0], wrong[i][1], &refusal));
        g_assert_cmpint(refusal.status, ==, 400);
        g_assert_cmpstr(refusal.field, ==, wrong[i][0]);
        g_assert_nonnull(refusal.allowed);
        refusal_clear(&refusal);
    }
    const struct usage_param twice[] = {{"level", "50"}, {"level", "80"}}, page = {"pageSize", "5"};
    struct refusal refusal = {0};
    g_assert_false(alerts_params_parse(&params, twice, 2, true, &refusal));
    refusal_clear(&refusal);
    g_assert_false(alerts_params_parse(&params, &page, 1, false, &refusal));
    refusal_clear(&refusal);
}

static void test_pages(void)
{
    const struct usage_param given[] = {{"organization", "a&b=c +ü"}, {"after", "old"}, {"active", "true"}};
    struct alert last = {.id = "0123456789abcdef0123456789abcdef", .created_ms = 5000};
    g_autofree char *uri = alerts_params_next(given, G_N_ELEMENTS(given), &last);
    const char *start = "/api/v2/usage/alerts?organization=a%26b%3Dc%20%2B%C3%BC&active=true&after=";
    g_assert_true(g_str_has_prefix(uri, start));
    struct alerts_params params;
    struct refusal refusal = {0};
    g_assert_true(parse(&params, "after", uri + strlen(start), &refusal));
    struct alert before = last, after = last, earlier = last, later = last;
    before.id[0] = '1';
    after.id[31] = 'e';
    earlier.created_ms--;
    later.created_ms++;
    g_assert_false(alerts_params_is_after(&params, &last));
    g_assert_false(alerts_params_is_after(&params, &before));
    g_assert_false(alerts_params_is_after(&params, &later));
    g_assert_true(alerts_params_is_after(&params, &after));
    g_assert_true(alerts_params_is_after(&params, &earlier));
}

static void test_body(void)
{
    static const char *const wrong[] = {"",
                                        "x",
                                        "[]",
                                        "{}",
                                        "{\"state\":1}",
                                        "{\"state\":\"gone\"}",
                                        "{\"status\":\"read\"}",
                                        "{\"state\":\"read\",\"state\":\"read\"}",
                                        "{\"state\":\"read\",\"x\":1}",
                                        "\"read\""};
    enum alert_state state;
    struct refusal refusal = {0};
    g_assert_true(alerts_params_read_state(view_of("{\"state\":\"Deleted\"}"), &state, &refusal));
    g_assert_cmpint(state, ==, ALERT_DELETED);
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_assert_false(alerts_params_read_state(view_of(wrong[i]), &state, &refusal));
        g_assert_cmpint(refusal.status, ==, 400);
        refusal_clear(&refusal);
    }
    g_autofree char *large = g_strnfill(V2_REQUEST_BYTES_MAX + 1, ' ');
    g_assert_false(alerts_params_read_state(view_make(large, V2_REQUEST_BYTES_MAX), &state, &refusal));
    g_assert_cmpint(refusal.status, ==, 400);
    refusal_clear(&refusal);
    g_assert_false(alerts_params_read_state(view_of(large), &state, &refusal));
    g_assert_cmpint(refusal.status, ==, 413);
    refusal_clear(&refusal);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/alerts_params/filters", test_filters);
    g_test_add_func("/alerts_params/refused", test_refused);
    g_test_add_func("/alerts_params/pages", test_pages);
    g_test_add_func("/alerts_params/body", test_body);
    return g_test_run();
}
