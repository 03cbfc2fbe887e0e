#include "api/v2_execution.h"

#define ID "7d444840-9dc0-11d1-b245-5ffdce74fad2"

static struct v2_execution *make(const char *owner, const char *organization, const char *client, enum v2_kind kind,
                                 const char *path_client, const char *text)
{
    struct refusal refusal = {0};
    struct v2_body body;
    struct caller *caller = caller_new(owner, owner, organization, client, PERMISSION_CLIENT_VIEW, TIER_FREE);
    if (!v2_body_parse(&body, kind, view_of(text), &refusal))
        g_error("%s", refusal.message);
    struct v2_execution *execution = v2_execution_new(caller, path_client, &body);
    v2_body_clear(&body);
    caller_unref(caller);
    return execution;
}

#define BODY "{\"interval\":\"2026-11-01/2026-11-20\"}"

static void test_text(void)
{
    static const char *const bodies[V2_KIND_N] = {
        "{\"interval\":\"2026/2026\",\"granularity\":\"Week\",\"groupBy\":[\"UserId\"],\"metrics\":[\"Requests\"]}",
        BODY,
        "{\"interval\":\"2026/2026\",\"oauthClientNames\":[\"Büro \\\"7\\\"\"],\"templateUris\":[\"/\",\"/v1/{id}\"]}",
        "{\"interval\":\"2026/2026\",\"sortBy\":[{\"fieldName\":\"date\"}],\"userIds\":[\"u\"],\"platforms\":[\"p\"]}",
        "{\"interval\":\"2026/2026\",\"organizationIds\":[\"o\"]}",
    };
    for (int kind = 0; kind < V2_KIND_N; kind++) {
        g_autoptr(GString) text = g_string_new(NULL), again = g_string_new(NULL);
        struct v2_execution *made = make("t-1", kind % 2 ? "acme" : NULL, kind == 3 ? "c-1" : NULL, (enum v2_kind)kind,
                                         kind > 2 ? "c/1" : NULL, bodies[kind]);
        made->pin = (struct pin){(uint64_t)kind * 1000, kind == 0 ? FINALITY_NONE : 20777};
        if (kind == V2_SEARCH) {
            made->named_clients = g_ptr_array_new_with_free_func(g_free);
            g_ptr_array_add(made->named_clients, g_strdup("c-7"));
        }
        v2_execution_write(made, text);
        struct v2_execution *read = v2_execution_read(made->id, view_make(text->str, text->len));
        g_assert_nonnull(read);
        v2_execution_write(read, again);
        g_assert_cmpstr(text->str, ==, again->str);
        g_assert_cmpstr(read->id, ==, made->id);
        g_assert_cmpint(read->pin.through, ==, made->pin.through);
        g_assert_cmpint(read->created_ms, ==, made->created_ms);
        v2_execution_unref(made);
        v2_execution_unref(read);
    }
}

static void test_damaged(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    struct v2_execution *made = make("t-1", NULL, NULL, V2_ORGANIZATION_QUERY, NULL, BODY);
    v2_execution_write(made, text);
    for (size_t size = 0; size < text->len; size++)
        g_assert_null(v2_execution_read(made->id, view_make(text->str, size)));
    g_assert_null(v2_execution_read(ID, view_of("[]")));
    g_assert_null(v2_execution_read(ID, view_of("{\"kind\":\"usage-query\",\"owner\":\"t\",\"body\":\"{}\"}")));
    g_assert_null(
        v2_execution_read(ID, view_of("{\"kind\":\"x\",\"owner\":\"t\",\"body\":\"{\\\"interval\\\":\\\"2020/2021\\\"}\"}")));
    v2_execution_unref(made);
}

static bool sees(const struct v2_execution *execution, const char *id, const char *organization, const char *client, uint32_t may)
{
    struct caller *caller = caller_new(id, "name", organization, client, may, TIER_FREE);
    bool visible = v2_execution_is_visible(execution, caller);
    caller_unref(caller);
    return visible;
}

static void test_who_may_see(void)
{
    struct v2_execution *execution = make("t-1", "acme", NULL, V2_ORGANIZATION_QUERY, NULL, BODY);
    g_assert_true(sees(execution, "t-1", "acme", NULL, PERMISSION_ORGANIZATION_VIEW));
    g_assert_true(sees(execution, "t-9", NULL, NULL, PERMISSION_ADMIN));
    g_assert_false(sees(execution, "t-9", NULL, NULL, PERMISSION_ALL & ~(uint32_t)PERMISSION_ADMIN));
    g_assert_false(sees(execution, "t-9", "acme", NULL, PERMISSION_ALL));
    g_assert_false(sees(execution, "t-9", "acme", "c", PERMISSION_ALL));
    g_assert_false(sees(execution, "t-1", "globex", NULL, PERMISSION_ALL)); /* the token now belongs to others */
    g_assert_false(sees(execution, "t-1", "acme", "c-1", PERMISSION_ALL));
    v2_execution_unref(execution);
}

