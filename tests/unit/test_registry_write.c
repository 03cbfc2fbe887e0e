/* Changes of the registry on a real redis-server, by several replicas at once. */
#include "api/registry_write.h"

#include "api/meters.h"
#include "api/registry_text.h"
#include "tests/unit/redis_process.h"

enum { REPLICAS = 3, ROUNDS = 30 };

static struct redis_process server;
static struct metrics *metrics;

struct replica {
    struct redis_settings settings;
    struct registry *registry;
    struct reader *reader;
};

static void replica_start(struct replica *replica)
{
    replica->settings = (struct redis_settings){server.url, 20000, 60000};
    replica->registry = registry_start(&replica->settings, metrics);
    replica->reader = reader_new(&replica->settings, 1);
}

static void replica_stop(struct replica *replica)
{
    reader_free(replica->reader);
    registry_stop(replica->registry);
}

static void begin(struct replica *replica)
{
    g_autoptr(GError) error = NULL;
    bool ok = reader_begin(replica->reader, g_get_monotonic_time() + 600 * G_TIME_SPAN_SECOND, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

static void flush(void)
{
    const struct redis_settings settings = {server.url, 20000, 60000};
    struct redis *redis = redis_connect(&settings, NULL, NULL);
    redis_reply_free(redis_call(redis, NULL, "FLUSHALL"));
    redis_free(redis);
}

/* What the snapshot of a replica says of client c: its name, or NULL. */
static char *name_of(struct replica *replica)
{
    struct registry_snapshot *snapshot = registry_take(replica->registry);
    const struct registry_client *client = registry_find_client(snapshot, "acme", "c");
    char *name = client != NULL ? g_strdup(client->name) : NULL;
    registry_release(snapshot);
    return name;
}

/* ---- a client whose name is a number that grows ---- */

static void decide_grow(struct registry_change *change, void *opaque)
{
    const struct registry_client *before = registry_find_client(change->snapshot, "acme", "c");
    gint *decisions = opaque;
    g_atomic_int_inc(decisions);
    g_autofree char *name = g_strdup_printf("%d", before != NULL ? (int)g_ascii_strtoll(before->name, NULL, 10) + 1 : 1);
    struct registry_client client = {.id = (char[]){"c"}, .organization = (char[]){"acme"}, .name = name};
    client.platform = client.plan = (char[]){""};
    registry_put(change, REGISTRY_CLIENTS, &client);
}

static gint decisions;

static void *grow(void *opaque)
{
    struct replica replica;
    (void)opaque;
    replica_start(&replica);
    for (int done = 0; done < ROUNDS;) {
        g_autoptr(GError) error = NULL;
        begin(&replica);
        if (registry_change(replica.registry, replica.reader, decide_grow, &decisions, &error))
            done++;
        else
            g_assert_error(error, REDIS_ERROR, REDIS_ERROR_LOST); /* others were faster, ten times */
    }
    g_autofree char *name = name_of(&replica);
    g_assert_cmpint(g_ascii_strtoll(name, NULL, 10), >=, ROUNDS);
    replica_stop(&replica);
    return NULL;
}

/* No change is lost, however they meet. */
static void test_no_change_is_lost(void)
{
    GThread *threads[REPLICAS];
    struct replica replica;
    flush();
    for (int i = 0; i < REPLICAS; i++)
        threads[i] = g_thread_new("replica", grow, NULL);
    for (int i = 0; i < REPLICAS; i++)
        g_thread_join(threads[i]);
    replica_start(&replica);
    g_autofree char *name = name_of(&replica);
    g_assert_cmpint(g_ascii_strtoll(name, NULL, 10), ==, REPLICAS * ROUNDS);
    g_assert_cmpint(g_atomic_int_get(&decisions), >=, REPLICAS * ROUNDS);
    replica_stop(&replica);
}

/* ---- tokens ---- */

static void put(struct registry_change *change, const char *id, const char *secret, const char *parent)
{
    struct registry_token token = {.id = (char *)(uintptr_t)id, .name = (char[]){"n"}, .has_parent = parent != NULL};
    registry_secret_digest(secret, token.digest);
    if (parent != NULL)
        registry_secret_digest(parent, token.parent);
    token.caller = caller_new(id, "n", NULL, NULL, PERMISSION_ADMIN, TIER_FREE);
    registry_put_token(change, &token);
    caller_unref(token.caller);
}

static void decide_three(struct registry_change *change, void *opaque)
{
    (void)opaque;
    put(change, "t-1", "one", NULL);
    put(change, "t-2", "two", NULL);
    put(change, "a-1", "access", "one");
}

static void decide_remove(struct registry_change *change, void *opaque)
{
    (void)opaque;
    const struct registry_token *token = g_hash_table_lookup(change->snapshot->tokens_by_id, "t-1");
    registry_remove_token(change, token);
    struct registry_client client = {.id = (char[]){"c"}, .organization = (char[]){"acme"}};
    registry_remove(change, REGISTRY_CLIENTS, &client);
}

static void decide_nothing(struct registry_change *change, void *opaque)
{
    *(int64_t *)opaque = change->snapshot->version;
}

static void test_tokens(void)
{
    struct replica one, two;
    g_autoptr(GError) error = NULL;
    int64_t version = 0, used_ms[3] = {-1, -1, -1};
    static const char *const ids[] = {"t-1", "t-2", "nobody"};
    flush();
    replica_start(&one);
    replica_start(&two);
    begin(&one);
    g_assert_true(registry_change_any(one.registry, one.reader, decide_three, NULL, &error));
    registry_used(two.registry, "t-1");
    begin(&two);
    g_assert_true(registry_refresh(two.registry, &error));
    g_assert_true(registry_read_used(two.reader, ids, 3, used_ms, &error));
    g_assert_cmpint(used_ms[0], >, 0);
    g_assert_cmpint(used_ms[1], ==, 0);
    g_assert_cmpint(used_ms[2], ==, 0);
    begin(&two);
    g_assert_true(registry_change(two.registry, two.reader, decide_remove, NULL, &error));
    struct registry_snapshot *snapshot = registry_take(two.registry);
    g_assert_cmpuint(g_hash_table_size(snapshot->tokens_by_id), ==, 1); /* with t-1 went what was made from it */
    registry_release(snapshot);
    begin(&one);
    g_assert_true(registry_change(one.registry, one.reader, decide_nothing, &version, &error));
    g_assert_cmpint(version, ==, 2); /* as new as Redis, and nothing grew it */
    g_assert_true(registry_change(one.registry, one.reader, decide_nothing, &version, &error));
    g_assert_cmpint(version, ==, 2);
    g_assert_true(registry_read_used(one.reader, ids, 3, used_ms, &error));
    g_assert_cmpint(used_ms[0], ==, 0);
    g_assert_no_error(error);
    replica_stop(&one);
    replica_stop(&two);
}

static void test_refused_by_redis(void)
{
    struct replica replica;
    g_autoptr(GError) error = NULL;
    flush();
    const struct redis_settings settings = {server.url, 20000, 60000};
    struct redis *redis = redis_connect(&settings, NULL, NULL);
    redis_reply_free(redis_call(redis, NULL, "SET {daybook}:clients text"));
    replica_start(&replica);
    begin(&replica);
    g_assert_false(registry_change_any(replica.registry, replica.reader, decide_grow, &decisions, &error));
    g_assert_nonnull(error);
    redis_reply_free(redis_call(redis, NULL, "DEL {daybook}:clients"));
    redis_free(redis);
    g_clear_error(&error);
    begin(&replica);
    g_assert_true(registry_change(replica.registry, replica.reader, decide_grow, &decisions, &error));
    g_assert_no_error(error);
    replica_stop(&replica);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    redis_process_start(&server, 0, NULL);
    metrics = metrics_new(api_meters, METER_N);
    g_test_add_func("/registry_write/no_change_is_lost", test_no_change_is_lost);
    g_test_add_func("/registry_write/tokens", test_tokens);
    g_test_add_func("/registry_write/refused_by_redis", test_refused_by_redis);
    int code = g_test_run();
    metrics_free(metrics);
    redis_process_clear(&server);
    return code;
}
