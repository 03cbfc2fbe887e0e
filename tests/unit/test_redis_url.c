#include "lib/redis.h"
#include "lib/redis_url.h"

static struct redis_url *parse(const char *text)
{
    GError *error = NULL;
    struct redis_url *url = redis_url_parse(text, &error);

    g_assert_no_error(error);
    g_assert_nonnull(url);
    return url;
}

static void test_plain(void)
{
    struct redis_url *url = parse("redis://us%3Aer:p%40ss%2F@one:7000,two,[::1]:7001,[fe80::1]/5");

    g_assert_cmpint(url->kind, ==, REDIS_URL_PLAIN);
    g_assert_cmpstr(url->user, ==, "us:er");
    g_assert_cmpstr(url->password, ==, "p@ss/");
    g_assert_cmpuint(url->hosts->len, ==, 4);
    g_assert_cmpstr(redis_url_host(url, 0)->host, ==, "one");
    g_assert_cmpint(redis_url_host(url, 0)->port, ==, 7000);
    g_assert_cmpint(redis_url_host(url, 1)->port, ==, 6379);
    g_assert_cmpstr(redis_url_host(url, 2)->host, ==, "::1");
    g_assert_cmpint(redis_url_host(url, 2)->port, ==, 7001);
    g_assert_cmpstr(redis_url_host(url, 3)->host, ==, "fe80::1");
    g_assert_cmpint(url->db, ==, 5);
    redis_url_free(url);
}

static void test_sentinel_and_cluster(void)
{
    struct redis_url *url = parse("redis+sentinel://a,b:1/my-master/2");

    g_assert_cmpint(url->kind, ==, REDIS_URL_SENTINEL);
    g_assert_cmpint(redis_url_host(url, 0)->port, ==, 26379);
    g_assert_cmpstr(url->master_name, ==, "my-master");
    g_assert_cmpint(url->db, ==, 2);
    redis_url_free(url);
    url = parse("redis+cluster://:p@a:1,b:2/");
    g_assert_cmpint(url->kind, ==, REDIS_URL_CLUSTER);
    g_assert_null(url->user);
    g_assert_cmpstr(url->password, ==, "p");
    redis_url_free(url);
}

static void test_wrong(void)
{
    static const char *const wrong[] = {
        "",
        "redis",
        "http://x",
        "redis:/x",
        "redis://",
        "redis://,",
        "redis://a,",
        "redis://a:",
        "redis://a:0",
        "redis://a:65536",
        "redis://a:x",
        "redis://a:1x",
        "redis://:1",
        "redis://[::1",
        "redis://[::1]x",
        "redis://::1",
        "redis://user@a",
        "redis://user:@a",
        "redis://:%zz@a",
        "redis://a/x",
        "redis://a/-1",
        "redis://a/1/2",
        "redis+sentinel://a",
        "redis+sentinel://a/",
        "redis+cluster://a/1",
        "REDIS://a",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        GError *error = NULL;
        struct redis_url *url = redis_url_parse(wrong[i], &error);
        if (url)
            g_error("\"%s\" was accepted", wrong[i]);
        g_assert_error(error, REDIS_ERROR, REDIS_ERROR_CONFIG);
        g_error_free(error);
    }
}

static void test_tls_is_explained(void)
{
    GError *error = NULL;

    g_assert_false(redis_url_check("rediss://secret:word@a", &error));
    g_assert_nonnull(strstr(error->message, "TLS"));
    g_assert_null(strstr(error->message, "word"));
    g_clear_error(&error);
    g_assert_true(redis_url_check("redis://a", &error));
}

/* Values of the Redis Cluster specification and of redis-cli's CLUSTER KEYSLOT. */
static void test_slots(void)
{
    g_assert_cmpuint(redis_slot_of(view_of("123456789")), ==, 0x31c3);
    g_assert_cmpuint(redis_slot_of(view_of("foo")), ==, 12182);
    g_assert_cmpuint(redis_slot_of(view_of("{foo}bar")), ==, 12182);
    g_assert_cmpuint(redis_slot_of(view_of("x{foo}{bar}")), ==, 12182);
    g_assert_cmpuint(redis_slot_of(view_of("foo{}{bar}")), ==, redis_slot_of(view_of("foo{}{bar}")));
    g_assert_cmpuint(redis_slot_of(view_of("foo{}{bar}")), !=, redis_slot_of(view_of("bar")));
    g_assert_cmpuint(redis_slot_of(view_of("foo{{bar}}zap")), ==, redis_slot_of(view_of("{bar")));
    g_assert_cmpuint(redis_slot_of(view_of("foo{bar")), !=, redis_slot_of(view_of("bar")));
    g_assert_cmpuint(redis_slot_of(view_of("")), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/redis_url/plain", test_plain);
    g_test_add_func("/redis_url/sentinel_and_cluster", test_sentinel_and_cluster);
    g_test_add_func("/redis_url/wrong", test_wrong);
    g_test_add_func("/redis_url/tls_is_explained", test_tls_is_explained);
    g_test_add_func("/redis_url/slots", test_slots);
    return g_test_run();
}