/* Equal for the same caller and meaning; anything else makes it another. */
static void test_digest(void)
{
    struct v2_execution *all[] = {
        make("t-1", "acme", NULL, V2_ORGANIZATION_QUERY, NULL, BODY),
        make("t-1", "acme", NULL, V2_ORGANIZATION_QUERY, NULL, "{ \"granularity\":null, \"interval\" : \"2026-11-01/P20D\"}"),
        make("t-2", "acme", NULL, V2_ORGANIZATION_QUERY, NULL, BODY),
        make("t-1", NULL, NULL, V2_ORGANIZATION_QUERY, NULL, BODY),
        make("t-1", "acme", "c", V2_ORGANIZATION_QUERY, NULL, BODY),
        make("t-1", "acme", NULL, V2_CLIENT_QUERY, NULL, BODY),
        make("t-1", "acme", NULL, V2_CLIENT_QUERY, "c", BODY),
        make("t-1", "acme", NULL, V2_ORGANIZATION_QUERY, NULL, "{\"interval\":\"2026-11-01/2026-11-21\"}"),
    };
    char digests[G_N_ELEMENTS(all)][V2_DIGEST_SIZE];
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
        v2_execution_digest(all[i], digests[i]);
        for (size_t k = 0; k < i; k++)
            g_assert_cmpint(strcmp(digests[i], digests[k]) == 0, ==, i == 1 && k == 0);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        v2_execution_unref(all[i]);
}

static void add_client(struct registry_snapshot *snapshot, const char *organization, const char *id, const char *name)
{
    struct registry_client *client = g_new0(struct registry_client, 1);
    *client = (struct registry_client){g_strdup(id), g_strdup(name), g_strdup(organization), g_strdup(""), g_strdup(""), TIER_FREE};
    g_assert_true(registry_snapshot_add(snapshot, REGISTRY_CLIENTS, client));
}

static void check_named(const struct registry_snapshot *snapshot, const char *organization, const char *names, const char *ids)
{
    g_autofree char *text = g_strdup_printf("{\"interval\":\"2026/2026\",\"oauthClientNames\":[%s]}", names);
    struct v2_execution *execution = make("t", organization, NULL, V2_SEARCH, NULL, text);
    v2_execution_resolve(execution, snapshot);
    g_ptr_array_add(execution->named_clients, NULL);
    g_autofree char *joined = g_strjoinv(",", (char **)execution->named_clients->pdata);
    g_assert_cmpstr(joined, ==, ids);
    v2_execution_unref(execution);
}

static void test_names(void)
{
    struct registry_snapshot *snapshot = registry_snapshot_new(1);
    add_client(snapshot, "acme", "c-1", "Billing");
    add_client(snapshot, "acme", "c-2", "Billing");
    add_client(snapshot, "acme", "c-3", "c-9");
    add_client(snapshot, "globex", "g-1", "Billing");
    add_client(snapshot, "globex", "c-3", "Shop");
    registry_snapshot_seal(snapshot, NULL);
    check_named(snapshot, "acme", "\"Billing\"", "Billing,c-1,c-2");
    check_named(snapshot, NULL, "\"Billing\"", "Billing,c-1,c-2,g-1");
    check_named(snapshot, "acme", "\"c-9\"", "c-3,c-9");
    check_named(snapshot, "acme", "\"Shop\"", "Shop"); /* nobody there is called so: a client that is not registered could be */
    check_named(snapshot, "acme", "\"c-1\"", "");      /* that one has another name */
    check_named(snapshot, "globex", "\"c-1\",\"Shop\"", "Shop,c-1,c-3");
    check_named(snapshot, "acme", "\"nobody\"", "nobody");
    registry_snapshot_unref(snapshot);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/v2_execution/text", test_text);
    g_test_add_func("/v2_execution/damaged", test_damaged);
    g_test_add_func("/v2_execution/who-may-see", test_who_may_see);
    g_test_add_func("/v2_execution/digest", test_digest);
    g_test_add_func("/v2_execution/names", test_names);
    return g_test_run();
}
