/* Against a real redis-server, but for the faults that it cannot be made to show: those come from a socket that answers by a
 * script. */
#include "lib/redis.h"
#include "tests/unit/redis_process.h"
#include <sys/time.h>
#include <time.h>

enum { CONNECT_MS = 20000, COMMAND_MS = 60000, MANY = 100000 };

static struct redis_process server;

static struct redis *try_connect(const char *url, const char *key, GError **error)
{
    struct redis_settings settings = {url, CONNECT_MS, COMMAND_MS};

    return redis_connect(&settings, key, error);
}

static struct redis *connect_to(const char *url)
{
    GError *error = NULL;
    struct redis *redis = try_connect(url, NULL, &error);

    g_assert_no_error(error);
    g_assert_nonnull(redis);
    return redis;
}

static void expect_view(struct view text, const void *data, size_t size)
{
    g_assert_cmpuint(text.size, ==, size);
    g_assert_true(memcmp(text.data, data, size) == 0);
}

static void expect_text(struct redis *redis, const char *expected)
{
    GError *error = NULL;
    struct redis_reply *reply = redis_read(redis, &error);

    g_assert_no_error(error);
    expect_view(redis_reply_text(reply), expected, strlen(expected));
    redis_reply_free(reply);
}

static void expect_refused(const char *url, enum redis_error code, const char *words)
{
    GError *error = NULL;

    g_assert_null(try_connect(url, "key", &error));
    g_assert_error(error, REDIS_ERROR, (int)code);
    if (!strstr(error->message, words))
        g_error("\"%s\" should say \"%s\"", error->message, words);
    g_clear_error(&error);
}

/* ---- commands ---- */

static void test_replies(void)
{
    struct redis *redis = connect_to(server.url);
    GError *error = NULL;
    struct redis_reply *reply;

    reply = redis_call(redis, &error, "SET k1 %b", "a\0b", (size_t)3);
    g_assert_no_error(error);
    g_assert_cmpint(redis_reply_kind(reply), ==, REDIS_STATUS);
    g_assert_true(view_is(redis_reply_text(reply), "OK"));
    redis_reply_free(reply);
    reply = redis_call(redis, &error, "  GET   %s ", "k1");
    g_assert_cmpint(redis_reply_kind(reply), ==, REDIS_STRING);
    expect_view(redis_reply_text(reply), "a\0b", 3);
    redis_reply_free(reply);
    reply = redis_call(redis, &error, "GET nothing");
    g_assert_cmpint(redis_reply_kind(reply), ==, REDIS_NIL);
    g_assert_cmpuint(redis_reply_text(reply).size, ==, 0);
    redis_reply_free(reply);
    reply = redis_call(redis, &error, "INCRBY n %s", "9223372036854775807");
    g_assert_cmpint(redis_reply_kind(reply), ==, REDIS_INTEGER);
    g_assert_true(redis_reply_integer(reply) == INT64_MAX);
    redis_reply_free(reply);
    reply = redis_call(redis, &error, "EVAL %s 0", "return {1,{'x',false},redis.error_reply('MINE is')}");
    g_assert_cmpint(redis_reply_kind(reply), ==, REDIS_ARRAY);
    g_assert_cmpuint(redis_reply_count(reply), ==, 3);
    const struct redis_reply *inner = redis_reply_at(reply, 1);
    g_assert_cmpuint(redis_reply_count(inner), ==, 2);
    g_assert_cmpint(redis_reply_kind(redis_reply_at(inner, 1)), ==, REDIS_NIL);
    g_assert_cmpint(redis_reply_kind(redis_reply_at(reply, 2)), ==, REDIS_ERROR_REPLY_KIND);
    redis_reply_free(reply);
    g_assert_null(redis_call(redis, &error, "HGET k1 f"));
    g_assert_error(error, REDIS_ERROR, REDIS_ERROR_REPLY);
    g_assert_true(g_str_has_prefix(error->message, "WRONGTYPE "));
    g_clear_error(&error);
    g_assert_false(redis_broken(redis)); /* an error reply is data */
    reply = redis_call(redis, &error, "DEL k1 n");
    g_assert_cmpint(redis_reply_integer(reply), ==, 2);
    redis_reply_free(reply);
    redis_free(redis);
}

