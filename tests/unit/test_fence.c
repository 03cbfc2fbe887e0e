#include "redis_process.h"

#include "cli/fence.h"

static struct redis_process process;
static struct redis *redis;

static void assert_is(const char *wanted, struct redis_reply *reply)
{
    g_assert_nonnull(reply);
    g_autofree char *text = g_strndup(redis_reply_text(reply).data, redis_reply_text(reply).size);
    g_assert_cmpstr(text, ==, wanted);
    redis_reply_free(reply);
}

static void run(const char *command)
{
    g_autoptr(GError) error = NULL;
    redis_reply_free(redis_call(redis, &error, command));
    g_assert_no_error(error);
}

/* A partition that an aggregator owns, raised and lowered. */
static void test_order(void)
{
    g_autoptr(GError) error = NULL;
    struct shards *shards = shards_new(process.url, 2);
    struct fence *fence = fence_new(shards);
    run("FLUSHALL");
    run("HSET {p1}:commit tok owner n 7 next 99 state live");
    g_assert_true(fence_raise(fence, 1, &error));
    assert_is("restoring", redis_call(redis, NULL, "HGET {p1}:commit state"));
    assert_is("99", redis_call(redis, NULL, "HGET {p1}:commit next"));
    g_assert_true(fence_set(fence, 1, &error, "HSET", "{p1}:days", "1", "one", "2", "two", NULL));
    g_assert_true(fence_set(fence, 1, &error, "SET", "{p1}:sheet", "", "NX", NULL));
    assert_is("two", redis_call(redis, NULL, "HGET {p1}:days 2"));
    assert_is("", redis_call(redis, NULL, "GET {p1}:sheet"));
    g_assert_true(fence_lower(fence, 1, &error));
    assert_is("live", redis_call(redis, NULL, "HGET {p1}:commit state"));
    g_assert_no_error(error);
    /* Who was there before is fenced, and so are we now. */
    g_assert_false(fence_set(fence, 1, &error, "HSET", "{p1}:days", "1", "other", NULL));
    g_assert_error(error, REDIS_ERROR, REDIS_ERROR_REPLY);
    g_assert_nonnull(strstr(error->message, "partition 1, {p1}:days"));
    assert_is("one", redis_call(redis, NULL, "HGET {p1}:days 1"));
    fence_free(fence);
    shards_free(shards);
}

/* Another restore takes the fence over. */
static void test_two(void)
{
    g_autoptr(GError) error = NULL;
    struct shards *shards = shards_new(process.url, 1);
    struct fence *first = fence_new(shards), *second = fence_new(shards);
    run("FLUSHALL");
    g_assert_true(fence_raise(first, 0, NULL) && fence_raise(second, 0, NULL));
    g_assert_false(fence_set(first, 0, &error, "HSET", "{p0}:days", "1", "first", NULL));
    g_assert_nonnull(strstr(error->message, "FENCED"));
    g_assert_false(fence_lower(first, 0, NULL));
    assert_is("restoring", redis_call(redis, NULL, "HGET {p0}:commit state"));
    g_assert_true(fence_lower(second, 0, NULL));
    fence_free(first);
    fence_free(second);
    shards_free(shards);
}

static void test_many_words(void)
{
    g_autoptr(GError) error = NULL;
    struct shards *shards = shards_new(process.url, 1);
    struct fence *fence = fence_new(shards);
    struct view argv[FENCE_ARGS_MAX] = {view_of("RPUSH"), view_of("{p0}:list")};
    for (gsize i = 2; i < FENCE_ARGS_MAX; i++)
        argv[i] = view_of("word");
    g_assert_true(fence_raise(fence, 0, &error));
    struct redis_reply *reply = fence_write(fence, 0, FENCE_ARGS_MAX, argv, &error);
    g_assert_no_error(error);
    g_assert_cmpint(redis_reply_integer(reply), ==, FENCE_ARGS_MAX - 2);
    redis_reply_free(reply);
    fence_free(fence);
    shards_free(shards);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    redis_process_start(&process, 0, NULL);
    redis = redis_connect(&(struct redis_settings){process.url, 1000, 10000}, NULL, NULL);
    g_assert_nonnull(redis);
    g_test_add_func("/fence/order", test_order);
    g_test_add_func("/fence/two", test_two);
    g_test_add_func("/fence/many-words", test_many_words);
    int result = g_test_run();
    redis_free(redis);
    redis_process_clear(&process);
    return result;
}
