/* Tokens, through HTTP and Redis; more in tests/system/test_admin.py. */
#include "tests/unit/admin_world.h"

#define TOKENS "/api/v2/admin/tokens"

static struct world world;

static json_t *create(int status, const char *token, const char *body)
{
    return world_ask(&world, status, (struct ask){"POST", TOKENS, token, NULL, body});
}

static void refuse_field(const char *token, const char *body, const char *field)
{
    json_t *error = create(400, token, body);
    g_assert_cmpstr(world_member(error, "field"), ==, field);
    json_decref(error);
}

static void test_created(void)
{
    json_t *made = create(201, NULL,
                          "{\"name\":\"Jo\",\"organization\":\"acme\",\"client\":\"c-1\",\"permissions\":[\"usage:client:view\"],"
                          "\"expiresAt\":\"2099-01-01T00:00:00Z\"}");
    g_assert_true(registry_secret_is_one(world_member(made, "token")));
    g_assert_cmpstr(world_member(made, "expiresAt"), ==, "2099-01-01T00:00:00Z");
    g_autofree char *who = world_text(&world, 200, (struct ask){.path = "/who", .token = world_member(made, "token")});
    g_assert_cmpstr(who, ==, world_member(made, "id"));
    g_autofree char *list = world_text(&world, 200, (struct ask){.path = TOKENS "?organization=acme"});
    g_assert_nonnull(strstr(list, "\"Jo\""));
    g_assert_null(strstr(list, world_member(made, "token")));
    g_assert_null(strstr(list, "digest"));
    /* Who is for one client administers nothing, whatever else they may. */
    g_free(world_text(&world, 403, (struct ask){.path = TOKENS, .token = world_member(made, "token")}));
    json_decref(made);
}

static void test_scope(void)
{
    g_autofree char *acme = world_make_token(&world, "acme", "\"admin\"");
    json_t *own = create(201, acme, "{\"name\":\"x\",\"permissions\":[\"admin\"]}");
    g_assert_cmpstr(world_member(own, "organization"), ==, "acme");
    json_decref(own);
    json_decref(create(403, acme, "{\"name\":\"x\",\"organization\":null,\"permissions\":[\"admin\"]}"));
    json_decref(create(403, acme, "{\"name\":\"x\",\"organization\":\"globex\",\"permissions\":[\"admin\"]}"));
    json_decref(create(403, acme, "{\"name\":\"x\",\"permissions\":[\"admin\"],\"tier\":\"enterprise\"}"));
    json_t *theirs = create(201, NULL, "{\"name\":\"x\",\"organization\":\"globex\",\"permissions\":[\"admin\"]}");
    g_autofree char *path = g_strdup_printf(TOKENS "/%s", world_member(theirs, "id"));
    g_free(world_text(&world, 404, (struct ask){.method = "DELETE", .path = path, .token = acme}));
    g_free(world_text(&world, 200, (struct ask){.method = "DELETE", .path = path}));
    g_free(world_text(&world, 401, (struct ask){.path = "/who", .token = world_member(theirs, "token")}));
    json_decref(theirs);
}

static void test_wrong(void)
{
    refuse_field(NULL, "{\"organization\":null,\"permissions\":[\"admin\"]}", "name");
    refuse_field(NULL, "{\"name\":\"x\",\"permissions\":[\"admin\"]}", "organization");
    refuse_field(NULL, "{\"name\":\"x\",\"organization\":null}", "permissions");
    refuse_field(NULL, "{\"name\":\"x\",\"organization\":null,\"permissions\":[]}", "permissions");
    refuse_field(NULL, "{\"name\":\"x\",\"organization\":null,\"client\":\"c\",\"permissions\":[\"usage:client:view\"]}", "client");
    refuse_field(NULL, "{\"name\":\"x\",\"organization\":\"o\",\"client\":\"c\",\"permissions\":[\"admin\"]}", "permissions");
    refuse_field(NULL, "{\"name\":\"x\",\"organization\":\"o\",\"permissions\":[\"admin\"],\"expiresAt\":\"2020-01-01T00:00:00Z\"}",
                 "expiresAt");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    world_start(&world);
    g_test_add_func("/admin_tokens/created", test_created);
    g_test_add_func("/admin_tokens/scope", test_scope);
    g_test_add_func("/admin_tokens/wrong", test_wrong);
    int code = g_test_run();
    world_stop(&world);
    return code;
}
