/* Who may what. */
#include "api/caller.h"

static void test_permissions(void)
{
    for (uint32_t permission = 1; permission < PERMISSION_ALL; permission <<= 1) {
        uint32_t parsed = 0;
        const char *name = caller_permission_name(permission);
        g_autofree char *loud = g_ascii_strup(name, -1);
        g_assert_true(caller_permission_parse(name, &parsed));
        g_assert_cmpuint(parsed, ==, permission);
        g_assert_true(caller_permission_parse(loud, &parsed));
        g_assert_cmpuint(parsed, ==, permission);
    }
    uint32_t parsed = 77;
    g_assert_null(caller_permission_name(0));
    g_assert_null(caller_permission_name(PERMISSION_ALL));
    g_assert_false(caller_permission_parse("usage:client", &parsed));
    g_assert_false(caller_permission_parse("", &parsed));
    g_assert_cmpuint(parsed, ==, 77);
}

static void test_tiers(void)
{
    for (int i = 0; i < TIER_N; i++) {
        enum tier tier = TIER_N;
        g_assert_true(caller_tier_parse(caller_tier_name((enum tier)i), &tier));
        g_assert_cmpint((int)tier, ==, i);
    }
    enum tier tier = TIER_N;
    g_assert_true(caller_tier_parse("Professional", &tier));
    g_assert_cmpint((int)tier, ==, TIER_PROFESSIONAL);
    g_assert_false(caller_tier_parse("gold", &tier));
}

static void test_may(void)
{
    struct caller *viewer = caller_new("t", "n", "acme", NULL, PERMISSION_CLIENT_VIEW, TIER_FREE);
    struct caller *admin = caller_new("a", "n", "acme", NULL, PERMISSION_ADMIN, TIER_FREE);
    struct caller *none = caller_new("o", "n", NULL, NULL, 0, TIER_FREE);
    g_assert_true(caller_may(viewer, 0));
    g_assert_true(caller_may(viewer, PERMISSION_CLIENT_VIEW | PERMISSION_OAUTH_CLIENT_VIEW));
    g_assert_false(caller_may(viewer, PERMISSION_ORGANIZATION_VIEW));
    g_assert_false(caller_may(viewer, PERMISSION_ADMIN));
    g_assert_true(caller_may(admin, PERMISSION_SIMPLE_SEARCH_VIEW));
    g_assert_true(caller_may(none, 0));
    g_assert_false(caller_may(none, PERMISSION_ALL));
    caller_unref(viewer);
    caller_unref(admin);
    caller_unref(none);
    caller_unref(NULL);
}

static void test_sees(void)
{
    struct caller *all = caller_new("1", NULL, NULL, NULL, 0, TIER_FREE);
    struct caller *organization = caller_new("2", NULL, "acme", NULL, 0, TIER_FREE);
    struct caller *client = caller_new("3", NULL, "acme", "c", 0, TIER_FREE);
    struct caller *again = caller_ref(client);
    g_assert_true(caller_sees_all(all));
    g_assert_false(caller_sees_all(organization));
    g_assert_false(caller_sees_all(client));
    caller_unref(client);
    g_assert_cmpstr(again->client, ==, "c");
    caller_unref(again);
    caller_unref(organization);
    caller_unref(all);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/caller/permissions", test_permissions);
    g_test_add_func("/caller/tiers", test_tiers);
    g_test_add_func("/caller/may", test_may);
    g_test_add_func("/caller/sees", test_sees);
    return g_test_run();
}
