/* The rule of a line, and the board over a real Redis that comes and goes. */
#include "aggregator/board.h"

#include "tests/unit/redis_process.h"

enum { NOW = 1000000, EVERY_MS = 20, PATIENCE_MS = 60000, MANY = 300 };

static void check_line(const char *before, bool running, int64_t next, int64_t high, const char *expected)
{
    char line[BOARD_LINE_MAX];
    const struct worker_stand stand = {.partition = 3, .running = running, .next = next, .high = high};
    board_line(line, &stand, view_of(before), NOW, "w 1");
    g_assert_cmpstr(line, ==, expected);
}

static void test_line(void)
{
    check_line("", true, 5, 5, "5 5 1000000 0 w 1");
    /* It is behind, and moves. */
    check_line("", true, 5, 9, "5 9 1000000 1000000 w 1");
    check_line("4 9 900 900 w", true, 5, 9, "5 9 1000000 1000000 w 1");
    /* It stands: since it was first seen to, whoever had it. */
    check_line("5 5 900 0 w", true, 5, 9, "5 9 1000000 1000000 w 1");
    check_line("5 9 900 800 other worker", true, 5, 9, "5 9 1000000 800 w 1");
    check_line("5 9 900 800 w", true, 9, 9, "9 9 1000000 0 w 1");
    /* It cannot be claimed: what is known is kept. */
    check_line("5 9 900 800 w", false, 0, 0, "5 9 1000000 800 w 1");
    check_line("5 5 900 0 w", false, 0, 0, "5 5 1000000 1000000 w 1");
    check_line("", false, 0, 0, "-1 -1 1000000 1000000 w 1");
    /* Kafka is not reached: nobody knows whether it is at the end. */
    check_line("5 5 900 0 w", true, 5, -1, "5 -1 1000000 1000000 w 1");
    check_line("5 -1 900 800 w", true, 5, -1, "5 -1 1000000 800 w 1");
    check_line("5 -1 900 800 w", true, 5, 5, "5 5 1000000 0 w 1");
    /* What is no line is none. */
    check_line("5 9 900", true, 5, 9, "5 9 1000000 1000000 w 1");
    check_line("x y z a b", true, 5, 9, "5 9 1000000 1000000 w 1");
}

static gint position; /* of all partitions */

static void collect(GArray *stands, void *opaque)
{
    for (int i = 0; i < *(const int *)opaque; i++) {
        const struct worker_stand stand = {.partition = i, .running = true, .next = g_atomic_int_get(&position), .high = 100};
        g_array_append_val(stands, stand);
    }
}

static struct redis *connect_to(const struct redis_process *server)
{
    g_autoptr(GError) error = NULL;
    const struct redis_settings settings = {server->url, 20000, 60000};
    struct redis *redis = redis_connect(&settings, NULL, &error);
    g_assert_no_error(error);
    return redis;
}

/* Until the field begins so. */
static void wait_for(struct redis *redis, const char *field, const char *prefix)
{
    for (int waited = 0; waited < PATIENCE_MS; waited += EVERY_MS) {
        struct redis_reply *reply = redis_call(redis, NULL, "HGET %s %s", BOARD_KEY, field);
        struct view text = redis_reply_text(reply);
        bool there = text.size >= strlen(prefix) && memcmp(text.data, prefix, strlen(prefix)) == 0;
        redis_reply_free(reply);
        if (there)
            return;
        g_usleep(EVERY_MS * 1000);
    }
    g_assert_not_reached();
}

static void test_redis(void)
{
    struct redis_process server;
    int n = MANY;
    redis_process_start(&server, 0, NULL);
    g_autofree char *url = g_strdup(server.url), *dir = g_strdup(server.dir);
    struct board_settings settings = {
        .redis = {.url = url}, .worker = "one", .every_ms = EVERY_MS, .collect = collect, .opaque = &n};
    g_atomic_int_set(&position, 7);
    struct board *board = board_start(&settings);
    struct redis *redis = connect_to(&server);
    wait_for(redis, "0", "7 100 ");
    wait_for(redis, "299", "7 100 ");
    wait_for(redis, "since", "1");
    redis_free(redis);
    redis_process_kill(&server);
    int port = server.port;
    redis_process_clear(&server);
    g_mkdir(dir, 0700);
    g_atomic_int_set(&position, 8);
    redis_process_start(&server, port, dir);
    redis = connect_to(&server);
    wait_for(redis, "299", "8 100 ");
    redis_free(redis);
    board_stop(board);
    redis_process_clear(&server);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/board/line", test_line);
    g_test_add_func("/board/redis", test_redis);
    return g_test_run();
}