static void test_error_reply_in_pipeline(void)
{
    struct redis *redis = connect_to(server.url);
    GError *error = NULL;

    redis_append_call(redis, "PING a");
    redis_append_call(redis, "NOSUCHCOMMAND x");
    redis_append_call(redis, "PING b");
    g_assert_cmpuint(redis_pending(redis), ==, 3);
    g_assert_true(redis_send(redis, &error));
    expect_text(redis, "a");
    struct redis_reply *reply = redis_read(redis, &error);
    g_assert_no_error(error);
    g_assert_cmpint(redis_reply_kind(reply), ==, REDIS_ERROR_REPLY_KIND);
    redis_reply_free(reply);
    expect_text(redis, "b");
    g_assert_cmpuint(redis_pending(redis), ==, 0);
    redis_free(redis);
}

static void test_script(void)
{
    struct redis *redis = connect_to(server.url);
    GError *error = NULL;
    char sha[41];

    g_assert_true(redis_script_load(redis, "return ARGV[1]", sha, &error));
    g_assert_cmpuint(strlen(sha), ==, 40);
    struct redis_reply *reply = redis_call(redis, &error, "EVALSHA %s 0 hello", sha);
    g_assert_true(view_is(redis_reply_text(reply), "hello"));
    redis_reply_free(reply);
    g_assert_false(redis_script_load(redis, "this is not Lua", sha, &error));
    g_assert_error(error, REDIS_ERROR, REDIS_ERROR_REPLY);
    g_clear_error(&error);
    redis_free(redis);
}

/* 100,000 commands of 170 bytes: more than any socket buffer, so Redis writes replies while we still send. */
static void test_long_pipeline(void)
{
    struct redis *redis = connect_to(server.url);
    GError *error = NULL;
    g_autofree char *value = g_strnfill(130, 'v');
    gint64 began_us = g_get_monotonic_time();
    clock_t began = clock();

    for (int i = 0; i < MANY; i++) {
        char field[16];
        g_snprintf(field, sizeof field, "%d", i);
        redis_append_call(redis, "HSET big %s %s", field, value);
    }
    g_assert_cmpuint(redis_pending(redis), ==, MANY);
    for (int i = 0; i < MANY; i++) {
        struct redis_reply *reply = redis_read(redis, &error);
        g_assert_no_error(error);
        g_assert_cmpint(redis_reply_integer(reply), ==, 1);
        redis_reply_free(reply);
    }
    g_test_message("%d commands in %" G_GINT64_FORMAT " ms", MANY, (g_get_monotonic_time() - began_us) / 1000);
    struct redis_reply *reply = redis_call(redis, &error, "HGETALL big"); /* and one large reply */
    g_assert_cmpuint(redis_reply_count(reply), ==, 2 * MANY);
    redis_reply_free(reply);
    redis_reply_free(redis_call(redis, &error, "DEL big"));
    g_assert_cmpint((clock() - began) / CLOCKS_PER_SEC, <, 20); /* of this process: the machine may be busy */
    redis_free(redis);
}

static void test_large_argument(void)
{
    enum { LARGE = 16 << 20 };
    struct redis *redis = connect_to(server.url);
    GError *error = NULL;
    g_autofree char *large = g_strnfill(LARGE, 'x');
    const struct view argv[] = {view_of("SET"), view_of("large"), view_make(large, LARGE)};

    large[LARGE / 2] = 'y';
    redis_append_call(redis, "PING before");
    redis_append(redis, G_N_ELEMENTS(argv), argv);
    memset(large, 'z', LARGE); /* it was copied or sent */
    redis_append_call(redis, "PING after");
    expect_text(redis, "before");
    expect_text(redis, "OK");
    expect_text(redis, "after");
    struct redis_reply *reply = redis_call(redis, &error, "GET large");
    g_assert_cmpuint(redis_reply_text(reply).size, ==, LARGE);
    g_assert_true(redis_reply_text(reply).data[LARGE / 2] == 'y');
    g_assert_true(redis_reply_text(reply).data[LARGE - 1] == 'x');
    redis_reply_free(reply);
    redis_reply_free(redis_call(redis, &error, "DEL large"));
    redis_free(redis);
}

/* ---- failures of the connection ---- */

