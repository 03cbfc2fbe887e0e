/* A snapshot as it is sealed: keys go with their clients, access tokens with their parents. */
#include "api/registry_snapshot.h"

#include "api/registry_text.h"

static struct registry_token *make_token(const char *id, const char *secret, const char *parent, struct caller *caller)
{
    struct registry_token *token = g_new0(struct registry_token, 1);
    token->id = g_strdup(id);
    token->name = g_strdup("n");
    token->caller = caller;
    registry_secret_digest(secret, token->digest);
    token->has_parent = parent != NULL;
    if (parent != NULL)
        registry_secret_digest(parent, token->parent);
    return token;
}

static struct caller *make_caller(const char *id, const char *client)
{
    return caller_new(id, "n", "acme", client, PERMISSION_CLIENT_VIEW, TIER_FREE);
}

static struct registry_client *make_client(const char *organization, const char *id, const char *name, enum tier tier)
{
    struct registry_client *client = g_new0(struct registry_client, 1);
    client->organization = g_strdup(organization);
    client->id = g_strdup(id);
    client->name = g_strdup(name);
    client->platform = g_strdup("");
    client->plan = g_strdup("");
    client->tier = tier;
    return client;
}

static const struct registry_token *find(const struct registry_snapshot *snapshot, const char *secret)
{
    uint8_t digest[REGISTRY_DIGEST_SIZE];
    registry_secret_digest(secret, digest);
    return registry_find_token(snapshot, digest);
}

static void test_twice(void)
{
    struct registry_snapshot *snapshot = registry_snapshot_new(7);
    g_assert_true(registry_snapshot_add_token(snapshot, make_token("t-1", "one", NULL, make_caller("t-1", NULL))));
    g_assert_false(registry_snapshot_add_token(snapshot, make_token("t-1", "two", NULL, make_caller("t-1", NULL))));
    g_assert_false(registry_snapshot_add_token(snapshot, make_token("t-2", "one", NULL, make_caller("t-2", NULL))));
    g_assert_true(registry_snapshot_add(snapshot, REGISTRY_CLIENTS, make_client("acme", "c", "", TIER_FREE)));
    g_assert_true(registry_snapshot_add(snapshot, REGISTRY_CLIENTS, make_client("globex", "c", "", TIER_FREE)));
    g_assert_false(registry_snapshot_add(snapshot, REGISTRY_CLIENTS, make_client("acme", "c", "", TIER_FREE)));
    g_assert_cmpint(snapshot->version, ==, 7);
    registry_snapshot_unref(registry_snapshot_ref(snapshot));
    g_assert_nonnull(find(snapshot, "one"));
    g_assert_null(find(snapshot, "two"));
    registry_snapshot_unref(snapshot);
    registry_snapshot_unref(NULL);
}

static void test_keys_follow_clients(void)
{
    char id[REGISTRY_ID_SIZE];
    struct registry_snapshot *snapshot = registry_snapshot_new(1);
    registry_key_id(id, "acme", "c-1");
    registry_snapshot_add_token(snapshot, make_token(id, "key", NULL, make_caller(id, "c-1")));
    registry_snapshot_add_token(snapshot, make_token("a-1", "access", "key", NULL));
    registry_snapshot_add_token(snapshot, make_token("t-1", "token", NULL, make_caller("t-1", "c-1")));
    registry_snapshot_add(snapshot, REGISTRY_CLIENTS, make_client("acme", "c-1", "Shop", TIER_PROFESSIONAL));
    registry_snapshot_add(snapshot, REGISTRY_CLIENTS, make_client("globex", "c-1", "Other", TIER_ENTERPRISE));
    registry_snapshot_seal(snapshot, NULL);
    g_assert_true(registry_token_is_key(find(snapshot, "key")));
    g_assert_cmpint((int)find(snapshot, "key")->caller->tier, ==, TIER_PROFESSIONAL);
    g_assert_true(find(snapshot, "access")->caller == find(snapshot, "key")->caller);
    g_assert_cmpint((int)find(snapshot, "token")->caller->tier, ==, TIER_FREE); /* it has its own */
    g_assert_cmpstr(find(snapshot, "key")->caller->id, ==, id);
    registry_snapshot_unref(snapshot);
}

