/* Channels through HTTP and Redis: their ids and secrets; more in tests/system/test_admin_limits.py. */
#include "tests/unit/admin_world.h"

#define CHANNELS "/api/v2/admin/channels"
#define WEBHOOK "{\"kind\":\"webhook\",\"target\":\"https://hooks.example.com/x\"}"

static struct world world;

static void test_secrets(void)
{
    json_t *made = world_ask(&world, 201, (struct ask){"POST", CHANNELS, NULL, NULL, WEBHOOK});
    const char *id = world_member(made, "id"), *secret = world_member(made, "secret");
    g_assert_true(g_str_has_prefix(id, "w-") && g_str_has_prefix(secret, "whsec_"));
    g_autofree char *path = g_strdup_printf(CHANNELS "/%s", id), *renew = g_strconcat(path, "/secret", NULL);
    g_autofree char *shown = world_text(&world, 200, (struct ask){.path = path}),
                    *list = world_text(&world, 200, (struct ask){.path = CHANNELS}),
                    *put = world_text(&world, 200, (struct ask){"PUT", path, NULL, NULL, WEBHOOK});
    g_assert_true(strstr(shown, "secret") == NULL && strstr(list, "secret") == NULL && strstr(put, "secret") == NULL);
    struct registry_snapshot *before = registry_take(world.registry);
    g_assert_cmpstr(((const struct channel *)g_hash_table_lookup(before->channels, id))->secret, ==, secret);
    g_autofree char *renewed = world_get(&world, 200, "secret", (struct ask){.method = "POST", .path = renew});
    g_assert_cmpstr(renewed, !=, secret);
    struct registry_snapshot *after = registry_take(world.registry);
    g_assert_cmpstr(((const struct channel *)g_hash_table_lookup(after->channels, id))->secret, ==, renewed);
    registry_release(before);
    registry_release(after);
    json_decref(made);
}

static void test_mail(void)
{
    json_t *made = world_ask(
        &world, 201,
        (struct ask){"POST", CHANNELS, NULL, NULL, "{\"kind\":\"email\",\"target\":\"ops@example.com\",\"system\":true}"});
    g_assert_true(g_str_has_prefix(world_member(made, "id"), "m-"));
    g_assert_cmpstr(world_member(made, "secret"), ==, "");
    g_autofree char *renew = g_strdup_printf(CHANNELS "/%s/secret", world_member(made, "id"));
    g_free(world_text(&world, 409, (struct ask){.method = "POST", .path = renew}));
    json_decref(made);
}

static void test_refused(void)
{
    g_autofree char *acme = world_make_token(&world, "acme", "\"admin\"");
    g_free(world_text(&world, 400, (struct ask){"POST", CHANNELS, NULL, NULL, "{\"kind\":\"webhook\",\"target\":\"x\"}"}));
    g_free(world_text(&world, 400, (struct ask){"POST", CHANNELS "?a=b", NULL, NULL, WEBHOOK}));
    g_free(world_text(&world, 415, (struct ask){"POST", CHANNELS, NULL, "Content-Type: text/csv\r\n", WEBHOOK}));
    g_free(world_text(&world, 404, (struct ask){"PUT", CHANNELS "/w-none", NULL, NULL, WEBHOOK}));
    g_free(world_text(&world, 404, (struct ask){.method = "POST", .path = CHANNELS "/w-none/secret"}));
    g_autofree char *of_all = world_get(&world, 201, "id", (struct ask){"POST", CHANNELS, NULL, NULL, WEBHOOK});
    g_autofree char *path = g_strdup_printf(CHANNELS "/%s", of_all), *renew = g_strconcat(path, "/secret", NULL);
    g_free(world_text(&world, 404, (struct ask){.path = path, .token = acme}));
    g_free(world_text(&world, 404, (struct ask){.method = "POST", .path = renew, .token = acme}));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    world_start(&world);
    g_test_add_func("/admin_channels/secrets", test_secrets);
    g_test_add_func("/admin_channels/mail", test_mail);
    g_test_add_func("/admin_channels/refused", test_refused);
    int code = g_test_run();
    world_stop(&world);
    return code;
}