static void test_timeout(void)
{
    struct redis_settings settings = {server.url, CONNECT_MS, 200};
    GError *error = NULL;
    struct redis *redis = redis_connect(&settings, NULL, &error);

    g_assert_no_error(error);
    redis_process_hang(&server);
    gint64 began_us = g_get_monotonic_time();
    g_assert_null(redis_call(redis, &error, "PING"));
    kill(server.pid, SIGCONT);
    g_assert_error(error, REDIS_ERROR, REDIS_ERROR_LOST);
    g_assert_nonnull(strstr(error->message, "within 200 ms"));
    g_clear_error(&error);
    g_assert_cmpint(g_get_monotonic_time() - began_us, <, 20 * G_USEC_PER_SEC);
    g_assert_true(redis_broken(redis));
    /* the late reply must never be taken for that of a later command */
    g_usleep(100 * 1000);
    g_assert_null(redis_call(redis, &error, "GET x"));
    g_assert_error(error, REDIS_ERROR, REDIS_ERROR_LOST);
    g_clear_error(&error);
    redis_append_call(redis, "PING");
    g_assert_false(redis_send(redis, &error));
    g_assert_error(error, REDIS_ERROR, REDIS_ERROR_LOST);
    g_clear_error(&error);
    redis_free(redis);
}

/* A server that takes nothing any more, while we have much to send. */
static void test_timeout_while_sending(void)
{
    struct redis_settings settings = {server.url, CONNECT_MS, 300};
    GError *error = NULL;
    struct redis *redis = redis_connect(&settings, NULL, &error);
    g_autofree char *large = g_strnfill(32 << 20, 'x');

    redis_process_hang(&server);
    redis_append_call(redis, "SET large %b", large, (size_t)(32 << 20));
    g_assert_false(redis_send(redis, &error));
    kill(server.pid, SIGCONT);
    g_assert_error(error, REDIS_ERROR, REDIS_ERROR_LOST);
    g_clear_error(&error);
    redis_free(redis);
}

static void test_killed_server(void)
{
    struct redis_process other;
    GError *error = NULL;

    redis_process_start(&other, 0, NULL);
    struct redis *redis = connect_to(other.url);
    redis_append_call(redis, "PING");
    expect_text(redis, "PONG");
    redis_process_kill(&other);
    for (int i = 0; i < 100000; i++) /* no SIGPIPE either */
        redis_append_call(redis, "SET k v");
    g_assert_null(redis_read(redis, &error));
    g_assert_error(error, REDIS_ERROR, REDIS_ERROR_LOST);
    g_clear_error(&error);
    redis_free(redis);
    expect_refused(other.url, REDIS_ERROR_LOST, "refused");
    redis_process_clear(&other);
}

/* ---- a server by script ---- */

struct fake {
    int listen_fd;
    int port;
    char *url;
    const char *answer; /* to whatever comes first, then the connection is closed */
    GThread *thread;
};

static gpointer fake_serve(gpointer data)
{
    struct fake *fake = (struct fake *)data;
    char buffer[4096];
    int fd = accept(fake->listen_fd, NULL, NULL);

    if (fd >= 0 && recv(fd, buffer, sizeof buffer, 0) > 0)
        send(fd, fake->answer, strlen(fake->answer), MSG_NOSIGNAL);
    if (fd >= 0)
        close(fd);
    return NULL;
}

static void fake_start(struct fake *fake, const char *answer)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fake->answer = answer;
    fake->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(fake->listen_fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    g_assert_cmpint(listen(fake->listen_fd, 1), ==, 0);
    g_assert_cmpint(getsockname(fake->listen_fd, (struct sockaddr *)&address, &size), ==, 0);
    fake->port = ntohs(address.sin_port);
    fake->url = g_strdup_printf("redis://127.0.0.1:%d", fake->port);
    fake->thread = g_thread_new("fake", fake_serve, fake);
}

static void fake_stop(struct fake *fake)
{
    g_thread_join(fake->thread);
    close(fake->listen_fd);
    g_free(fake->url);
}

static void test_what_is_not_redis(void)
{
    static const struct {
        const char *answer, *words;
    } cases[] = {
        {"-LOADING Redis is loading the dataset in memory\r\n", "LOADING"},
        {"-MASTERDOWN Link with MASTER is down\r\n", "MASTERDOWN"},
        {"HTTP/1.1 400 Bad Request\r\n\r\n", "Protocol error"},
        {"+PO", "closed"},
        {"*1000000000\r\n", "memory"}, /* no such array is waited for */
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct fake fake;
        fake_start(&fake, cases[i].answer);
        expect_refused(fake.url, REDIS_ERROR_LOST, cases[i].words);
        fake_stop(&fake);
    }
}

