#include "api/usage_params.h"

static struct usage_params params;
static struct refusal refusal;

static bool parse(const char *name, const char *value)
{
    const struct usage_param given = {name, value};
    return usage_params_parse(&params, &given, 1, &refusal);
}

static void accept_int(const char *name, const char *value, const int *seen, int expected)
{
    g_assert_true(parse(name, value));
    g_assert_cmpint(*seen, ==, expected);
    usage_params_clear(&params);
}

static void accept_text(const char *name, const char *value, char *const *seen, const char *expected)
{
    g_assert_true(parse(name, value));
    g_assert_cmpstr(*seen, ==, expected);
    usage_params_clear(&params);
}

static void refuse(const char *name, const char *value, const char *code)
{
    g_assert_false(parse(name, value));
    g_assert_cmpint(refusal.status, ==, 400);
    g_assert_cmpstr(refusal.code, ==, code);
    g_assert_cmpstr(refusal.field, ==, name);
    g_assert_nonnull(strstr(refusal.message, name));
    g_assert_cmpuint(g_strv_length(refusal.allowed), >, 0);
    refusal_clear(&refusal);
}

static void test_defaults(void)
{
    g_assert_true(usage_params_parse(&params, NULL, 0, &refusal));
    g_assert_null(params.key);
    g_assert_null(params.organization);
    g_assert_null(params.endpoint);
    g_assert_cmpint(params.timeframe, ==, USAGE_24H);
    g_assert_cmpint(params.granularity, ==, CIVIL_HOUR);
    g_assert_cmpint(params.sort, ==, USAGE_BY_REQUESTS);
    g_assert_cmpint(
        params.ascending + params.exclude_endpoints + params.exclude_errors + params.exclude_latency + params.include_costs, ==, 0);
    g_assert_cmpint(params.limit, ==, 100);
    g_assert_cmpint(params.offset, ==, 0);
}

static void test_choices(void)
{
    static const char *const timeframes[] = {"1h", "24H", "7d", "30D", "90d", "1Y", "ALL"};
    static const char *const units[] = {"minute", "Hour", "DAY", "week", "month"};
    for (int i = 0; i < (int)G_N_ELEMENTS(timeframes); i++) {
        accept_int("timeframe", timeframes[i], &params.timeframe, i);
        g_assert_cmpint(g_ascii_strcasecmp(usage_timeframe_name(i), timeframes[i]), ==, 0);
    }
    for (int i = 0; i < (int)G_N_ELEMENTS(units); i++) {
        accept_int("granularity", units[i], &params.granularity, i);
        g_assert_cmpint(g_ascii_strcasecmp(usage_granularity_name(i), units[i]), ==, 0);
    }
    accept_int("includeErrors", "FALSE", &params.exclude_errors, 1);
    accept_int("include_latency", "true", &params.exclude_latency, 0);
    accept_int("includeCosts", "true", &params.include_costs, 1);
    accept_int("include_costs", "false", &params.include_costs, 0);
    accept_int("sort", "timestamp", &params.sort, USAGE_BY_TIMESTAMP);
    accept_int("sort_by", "latency", &params.sort, USAGE_BY_LATENCY);
    accept_int("order", "asc", &params.ascending, 1);
    refuse("timeframe", "2h", "INVALID_TIMEFRAME");
    refuse("timeframe", "", "INVALID_TIMEFRAME");
    refuse("timeframe", "1h|24h", "INVALID_TIMEFRAME");
    refuse("timeframe", "1", "INVALID_TIMEFRAME");
    refuse("granularity", "hours", "INVALID_GRANULARITY");
    refuse("includeErrors", "1", "INVALID_PARAMETER");
    refuse("sortOrder", NULL, "INVALID_PARAMETER");
}

static void test_numbers(void)
{
    accept_int("limit", "1", &params.limit, 1);
    accept_int("limit", "0001000", &params.limit, 1000);
    accept_int("offset", "100000000", &params.offset, USAGE_OFFSET_MAX);
    static const char *const wrong[] = {"",  "0", "1001", "-1", "+1", " 1", "1 ", "1.0", "0x10", "1e2", "18446744073709551617",
                                        NULL};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        refuse("limit", wrong[i], "INVALID_PARAMETER");
    refuse("offset", "100000001", "INVALID_PARAMETER");
}

static void test_names(void)
{
    g_autofree char *longest = g_strnfill(256, 'x'), *longer = g_strnfill(257, 'x');
    accept_text("keyId", "c-1", &params.key, "c-1");
    accept_text("key_id", longest, &params.key, longest);
    accept_text("organization", "größe *", &params.organization, "größe *");
    refuse("keyId", longer, "INVALID_PARAMETER");
    refuse("keyId", "", "INVALID_PARAMETER");
    refuse("keyId",
           "a\x1f"
           "b",
           "INVALID_PARAMETER");
    refuse("organization", "a\xff", "INVALID_PARAMETER");
}

static void test_endpoints(void)
{
    accept_text("endpoint", "get /v1/orders/{id}", &params.endpoint, "GET /v1/orders/{id}");
    accept_text("endpoint", "M-SEARCH *", &params.endpoint, "M-SEARCH *");
    accept_text("endpoint", "GET /with blank", &params.endpoint, "GET /with blank");
    accept_text("endpoint", "{other}", &params.endpoint, "{other}");
    static const char *const wrong[] = {"", "hits", "GET ", " /x", "/v1/orders", "G?T /x", "GET /x\n", "GET /\xff"};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        refuse("endpoint", wrong[i], "INVALID_PARAMETER");
}

