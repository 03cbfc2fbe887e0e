/* The registry on a real redis-server: what is written is known, what is revoked is gone, damage costs one entry, and Redis being
 * away costs nothing but news. */
#include "api/registry.h"

#include "api/meters.h"
#include "api/registry_text.h"
#include "lib/hex.h"
#include "tests/unit/redis_process.h"

#define MINUTE_MS INT64_C(60000)

static struct redis_process server;
static struct metrics *metrics;

static int64_t now_ms(void)
{
    return g_get_real_time() / G_TIME_SPAN_MILLISECOND;
}

/* Replies of one command, as text. */
static char *redis_do(const char *const *words, size_t n)
{
    const struct redis_settings settings = {server.url, 20000, 60000};
    g_autoptr(GError) error = NULL;
    struct view argv[8];
    struct redis *redis = redis_connect(&settings, NULL, &error);
    g_assert_no_error(error);
    for (size_t i = 0; i < n; i++)
        argv[i] = view_of(words[i]);
    struct redis_reply *reply = redis_command(redis, n, argv, &error);
    g_assert_no_error(error);
    struct view text = redis_reply_text(reply);
    char *copy = redis_reply_kind(reply) == REDIS_INTEGER ? g_strdup_printf("%d", (int)redis_reply_integer(reply))
                                                          : g_strndup(text.data ? text.data : "", text.size);
    redis_reply_free(reply);
    redis_free(redis);
    return copy;
}
#define DO(...) g_free(redis_do((const char *const[]){__VA_ARGS__}, G_N_ELEMENTS(((const char *const[]){__VA_ARGS__}))))
#define ASK(...) redis_do((const char *const[]){__VA_ARGS__}, G_N_ELEMENTS(((const char *const[]){__VA_ARGS__})))

static struct registry *start(void)
{
    const struct redis_settings settings = {server.url, 20000, 60000};
    return registry_start(&settings, metrics);
}