/* The first address that serves is taken, and an error tells of them all. */
static void test_list_of_addresses(void)
{
    struct fake loading, loading_too;
    int nobody = redis_free_port();

    fake_start(&loading, "-LOADING wait\r\n");
    g_autofree char *url = g_strdup_printf("redis://127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d", nobody, loading.port, server.port);
    struct redis *redis = connect_to(url);
    g_autofree char *address = g_strdup_printf("127.0.0.1:%d", server.port);
    g_assert_cmpstr(redis_address(redis), ==, address);
    redis_free(redis);
    fake_stop(&loading);
    fake_start(&loading_too, "-LOADING wait\r\n");
    g_autofree char *bad = g_strdup_printf("redis://127.0.0.1:%d,127.0.0.1:%d", nobody, loading_too.port);
    GError *error = NULL;
    g_assert_null(try_connect(bad, NULL, &error));
    g_assert_nonnull(strstr(error->message, "refused"));
    g_assert_nonnull(strstr(error->message, "LOADING"));
    g_clear_error(&error);
    fake_stop(&loading_too);
}

/* ---- the real server's refusals ---- */

static void test_replica_is_refused(void)
{
    struct redis_process replica;
    g_autofree char *port = g_strdup_printf("%d", server.port);

    redis_process_start(&replica, 0, NULL, "--replicaof", "127.0.0.1", port);
    g_usleep(200 * 1000);
    expect_refused(replica.url, REDIS_ERROR_LOST, "not a master but a slave");
    g_autofree char *both = g_strdup_printf("redis://127.0.0.1:%d,127.0.0.1:%d", replica.port, server.port);
    struct redis *redis = connect_to(both);
    redis_free(redis);
    redis_process_clear(&replica);
}

/* key-load-delay (µs) keeps it loading for seconds; it serves clients after every 1,024 keys. */
static void test_loading_is_refused(void)
{
    struct redis_process process;
    GError *error = NULL;

    redis_process_start(&process, 0, NULL, "--appendonly", "yes");
    struct redis *redis = connect_to(process.url);
    for (int i = 0; i < 20000; i++) {
        char key[16];
        g_snprintf(key, sizeof key, "k%d", i);
        redis_append_call(redis, "SET %s v", key);
    }
    while (redis_pending(redis) > 0)
        redis_reply_free(redis_read(redis, &error));
    g_assert_no_error(error);
    redis_free(redis);
    redis_process_kill(&process);
    g_autofree char *dir = g_strdup(process.dir);
    int port = process.port;
    g_free(process.dir);
    g_free(process.url);
    redis_process_start(&process, port, dir, "--appendonly", "yes", "--key-load-delay", "1000");
    expect_refused(process.url, REDIS_ERROR_LOST, "LOADING");
    redis_process_kill(&process);
    g_autofree char *aof = g_build_filename(dir, "appendonlydir", NULL);
    g_autofree char *remove = g_strdup_printf("rm -r %s", aof);
    g_assert_true(g_spawn_command_line_sync(remove, NULL, NULL, NULL, NULL));
    redis_process_clear(&process);
}

static void test_passwords_and_databases(void)
{
    struct redis_process process;
    GError *error = NULL;

    redis_process_start(&process, 0, NULL, "--requirepass", "p@ss/w", "--user", "worker", "on", ">s3:cret", "~*", "&*", "+@all");
    g_autofree char *none = g_strdup_printf("redis://127.0.0.1:%d", process.port);
    g_autofree char *wrong = g_strdup_printf("redis://:wrong@127.0.0.1:%d", process.port);
    g_autofree char *right = g_strdup_printf("redis://:p%%40ss%%2fw@127.0.0.1:%d/3", process.port);
    g_autofree char *user = g_strdup_printf("redis://worker:s3%%3Acret@127.0.0.1:%d/0", process.port);
    g_autofree char *far = g_strdup_printf("redis://worker:s3%%3Acret@127.0.0.1:%d/999", process.port);
    expect_refused(none, REDIS_ERROR_CONFIG, "wants a password");
    expect_refused(wrong, REDIS_ERROR_CONFIG, "WRONGPASS");
    expect_refused(far, REDIS_ERROR_CONFIG, "database");
    struct redis *redis = connect_to(right);
    redis_reply_free(redis_call(redis, &error, "SET here yes"));
    g_assert_no_error(error);
    redis_free(redis);
    redis = connect_to(user);
    struct redis_reply *reply = redis_call(redis, &error, "EXISTS here"); /* in database 3 */
    g_assert_cmpint(redis_reply_integer(reply), ==, 0);
    redis_reply_free(reply);
    redis_free(redis);
    redis_process_clear(&process);
}

