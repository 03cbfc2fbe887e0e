#include "api/endpoints.h"

static bool fits(const char *pattern, const char *name)
{
    const char *why;
    g_autofree char *kept = endpoints_pattern(pattern, &why);
    g_assert_nonnull(kept);
    const char *const patterns[] = {"GET /never", kept, NULL};
    struct endpoints *endpoints = endpoints_new(patterns);
    bool found = endpoints_have(endpoints, view_of(name));
    endpoints_free(endpoints);
    return found;
}

static void test_exact(void)
{
    struct endpoints *endpoints = endpoints_new_exact("M-SEARCH *");
    g_assert_true(endpoints_have(endpoints, view_of("M-SEARCH *")));
    g_assert_false(endpoints_have(endpoints, view_of("M-SEARCH x")));
    g_assert_false(endpoints_have(endpoints, view_of("")));
    endpoints_free(endpoints);
    endpoints = endpoints_new_exact("{other}");
    g_assert_true(endpoints_have(endpoints, view_of("{other}")));
    endpoints_free(endpoints);
}

static void test_names(void)
{
    static const struct {
        const char *text, *name;
    } cases[] = {
        {"get /v1/Orders/{id}", "GET /v1/Orders/{id}"},
        {"M-SEARCH /a b", "M-SEARCH /a b"},
        {"{other}", "{other}"},
        {"GET {unmatched}", "GET {unmatched}"},
        {"", NULL},
        {"GET", NULL},
        {"GET ", NULL},
        {" /v1", NULL},
        {"GE,T /v1", NULL},
        {"GET /v1\n", NULL},
        {"GET \xff", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *name = endpoints_name(cases[i].text);
        g_assert_cmpstr(name, ==, cases[i].name);
    }
}

static void test_fits(void)
{
    static const struct {
        const char *pattern, *name;
        bool fits;
    } cases[] = {
        {"GET /v1/orders", "GET /v1/orders", true},
        {"get /v1/orders", "GET /v1/orders", true},
        {"GET /v1/orders", "GET /v1/Orders", false},
        {"GET /v1/orders", "GET /v1/orders/", false},
        {"GET /v1/orders", "GET /v1/orders/{id}", false},
        {"GET /v1/orders", "POST /v1/orders", false},
        {"GET /v1/orders", "GETS /v1/orders", false},
        {"any /v1/orders", "POST /v1/orders", true},
        {"GET /v1/{id}", "GET /v1/{id}", true},
        {"GET /v1/{id}", "GET /v1/{x}", false},
        {"GET /v1/*", "GET /v1/{x}", true},
        {"GET /v1/*", "GET /v1/", false},
        {"GET /v1/*", "GET /v1", false},
        {"GET /v1/*", "GET /v1/a/b", false},
        {"GET /*/orders/*", "GET /v2/orders/{id}", true},
        {"GET /*/orders/*", "GET /v2/users/{id}", false},
        {"GET /v1/**", "GET /v1/a/b/c", true},
        {"GET /v1/**", "GET /v1/a", true},
        {"GET /v1/**", "GET /v1/", true},
        {"GET /v1/**", "GET /v1", true},
        {"GET /v1/**", "GET /v10", false},
        {"GET /v1/*/**", "GET /v1", false},
        {"GET /v1/*/**", "GET /v1/a", true},
        {"ANY **", "PATCH /x/y", true},
        {"ANY **", "{other}", false}, /* nobody knows what is in it */
        {"ANY *", "PATCH plain", true},
        {"GET /with blank", "GET /with blank", true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        if (fits(cases[i].pattern, cases[i].name) != cases[i].fits)
            g_error("'%s' and '%s'", cases[i].pattern, cases[i].name);
}

static void test_views(void)
{
    const char *const patterns[] = {"GET /v1/*", NULL};
    struct endpoints *endpoints = endpoints_new(patterns);
    g_assert_true(endpoints_have(endpoints, view_make("GET /v1/abc/d", 11)));
    g_assert_false(endpoints_have(endpoints, view_make("GET /v1/abc/d", 13)));
    endpoints_free(endpoints);
}

static void test_patterns(void)
{
    static const char *const wrong[] = {"",          "GET",      "GET ",      " /x",         "/v1",      "G?T /x",   "GET /x\n",
                                        "GET /\xff", "GET /a*b", "GET /**/x", "GET /v1/***", "GET /x**", "GET /*x/y"};
    const char *why;
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_assert_null(endpoints_pattern(wrong[i], &why));
        g_assert_nonnull(why);
    }
    g_autofree char *kept = endpoints_pattern("m-search /x/*", &why);
    g_assert_cmpstr(kept, ==, "M-SEARCH /x/*");
    g_assert_null(why);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/endpoints/exact", test_exact);
    g_test_add_func("/endpoints/names", test_names);
    g_test_add_func("/endpoints/fits", test_fits);
    g_test_add_func("/endpoints/views", test_views);
    g_test_add_func("/endpoints/patterns", test_patterns);
    return g_test_run();
}
