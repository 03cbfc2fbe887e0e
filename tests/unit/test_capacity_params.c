#include "api/capacity_params.h"

#include <glib.h>

static struct refusal refusal;

static bool parse(struct usage_params *params, const struct usage_param *given, size_t n)
{
    refusal = (struct refusal){0};
    return capacity_params_parse(params, given, n, &refusal);
}

static void test_all(void)
{
    static const struct usage_param given[] = {
        {"clientId", "c-1"}, {"organization", "acme"}, {"timeframe", "7D"}, {"endpoint", "get /x"}, {"timeZone", "Asia/Kathmandu"}};
    struct usage_params params;
    g_assert_true(parse(&params, NULL, 0));
    g_assert_cmpint(params.timeframe, ==, USAGE_24H);
    usage_params_clear(&params);
    g_assert_true(parse(&params, given, G_N_ELEMENTS(given)));
    g_assert_cmpstr(params.key, ==, "c-1");
    g_assert_cmpstr(params.organization, ==, "acme");
    g_assert_cmpstr(params.endpoint, ==, "GET /x");
    g_assert_cmpint(params.timeframe, ==, USAGE_7D);
    g_assert_nonnull(params.tz);
    usage_params_clear(&params);
}

static void test_refused(void)
{
    static const struct usage_param bad[] = {
        {"clientId", ""},        {"clientId", "a\x01"}, {"organization", ""},    {"timeframe", "2h"}, {"endpoint", "/x y z"},
        {"timeZone", "Nowhere"}, {"keyId", "c-1"},      {"granularity", "hour"}, {"limit", "5"},      {"key_id", "c-1"},
    };
    struct usage_params params;
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_false(parse(&params, &bad[i], 1));
        g_assert_cmpint(refusal.status, ==, 400);
        g_assert_cmpstr(refusal.field, ==, bad[i].name);
        refusal_clear(&refusal);
    }
}

static void test_twice(void)
{
    static const struct usage_param given[] = {{"clientId", "a"}, {"timeframe", "1h"}, {"clientId", "a"}};
    struct usage_params params;
    g_assert_false(parse(&params, given, G_N_ELEMENTS(given)));
    g_assert_cmpstr(refusal.field, ==, "clientId");
    refusal_clear(&refusal);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/capacity_params/all", test_all);
    g_test_add_func("/capacity_params/refused", test_refused);
    g_test_add_func("/capacity_params/twice", test_twice);
    return g_test_run();
}