/* ---- Sentinel ---- */

static void test_sentinel(void)
{
    struct redis_process sentinel;
    g_autofree char *dir = g_dir_make_tmp("daybook-sentinel-XXXXXX", NULL);
    g_autofree char *conf = g_build_filename(dir, "sentinel.conf", NULL);
    g_autofree char *text = g_strdup_printf("sentinel monitor mymaster 127.0.0.1 %d 1\n", server.port);
    GError *error = NULL;

    g_assert_true(g_file_set_contents(conf, text, -1, NULL));
    sentinel.port = redis_free_port();
    sentinel.dir = g_strdup(dir);
    sentinel.url = NULL;
    g_autofree char *port = g_strdup_printf("%d", sentinel.port);
    const char *argv[] = {"redis-server", conf, "--sentinel", "--port", port, "--bind", "127.0.0.1", NULL};
    g_spawn_async(dir, (char **)argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL,
                  redis_die_with_parent, NULL, &sentinel.pid, &error);
    g_assert_no_error(error);
    for (int i = 0; i < 6000 && !redis_port_answers(sentinel.port); i++)
        g_usleep(10 * 1000);
    g_autofree char *good = g_strdup_printf("redis+sentinel://127.0.0.1:1,127.0.0.1:%d/mymaster", sentinel.port);
    g_autofree char *unknown = g_strdup_printf("redis+sentinel://127.0.0.1:%d/other", sentinel.port);
    g_autofree char *not_one = g_strdup_printf("redis+sentinel://127.0.0.1:%d/mymaster", server.port);
    struct redis *redis = connect_to(good);
    g_autofree char *address = g_strdup_printf("127.0.0.1:%d", server.port);
    g_assert_cmpstr(redis_address(redis), ==, address);
    redis_free(redis);
    expect_refused(unknown, REDIS_ERROR_LOST, "no master named other");
    expect_refused(not_one, REDIS_ERROR_LOST, "Sentinel");
    redis_process_clear(&sentinel);
}

/* ---- cluster ---- */

enum { NODES = 3 };

static void cluster_call(int port, const char *format, const char *argument)
{
    g_autofree char *url = g_strdup_printf("redis://127.0.0.1:%d", port);
    struct redis *redis = connect_to(url);
    GError *error = NULL;
    struct redis_reply *reply = redis_call(redis, &error, format, argument);

    g_assert_no_error(error);
    redis_reply_free(reply);
    redis_free(redis);
}

static void cluster_start(struct redis_process *nodes)
{
    static const char *const ranges[NODES][2] = {{"0", "5460"}, {"5461", "10922"}, {"10923", "16383"}};

    for (int i = 0; i < NODES; i++) {
        /* the bus listens on port + 10000 by default, which may not exist */
        g_autofree char *bus = g_strdup_printf("%d", redis_free_port());
        redis_process_start(&nodes[i], 0, NULL, "--cluster-enabled", "yes", "--cluster-port", bus, "--cluster-node-timeout",
                            "15000");
        g_autofree char *call = g_strdup_printf("CLUSTER ADDSLOTSRANGE %s %%s", ranges[i][0]);
        cluster_call(nodes[i].port, call, ranges[i][1]);
        if (i > 0) {
            g_autofree char *meet = g_strdup_printf("CLUSTER MEET 127.0.0.1 %d %%s", nodes[i].port);
            cluster_call(nodes[0].port, meet, bus);
        }
    }
}

static void cluster_wait(const struct redis_process *nodes)
{
    for (int i = 0; i < NODES; i++) {
        struct redis *redis = connect_to(nodes[i].url);
        gboolean ok = FALSE;
        for (int tries = 0; !ok && tries < 1200; tries++) {
            struct redis_reply *reply = redis_call(redis, NULL, "CLUSTER INFO");
            g_autofree char *text = g_strndup(redis_reply_text(reply).data, redis_reply_text(reply).size);
            ok = strstr(text, "cluster_state:ok") && strstr(text, "cluster_known_nodes:3") &&
                 strstr(text, "cluster_slots_assigned:16384");
            redis_reply_free(reply);
            g_usleep(50 * 1000);
        }
        g_assert_true(ok);
        redis_free(redis);
    }
}

