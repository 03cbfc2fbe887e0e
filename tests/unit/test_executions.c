/* On a real redis-server. */
#include "api/executions.h"

#include "tests/unit/redis_process.h"

#define UNKNOWN "7d444840-9dc0-11d1-b245-5ffdce74fad2"

static struct redis_process server;
static struct reader *reader;

/* "COMMAND {daybook}:kind:name [value]"; the integer of the reply. */
static int64_t call(const char *command, const char *kind, const char *name, const char *value)
{
    g_autoptr(GError) error = NULL;
    const struct redis_settings settings = {server.url, 20000, 60000};
    g_autofree char *key = g_strdup_printf("{daybook}:%s:%s", kind, name);
    const struct view words[] = {view_of(command), view_of(key), view_of(value)};
    struct redis *redis = redis_connect(&settings, NULL, &error);
    g_assert_no_error(error);
    struct redis_reply *reply = redis_command(redis, value != NULL ? 3 : 2, words, &error);
    g_assert_no_error(error);
    int64_t integer = redis_reply_integer(reply);
    redis_reply_free(reply);
    redis_free(redis);
    return integer;
}

static struct v2_execution *make(const char *owner)
{
    struct refusal refusal = {0};
    struct v2_body body;
    struct caller *caller = caller_new(owner, owner, "acme", NULL, PERMISSION_ALL, TIER_FREE);
    g_assert_true(v2_body_parse(&body, V2_ORGANIZATION_QUERY, view_of("{\"interval\":\"2026/2026\"}"), &refusal));
    struct v2_execution *execution = v2_execution_new(caller, NULL, &body);
    caller_unref(caller);
    return execution;
}

