/* Tokens and clients as JSON, there and back; what is no token; secrets. */
#include "api/registry_text.h"

#define DIGEST "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct registry_token *read_token(const char *json)
{
    return registry_token_read(view_of("t-1"), view_of(json), NULL);
}

static void test_token(void)
{
    static const char *const organizations[] = {NULL, "acme", "",
                                                "gr\xc3\xb6\xc3\x9f"
                                                "e"};
    for (uint32_t permissions = 0; permissions <= PERMISSION_ALL; permissions++) {
        const char *organization = organizations[permissions % 4];
        const char *client = organization != NULL && permissions % 3 == 0 ? "c \"1\"" : NULL;
        struct registry_token token = {.id = (char[]){"t-1"}, .name = (char[]){"Frieda\\"}, .created_ms = 5, .expires_ms = 6};
        registry_secret_digest("secret", token.digest);
        token.caller = caller_new("t-1", "Frieda\\", organization, client, permissions, (enum tier)(permissions % TIER_N));
        g_autofree char *json = registry_token_write(&token);
        struct registry_token *read = read_token(json);
        g_assert_nonnull(read);
        g_autofree char *again = registry_token_write(read);
        g_assert_cmpstr(json, ==, again);
        g_assert_cmpstr(read->caller->id, ==, "t-1");
        g_assert_cmpstr(read->caller->organization, ==, organization);
        g_assert_cmpstr(read->caller->client, ==, client);
        g_assert_cmpuint(read->caller->permissions, ==, permissions);
        registry_token_free(read);
        caller_unref(token.caller);
    }
}

static void test_access_token(void)
{
    struct registry_token token = {.id = (char[]){"a-1"}, .name = (char[]){"n"}, .has_parent = true, .expires_ms = 9};
    registry_secret_digest("access", token.digest);
    registry_secret_digest("parent", token.parent);
    g_autofree char *json = registry_token_write(&token);
    struct registry_token *read = registry_token_read(view_of("a-1"), view_of(json), NULL);
    g_assert_true(read->has_parent && read->caller == NULL);
    g_assert_cmpint(memcmp(read->parent, token.parent, sizeof token.parent), ==, 0);
    registry_token_free(read);
}

static void test_session(void)
{
    for (int foreign = 0; foreign < 2; foreign++) {
        struct registry_token token = {.id = (char[]){"s-1"}, .name = (char[]){"n"}, .has_parent = true, .is_session = true};
        token.is_foreign = foreign;
        token.caller = foreign ? caller_new("jwt:i#s", "n", "acme", NULL, PERMISSION_CLIENT_VIEW, TIER_STARTER) : NULL;
        registry_secret_digest("cookie", token.digest);
        g_autofree char *json = registry_token_write(&token);
        struct registry_token *read = registry_token_read(view_of("s-1"), view_of(json), NULL);
        g_assert_true(read->has_parent && read->is_session && read->is_foreign == token.is_foreign);
        if (foreign) {
            g_assert_cmpstr(read->caller->id, ==, "jwt:i#s");
            g_assert_cmpstr(read->caller->account, ==, "session:jwt:i#s");
            g_assert_true(read->caller->is_session && read->caller->tier == TIER_STARTER);
        }
        registry_token_free(read);
        caller_unref(token.caller);
    }
}

#define TOKEN(digest, rest) "{\"name\":\"n\",\"digest\":" digest ",\"created\":1" rest "}"
#define MAY ",\"permissions\":[],\"tier\":\"free\""
#define D "\"" DIGEST "\""

static void test_no_tokens(void)
{
    static const char *const wrong[] = {
        "",
        "[]",
        "{}",
        TOKEN("\"00\"", ",\"expires\":0,\"organization\":null,\"client\":null" MAY),
        TOKEN("7", ",\"expires\":0,\"organization\":null,\"client\":null" MAY),
        TOKEN(D, ",\"organization\":null,\"client\":null" MAY),
        TOKEN(D, ",\"expires\":-1,\"organization\":null,\"client\":null" MAY),
        TOKEN(D, ",\"expires\":1.5,\"organization\":null,\"client\":null" MAY),
        TOKEN(D, ",\"expires\":0,\"client\":null" MAY), /* no organization is not all of them */
        TOKEN(D, ",\"expires\":0,\"organization\":7,\"client\":null" MAY),
        TOKEN(D, ",\"expires\":0,\"organization\":\"acme\"" MAY), /* no client is not all of them */
        TOKEN(D, ",\"expires\":0,\"organization\":null,\"client\":\"c\"" MAY),
        TOKEN(D, ",\"expires\":0,\"organization\":\"acme\",\"client\":\"\"" MAY),
        TOKEN(D, ",\"expires\":0,\"organization\":null,\"client\":null,\"tier\":\"free\""),
        TOKEN(D, ",\"expires\":0,\"organization\":null,\"client\":null,\"permissions\":\"admin\",\"tier\":\"free\""),
        TOKEN(D, ",\"expires\":0,\"organization\":null,\"client\":null,\"permissions\":[],\"tier\":\"gold\""),
        TOKEN(D, ",\"expires\":0,\"organization\":null,\"organization\":\"acme\",\"client\":null" MAY),
        TOKEN(D, ",\"expires\":0,\"parent\":\"t-1\""),
    };
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(registry_token_read(view_of("t-1"), view_of(wrong[i]), &error));
        g_assert_nonnull(error);
        g_assert_null(strstr(error->message, DIGEST));
    }
    const char *good = TOKEN(D, ",\"expires\":0,\"organization\":null,\"client\":null,\"permissions\":[\"later\",7,\"admin\"],"
                                "\"tier\":\"free\",\"more\":{}");
    struct registry_token *read = read_token(good);
    g_assert_cmpuint(read->caller->permissions, ==, PERMISSION_ADMIN);
    registry_token_free(read);
    g_assert_null(registry_token_read(view_of(""), view_of(good), NULL));
    g_assert_null(registry_token_read(view_of("a\nb"), view_of(good), NULL));
}