static void refresh(struct registry *registry)
{
    g_autoptr(GError) error = NULL;
    bool ok = registry_refresh(registry, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

struct given {
    const char *id, *secret, *parent; /* parent: its secret, or NULL */
    int64_t created_ms, expires_ms;
};

static char *token_json(const struct given *given)
{
    struct registry_token token = {.id = (char *)(uintptr_t)given->id, .name = (char *)(uintptr_t) "Frieda"};
    token.created_ms = given->created_ms;
    token.expires_ms = given->expires_ms;
    registry_secret_digest(given->secret, token.digest);
    token.has_parent = given->parent != NULL;
    if (token.has_parent)
        registry_secret_digest(given->parent, token.parent);
    token.caller = caller_new(given->id, "Frieda", "acme", NULL, PERMISSION_CLIENT_VIEW, TIER_STARTER);
    char *json = registry_token_write(&token);
    caller_unref(token.caller);
    return json;
}

static void put_token(const struct given *given)
{
    g_autofree char *json = token_json(given);
    DO("HSET", "{daybook}:tokens", given->id, json);
    DO("INCR", "{daybook}:version");
}

static void put_client(const char *organization, const char *id, const char *name)
{
    const struct registry_client client = {.id = (char *)(uintptr_t)id,
                                           .name = (char *)(uintptr_t)name,
                                           .organization = (char *)(uintptr_t)organization,
                                           .platform = (char *)(uintptr_t) "",
                                           .plan = (char *)(uintptr_t) "gold"};
    g_autofree char *key = registry_client_key(organization, id), *json = registry_item_write(REGISTRY_CLIENTS, &client);
    DO("HSET", "{daybook}:clients", key, json);
    DO("INCR", "{daybook}:version");
}

/* Id of the token's caller in the newest snapshot, or "none". */
static char *who(struct registry *registry, const char *secret)
{
    uint8_t digest[REGISTRY_DIGEST_SIZE];
    registry_secret_digest(secret, digest);
    struct registry_snapshot *snapshot = registry_take(registry);
    const struct registry_token *token = registry_find_token(snapshot, digest);
    char *id = g_strdup(token ? token->caller->id : "none");
    registry_release(snapshot);
    return id;
}

static void expect_who(struct registry *registry, const char *secret, const char *id)
{
    g_autofree char *found = who(registry, secret);
    g_assert_cmpstr(found, ==, id);
}

/* ---- reading ---- */

static void test_tokens(void)
{
    put_token(&(struct given){.id = "t-1", .secret = "one", .created_ms = 5});
    struct registry *registry = start();
    expect_who(registry, "one", "t-1");
    expect_who(registry, "two", "none");
    put_token(&(struct given){.id = "t-2", .secret = "two"});
    refresh(registry);
    expect_who(registry, "two", "t-2");
    DO("HDEL", "{daybook}:tokens", "t-1");
    DO("INCR", "{daybook}:version");
    refresh(registry);
    expect_who(registry, "one", "none");
    expect_who(registry, "two", "t-2");
    registry_stop(registry);
}

/* Without being told, as on another replica. */
static void test_polling(void)
{
    struct registry *registry = start();
    put_token(&(struct given){.id = "t-1", .secret = "one"});
    bool known = false;
    for (int i = 0; i < 6000 && !known; i++) {
        g_autofree char *found = who(registry, "one");
        known = strcmp(found, "t-1") == 0;
        g_usleep(10000);
    }
    g_assert_true(known);
    registry_stop(registry);
}

static void test_snapshots_stay(void)
{
    put_token(&(struct given){.id = "t-1", .secret = "one"});
    struct registry *registry = start();
    struct registry_snapshot *before = registry_take(registry);
    DO("DEL", "{daybook}:tokens");
    DO("INCR", "{daybook}:version");
    refresh(registry);
    struct registry_snapshot *after = registry_take(registry);
    g_assert_nonnull(g_hash_table_lookup(before->tokens_by_id, "t-1"));
    g_assert_null(g_hash_table_lookup(after->tokens_by_id, "t-1"));
    g_assert_cmpint(before->version, ==, 1);
    g_assert_cmpint(after->version, ==, 2);
    registry_release(after);
    registry_stop(registry);
    g_assert_nonnull(g_hash_table_lookup(before->tokens_by_id, "t-1"));
    registry_release(before);
}

static void test_clients(void)
{
    put_client("acme", "c-1", "Shop");
    put_client("globex", "c-1", "SECRET");
    put_client("globex", "c-2", "Robot");
    put_client("acme", "c-3", "");
    struct registry *registry = start();
    struct registry_snapshot *snapshot = registry_take(registry);
    g_assert_cmpstr(registry_client_name(snapshot, "acme", "c-1"), ==, "Shop");
    g_assert_cmpstr(registry_client_name(snapshot, "globex", "c-1"), ==, "SECRET");
    g_assert_cmpstr(registry_client_name(snapshot, NULL, "c-1"), ==, "c-1"); /* which one? */
    g_assert_cmpstr(registry_client_name(snapshot, NULL, "c-2"), ==, "Robot");
    g_assert_cmpstr(registry_client_name(snapshot, "acme", "c-2"), ==, "c-2");
    g_assert_cmpstr(registry_client_name(snapshot, "acme", "c-3"), ==, "c-3");
    g_assert_cmpstr(registry_client_name(snapshot, NULL, "c-9"), ==, "c-9");
    g_assert_cmpstr(registry_find_client(snapshot, "acme", "c-1")->plan, ==, "gold");
    g_assert_null(registry_find_client(snapshot, "acme", "c-2"));
    g_assert_cmpuint(registry_find_clients(snapshot, "c-1")->len, ==, 2);
    registry_release(snapshot);
    registry_stop(registry);
}

static void test_damage(void)
{
    put_token(&(struct given){.id = "t-1", .secret = "one"});
    g_autofree char *twin = token_json(&(struct given){.id = "t-1", .secret = "one"});
    DO("HSET", "{daybook}:tokens", "broken", "{\"name\":");
    DO("HSET", "{daybook}:tokens", "twin", twin);
    DO("HSET", "{daybook}:tokens", "array", "[]");
    DO("HSET", "{daybook}:tokens", "short", "{\"name\":\"x\",\"digest\":\"00\"}");
    put_client("acme", "c-1", "Shop");
    DO("HSET", "{daybook}:clients", "elsewhere",
       "{\"id\":\"c\",\"name\":\"\",\"organization\":\"\",\"tier\":\"free\",\"platform\":\"\",\"plan\":\"\"}");
    DO("INCR", "{daybook}:version");
    struct registry *registry = start();
    struct registry_snapshot *snapshot = registry_take(registry);
    g_assert_cmpuint(g_hash_table_size(snapshot->tokens_by_id), ==, 1); /* t-1 or its twin */
    g_assert_cmpuint(g_hash_table_size(snapshot->clients), ==, 1);
    g_assert_cmpint(metrics_get(metrics, METER_REGISTRY_ENTRIES, "left_out"), ==, 5);
    g_assert_cmpint(metrics_get(metrics, METER_REGISTRY_ENTRIES, "tokens"), ==, 1);
    registry_release(snapshot);
    registry_stop(registry);
}

/* ---- access tokens ---- */

static void test_access_tokens(void)
{
    int64_t now = now_ms();
    put_token(&(struct given){.id = "t-1", .secret = "one", .created_ms = now, .expires_ms = now + MINUTE_MS});
    put_token(
        &(struct given){.id = "a-1", .secret = "access", .parent = "one", .created_ms = now, .expires_ms = now + 9 * MINUTE_MS});
    put_token(&(struct given){.id = "a-2", .secret = "nested", .parent = "access", .created_ms = now});
    struct registry *registry = start();
    struct registry_snapshot *snapshot = registry_take(registry);
    const struct registry_token *access = g_hash_table_lookup(snapshot->tokens_by_id, "a-1");
    g_assert_cmpstr(access->caller->id, ==, "t-1"); /* one caller with its parent, for limits too */
    g_assert_cmpint(access->expires_ms, ==, now + MINUTE_MS);
    g_assert_false(registry_token_expired(access, now + MINUTE_MS - 1));
    g_assert_true(registry_token_expired(access, now + MINUTE_MS));
    g_assert_null(g_hash_table_lookup(snapshot->tokens_by_id, "a-2"));
    registry_release(snapshot);

    /* The same id with another secret, as when a key is revoked and made again: what hung on the old one stays dead. */
    put_token(&(struct given){.id = "t-1", .secret = "other", .created_ms = now});
    refresh(registry);
    expect_who(registry, "other", "t-1");
    expect_who(registry, "access", "none");
    registry_stop(registry);
}

static void test_sweep(void)
{
    int64_t now = now_ms(), day = 24 * 60 * MINUTE_MS;
    put_token(&(struct given){.id = "t-1", .secret = "one", .expires_ms = 1}); /* expired, but for its owner to remove */
    put_token(&(struct given){.id = "t-2", .secret = "two"});
    put_token(&(struct given){.id = "a-old", .secret = "a", .parent = "two", .expires_ms = now - day - MINUTE_MS});
    put_token(&(struct given){.id = "a-late", .secret = "b", .parent = "two", .expires_ms = now - MINUTE_MS});
    put_token(&(struct given){.id = "a-orphan", .secret = "c", .parent = "gone", .created_ms = now - 2 * MINUTE_MS});
    put_token(&(struct given){.id = "a-new", .secret = "d", .parent = "gone", .created_ms = now});
    DO("HSET", "{daybook}:used", "a-old", "5");
    struct registry *registry = start();
    g_autofree char *old = ASK("HEXISTS", "{daybook}:tokens", "a-old"), *late = ASK("HEXISTS", "{daybook}:tokens", "a-late");
    g_autofree char *orphan = ASK("HEXISTS", "{daybook}:tokens", "a-orphan"), *young = ASK("HEXISTS", "{daybook}:tokens", "a-new");
    g_autofree char *parent = ASK("HEXISTS", "{daybook}:tokens", "t-1"), *used = ASK("HEXISTS", "{daybook}:used", "a-old");
    g_autofree char *version = ASK("GET", "{daybook}:version");
    g_assert_cmpstr(old, ==, "0");
    g_assert_cmpstr(late, ==, "1");
    g_assert_cmpstr(orphan, ==, "0");
    g_assert_cmpstr(young, ==, "1");
    g_assert_cmpstr(parent, ==, "1");
    g_assert_cmpstr(used, ==, "0");
    g_assert_cmpstr(version, ==, "7");
    registry_stop(registry);
}

/* ---- last use ---- */

static void test_used(void)
{
    put_token(&(struct given){.id = "t-1", .secret = "one"});
    struct registry *registry = start();
    int64_t before = now_ms() / MINUTE_MS * MINUTE_MS;
    for (int i = 0; i < 1000; i++)
        registry_used(registry, "t-1");
    refresh(registry);
    g_autofree char *written = ASK("HGET", "{daybook}:used", "t-1");
    gint64 used_ms = g_ascii_strtoll(written, NULL, 10);
    g_assert_cmpint(used_ms, >=, before);
    g_assert_cmpint(used_ms, <=, now_ms());
    g_assert_cmpint(used_ms % MINUTE_MS, ==, 0);
    registry_used(registry, "t-2");
    registry_stop(registry); /* writes what is left */
    g_autofree char *last = ASK("HEXISTS", "{daybook}:used", "t-2");
    g_assert_cmpstr(last, ==, "1");
}

/* ---- Redis is away ---- */

static void test_away(void)
{
    put_token(&(struct given){.id = "t-1", .secret = "one"});
    struct registry *registry = start();
    int port = server.port;
    g_autofree char *dir = g_strdup(server.dir);
    g_autoptr(GError) error = NULL;
    redis_process_kill(&server);
    registry_used(registry, "t-1");
    g_assert_false(registry_refresh(registry, &error));
    g_assert_error(error, REDIS_ERROR, REDIS_ERROR_LOST);
    g_assert_false(registry_is_current(registry));
    expect_who(registry, "one", "t-1");
    char *url = server.url; /* the registry has it */
    g_free(server.dir);
    redis_process_start(&server, port, dir);
    put_token(&(struct given){.id = "t-2", .secret = "two"});
    refresh(registry);
    g_assert_true(registry_is_current(registry));
    expect_who(registry, "two", "t-2");
    g_autofree char *used = ASK("HEXISTS", "{daybook}:used", "t-1");
    g_assert_cmpstr(used, ==, "1");
    registry_stop(registry);
    g_free(url);
}

static void test_never_there(void)
{
    g_autofree char *url = g_strdup_printf("redis://127.0.0.1:%d", redis_free_port());
    const struct redis_settings settings = {url, 1000, 1000};
    struct registry *registry = registry_start(&settings, metrics);
    struct registry_snapshot *snapshot = registry_take(registry);
    g_assert_cmpint(snapshot->version, ==, REGISTRY_NEVER_READ);
    g_assert_false(registry_is_current(registry));
    g_assert_cmpuint(g_hash_table_size(snapshot->tokens_by_id), ==, 0);
    registry_release(snapshot);
    registry_stop(registry);
}

/* ---- many at once ---- */

static void *use_it(void *opaque)
{
    struct registry *registry = opaque;
    for (int i = 0; i < 100; i++) {
        expect_who(registry, "one", "t-1");
        registry_used(registry, "t-1");
        if (i % 10 == 0)
            refresh(registry);
    }
    return NULL;
}

static void test_threads(void)
{
    GThread *threads[4];
    put_token(&(struct given){.id = "t-1", .secret = "one"});
    struct registry *registry = start();
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("user", use_it, registry);
    for (int i = 0; i < 20; i++) {
        put_token(&(struct given){.id = "t-2", .secret = "two"});
        refresh(registry);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    registry_stop(registry);
}

static void set_up(void)
{
    DO("FLUSHALL");
    metrics = metrics_new(api_meters, METER_N);
}

static void run_one(const void *data)
{
    void (*const *test)(void) = data;
    set_up();
    (*test)();
    metrics_free(metrics);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*run)(void);
    } tests[] = {
        {"/registry/tokens", test_tokens},
        {"/registry/polling", test_polling},
        {"/registry/snapshots_stay", test_snapshots_stay},
        {"/registry/clients", test_clients},
        {"/registry/damage", test_damage},
        {"/registry/access_tokens", test_access_tokens},
        {"/registry/sweep", test_sweep},
        {"/registry/used", test_used},
        {"/registry/away", test_away},
        {"/registry/never_there", test_never_there},
        {"/registry/threads", test_threads},
    };
    g_test_init(&argc, &argv, NULL);
    redis_process_start(&server, 0, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add_data_func(tests[i].path, &tests[i].run, run_one);
    int code = g_test_run();
    redis_process_clear(&server);
    return code;
}