static void keep(struct v2_execution *execution, const char *expected)
{
    g_autoptr(GError) error = NULL;
    char id[V2_ID_SIZE];
    g_assert_true(executions_keep(reader, execution, id, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(id, ==, expected);
}

static bool find(const char *id, enum v2_end_kind kind, const char *reason)
{
    g_autoptr(GError) error = NULL;
    struct v2_execution *execution;
    struct v2_end end;
    g_assert_true(executions_find(reader, id, &execution, &end, &error));
    bool found = execution != NULL;
    if (found)
        g_assert_cmpstr(execution->id, ==, id);
    g_assert_cmpint(end.kind, ==, kind);
    g_assert_cmpstr(end.reason, ==, reason);
    v2_execution_unref(execution);
    v2_end_clear(&end);
    return found;
}

/* The same question of the same caller is the same execution for a while; nobody else's. */
static void test_keep(void)
{
    struct v2_execution *first = make("t-1"), *again = make("t-1"), *other = make("t-2"), *later = make("t-1");
    char digest[V2_DIGEST_SIZE];
    keep(first, first->id);
    keep(first, first->id);
    keep(again, first->id);
    keep(other, other->id);
    g_assert_true(find(first->id, V2_NOT_ENDED, NULL));
    g_assert_false(find(again->id, V2_NOT_ENDED, NULL));
    g_assert_true(find(other->id, V2_NOT_ENDED, NULL));
    v2_execution_digest(first, digest);
    call("DEL", "same", digest, NULL); /* as when its seconds are over */
    keep(later, later->id);
    g_assert_true(find(first->id, V2_NOT_ENDED, NULL));
    g_assert_true(find(later->id, V2_NOT_ENDED, NULL));
    call("DEL", "execution", later->id, NULL);
    g_assert_false(find(later->id, V2_NOT_ENDED, NULL));
    g_assert_false(find(UNKNOWN, V2_NOT_ENDED, NULL));
    v2_execution_unref(first);
    v2_execution_unref(again);
    v2_execution_unref(other);
    v2_execution_unref(later);
}

static void check_expiry(const char *kind, const char *name, int64_t seconds)
{
    int64_t left_ms = call("PTTL", kind, name, NULL);
    g_assert_cmpint(left_ms, >, 0);
    g_assert_cmpint(left_ms, <=, seconds * 1000);
}

static void end(const struct v2_execution *execution, enum v2_end_kind kind, const char *reason)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = g_strdup(reason);
    const struct v2_end how = {kind, text};
    g_assert_true(executions_end(reader, execution, &how, &error));
}

/* What was said first stays; nothing is kept for ever. */
static void test_end(void)
{
    struct v2_execution *execution = make("t-3"), *other = make("t-4");
    char digest[V2_DIGEST_SIZE];
    keep(execution, execution->id);
    keep(other, other->id);
    v2_execution_digest(execution, digest);
    check_expiry("same", digest, EXECUTIONS_SAME_S);
    end(execution, V2_CANCELLED, "Cancelled by Ada at noon.");
    end(execution, V2_FAILED, "too late");
    g_assert_true(find(execution->id, V2_CANCELLED, "Cancelled by Ada at noon."));
    end(other, V2_FAILED, "too many rows");
    g_assert_true(find(other->id, V2_FAILED, "too many rows"));
    check_expiry("execution", execution->id, EXECUTIONS_KEPT_S);
    check_expiry("ended", execution->id, EXECUTIONS_KEPT_S);
    check_expiry("kept", "t-3", EXECUTIONS_KEPT_S);
    v2_execution_unref(execution);
    execution = make("t-3"); /* the same question again, after the end of the first: another try */
    keep(execution, execution->id);
    v2_execution_unref(execution);
    v2_execution_unref(other);
}

/* A caller who had too much kept is told so; others are not concerned. */
static void test_kept(void)
{
    struct v2_execution *execution = make("t-5"), *other = make("t-6");
    g_autofree char *much = g_strdup_printf("%d", EXECUTIONS_BYTES_MAX);
    call("SET", "kept", "t-5", much);
    keep(execution, "");
    g_assert_false(find(execution->id, V2_NOT_ENDED, NULL));
    keep(other, other->id);
    v2_execution_unref(execution);
    v2_execution_unref(other);
}

static void test_broken(void)
{
    g_autoptr(GError) error = NULL;
    struct v2_execution *execution;
    struct v2_end how;
    call("SET", "execution", UNKNOWN, "nonsense");
    g_assert_false(executions_find(reader, UNKNOWN, &execution, &how, &error));
    g_assert_error(error, READER_ERROR, READER_ERROR_DATA);
    g_assert_nonnull(strstr(error->message, UNKNOWN));
    g_assert_null(execution);
}

static void test_ids(void)
{
    g_assert_true(executions_is_id(UNKNOWN));
    g_assert_false(executions_is_id("7D444840-9DC0-11D1-B245-5FFDCE74FAD2"));
    g_assert_false(executions_is_id(""));
    g_assert_false(executions_is_id("7d444840-9dc0-11d1-b245-5ffdce74fad"));
    g_assert_false(executions_is_id("7d4448409dc011d1b2455ffdce74fad2"));
    g_assert_false(executions_is_id("7d444840-9dc0-11d1-b245-5ffdce74fad2 "));
    g_assert_false(executions_is_id("}:x:{daybook}:0000000000000000000000"));
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_test_init(&argc, &argv, NULL);
    redis_process_start(&server, 0, NULL);
    const struct redis_settings settings = {server.url, 20000, 60000};
    reader = reader_new(&settings, 1);
    reader_begin(reader, g_get_monotonic_time() + 600 * G_TIME_SPAN_SECOND, &error);
    g_assert_no_error(error);
    g_test_add_func("/executions/keep", test_keep);
    g_test_add_func("/executions/end", test_end);
    g_test_add_func("/executions/kept", test_kept);
    g_test_add_func("/executions/broken", test_broken);
    g_test_add_func("/executions/ids", test_ids);
    int code = g_test_run();
    reader_free(reader);
    redis_process_clear(&server);
    return code;
}
