/* Signing in and out, and links that do it once; more in tests/system/test_session.py, where there are two replicas. */
#include "api/session_route.h"

#include "api/sign_in_links.h"
#include "tests/unit/admin_world.h"

#define OURS "X-Daybook: dashboard\r\nContent-Type: application/json\r\n"

static struct world world;

static char *sign_in(int status, const char *member, const char *name, const char *value)
{
    g_autofree char *body = g_strdup_printf("{\"%s\":\"%s\"}", name, value);
    g_autofree char *text =
        world_text(&world, status, (struct ask){.method = "POST", .path = "/session", .token = "", .headers = OURS, .body = body});
    json_t *json = json_loads(text, 0, NULL);
    char *found = g_strdup(json != NULL ? world_member(json, member) : NULL);
    json_decref(json);
    return found;
}

/* How many sessions the registry knows. */
static guint count(void)
{
    struct registry_snapshot *snapshot = registry_take(world.registry);
    GHashTableIter iter;
    void *value;
    guint n = 0;
    g_hash_table_iter_init(&iter, snapshot->tokens_by_id);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        n += ((const struct registry_token *)value)->is_session;
    registry_release(snapshot);
    return n;
}

static char *make_code(void)
{
    g_autofree char *url = world_get(&world, 201, "url", (struct ask){.method = "POST", .path = "/api/v2/admin/sign-in-links"});
    const char *code = strstr(url, "#code=");
    g_assert_nonnull(code);
    return g_strdup(code + strlen("#code="));
}

static void test_signed_in(void)
{
    g_autofree char *token = world_make_token(&world, "acme", "\"usage:client:view\"");
    guint before = count();
    g_free(sign_in(204, "error", "token", WORLD_TOKEN));
    g_free(sign_in(204, "error", "token", token));
    g_assert_cmpuint(count(), ==, before + 2);
    g_autofree char *error = sign_in(401, "error", "token", "wrong");
    g_assert_cmpstr(error, ==, "UNAUTHORIZED");
    g_assert_cmpuint(count(), ==, before + 2);
}

static void test_once(void)
{
    g_autofree char *code = make_code();
    guint before = count();
    g_free(sign_in(204, "error", "code", code));
    g_free(sign_in(401, "error", "code", code));
    g_free(sign_in(401, "error", "code", "dbk_x"));
    g_assert_cmpuint(count(), ==, before + 1);
}

static void refuse(int status, const char *headers, const char *body)
{
    g_free(world_text(&world, status,
                      (struct ask){.method = "POST", .path = "/session", .token = "", .headers = headers, .body = body}));
}

static void test_refused(void)
{
    guint before = count();
    refuse(403, "Content-Type: application/json\r\n", "{\"token\":\"" WORLD_TOKEN "\"}");
    refuse(403, OURS "Sec-Fetch-Site: cross-site\r\n", "{\"token\":\"" WORLD_TOKEN "\"}");
    refuse(415, "X-Daybook: dashboard\r\nContent-Type: text/plain\r\n", "{\"token\":\"" WORLD_TOKEN "\"}");
    refuse(400, OURS, "");
    refuse(400, OURS, "{}");
    refuse(400, OURS, "{\"token\":\"a\",\"code\":\"b\"}");
    refuse(400, OURS, "{\"token\":[\"a\"]}");
    refuse(400, OURS, "{\"token\":\"a\\u0000b\"}");
    g_autofree char *big = g_strnfill(SESSION_BODY_MAX + 1, ' ');
    refuse(413, OURS, big);
    g_assert_cmpuint(count(), ==, before);
}

/* The root of a session is gone with its token, and so is the session. */
static void test_ends(void)
{
    json_t *made = world_ask(&world, 201,
                             (struct ask){.method = "POST",
                                          .path = "/api/v2/admin/tokens",
                                          .body = "{\"name\":\"n\",\"organization\":\"acme\",\"permissions\":[\"admin\"]}"});
    g_autofree char *path = g_strdup_printf("/api/v2/admin/tokens/%s", world_member(made, "id"));
    guint before = count();
    g_free(sign_in(204, "error", "token", world_member(made, "token")));
    g_assert_cmpuint(count(), ==, before + 1);
    g_free(world_text(&world, 200, (struct ask){.method = "DELETE", .path = path}));
    g_assert_cmpuint(count(), ==, before);
    json_decref(made);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    world_start(&world);
    g_test_add_func("/session_route/signed_in", test_signed_in);
    g_test_add_func("/session_route/once", test_once);
    g_test_add_func("/session_route/refused", test_refused);
    g_test_add_func("/session_route/ends", test_ends);
    int code = g_test_run();
    world_stop(&world);
    return code;
}
