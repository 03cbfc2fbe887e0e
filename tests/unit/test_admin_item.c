/* Items as they are given in JSON: what is taken, and how the rest is refused. */
#include "api/admin_item.h"

#include "api/registry_kind.h"

static struct caller *acme, *everybody;

/* The field that is refused, and the code of the refusal; NULL: it is taken. */
static const char *refused(enum registry_kind kind, const char *json, const char *code)
{
    static char field[64];
    const struct registry_kind_info *info = registry_kind_info(kind);
    void *item = admin_item_new(info->shape, acme);
    struct refusal refusal = {0};
    admin_given given = 0;
    bool ok = admin_item_take_json(info->shape, item, view_of(json), &given, &refusal) &&
              admin_item_check(info->shape, info->name, item, given | 1, &refusal);
    item_free(info->shape, item);
    if (ok)
        return NULL;
    g_assert_cmpint(refusal.status, ==, 400);
    g_assert_cmpstr(refusal.code, ==, code);
    g_assert_true((refusal.field == NULL) == (refusal.allowed == NULL) && refusal.message[0] != '\0');
    g_strlcpy(field, refusal.field != NULL ? refusal.field : "(the body)", sizeof field);
    refusal_clear(&refusal);
    return field;
}

static void test_bodies(void)
{
    static const char *const wrong[] = {"", "{", "[]", "7", "null", "{\"name\":\"a\",\"name\":\"b\"}", "\xff", "{} {}"};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        g_assert_cmpstr(refused(REGISTRY_CLIENTS, wrong[i], "BAD_REQUEST"), ==, "(the body)");
    g_autofree char *deep = g_strnfill(100000, '[');
    g_assert_cmpstr(refused(REGISTRY_CLIENTS, deep, "BAD_REQUEST"), ==, "(the body)");
    g_assert_cmpstr(refused(REGISTRY_CLIENTS, "{\"keyId\":\"x\"}", "UNKNOWN_PARAMETER"), ==, "keyId");
    g_assert_cmpstr(refused(REGISTRY_CLIENTS, "{\"Name\":\"x\"}", "UNKNOWN_PARAMETER"), ==, "Name");
    g_assert_cmpstr(refused(REGISTRY_CHANNELS, "{\"secret\":\"x\"}", "UNKNOWN_PARAMETER"), ==, "secret"); /* we make it */
}

static void test_values(void)
{
    static const struct {
        enum registry_kind kind;
        const char *json, *field;
    } cases[] = {
        {REGISTRY_CLIENTS, "{}", NULL},
        {REGISTRY_CLIENTS, "{\"tier\":\"STARTER\",\"name\":null}", NULL},
        {REGISTRY_CLIENTS, "{\"tier\":\"gold\"}", "tier"},
        {REGISTRY_CLIENTS, "{\"id\":\"\"}", "id"},
        {REGISTRY_CLIENTS, "{\"plan\":1.5}", "plan"},
        {REGISTRY_CLIENTS, "{\"organization\":false}", "organization"},
        {REGISTRY_METHODS, "{\"endpoints\":[\"get /x\"]}", NULL},
        {REGISTRY_METHODS, "{}", "endpoints"},
        {REGISTRY_METHODS, "{\"endpoints\":null}", "endpoints"},
        {REGISTRY_METHODS, "{\"endpoints\":[\"GET /x\",\"/y\"]}", "endpoints"},
        {REGISTRY_PLANS, "{\"currency\":\"EUR\",\"ceiling\":null}", NULL},
        {REGISTRY_PLANS, "{\"included\":1}", "currency"},
        {REGISTRY_PLANS, "{\"currency\":\"EUR\",\"included\":9,\"ceiling\":8}", "ceiling"},
        {REGISTRY_LIMITS, "{\"client\":\"c\",\"metric\":\"hits\",\"period\":\"Day\",\"value\":1}", NULL},
        {REGISTRY_LIMITS, "{\"client\":\"c\",\"metric\":\"hits\",\"period\":\"day\"}", "value"},
        {REGISTRY_LIMITS, "{\"client\":\"c\",\"metric\":\"hits\",\"period\":null,\"value\":1}", "period"},
        {REGISTRY_LIMITS, "{\"client\":\"c\",\"organization\":null,\"metric\":\"hits\",\"period\":\"day\",\"value\":1}",
         "organization"},
        {REGISTRY_CHANNELS, "{\"kind\":\"email\",\"target\":\"https://x/\"}", "target"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpstr(refused(cases[i].kind, cases[i].json, "INVALID_VALUE"), ==, cases[i].field);
}

/* Which of the patterns it is, and what one looks like. */
static void test_patterns(void)
{
    struct method *method = admin_item_new(&method_shape, everybody);
    struct refusal refusal = {0};
    admin_given given = 0;
    g_assert_false(
        admin_item_take_json(&method_shape, method, view_of("{\"endpoints\":[\"GET /x\",\"GET /**/y\"]}"), &given, &refusal));
    g_assert_cmpstr(refusal.value, ==, "GET /**/y");
    refusal_clear(&refusal);
    method_free(method);
}

static void test_whose(void)
{
    static const struct {
        const char *json, *organization;
    } cases[] = {{"{}", "acme"}, {"{\"organization\":null}", NULL}, {"{\"organization\":\"\"}", ""}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct plan *plan = admin_item_new(&plan_shape, acme);
        struct refusal refusal = {0};
        admin_given given = 0;
        g_assert_true(admin_item_take_json(&plan_shape, plan, view_of(cases[i].json), &given, &refusal));
        g_assert_cmpstr(plan->organization, ==, cases[i].organization);
        g_assert_cmpuint(given, ==, i == 0 ? 0 : 1U << admin_item_field(&plan_shape, "organization"));
        item_free(&plan_shape, plan);
    }
}

static void test_names(void)
{
    g_autofree char *all = admin_item_fields(&channel_shape, 0), *rest = admin_item_fields(&registry_client_shape, 1 | 4);
    g_assert_cmpstr(all, ==, "id|name|organization|kind|target|minLevel|system");
    g_assert_cmpstr(rest, ==, "name|tier|platform|plan");
    g_assert_cmpuint(admin_item_field(&channel_shape, "secret"), ==, channel_shape.n_fields);
    g_assert_cmpuint(admin_item_field(&channel_shape, "name"), ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    acme = caller_new("a", "a", "acme", NULL, PERMISSION_ADMIN, TIER_STARTER);
    everybody = caller_new("e", "e", NULL, NULL, PERMISSION_ADMIN, TIER_FREE);
    g_test_add_func("/admin_item/bodies", test_bodies);
    g_test_add_func("/admin_item/values", test_values);
    g_test_add_func("/admin_item/patterns", test_patterns);
    g_test_add_func("/admin_item/whose", test_whose);
    g_test_add_func("/admin_item/names", test_names);
    int code = g_test_run();
    caller_unref(acme);
    caller_unref(everybody);
    return code;
}
