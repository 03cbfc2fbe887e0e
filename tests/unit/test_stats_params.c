#include "api/stats_params.h"

static struct stats_params params;
static struct refusal refusal;
static bool about_client;

/* "name=value&…", as they are. */
static bool parse(enum stats_kind kind, const char *query)
{
    g_auto(GStrv) parts = g_strsplit(query, "&", -1);
    struct usage_param given[16];
    size_t n = 0;
    for (char **part = parts; *part != NULL; part++) {
        char *value = strchr(*part, '=');
        if (value != NULL)
            *value++ = '\0';
        given[n++] = (struct usage_param){*part, value};
    }
    return stats_params_parse(&params, kind, about_client, given, n, &refusal);
}

static void refuse(enum stats_kind kind, const char *query, const char *field)
{
    g_assert_false(parse(kind, query));
    g_assert_cmpint(refusal.status, ==, 400);
    g_assert_cmpstr(refusal.field, ==, field);
    g_assert_nonnull(refusal.allowed[0]);
    refusal_clear(&refusal);
}

static void test_values(void)
{
    g_assert_true(parse(STATS_USAGE, "metric_name=hits&since=2026-02-28&until=2026-03-01 23:59:59&granularity=21600&timezone="
                                     "asia/kathmandu&skip_change=FALSE&access_token=x"));
    g_assert_cmpstr(params.metric, ==, "hits");
    g_assert_false(params.since.has_clock);
    g_assert_true(params.until.has_clock);
    g_assert_cmpint(params.until.local_s - params.since.local_s, ==, 2 * 86400 - 1);
    g_assert_cmpint(params.unit, ==, WINDOW_SIX_HOURS);
    g_assert_cmpstr(tz_name(params.tz), ==, "Asia/Kathmandu");
    g_assert_true(params.with_change);
    stats_params_clear(&params);
    g_assert_true(parse(STATS_DAILY, "since=2026-02-28T10:00:00"));
    g_assert_null(params.metric);
    g_assert_cmpstr(tz_name(params.tz), ==, "UTC");
    g_assert_cmpint(params.unit, ==, STATS_NO_UNIT);
    g_assert_false(params.with_change);
    stats_params_clear(&params);
}

static void test_of_clients(void)
{
    refuse(STATS_USAGE, "metric_name=hits&period=day&organization=acme", "organization");
    about_client = true;
    g_assert_true(parse(STATS_SUMMARY, "period=day&organization=acme"));
    g_assert_cmpstr(params.organization, ==, "acme");
    stats_params_clear(&params);
    refuse(STATS_SUMMARY, "period=day&organization=", "organization");
    refuse(STATS_SUMMARY, "organization=acme&organization=acme", "organization");
    about_client = false;
}

static void test_codes(void)
{
    static const struct {
        const char *text, *kept;
        uint32_t first, last;
    } codes[] = {{"200", "200", 200, 200}, {"100", "100", 100, 100}, {"599", "599", 599, 599},
                 {"4xx", "4XX", 400, 499}, {"2XX", "2XX", 200, 299}, {"5Xx", "5XX", 500, 599}};
    static const char *const wrong[] = {"", "99", "099", "600", "1XX", "6XX", "20X", "XXX", "4XXX", "-20", "+20", "xx"};
    for (size_t i = 0; i < G_N_ELEMENTS(codes); i++) {
        g_autofree char *query = g_strdup_printf("period=day&response_code=%s", codes[i].text);
        g_assert_true(parse(STATS_CODES, query));
        g_assert_cmpstr(params.code, ==, codes[i].kept);
        g_assert_cmpuint(params.code_first, ==, codes[i].first);
        g_assert_cmpuint(params.code_last, ==, codes[i].last);
        stats_params_clear(&params);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autofree char *query = g_strdup_printf("period=day&response_code=%s", wrong[i]);
        refuse(STATS_CODES, query, "response_code");
    }
}

static void test_times(void)
{
    refuse(STATS_USAGE, "metric_name=hits&period=day&since=2026-02-29", "since");
    refuse(STATS_USAGE, "metric_name=hits&period=day&until=2026-01-01 24:00:00", "until");
}

static void test_needed(void)
{
    refuse(STATS_USAGE, "period=day", "metric_name");
    refuse(STATS_TOP, "period=day", "metric_name");
    refuse(STATS_CODES, "period=day", "response_code");
    refuse(STATS_USAGE, "metric_name=hits", "period");
    refuse(STATS_USAGE, "metric_name=hits&since=2026-01-01&granularity=day", "period");
    refuse(STATS_USAGE, "metric_name=hits&since=2026-01-01&until=2026-01-02", "granularity");
    g_assert_true(parse(STATS_SUMMARY, "skip_change=false"));
    stats_params_clear(&params);
}

static void test_of_other_statistics(void)
{
    refuse(STATS_USAGE, "metric_name=hits&period=day&response_code=200", "response_code");
    refuse(STATS_TOP, "metric_name=hits&granularity=day", "granularity");
    refuse(STATS_HOURLY, "skip_change=true", "skip_change");
    refuse(STATS_HOURLY, "since=2026-01-01&since=2026-01-01", "since");
    refuse(STATS_USAGE, "metric_name=hits&period=day&granularity=week", "granularity");
    refuse(STATS_USAGE, "metric_name=hits&period=decade", "period");
    refuse(STATS_USAGE, "metric_name=", "metric_name");
    refuse(STATS_USAGE, "metric_name=a\xff", "metric_name");
    refuse(STATS_USAGE, "metric_name=hits&period=day&skip_change", "skip_change");
    g_assert_false(parse(STATS_USAGE, "metric_name=hits&period=day&timezone=Asia/Katmandoo"));
    g_assert_cmpstr(refusal.field, ==, "timezone");
    refusal_clear(&refusal);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stats_params/values", test_values);
    g_test_add_func("/stats_params/codes", test_codes);
    g_test_add_func("/stats_params/times", test_times);
    g_test_add_func("/stats_params/needed", test_needed);
    g_test_add_func("/stats_params/of-other-statistics", test_of_other_statistics);
    g_test_add_func("/stats_params/of-clients", test_of_clients);
    return g_test_run();
}
