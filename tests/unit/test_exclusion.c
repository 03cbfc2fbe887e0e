#include "collector/exclusion.h"

static bool fits(const char *pattern, const char *text)
{
    return exclusion_pattern_fits(view_of(pattern), view_of(text), false);
}

static void test_patterns(void)
{
    static const struct {
        const char *pattern, *text;
        bool fits;
    } rows[] = {
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"*", "abc", true},
        {"a", "a", true},
        {"a", "A", false},
        {"a", "ab", false},
        {"ab", "a", false},
        {"a*", "a", true},
        {"a*", "abc", true},
        {"*c", "abc", true},
        {"*c", "abcd", false},
        {"a*c", "abbbc", true},
        {"a*c", "abbb", false},
        {"?", "a", true},
        {"?", "", false},
        {"a?c", "abc", true},
        {"**", "abc", true},
        {"*a*b*", "xxaxxbxx", true},
        {"*a*b*", "xxbxxaxx", false},
        {"*ab", "aab", true},
        {"*aab", "aaab", true},
        {"a*b*c", "abcbc", true},
        {"[a]", "a", false},
        {"*?", "", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_test_message("'%s' '%s'", rows[i].pattern, rows[i].text);
        g_assert_cmpint(fits(rows[i].pattern, rows[i].text), ==, rows[i].fits);
    }
    g_assert_true(exclusion_pattern_fits(view_of("*Bot*"), view_of("some BOT/1"), true));
}

/* The definition itself, exponential and obvious. */
static bool fits_by_definition(const char *pattern, const char *text)
{
    if (!*pattern)
        return !*text;
    if (*pattern == '*')
        return fits_by_definition(pattern + 1, text) || (*text && fits_by_definition(pattern, text + 1));
    return *text && (*pattern == '?' || *pattern == *text) && fits_by_definition(pattern + 1, text + 1);
}

static void test_against_definition(void)
{
    for (int i = 0; i < 50000; i++) {
        char pattern[8] = "", text[10] = "";
        for (int k = g_test_rand_int_range(0, 8), n = 0; n < k - 1; n++)
            pattern[n] = "ab*?"[g_test_rand_int_range(0, 4)];
        for (int k = g_test_rand_int_range(0, 10), n = 0; n < k - 1; n++)
            text[n] = "ab"[g_test_rand_int_range(0, 2)];
        g_assert_cmpint(fits(pattern, text), ==, fits_by_definition(pattern, text));
    }
}

static bool excluded(const struct exclusion *exclusion, const char *client, const char *route, const char *agent,
                     const char *source)
{
    struct event event = {.client = view_of(client), .method = view_of("GET"), .route = view_of(route)};
    return exclusion_fits(exclusion, &event, view_of(agent), view_of(source));
}

static void test_rules(void)
{
    static const char *const clients[] = {"monitor-*", "probe", NULL};
    static const char *const routes[] = {"GET /health*", "POST /v1/a", "/metrics", NULL};
    static const char *const agents[] = {"kube-probe/*", NULL};
    static const char *const sources[] = {"10.0.?.1", NULL};
    struct exclusion_lists lists = {clients, routes, agents, sources};
    struct exclusion *exclusion = exclusion_new(&lists, NULL);
    g_assert_false(excluded(exclusion, "c-1", "/v1/orders", "curl", "10.0.0.2"));
    g_assert_true(excluded(exclusion, "monitor-7", "/v1/orders", "curl", ""));
    g_assert_true(excluded(exclusion, "probe", "/v1/orders", "curl", ""));
    g_assert_false(excluded(exclusion, "probe2", "/v1/orders", "curl", ""));
    g_assert_true(excluded(exclusion, "c-1", "/healthz", "curl", ""));
    g_assert_true(excluded(exclusion, "c-1", "/metrics", "curl", ""));
    g_assert_false(excluded(exclusion, "c-1", "/v1/a", "curl", "")); /* only its POSTs */
    g_assert_true(excluded(exclusion, "c-1", "/v1/orders", "Kube-Probe/1.29", ""));
    g_assert_true(excluded(exclusion, "c-1", "/v1/orders", "curl", "10.0.9.1"));
    exclusion_free(exclusion);
    struct exclusion_lists none = {NULL, NULL, NULL, NULL};
    exclusion = exclusion_new(&none, NULL);
    g_assert_false(excluded(exclusion, "probe", "/healthz", "kube-probe/1", "10.0.0.1"));
    exclusion_free(exclusion);
}

static void test_limits(void)
{
    static const char *const stars[] = {"a", "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a", NULL};
    struct exclusion_lists lists = {.sources = stars};
    GError *error = NULL;
    g_assert_null(exclusion_new(&lists, &error));
    g_assert_nonnull(strstr(error->message, "exclude.sources: item 2"));
    g_clear_error(&error);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/exclusion/patterns", test_patterns);
    g_test_add_func("/exclusion/against_definition", test_against_definition);
    g_test_add_func("/exclusion/rules", test_rules);
    g_test_add_func("/exclusion/limits", test_limits);
    return g_test_run();
}
