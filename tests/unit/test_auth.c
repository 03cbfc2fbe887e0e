/* From a request to a caller: how tokens are sent, whose they are, and why not. */
#include "tests/unit/admin_world.h"
#include "tests/unit/jwt_tools.h"
#include <glib/gstdio.h>

static struct world world;

static void expect_who(const char *headers, const char *path, const char *who)
{
    g_autofree char *found = world_text(&world, 200, (struct ask){.path = path, .token = "", .headers = headers});
    g_assert_cmpstr(found, ==, who);
}

static void expect_refused(const char *headers, const char *path, const char *code)
{
    json_t *json = world_ask(&world, 401, (struct ask){.path = path, .token = "", .headers = headers});
    g_assert_cmpstr(world_member(json, "code"), ==, code);
    json_decref(json);
}

#define PATH "/api/v2/who"
#define BEARER "Authorization: Bearer "
#define KEY "X-API-Key: "
#define END "\r\n"

static void test_ways(void)
{
    expect_who(BEARER WORLD_TOKEN END, PATH, "configured");
    expect_who("Authorization: bearer " WORLD_TOKEN END, PATH, "configured");
    expect_who("Authorization: Bearer   " WORLD_TOKEN END, PATH, "configured");
    expect_who(KEY WORLD_TOKEN END, PATH, "configured");
    expect_who("Authorization: Basic eDp5" END KEY WORLD_TOKEN END, PATH, "configured");
    expect_who(NULL, "/who/query?access_token=the%20token%20of%20the%20configuration", "configured");
    expect_refused(NULL, PATH, "authentication.required");
    expect_refused(NULL, PATH "?access_token=the%20token%20of%20the%20configuration", "authentication.required");
    expect_refused("Authorization: Basic eDp5" END, PATH, "authentication.required");
    expect_refused(BEARER END, PATH, "authentication.required");
    expect_refused(KEY END, PATH, "authentication.required");
    expect_refused(BEARER "wrong" END KEY WORLD_TOKEN END, PATH, "bad.credentials");
    expect_refused(BEARER WORLD_TOKEN "x" END, PATH, "bad.credentials");
    expect_refused(BEARER "a.b.c" END, PATH, "bad.credentials"); /* no keys are configured */
}

static void test_tokens(void)
{
    json_t *made = world_ask(&world, 201,
                             (struct ask){.method = "POST",
                                          .path = "/api/v2/admin/tokens",
                                          .body = "{\"name\":\"n\",\"organization\":\"acme\",\"permissions\":[\"admin\"]}"});
    g_autofree char *line = g_strdup_printf(BEARER "%s" END, world_member(made, "token"));
    g_autofree char *path = g_strdup_printf("/api/v2/admin/tokens/%s", world_member(made, "id"));
    expect_who(line, "/who", world_member(made, "id"));
    g_free(world_text(&world, 200, (struct ask){.method = "DELETE", .path = path}));
    expect_refused(line, PATH, "bad.credentials");
    json_decref(made);
}

/* ---- settings, and keys that are rotated ---- */

static void refuse_settings(const struct auth_settings *settings, const char *words)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(auth_new(settings, world.registry, &error));
    g_assert_nonnull(strstr(error->message, words));
}

static void test_settings(void)
{
    refuse_settings(&(struct auth_settings){.token = NULL}, "auth.token");
    refuse_settings(&(struct auth_settings){.token = "123456789012345"}, "auth.token");
    refuse_settings(&(struct auth_settings){.token = WORLD_TOKEN, .jwks_file = "/x", .jwt_issuer = "i"}, "auth.jwt_audience");
    refuse_settings(&(struct auth_settings){.token = WORLD_TOKEN, .jwks_file = "/x", .jwt_audience = "a"}, "auth.jwt_issuer");
    refuse_settings(&(struct auth_settings){WORLD_TOKEN, "/nowhere/at/all", "i", "a"}, "auth.jwks_file");
    auth_free(NULL);
}

static char *jwt_line(const struct jwt_key *key, const char *kid)
{
    int64_t exp = g_get_real_time() / G_USEC_PER_SEC + 3600;
    g_autofree char *header = g_strdup_printf("{\"alg\":\"ES256\",\"kid\":\"%s\"}", kid);
    g_autofree char *claims =
        g_strdup_printf("{\"iss\":\"i\",\"aud\":\"a\",\"sub\":\"s\",\"organization\":\"o\",\"exp\":%" G_GINT64_FORMAT "}", exp);
    g_autofree char *token = jwt_sign(key, header, claims);
    return g_strdup_printf(BEARER "%s" END, token);
}

static void write_keys(const char *path, const struct jwt_key *key, const char *tail)
{
    g_autofree char *text = g_strdup_printf("{\"keys\":[%s]%s", key->jwk, tail);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void test_rotation(void)
{
    struct jwt_key old, fresh;
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(world.redis.dir, "jwks", NULL);
    jwt_key_init(&old, "ES256", "old", 0);
    jwt_key_init(&fresh, "ES256", "new", 0);
    g_autofree char *old_line = jwt_line(&old, "old"), *new_line = jwt_line(&fresh, "new");
    struct auth *before = world.auth;
    write_keys(path, &old, "}");
    world.auth = auth_new(&(struct auth_settings){WORLD_TOKEN, path, "i", "a"}, world.registry, &error);
    g_assert_no_error(error);
    expect_who(old_line, PATH, "jwt:i#s");
    expect_refused(new_line, PATH, "bad.credentials");
    write_keys(path, &fresh, "");
    g_assert_false(auth_reload(world.auth, &error));
    g_assert_nonnull(strstr(error->message, path));
    g_clear_error(&error);
    expect_who(old_line, PATH, "jwt:i#s");
    write_keys(path, &fresh, "}");
    g_assert_true(auth_reload(world.auth, &error));
    expect_refused(old_line, PATH, "bad.credentials");
    expect_who(new_line, PATH, "jwt:i#s");
    expect_who(BEARER WORLD_TOKEN END, PATH, "configured");
    g_assert_true(auth_reload(before, &error)); /* nothing to read */
    auth_free(world.auth);
    world.auth = before;
    g_unlink(path);
    jwt_key_clear(&old);
    jwt_key_clear(&fresh);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    world_start(&world);
    g_test_add_func("/auth/ways", test_ways);
    g_test_add_func("/auth/tokens", test_tokens);
    g_test_add_func("/auth/settings", test_settings);
    g_test_add_func("/auth/rotation", test_rotation);
    int code = g_test_run();
    world_stop(&world);
    return code;
}
