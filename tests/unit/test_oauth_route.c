/* Logins with client credentials; more in tests/system/test_auth.py, where there are two replicas. */
#include "tests/unit/admin_world.h"

#define FORM "Content-Type: application/x-www-form-urlencoded\r\n"

static struct world world;

static char *log_in(int status, const char *member, const char *headers, const char *form)
{
    return world_get(&world, status, member, (struct ask){"POST", "/oauth/token", "", headers, form});
}

static void expect_error(int status, const char *error, const char *headers, const char *form)
{
    g_autofree char *found = log_in(status, "error", headers, form);
    g_assert_cmpstr(found, ==, error);
}

static char *make_key(const char *client)
{
    g_autofree char *body = g_strdup_printf("{\"keyId\":\"%s\",\"organization\":\"acme\"}", client);
    return world_get(&world, 201, "secret", (struct ask){.method = "POST", .path = "/v1/developer/keys", .body = body});
}

static char *basic(const char *id, const char *secret)
{
    g_autofree char *pair = g_strdup_printf("%s:%s", id, secret), *text = g_base64_encode((const guchar *)pair, strlen(pair));
    return g_strdup_printf(FORM "Authorization: Basic %s\r\n", text);
}

static void test_granted(void)
{
    g_autofree char *secret = make_key("c:1"), *header = basic("c:1", secret);
    g_autofree char *form = g_strdup_printf("client_id=c%%3A1&client_secret=%s&grant_type=client_credentials&more=x", secret);
    g_autofree char *one = log_in(200, "access_token", header, "grant_type=client_credentials");
    g_autofree char *two = log_in(200, "access_token", FORM, form);
    g_assert_cmpstr(one, !=, two);
    g_autofree char *who = world_text(&world, 200, (struct ask){.path = "/who", .token = one});
    g_autofree char *same = world_text(&world, 200, (struct ask){.path = "/who", .token = two});
    g_autofree char *parent = world_text(&world, 200, (struct ask){.path = "/who", .token = secret});
    g_assert_cmpstr(who, ==, parent);
    g_assert_cmpstr(same, ==, parent);
    g_free(world_text(&world, 200, (struct ask){.method = "DELETE", .path = "/v1/developer/keys/c:1"}));
    g_free(world_text(&world, 401, (struct ask){.path = "/who", .token = one}));
    expect_error(401, "invalid_client", header, "grant_type=client_credentials");
}

static void test_refused(void)
{
    g_autofree char *secret = make_key("c-2"), *good = basic("c-2", secret), *wrong = basic("c-2", "x"),
                    *other = basic("c-3", secret);
    g_autofree char *half = g_strdup_printf("grant_type=client_credentials&client_secret=%s", secret);
    expect_error(401, "invalid_client", wrong, "grant_type=client_credentials");
    expect_error(401, "invalid_client", other, "grant_type=client_credentials");
    expect_error(401, "invalid_client", FORM, "grant_type=client_credentials");
    expect_error(401, "invalid_client", FORM, half);
    expect_error(400, "invalid_request", good, half);
    expect_error(400, "invalid_request", good, "");
    expect_error(400, "invalid_request", good, "grant_type=client_credentials&grant_type=client_credentials");
    expect_error(400, "invalid_request", good, "grant_type=%zz");
    expect_error(400, "unsupported_grant_type", good, "grant_type=password");
    expect_error(400, "invalid_request", "Content-Type: text/plain\r\n", "grant_type=client_credentials");
    g_autofree char *big = g_strnfill(OAUTH_FORM_MAX + 1, 'x');
    expect_error(400, "invalid_request", good, big);
}

/* The oldest goes, but none that was made within a minute. */
static void test_bounded(void)
{
    g_autofree char *secret = make_key("c-4"), *header = basic("c-4", secret), *first = NULL;
    for (int i = 0; i < OAUTH_TOKENS_MAX; i++) {
        g_autofree char *token = log_in(200, "access_token", header, "grant_type=client_credentials");
        if (i == 0)
            first = g_steal_pointer(&token);
    }
    expect_error(429, "RATE_LIMIT_EXCEEDED", header, "grant_type=client_credentials");
    g_free(world_text(&world, 200, (struct ask){.path = "/who", .token = first}));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    world_start(&world);
    g_test_add_func("/oauth_route/granted", test_granted);
    g_test_add_func("/oauth_route/refused", test_refused);
    g_test_add_func("/oauth_route/bounded", test_bounded);
    int code = g_test_run();
    world_stop(&world);
    return code;
}