static void test_client(void)
{
    struct registry_client client = {.id = (char[]){"c-1"}, .name = (char[]){"Shop"}, .organization = (char[]){""}};
    client.platform = client.plan = (char[]){"\xe6\x97\xa5"};
    client.tier = TIER_PROFESSIONAL;
    g_autofree char *key = registry_client_key("", "c-1"), *json = registry_item_write(REGISTRY_CLIENTS, &client);
    struct registry_client *read = registry_item_read(REGISTRY_CLIENTS, view_of(key), view_of(json), NULL);
    g_autofree char *again = registry_item_write(REGISTRY_CLIENTS, read);
    g_assert_cmpstr(json, ==, again);
    registry_client_free(read);
    g_autofree char *other = registry_client_key("acme", "c-1");
    g_assert_null(registry_item_read(REGISTRY_CLIENTS, view_of(other), view_of(json), NULL));
    g_assert_null(registry_item_read(REGISTRY_CLIENTS, view_of(key), view_of("{}"), NULL));
    g_assert_null(registry_item_read(REGISTRY_CLIENTS, view_of(key), view_of("7"), NULL));
}

static void test_names(void)
{
    g_autofree char *longest = g_strnfill(REGISTRY_NAME_MAX, 'x'), *longer = g_strnfill(REGISTRY_NAME_MAX + 1, 'x');
    g_assert_true(registry_name_is_valid(view_of("")));
    g_assert_true(registry_name_is_valid(view_of(longest)));
    g_assert_false(registry_name_is_valid(view_of(longer)));
    g_assert_false(registry_name_is_valid(view_of("a\x1f"
                                                  "b"))); /* it divides organization and client */
    g_assert_false(registry_name_is_valid(view_of("\x7f")));
    g_assert_false(registry_name_is_valid(view_of("\xff")));
    g_assert_false(registry_name_is_valid(view_make("a\0b", 3)));
}

static void test_secrets(void)
{
    char one[REGISTRY_SECRET_SIZE], two[REGISTRY_SECRET_SIZE];
    uint8_t digest[REGISTRY_DIGEST_SIZE];
    static const uint8_t abc[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea}; /* FIPS 180-2, B.1 */
    registry_secret_make(one);
    registry_secret_make(two);
    g_assert_cmpstr(one, !=, two);
    g_assert_true(registry_secret_is_one(one) && registry_secret_is_one(two));
    g_assert_cmpuint(strlen(one), ==, 47);
    g_assert_false(registry_secret_is_one(""));
    g_assert_false(registry_secret_is_one("dbk_"));
    g_assert_false(registry_secret_is_one(one + 1));
    one[46] = '=';
    g_assert_false(registry_secret_is_one(one));
    registry_secret_digest("abc", digest);
    g_assert_cmpint(memcmp(digest, abc, sizeof abc), ==, 0);
}

static void test_ids(void)
{
    char key[REGISTRY_ID_SIZE], same[REGISTRY_ID_SIZE], other[REGISTRY_ID_SIZE];
    registry_key_id(key, "acme", "c-1");
    registry_key_id(same, "acme", "c-1");
    registry_key_id(other, "acmec", "-1");
    g_assert_cmpstr(key, ==, same);
    g_assert_cmpstr(key, !=, other);
    g_assert_true(g_str_has_prefix(key, "key-"));
    registry_token_id(key, 't');
    registry_token_id(same, 't');
    g_assert_true(g_str_has_prefix(key, "t-"));
    g_assert_cmpstr(key, !=, same);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/registry_text/token", test_token);
    g_test_add_func("/registry_text/access_token", test_access_token);
    g_test_add_func("/registry_text/session", test_session);
    g_test_add_func("/registry_text/no_tokens", test_no_tokens);
    g_test_add_func("/registry_text/client", test_client);
    g_test_add_func("/registry_text/names", test_names);
    g_test_add_func("/registry_text/secrets", test_secrets);
    g_test_add_func("/registry_text/ids", test_ids);
    return g_test_run();
}