/* Node 2 gives the slot of "key" to node 0, which is not asked: each names the other. */
static void cluster_disagree(const struct redis_process *nodes)
{
    GError *error = NULL;
    struct redis *redis = connect_to(nodes[0].url);
    struct redis_reply *id = redis_call(redis, &error, "CLUSTER MYID");

    g_assert_no_error(error);
    cluster_call(nodes[2].port, "CLUSTER SETSLOT 12539 NODE %s", redis_reply_text(id).data);
    redis_reply_free(id);
    redis_free(redis);
}

static void test_cluster(void)
{
    struct redis_process nodes[NODES];
    GError *error = NULL;

    cluster_start(nodes);
    cluster_wait(nodes);
    g_autofree char *url = g_strdup_printf("redis+cluster://127.0.0.1:1,127.0.0.1:%d", nodes[2].port);
    gboolean used[NODES] = {FALSE};
    for (int p = 0; p < 16; p++) {
        g_autofree char *key = g_strdup_printf("{p%d}:commit", p);
        struct redis *redis = try_connect(url, key, &error);
        g_assert_no_error(error);
        struct redis_reply *reply = redis_call(redis, &error, "SET %s v", key); /* MOVED would be an error */
        g_assert_no_error(error);
        redis_reply_free(reply);
        for (int i = 0; i < NODES; i++)
            used[i] = used[i] || g_str_has_suffix(redis_address(redis), nodes[i].url + strlen("redis://127.0.0.1"));
        redis_free(redis);
    }
    g_assert_true(used[0] && used[1] && used[2]);
    struct redis_settings settings = {url, CONNECT_MS, COMMAND_MS};
    GPtrArray *all = redis_connect_all(&settings, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(all->len, ==, NODES);
    g_ptr_array_free(all, TRUE);
    cluster_disagree(nodes);
    expect_refused(url, REDIS_ERROR_LOST, "do not agree on who serves slot 12539");
    /* a node is gone: its slots cannot be served, and that is said */
    redis_process_kill(&nodes[0]);
    g_assert_null(redis_connect_all(&settings, &error));
    g_assert_error(error, REDIS_ERROR, REDIS_ERROR_LOST);
    g_clear_error(&error);
    for (int i = 0; i < NODES; i++)
        redis_process_clear(&nodes[i]);
}

static void test_cluster_of_none(void)
{
    g_autofree char *url = g_strdup_printf("redis+cluster://127.0.0.1:%d", server.port);

    expect_refused(url, REDIS_ERROR_LOST, "cluster support disabled");
}

static void test_connect_all_of_one(void)
{
    struct redis_settings settings = {server.url, CONNECT_MS, COMMAND_MS};
    GError *error = NULL;
    GPtrArray *all = redis_connect_all(&settings, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(all->len, ==, 1);
    g_ptr_array_free(all, TRUE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    redis_process_start(&server, 0, NULL);
    g_test_add_func("/redis/replies", test_replies);
    g_test_add_func("/redis/error_reply_in_pipeline", test_error_reply_in_pipeline);
    g_test_add_func("/redis/script", test_script);
    g_test_add_func("/redis/long_pipeline", test_long_pipeline);
    g_test_add_func("/redis/large_argument", test_large_argument);
    g_test_add_func("/redis/timeout", test_timeout);
    g_test_add_func("/redis/timeout_while_sending", test_timeout_while_sending);
    g_test_add_func("/redis/killed_server", test_killed_server);
    g_test_add_func("/redis/what_is_not_redis", test_what_is_not_redis);
    g_test_add_func("/redis/list_of_addresses", test_list_of_addresses);
    g_test_add_func("/redis/replica_is_refused", test_replica_is_refused);
    g_test_add_func("/redis/loading_is_refused", test_loading_is_refused);
    g_test_add_func("/redis/passwords_and_databases", test_passwords_and_databases);
    g_test_add_func("/redis/sentinel", test_sentinel);
    g_test_add_func("/redis/cluster", test_cluster);
    g_test_add_func("/redis/cluster_of_none", test_cluster_of_none);
    g_test_add_func("/redis/connect_all_of_one", test_connect_all_of_one);
    int failed = g_test_run();
    redis_process_clear(&server);
    return failed;
}
