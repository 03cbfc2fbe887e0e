#include "lib/redis.h"

static void test_nested(void)
{
    struct redis_reply *reply = redis_reply_from_resp(view_of("*3\r\n*2\r\n$1\r\na\r\n*0\r\n:7\r\n*2\r\n$-1\r\n$0\r\n\r\n"));
    g_assert_cmpuint(redis_reply_count(reply), ==, 3);
    const struct redis_reply *first = redis_reply_at(reply, 0), *last = redis_reply_at(reply, 2);
    g_assert_true(view_is(redis_reply_text(redis_reply_at(first, 0)), "a"));
    g_assert_cmpint(redis_reply_kind(redis_reply_at(first, 1)), ==, REDIS_ARRAY);
    g_assert_cmpuint(redis_reply_count(redis_reply_at(first, 1)), ==, 0);
    g_assert_cmpint(redis_reply_integer(redis_reply_at(reply, 1)), ==, 7);
    g_assert_cmpint(redis_reply_kind(redis_reply_at(last, 0)), ==, REDIS_NIL);
    g_assert_cmpint(redis_reply_kind(redis_reply_at(last, 1)), ==, REDIS_STRING);
    g_assert_cmpuint(redis_reply_text(redis_reply_at(last, 1)).size, ==, 0);
    redis_reply_free(reply);
}

static void test_text_ends_with_nul(void)
{
    struct redis_reply *reply = redis_reply_from_resp(view_of("$3\r\na\0b\r\n"));
    g_assert_null(reply); /* the view ends at the NUL */
    reply = redis_reply_from_resp(view_make("$3\r\na\0b\r\n", 9));
    g_assert_cmpuint(redis_reply_text(reply).size, ==, 3);
    g_assert_true(memcmp(redis_reply_text(reply).data, "a\0b", sizeof "a\0b") == 0);
    redis_reply_free(reply);
}

static void test_broken(void)
{
    static const char *const broken[] = {"", "*2\r\n:1\r\n", "*2\r\n$3\r\nabc\r\n!\r\n", "*1000000000\r\n",
                                         "*2\r\n+x\r\n*99999999999\r\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++)
        g_assert_null(redis_reply_from_resp(view_of(broken[i])));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/redis_reply/nested", test_nested);
    g_test_add_func("/redis_reply/text-ends-with-nul", test_text_ends_with_nul);
    g_test_add_func("/redis_reply/broken", test_broken);
    return g_test_run();
}