static void test_methods(void)
{
    const struct usage_param one = {"endpoint", "check-out_v1.2"}, route = {"endpoint", "GET /x"};
    g_assert_true(usage_params_parse(&params, &one, 1, &refusal));
    g_assert_true(params.by_method);
    g_assert_cmpstr(params.endpoint, ==, "check-out_v1.2");
    usage_params_clear(&params);
    g_assert_true(usage_params_parse(&params, &route, 1, &refusal));
    g_assert_false(params.by_method);
    usage_params_clear(&params);
}

static void test_zones(void)
{
    const struct usage_param zone = {"timeZone", "asia/kathmandu"}, alias = {"time_zone", "UTC"};
    g_assert_true(usage_params_parse(&params, &zone, 1, &refusal));
    g_assert_cmpstr(tz_name(params.tz), ==, "Asia/Kathmandu");
    usage_params_clear(&params);
    g_assert_true(usage_params_parse(&params, &alias, 1, &refusal));
    usage_params_clear(&params);
    const struct usage_param wrong = {"timeZone", "Europe/Berln"};
    g_assert_false(usage_params_parse(&params, &wrong, 1, &refusal));
    g_assert_cmpstr(refusal.field, ==, "timeZone");
    g_assert_cmpstr(refusal.allowed[0], ==, "Europe/Berlin");
    refusal_clear(&refusal);
}

static void test_unknown_and_twice(void)
{
    refuse("timezone", "UTC", "INVALID_PARAMETER");
    refuse("keyid", "c-1", "INVALID_PARAMETER");
    refuse("sort|", "errors", "INVALID_PARAMETER");
    refuse("so", "errors", "INVALID_PARAMETER");
    g_assert_false(parse("", "x"));
    refusal_clear(&refusal);
    const struct usage_param twice[] = {{"keyId", "c-1"}, {"limit", "5"}, {"key_id", "c-1"}};
    g_assert_false(usage_params_parse(&params, twice, 3, &refusal));
    g_assert_cmpstr(refusal.field, ==, "keyId");
    refusal_clear(&refusal);
    const struct usage_param many[] = {{"keyId", "c-1"}, {"limit", "5"}, {"offset", "6"}};
    g_assert_true(usage_params_parse(&params, many, 3, &refusal));
    g_assert_cmpint(params.limit, ==, 5);
    usage_params_clear(&params);
}

static bool parse_all(const char *query)
{
    g_auto(GStrv) pairs = g_strsplit(query, "&", -1);
    struct usage_param given[8];
    size_t n = 0;
    for (; pairs[n] != NULL; n++) {
        char *value = strchr(pairs[n], '=');
        *value++ = '\0';
        given[n] = (struct usage_param){pairs[n], value};
    }
    return usage_params_parse(&params, given, n, &refusal);
}

static void test_ranges(void)
{
    g_assert_true(parse_all("until=2026-11-21 10:30:00&timeZone=Asia/Kathmandu&since=2026-11-20"));
    g_assert_cmpint(params.timeframe, ==, USAGE_CUSTOM);
    g_assert_cmpstr(usage_timeframe_name(params.timeframe), ==, "custom");
    g_assert_true(params.since.given && !params.since.has_clock && params.until.has_clock);
    usage_params_clear(&params);
    g_assert_true(parse_all("since=2026-11-20"));
    g_assert_cmpint(params.timeframe, ==, USAGE_CUSTOM);
    g_assert_false(params.until.given);
    usage_params_clear(&params);
    refuse("since", "2026-02-29", "INVALID_PARAMETER");
    refuse("until", "yesterday", "INVALID_PARAMETER");
    refuse("timeframe", "custom", "INVALID_TIMEFRAME");
    static const struct {
        const char *query, *code, *field, *value;
    } wrong[] = {{"since=2026-11-20&timeframe=7d", "INVALID_TIMEFRAME", "timeframe", "7d"},
                 {"timeframe=24h&until=2026-11-20", "INVALID_TIMEFRAME", "timeframe", "24h"},
                 {"until=2026-11-20&keyId=c-1", "INVALID_PARAMETER", "since", ""},
                 {"since=2026-11-20&since=2026-11-20", "INVALID_PARAMETER", "since", "2026-11-20"}};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_assert_false(parse_all(wrong[i].query));
        g_assert_cmpstr(refusal.code, ==, wrong[i].code);
        g_assert_cmpstr(refusal.field, ==, wrong[i].field);
        g_assert_cmpstr(refusal.value, ==, wrong[i].value);
        g_assert_cmpuint(g_strv_length(refusal.allowed), >, 0);
        refusal_clear(&refusal);
    }
}

static void test_long_values_are_cut(void)
{
    g_autofree char *endless = g_strnfill(100000, 'y');
    g_assert_false(parse("timeframe", endless));
    g_assert_cmpuint(strlen(refusal.message), <, 1000);
    refusal_clear(&refusal);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/usage_params/defaults", test_defaults);
    g_test_add_func("/usage_params/choices", test_choices);
    g_test_add_func("/usage_params/numbers", test_numbers);
    g_test_add_func("/usage_params/names", test_names);
    g_test_add_func("/usage_params/endpoints", test_endpoints);
    g_test_add_func("/usage_params/methods", test_methods);
    g_test_add_func("/usage_params/zones", test_zones);
    g_test_add_func("/usage_params/unknown-and-twice", test_unknown_and_twice);
    g_test_add_func("/usage_params/ranges", test_ranges);
    g_test_add_func("/usage_params/long-values", test_long_values_are_cut);
    return g_test_run();
}
