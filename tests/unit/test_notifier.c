/* The notifier with a real redis-server and a real HTTP server: what rests with its receiver, what is urgent, whose time is over.
 * Failures, kills and mail: tests/system/test_notifications.py. */
#include "api/notifier.h"

#include "api/alerts.h"
#include "api/meters.h"
#include "lib/http.h"
#include "tests/unit/redis_process.h"

enum { HOUR_MS = 3600 * 1000, WAIT_S = 120 };
#define ILL "w-00000000000000000000000000000001"
#define WELL "w-00000000000000000000000000000002"
#define MAIL "m-00000000000000000000000000000003"

static struct redis_process server;
static struct http_server *http;
static struct registry *registry;
static struct metrics *metrics;
static struct reader *reader;
static gint asked_ill, asked_well, ill_status; /* atomic */

static void handle(struct http_request *request, void *opaque)
{
    bool is_ill = strcmp(http_request_path(request), "/ill") == 0;
    (void)opaque;
    g_atomic_int_inc(is_ill ? &asked_ill : &asked_well);
    http_respond(request, is_ill ? g_atomic_int_get(&ill_status) : 200, NULL, NULL, 0);
}

/* ---- Redis ---- */

static void begin(void)
{
    g_autoptr(GError) error = NULL;
    bool ok = reader_begin(reader, g_get_monotonic_time() + WAIT_S * G_TIME_SPAN_SECOND, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

static void finish(void)
{
    g_autoptr(GError) error = NULL;
    bool ok = reader_finish(reader, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

static void run(const char *command, const char *key, const char *field, const char *value)
{
    const struct view argv[] = {view_of(command), view_of(key), view_of(field), view_of(value)};
    reader_ask(reader, READER_CONTROL, argv, value != NULL ? 4 : field != NULL ? 3 : key != NULL ? 2 : 1, (struct reader_then){0});
    finish();
}

static void put_channel_of(const char *organization, const char *id, const char *kind, const char *target)
{
    g_autofree char *json =
        g_strdup_printf("{\"id\":\"%s\",\"name\":\"\",\"organization\":\"%s\",\"kind\":\"%s\",\"target\":\"%s\","
                        "\"minLevel\":0,\"system\":false,\"secret\":\"whsec_x\"}",
                        id, organization, kind, target);
    run("HSET", "{daybook}:channels", id, json);
}

static void put_channel(const char *id, const char *kind, const char *target)
{
    put_channel_of("acme", id, kind, target);
}

/* Redis as it is at the begin of each test: three channels, nothing due. */
static void set_up(void)
{
    g_autofree char *ill = g_strdup_printf("http://127.0.0.1:%d/ill", http_server_port(http));
    g_autofree char *well = g_strdup_printf("http://127.0.0.1:%d/well", http_server_port(http));
    begin();
    run("FLUSHALL", NULL, NULL, NULL);
    put_channel(ILL, "webhook", ill);
    put_channel(WELL, "webhook", well);
    put_channel(MAIL, "email", "ops@example.com");
    run("INCR", "{daybook}:version", NULL, NULL);
    g_assert_true(registry_refresh(registry, NULL));
    g_atomic_int_set(&asked_ill, 0);
    g_atomic_int_set(&asked_well, 0);
    g_atomic_int_set(&ill_status, 503);
    static const char *const outcomes[] = {"delivered", "failed", "dead", "dropped"};
    for (size_t i = 0; i < G_N_ELEMENTS(outcomes); i++)
        metrics_drop(metrics, METER_DELIVERIES, outcomes[i]);
}

static int serial;

/* A new alert, due at a channel now; the id of the delivery. */
static char *raise_for(const char *channel)
{
    static char organization[] = "acme", client[] = "c-1", rule[] = "daily", metric[] = "hits";
    struct alert alert = {.organization = organization,
                          .client = client,
                          .rule = rule,
                          .metric = metric,
                          .period = LIMIT_DAY,
                          .to_ms = 1,
                          .level = 80,
                          .limit = 1000 + (uint64_t)serial++,
                          .value = 900,
                          .created_ms = g_get_real_time() / 1000};
    enum alerts_outcome outcome;
    alert_identify(&alert);
    char *id = g_strconcat(alert.id, ".raised.", channel, NULL);
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    g_ptr_array_add(ids, id);
    alerts_ask_raise(reader, &alert, ids, NULL, &outcome);
    finish();
    g_assert_cmpint(outcome, ==, ALERTS_DONE);
    return id;
}

static struct notifier *start(enum channel_kind kind, int64_t retry_for_ms)
{
    const struct notifier_settings settings = {
        .kind = kind,
        .redis = {server.url, 20000, 60000},
        .outgoing =
            {.timeout_ms = 30000, .allow_private = true, .smtp_url = "", .smtp_user = "", .smtp_password = "", .mail_from = ""},
        .public_url = "",
        .parallel = 4,
        .retry_least_ms = HOUR_MS,
        .retry_most_ms = HOUR_MS,
        .retry_for_ms = retry_for_ms,
        .dead_max = 100,
        .dead_keep_ms = HOUR_MS,
    };
    return notifier_start(&settings, registry, metrics);
}

static int64_t outcome(const char *name)
{
    return metrics_get(metrics, METER_DELIVERIES, name);
}

static int64_t time_of(const char *key, const char *id)
{
    int64_t time_ms = 0;
    deliveries_ask_time(reader, key, id, &time_ms);
    finish();
    return time_ms;
}

static struct delivery_tries tries_of(const char *id)
{
    struct deliveries_entry entry = {0};
    g_strlcpy(entry.id, id, sizeof entry.id);
    deliveries_ask_tries(reader, &entry, 1);
    finish();
    return entry.tries;
}

#define WAIT_UNTIL(condition)                                                    \
    do {                                                                         \
        gint64 until_us_ = g_get_monotonic_time() + WAIT_S * G_TIME_SPAN_SECOND; \
        while (!(condition)) {                                                   \
            g_assert_cmpint(g_get_monotonic_time(), <, until_us_);               \
            g_usleep(20000);                                                     \
        }                                                                        \
    } while (0)

/* ---- tests ---- */

static void test_delivered(void)
{
    set_up();
    g_autofree char *id = raise_for(WELL);
    struct notifier *notifier = start(CHANNEL_WEBHOOK, HOUR_MS);
    WAIT_UNTIL(outcome("delivered") == 1);
    g_assert_cmpint(time_of(DELIVERIES_KEY, id), ==, 0);
    g_assert_cmpint(g_atomic_int_get(&asked_well), ==, 1);
    notifier_stop(notifier);
}

/* After the first failures the others wait with their receiver, untried but noted, until somebody asks for one. */
static void test_resting(void)
{
    char *ids[6];
    set_up();
    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
        ids[i] = raise_for(ILL);
    struct notifier *notifier = start(CHANNEL_WEBHOOK, 24 * (int64_t)HOUR_MS);
    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
        WAIT_UNTIL(tries_of(ids[i]).first_ms != 0);
    int asked = g_atomic_int_get(&asked_ill);
    g_assert_cmpint(asked, >=, 1);
    g_assert_cmpint(asked, <=, NOTIFIER_EACH);
    size_t tried = 0, waiting = G_N_ELEMENTS(ids);
    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
        const struct delivery_tries tries = tries_of(ids[i]);
        tried += tries.attempts;
        waiting = tries.attempts == 0 ? i : waiting;
        g_assert_nonnull(strstr(tries.error, "503"));
        g_assert_cmpint(time_of(DELIVERIES_KEY, ids[i]), >, g_get_real_time() / 1000 + HOUR_MS / 2);
    }
    g_assert_cmpuint(tried, ==, (size_t)asked);
    g_assert_cmpuint(waiting, <, G_N_ELEMENTS(ids));
    g_atomic_int_set(&ill_status, 200);
    bool was_there;
    deliveries_ask_retry(reader, ids[waiting], g_get_real_time() / 1000, &was_there);
    finish();
    WAIT_UNTIL(outcome("delivered") == 1);
    g_assert_cmpint(time_of(DELIVERIES_KEY, ids[waiting]), ==, 0);
    notifier_stop(notifier);
    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
        g_free(ids[i]);
}

/* The time of what waits runs: it is given up without a try of its own. */
static void test_time_runs_while_resting(void)
{
    char *ids[5];
    set_up();
    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
        ids[i] = raise_for(ILL);
    struct notifier *notifier = start(CHANNEL_WEBHOOK, 1500);
    WAIT_UNTIL(outcome("dead") == G_N_ELEMENTS(ids));
    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
        g_assert_cmpint(time_of(DELIVERIES_KEY, ids[i]), ==, 0);
        g_assert_cmpint(time_of(DELIVERIES_DEAD_KEY, ids[i]), !=, 0);
        g_free(ids[i]);
    }
    notifier_stop(notifier);
}

static void test_gone_channel(void)
{
    set_up();
    g_autofree char *lost = raise_for("w-00000000000000000000000000000009");
    g_free(raise_for(WELL));
    struct notifier *notifier = start(CHANNEL_WEBHOOK, HOUR_MS);
    WAIT_UNTIL(outcome("dropped") == 1 && outcome("delivered") == 1);
    g_assert_cmpint(time_of(DELIVERIES_KEY, lost), ==, 0);
    notifier_stop(notifier);
}

/* A channel that another organization has got is told nothing of what was due for it before. */
static void test_channel_of_another(void)
{
    set_up();
    g_autofree char *due = raise_for(WELL), *target = g_strdup_printf("http://127.0.0.1:%d/well", http_server_port(http));
    put_channel_of("globex", WELL, "webhook", target);
    run("INCR", "{daybook}:version", NULL, NULL);
    struct notifier *notifier = start(CHANNEL_WEBHOOK, HOUR_MS);
    WAIT_UNTIL(outcome("dropped") + outcome("delivered") == 1);
    g_assert_cmpint(outcome("dropped"), ==, 1);
    g_assert_cmpint(g_atomic_int_get(&asked_well), ==, 0);
    g_assert_cmpint(time_of(DELIVERIES_KEY, due), ==, 0);
    notifier_stop(notifier);
}

/* Each takes its own kind; mail that cannot be sent at all is given up. */
static void test_kinds(void)
{
    set_up();
    g_autofree char *mail = raise_for(MAIL), *hook = raise_for(WELL);
    struct notifier *notifier = start(CHANNEL_EMAIL, HOUR_MS);
    WAIT_UNTIL(outcome("dead") == 1);
    g_assert_cmpint(time_of(DELIVERIES_KEY, hook), !=, 0);
    g_assert_cmpint(time_of(DELIVERIES_DEAD_KEY, mail), !=, 0);
    g_assert_cmpint(g_atomic_int_get(&asked_well), ==, 0);
    notifier_stop(notifier);
}

static gint noted; /* atomic */

static void note(const struct outgoing_result *result, void *opaque)
{
    struct outgoing_result *copy = opaque;
    *copy = *result;
    g_atomic_int_inc(&noted);
}

static void test_trial(void)
{
    set_up();
    struct registry_snapshot *snapshot = registry_take(registry);
    struct notifier *notifier = start(CHANNEL_WEBHOOK, HOUR_MS);
    struct outgoing_result result = {0};
    g_assert_true(notifier_test(notifier, g_hash_table_lookup(snapshot->channels, WELL), note, &result));
    WAIT_UNTIL(g_atomic_int_get(&noted) > 0);
    g_assert_true(result.taken);
    registry_release(snapshot);
    notifier_stop(notifier);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_autoptr(GError) error = NULL;
    const struct http_settings settings = {
        .address = "127.0.0.1", .body_max_bytes = 100000, .threads = 1, .connections_max = 50, .idle_timeout_s = 30};
    redis_process_start(&server, 0, NULL);
    const struct redis_settings redis = {server.url, 20000, 60000};
    http = http_server_start(&settings, handle, NULL, &error);
    g_assert_no_error(error);
    metrics = metrics_new(api_meters, METER_N);
    registry = registry_start(&redis, metrics);
    reader = reader_new(&redis, 1);
    g_test_add_func("/notifier/delivered", test_delivered);
    g_test_add_func("/notifier/resting", test_resting);
    g_test_add_func("/notifier/time-runs-while-resting", test_time_runs_while_resting);
    g_test_add_func("/notifier/gone-channel", test_gone_channel);
    g_test_add_func("/notifier/channel-of-another", test_channel_of_another);
    g_test_add_func("/notifier/kinds", test_kinds);
    g_test_add_func("/notifier/trial", test_trial);
    int failed = g_test_run();
    reader_free(reader);
    registry_stop(registry);
    metrics_free(metrics);
    http_server_quiesce(http);
    http_server_stop(http);
    redis_process_kill(&server);
    redis_process_clear(&server);
    return failed;
}
