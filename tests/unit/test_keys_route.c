/* Keys of clients, through HTTP and Redis; more in tests/system/test_admin.py. */
#include "tests/unit/admin_world.h"

#define KEYS "/v1/developer/keys"

static struct world world;

static json_t *create(int status, const char *token, const char *body)
{
    return world_ask(&world, status, (struct ask){"POST", KEYS, token, NULL, body});
}

static void test_life(void)
{
    json_t *made = create(201, NULL, "{\"keyId\":\"c-1\",\"organization\":\"acme\",\"name\":\"Shop\"}");
    g_assert_true(json_is_true(json_object_get(made, "success")));
    g_autofree char *who = world_text(&world, 200, (struct ask){.path = "/who", .token = world_member(made, "secret")});
    g_assert_true(g_str_has_prefix(who, "key-"));
    g_autofree char *name = world_get(&world, 200, "name", (struct ask){.path = "/api/v2/admin/clients/c-1"});
    g_assert_cmpstr(name, ==, "Shop");
    g_autofree char *list = world_text(&world, 200, (struct ask){.path = KEYS "?limit=1"});
    g_assert_nonnull(strstr(list, "\"keyId\":\"c-1\""));
    g_assert_null(strstr(list, world_member(made, "secret")));
    json_decref(create(409, NULL, "{\"keyId\":\"c-1\",\"organization\":\"acme\"}"));
    g_free(world_text(&world, 200, (struct ask){.method = "DELETE", .path = KEYS "/c-1"}));
    g_free(world_text(&world, 404, (struct ask){.method = "DELETE", .path = KEYS "/c-1"}));
    g_free(world_text(&world, 401, (struct ask){.path = "/who", .token = world_member(made, "secret")}));
    json_t *again = create(201, NULL, "{\"keyId\":\"c-1\",\"organization\":\"acme\"}");
    g_assert_cmpstr(world_member(again, "name"), ==, "Shop"); /* the client's */
    g_assert_cmpstr(world_member(again, "secret"), !=, world_member(made, "secret"));
    json_decref(again);
    json_decref(made);
}

static void test_scope(void)
{
    g_autofree char *acme = world_make_token(&world, "acme", "\"admin\""),
                    *globex = world_make_token(&world, "globex", "\"admin\"");
    json_t *ours = create(201, acme, "{\"keyId\":\"c-2\"}"), *theirs = create(201, globex, "{\"keyId\":\"c-2\"}");
    g_assert_cmpstr(world_member(theirs, "organization"), ==, "globex");
    json_decref(create(403, acme, "{\"keyId\":\"c-3\",\"organization\":\"globex\"}"));
    json_decref(create(403, acme, "{\"keyId\":\"c-3\",\"tier\":\"enterprise\"}"));
    g_autofree char *list = world_text(&world, 200, (struct ask){.path = KEYS, .token = acme});
    g_assert_null(strstr(list, "globex"));
    g_free(world_text(&world, 400, (struct ask){.method = "DELETE", .path = KEYS "/c-2"})); /* whose? */
    g_free(world_text(&world, 404, (struct ask){.method = "DELETE", .path = KEYS "/c-2?organization=globex", .token = acme}));
    g_free(world_text(&world, 200, (struct ask){.method = "DELETE", .path = KEYS "/c-2", .token = acme}));
    g_free(world_text(&world, 401, (struct ask){.path = "/who", .token = world_member(ours, "secret")}));
    g_free(world_text(&world, 200, (struct ask){.path = "/who", .token = world_member(theirs, "secret")}));
    json_decref(ours);
    json_decref(theirs);
}

static void test_wrong(void)
{
    static const char *const bodies[] = {"{\"keyId\":\"c\"}", "{\"organization\":\"o\",\"permissions\":[\"admin\"]}",
                                         "{\"organization\":\"o\",\"keyId\":\"a\\nb\"}",
                                         "{\"organization\":\"o\",\"client\":\"c\"}", "{\"organization\":\"o\",\"keyId\":\"\"}"};
    for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
        json_t *error = create(400, NULL, bodies[i]);
        g_assert_true(json_is_false(json_object_get(error, "success")));
        g_assert_nonnull(json_object_get(error, "field"));
        json_decref(error);
    }
    g_free(world_text(&world, 400, (struct ask){.path = KEYS "?limit=0"}));
    g_free(world_text(&world, 400, (struct ask){.path = KEYS "?pageSize=1"}));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    world_start(&world);
    g_test_add_func("/keys_route/life", test_life);
    g_test_add_func("/keys_route/scope", test_scope);
    g_test_add_func("/keys_route/wrong", test_wrong);
    int code = g_test_run();
    world_stop(&world);
    return code;
}
