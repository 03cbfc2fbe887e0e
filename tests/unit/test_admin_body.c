/* Fields of tokens and keys: what is taken, and how the rest is refused. */
#include "api/admin_body.h"

#include "api/registry_snapshot.h"

#define NOW INT64_C(1795257421000)

static struct admin_body body;

static void accept(uint32_t fields, const char *json)
{
    struct refusal refusal = {0};
    bool ok = admin_body_parse(&body, fields, view_of(json), NOW, &refusal);
    if (!ok)
        g_error("%s: %s", json, refusal.message);
}

static void refuse(uint32_t fields, const char *json, const char *code, const char *field)
{
    struct refusal refusal = {0};
    g_assert_false(admin_body_parse(&body, fields, view_of(json), NOW, &refusal));
    g_assert_cmpint(refusal.status, ==, 400);
    g_assert_cmpstr(refusal.code, ==, code);
    g_assert_cmpstr(refusal.field, ==, field);
    g_assert_true((refusal.allowed != NULL) == (field != NULL));
    refusal_clear(&refusal);
}

static void test_taken(void)
{
    accept(ADMIN_TOKEN_FIELDS,
           "{\"name\":\"n\",\"organization\":null,\"client\":null,\"tier\":\"Professional\","
           "\"permissions\":[\"admin\",\"usage:simplesearch:VIEW\"],\"expiresAt\":\"2026-11-21T11:37:02+00:59\"}");
    g_assert_true(body.all_organizations);
    g_assert_cmpstr(admin_body_text(&body, ADMIN_NAME, "x"), ==, "n");
    g_assert_cmpstr(admin_body_text(&body, ADMIN_CLIENT, "x"), ==, "x");
    g_assert_cmpint((int)body.tier, ==, TIER_PROFESSIONAL);
    g_assert_cmpuint(body.permissions, ==, PERMISSION_ADMIN | PERMISSION_SIMPLE_SEARCH_VIEW);
    g_assert_cmpint(body.expires_ms, ==, INT64_C(1795257482000));
    g_assert_true(admin_body_has(&body, ADMIN_TIER));
    g_assert_false(admin_body_has(&body, ADMIN_CLIENT));
    admin_body_clear(&body);
    accept(ADMIN_KEY_FIELDS, "{\"organization\":\"\",\"name\":\"\",\"keyId\":\"\xe6\x97\xa5\"}");
    g_assert_false(body.all_organizations);
    g_assert_cmpstr(admin_body_text(&body, ADMIN_ORGANIZATION, "x"), ==, "");
    admin_body_clear(&body);
    accept(ADMIN_KEY_FIELDS, "{\"keyId\":\"a/b?c#d%2F e\"}");
    g_assert_cmpstr(admin_body_text(&body, ADMIN_KEY_ID, "x"), ==, "a/b?c#d%2F e");
    admin_body_clear(&body);
    accept(ADMIN_KEY_FIELDS, "{}");
    g_assert_cmpuint(body.given, ==, 0);
    admin_body_clear(&body);
}

static void test_wrong_bodies(void)
{
    static const char *const wrong[] = {"",
                                        "{",
                                        "[]",
                                        "7",
                                        "null",
                                        "\"x\"",
                                        "{\"name\":\"a\",\"name\":\"b\"}",
                                        "\xff",
                                        "{} {}",
                                        "{\"name\":\"\\u0000\"}",
                                        "{\"name\":\"\xc3\"}"};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        refuse(ADMIN_KEY_FIELDS, wrong[i], "BAD_REQUEST", NULL);
    g_autofree char *deep = g_strnfill(10000, '['), *wide = g_strnfill(1000000, '[');
    refuse(ADMIN_KEY_FIELDS, deep, "BAD_REQUEST", NULL);
    refuse(ADMIN_KEY_FIELDS, wide, "BAD_REQUEST", NULL);
}

static void test_wrong_fields(void)
{
    static const struct {
        const char *field, *values[8];
    } cases[] = {
        {"keyId", {"\"\"", "true", "7", "[]", "\"a\\nb\""}},
        {"name", {"7", "{}", "\"\\u007f\""}},
        {"organization", {"7", "false", "\"\\u001f\""}},
        {"client", {"\"\"", "0"}},
        {"tier", {"\"\"", "\"gold\"", "1"}},
        {"permissions",
         {"[]", "\"admin\"", "[7]", "[\"x\"]", "{}", "[\"admin\",\"admin\",\"admin\",\"admin\",\"admin\",\"admin\"]"}},
        {"expiresAt",
         {"\"\"", "\"2030-01-01\"", "7", "\"2026-11-21T10:37:01Z\"", "\"2030-02-30T00:00:00Z\"", "\"1970-01-01T00:00:00Z\""}},
    };
    uint32_t all = (1U << ADMIN_FIELD_N) - 1;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        for (const char *const *value = cases[i].values; *value != NULL; value++) {
            g_autofree char *json = g_strdup_printf("{\"%s\":%s}", cases[i].field, *value);
            refuse(all, json, "INVALID_VALUE", cases[i].field);
        }
    g_autofree char *name = g_strnfill(REGISTRY_NAME_MAX + 1, 'x'), *json = g_strdup_printf("{\"name\":\"%s\"}", name);
    refuse(all, json, "INVALID_VALUE", "name");
    refuse(ADMIN_TOKEN_FIELDS, "{\"keyId\":\"x\"}", "UNKNOWN_PARAMETER", "keyId");
    refuse(ADMIN_TOKEN_FIELDS, "{\"Name\":\"x\"}", "UNKNOWN_PARAMETER", "Name");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/admin_body/taken", test_taken);
    g_test_add_func("/admin_body/wrong_bodies", test_wrong_bodies);
    g_test_add_func("/admin_body/wrong_fields", test_wrong_fields);
    return g_test_run();
}
