/* Clients and other items, through HTTP and Redis; more in tests/system/test_admin.py. */
#include "tests/unit/admin_world.h"

#define CLIENTS "/api/v2/admin/clients"

static struct world world;

static json_t *put(int status, const char *token, const char *id, const char *body)
{
    g_autofree char *path = g_strdup_printf(CLIENTS "/%s", id);
    return world_ask(&world, status, (struct ask){"PUT", path, token, NULL, body});
}

static void expect_name(const char *token, const char *path, const char *name)
{
    g_autofree char *found = world_get(&world, 200, "name", (struct ask){.path = path, .token = token});
    g_assert_cmpstr(found, ==, name);
}

static void test_life(void)
{
    json_decref(put(201, NULL, "c-1", "{\"name\":\"Shop\",\"organization\":\"acme\",\"tier\":\"STARTER\"}"));
    expect_name(NULL, CLIENTS "/c-1", "Shop");
    json_decref(put(200, NULL, "c-1", "{\"name\":\"Other\",\"id\":\"c-1\"}")); /* the only one of that id */
    expect_name(NULL, CLIENTS "/c-1?organization=acme", "Other");
    g_free(world_text(&world, 404, (struct ask){.path = CLIENTS "/c-1?organization=globex"}));
    g_free(world_text(&world, 200, (struct ask){.method = "DELETE", .path = CLIENTS "/c-1"}));
    g_free(world_text(&world, 404, (struct ask){.method = "DELETE", .path = CLIENTS "/c-1"}));
}

static void test_scope(void)
{
    g_autofree char *acme = world_make_token(&world, "acme", "\"admin\""),
                    *globex = world_make_token(&world, "globex", "\"admin\"");
    json_decref(put(201, acme, "c-2", "{\"name\":\"Ours\"}"));
    json_decref(put(201, globex, "c-2", "{\"name\":\"Theirs\"}"));
    expect_name(acme, CLIENTS "/c-2", "Ours");
    expect_name(globex, CLIENTS "/c-2", "Theirs");
    json_decref(put(403, acme, "c-2", "{\"organization\":\"globex\"}"));
    json_decref(put(403, acme, "c-2", "{\"tier\":\"enterprise\"}"));
    g_free(world_text(&world, 404, (struct ask){.path = CLIENTS "/c-2?organization=globex", .token = acme}));
    json_t *ambiguous = put(400, NULL, "c-2", "{}");
    g_assert_cmpstr(world_member(ambiguous, "field"), ==, "organization");
    json_decref(ambiguous);
}

static void test_pages(void)
{
    g_autofree char *token = world_make_token(&world, "initech", "\"admin\""), *uri = g_strdup(CLIENTS "?pageSize=2");
    for (int i = 0; i < 5; i++) {
        g_autofree char *id = g_strdup_printf("c-%d", i);
        json_decref(put(201, token, id, "{}"));
    }
    size_t seen = 0;
    while (uri != NULL) {
        json_t *page = world_ask(&world, 200, (struct ask){.path = uri, .token = token});
        seen += json_array_size(json_object_get(page, "entities"));
        g_assert_cmpint(json_integer_value(json_object_get(page, "total")), ==, 5);
        g_free(uri);
        uri = g_strdup(world_member(page, "nextUri"));
        json_decref(page);
    }
    g_assert_cmpuint(seen, ==, 5);
}

static void test_wrong(void)
{
    json_decref(put(400, NULL, "c-9", "{\"organization\":\"acme\",\"id\":\"another\"}"));
    json_decref(put(400, NULL, "c-9", "{\"organization\":\"acme\",\"colour\":\"red\"}"));
    json_decref(put(400, NULL, "c-9", "{"));
    json_decref(put(400, NULL, "a%0ab", "{\"organization\":\"acme\"}"));
    json_decref(put(400, NULL, "c-9?pageSize=5", "{\"organization\":\"acme\"}"));
    g_free(world_text(&world, 415, (struct ask){"PUT", CLIENTS "/c-9", NULL, "Content-Type: text/plain\r\n", "{}"}));
    static const char *const queries[] = {"pageSize=0", "pageSize=1001", "after=!", "after=", "limit=5", "pageSize=5&pageSize=5"};
    for (size_t i = 0; i < G_N_ELEMENTS(queries); i++) {
        g_autofree char *path = g_strdup_printf(CLIENTS "?%s", queries[i]);
        g_free(world_text(&world, 400, (struct ask){.path = path}));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    world_start(&world);
    g_test_add_func("/admin_items/life", test_life);
    g_test_add_func("/admin_items/scope", test_scope);
    g_test_add_func("/admin_items/pages", test_pages);
    g_test_add_func("/admin_items/wrong", test_wrong);
    int code = g_test_run();
    world_stop(&world);
    return code;
}