static void free_token(void *token)
{
    registry_token_free(token);
}

static void test_orphans(void)
{
    g_autoptr(GPtrArray) orphans = g_ptr_array_new_with_free_func(free_token);
    struct registry_snapshot *snapshot = registry_snapshot_new(1);
    registry_snapshot_add_token(snapshot, make_token("t-1", "one", NULL, make_caller("t-1", NULL)));
    for (int i = 0; i < 100; i++) {
        g_autofree char *id = g_strdup_printf("a-%d", i);
        registry_snapshot_add_token(snapshot, make_token(id, id, i % 2 ? "one" : "gone", NULL));
    }
    registry_snapshot_seal(snapshot, orphans);
    g_assert_cmpuint(orphans->len, ==, 50);
    g_assert_cmpuint(g_hash_table_size(snapshot->tokens_by_id), ==, 51);
    g_assert_cmpuint(g_hash_table_size(snapshot->tokens_by_digest), ==, 51);
    g_assert_null(find(snapshot, "a-2"));
    g_assert_nonnull(find(snapshot, "a-3")->caller);
    registry_snapshot_unref(snapshot);
}

static void test_sessions(void)
{
    g_autoptr(GPtrArray) orphans = g_ptr_array_new_with_free_func(free_token);
    struct registry_snapshot *snapshot = registry_snapshot_new(1);
    struct registry_token *child = make_token("s-1", "child", "one", NULL), *orphan = make_token("s-2", "orphan", "gone", NULL),
                          *foreign = make_token("s-3", "foreign", "elsewhere", make_caller("configured", NULL));
    child->is_session = orphan->is_session = foreign->is_session = foreign->is_foreign = true;
    registry_snapshot_add_token(snapshot, make_token("t-1", "one", NULL, make_caller("t-1", NULL)));
    registry_snapshot_add_token(snapshot, child);
    registry_snapshot_add_token(snapshot, orphan);
    registry_snapshot_add_token(snapshot, foreign);
    registry_snapshot_seal(snapshot, orphans);
    g_assert_cmpuint(orphans->len, ==, 1);
    const struct caller *caller = find(snapshot, "child")->caller;
    g_assert_cmpstr(caller->id, ==, "t-1");
    g_assert_cmpstr(caller->account, ==, "session:t-1");
    g_assert_true(caller->is_session);
    g_assert_cmpstr(find(snapshot, "one")->caller->account, ==, "t-1");
    g_assert_cmpstr(find(snapshot, "foreign")->caller->id, ==, "configured");
    registry_snapshot_unref(snapshot);
}

static void test_copies(void)
{
    struct registry_token *token = make_token("t-1", "one", NULL, make_caller("t-1", NULL)), *copy = registry_token_dup(token);
    registry_token_free(token);
    g_assert_cmpstr(copy->id, ==, "t-1");
    g_assert_cmpstr(copy->caller->organization, ==, "acme");
    registry_token_free(copy);
    struct registry_client *client = make_client("acme", "c", "Shop", TIER_STARTER), *other = registry_client_dup(client);
    registry_client_free(client);
    g_assert_cmpstr(other->name, ==, "Shop");
    g_assert_cmpint((int)other->tier, ==, TIER_STARTER);
    registry_client_free(other);
    registry_token_free(NULL);
    registry_client_free(NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/registry_snapshot/twice", test_twice);
    g_test_add_func("/registry_snapshot/keys_follow_clients", test_keys_follow_clients);
    g_test_add_func("/registry_snapshot/orphans", test_orphans);
    g_test_add_func("/registry_snapshot/sessions", test_sessions);
    g_test_add_func("/registry_snapshot/copies", test_copies);
    return g_test_run();
}
