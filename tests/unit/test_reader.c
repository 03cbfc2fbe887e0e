/* Against a real redis-server. */
#include "api/reader.h"
#include "tests/unit/redis_process.h"

enum { MANY = 5000, FOREVER_S = 60 };

static struct redis_process server;

static struct reader *open_reader(int timeout_ms)
{
    const struct redis_settings settings = {server.url, MIN(20 * timeout_ms, 20000), timeout_ms};
    return reader_new(&settings, 3);
}

static bool begin(struct reader *reader, GError **error)
{
    return reader_begin(reader, g_get_monotonic_time() + FOREVER_S * G_TIME_SPAN_SECOND, error);
}

static struct reader *begun_reader(void)
{
    g_autoptr(GError) error = NULL;
    struct reader *reader = open_reader(5000);
    bool ok = begin(reader, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
    return reader;
}

/* Sends one command and expects no error. */
static void redis_do(const char *format, ...) G_GNUC_PRINTF(1, 2);
static void redis_do(const char *format, ...)
{
    const struct redis_settings settings = {server.url, 20000, 60000};
    g_autoptr(GError) error = NULL;
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    struct redis *redis = redis_connect(&settings, NULL, &error);
    g_assert_no_error(error);
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    guint n = g_strv_length(words);
    g_autofree struct view *argv = g_new(struct view, n);
    for (guint i = 0; i < n; i++)
        argv[i] = view_of(words[i]);
    struct redis_reply *reply = redis_command(redis, n, argv, &error);
    g_assert_no_error(error);
    redis_reply_free(reply);
    redis_free(redis);
}

static void ask(struct reader *reader, const char *command, const char *argument, struct reader_then then)
{
    const struct view argv[] = {view_of(command), view_of(argument)};
    reader_ask(reader, 0, argv, G_N_ELEMENTS(argv), then);
}

static void test_partitions(void)
{
    g_autoptr(GError) error = NULL;
    redis_do("FLUSHALL");
    struct reader *reader = begun_reader();
    g_assert_cmpint(reader_partitions(reader), ==, 3); /* the fallback */
    redis_do("HSET daybook:topic topic t partitions 7");
    g_assert_true(begin(reader, &error));
    g_assert_cmpint(reader_partitions(reader), ==, 7);
    redis_do("HSET daybook:topic partitions seven");
    g_assert_false(begin(reader, &error));
    g_assert_error(error, READER_ERROR, READER_ERROR_DATA);
    reader_free(reader);
    redis_do("FLUSHALL");
}

/* ---- order and bounds ---- */

struct seen {
    size_t next; /* replies must come in order */
    bool chain;  /* ask one more question from within each reply */
    size_t chained;
};

static void take_chained(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    (void)reader, (void)reply, (void)a, (void)b;
    ((struct seen *)opaque)->chained++;
}

static void take_in_order(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    struct seen *seen = opaque;
    g_autofree char *text = g_strdup_printf("%zu", a);
    g_assert_true(view_is(redis_reply_text(reply), text));
    g_assert_cmpuint(a, ==, seen->next++);
    g_assert_cmpuint(b, ==, 17);
    if (seen->chain)
        ask(reader, "PING", "again", (struct reader_then){.take = take_chained, .opaque = seen});
}

static void test_order(void)
{
    for (int chain = 0; chain < 2; chain++) {
        g_autoptr(GError) error = NULL;
        struct reader *reader = begun_reader();
        struct seen seen = {.chain = chain != 0};
        uint64_t before = reader_asked(reader);
        for (size_t i = 0; i < MANY; i++) {
            g_autofree char *text = g_strdup_printf("%zu", i);
            ask(reader, "PING", text, (struct reader_then){take_in_order, &seen, i, 17});
        }
        g_assert_cmpuint(seen.next, >, MANY - 2 * READER_PENDING_MAX); /* read meanwhile */
        g_assert_true(reader_finish(reader, &error));
        g_assert_cmpuint(seen.next, ==, MANY);
        g_assert_cmpuint(seen.chained, ==, chain ? MANY : 0);
        g_assert_cmpuint(reader_asked(reader) - before, ==, chain ? 2 * MANY : MANY);
        reader_free(reader);
    }
}

/* ---- rests ---- */

struct rests {
    int n, most; /* after so many it is enough; -1: never */
};

static bool take_rest(int64_t busy_us, void *opaque)
{
    struct rests *rests = opaque;
    g_assert_cmpint(busy_us, >=, 0);
    return ++rests->n != rests->most;
}

static void test_rests(void)
{
    g_autoptr(GError) error = NULL;
    struct reader *reader = begun_reader();
    struct rests rests = {0, -1};
    struct seen seen = {0};
    reader_set_pace(reader, (struct reader_pace){take_rest, &rests});
    for (size_t i = 0; i < MANY; i++) {
        g_autofree char *text = g_strdup_printf("%zu", i);
        ask(reader, "PING", text, (struct reader_then){take_in_order, &seen, i, 17});
    }
    g_assert_true(reader_finish(reader, &error));
    g_assert_cmpuint(seen.next, ==, MANY);
    g_assert_cmpint(rests.n, >=, MANY / READER_PENDING_MAX);
    rests = (struct rests){0, 1};
    ask(reader, "PING", "unwanted", (struct reader_then){0});
    g_assert_false(reader_finish(reader, &error));
    g_assert_error(error, READER_ERROR, READER_ERROR_DEADLINE);
    reader_free(reader);
}

/* ---- errors ---- */

static void take_never(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    (void)reader, (void)reply, (void)opaque, (void)a, (void)b;
    g_assert_not_reached();
}

static void test_error_reply_is_sticky(void)
{
    g_autoptr(GError) error = NULL;
    struct reader *reader = begun_reader();
    redis_do("SET text x");
    ask(reader, "HGETALL", "text", (struct reader_then){.take = take_never});
    ask(reader, "PING", "later", (struct reader_then){.take = take_never});
    g_assert_false(reader_finish(reader, &error));
    g_assert_error(error, REDIS_ERROR, REDIS_ERROR_REPLY);
    g_assert_nonnull(strstr(error->message, "WRONGTYPE"));
    g_clear_error(&error);
    g_assert_true(begin(reader, &error)); /* and is over with the next answer */
    struct seen seen = {0};
    ask(reader, "PING", "0", (struct reader_then){take_in_order, &seen, 0, 17});
    g_assert_true(reader_finish(reader, &error));
    reader_free(reader);
}

static void take_and_fail(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    (void)reply, (void)opaque, (void)a, (void)b;
    reader_fail(reader, "no good: %d", 5);
}

static void test_failed_by_the_asker(void)
{
    g_autoptr(GError) error = NULL;
    struct reader *reader = begun_reader();
    ask(reader, "PING", "x", (struct reader_then){.take = take_and_fail});
    ask(reader, "PING", "y", (struct reader_then){.take = take_never});
    g_assert_false(reader_finish(reader, &error));
    g_assert_error(error, READER_ERROR, READER_ERROR_DATA);
    g_assert_cmpstr(error->message, ==, "no good: 5");
    reader_free(reader);
}

static void test_room(void)
{
    struct reader *reader = reader_new(&(struct redis_settings){.url = "redis://127.0.0.1:1"}, 1);
    g_autoptr(GError) error = NULL;
    g_assert_true(reader_has_room(reader, UINT64_MAX, &error));
    reader_set_room(reader, 100);
    g_assert_true(reader_has_room(reader, 100, &error));
    g_assert_no_error(error);
    g_assert_false(reader_has_room(reader, 101, &error));
    g_assert_error(error, READER_ERROR, READER_ERROR_ROOM);
    reader_free(reader);
}

static void test_deadline(void)
{
    g_autoptr(GError) error = NULL;
    struct reader *reader = open_reader(5000);
    g_assert_true(reader_begin(reader, g_get_monotonic_time() + 50 * G_TIME_SPAN_MILLISECOND, &error));
    g_usleep(60 * 1000);
    ask(reader, "PING", "x", (struct reader_then){.take = take_never});
    g_assert_false(reader_finish(reader, &error));
    g_assert_error(error, READER_ERROR, READER_ERROR_DEADLINE);
    reader_free(reader);
}

static void test_lost(void)
{
    g_autoptr(GError) error = NULL;
    struct reader *reader = begun_reader();
    redis_do("CLIENT KILL TYPE normal SKIPME yes");
    ask(reader, "PING", "x", (struct reader_then){.take = take_never});
    g_assert_false(reader_finish(reader, &error));
    g_assert_error(error, REDIS_ERROR, REDIS_ERROR_LOST);
    g_clear_error(&error);
    g_assert_true(begin(reader, &error));
    redis_process_hang(&server);
    struct reader *hasty = open_reader(100);
    g_assert_false(begin(hasty, &error));
    g_assert_error(error, REDIS_ERROR, REDIS_ERROR_LOST);
    kill(server.pid, SIGCONT);
    reader_free(hasty);
    reader_free(reader);
}

static void test_nobody_there(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *url = g_strdup_printf("redis://127.0.0.1:%d", redis_free_port());
    const struct redis_settings settings = {url, 500, 500};
    struct reader *reader = reader_new(&settings, 3);
    g_assert_false(begin(reader, &error));
    g_assert_error(error, REDIS_ERROR, REDIS_ERROR_LOST);
    reader_free(reader);
}

/* ---- scans ---- */

static void take_pair(struct view name, struct view value, void *opaque, size_t a)
{
    guint *times = opaque;
    g_autofree char *text = g_strndup(name.data, name.size);
    gint64 number = g_ascii_strtoll(text, NULL, 10);
    g_assert_true(number >= 0 && number < MANY && view_equal(name, value));
    g_assert_cmpuint(a, ==, 3);
    times[number]++;
}

static void test_scan(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree guint *times = g_new0(guint, MANY);
    g_autoptr(GString) command = g_string_new("HSET big");
    struct reader *reader = begun_reader();
    for (int i = 0; i < MANY; i++)
        g_string_append_printf(command, " %d %d", i, i);
    redis_do("%s", command->str);
    reader_scan(reader, 1, "HSCAN", "big", NULL, (struct reader_pairs){take_pair, times, 3, true});
    reader_scan(reader, 0, "HSCAN", "nothing", NULL, (struct reader_pairs){take_pair, times, 3, true});
    g_assert_true(reader_finish(reader, &error));
    for (int i = 0; i < MANY; i++)
        g_assert_cmpuint(times[i], ==, 1);
    memset(times, 0, MANY * sizeof *times);
    reader_scan(reader, 2, "HSCAN", "big", "*77", (struct reader_pairs){take_pair, times, 3, false});
    g_assert_true(reader_finish(reader, &error));
    for (int i = 0; i < MANY; i++)
        g_assert_true((times[i] > 0) == (i % 100 == 77));
    reader_free(reader);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    redis_process_start(&server, 0, NULL);
    g_test_add_func("/reader/partitions", test_partitions);
    g_test_add_func("/reader/order", test_order);
    g_test_add_func("/reader/rests", test_rests);
    g_test_add_func("/reader/error-reply", test_error_reply_is_sticky);
    g_test_add_func("/reader/failed-by-the-asker", test_failed_by_the_asker);
    g_test_add_func("/reader/room", test_room);
    g_test_add_func("/reader/deadline", test_deadline);
    g_test_add_func("/reader/lost", test_lost);
    g_test_add_func("/reader/nobody-there", test_nobody_there);
    g_test_add_func("/reader/scan", test_scan);
    int code = g_test_run();
    redis_process_clear(&server);
    return code;
}
