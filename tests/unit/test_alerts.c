/* Alerts in a real redis-server: raised once, whoever raises them; what is changed by one is seen by all. */
#include "api/alerts.h"

#include "api/caller.h"
#include "lib/civil.h"
#include "tests/unit/redis_process.h"

static struct redis_process server;
static struct reader *reader;

static struct redis_reply *redis_do(const char *command, const char *key, const char *field)
{
    const struct redis_settings settings = {server.url, 20000, 60000};
    g_autoptr(GError) error = NULL;
    struct redis *redis = redis_connect(&settings, NULL, &error);
    g_assert_no_error(error);
    const struct view argv[] = {view_of(command), view_of(key), view_of(field)};
    struct redis_reply *reply = redis_command(redis, field != NULL ? 3 : key != NULL ? 2 : 1, argv, &error);
    g_assert_no_error(error);
    redis_free(redis);
    return reply;
}

static void redis_run(const char *command, const char *key, const char *field)
{
    redis_reply_free(redis_do(command, key, field));
}

static int64_t redis_count(const char *command, const char *key)
{
    struct redis_reply *reply = redis_do(command, key, NULL);
    int64_t n = redis_reply_integer(reply);
    redis_reply_free(reply);
    return n;
}

static void begin(void)
{
    g_autoptr(GError) error = NULL;
    redis_run("FLUSHALL", NULL, NULL);
    g_assert_true(reader_begin(reader, g_get_monotonic_time() + 600 * G_TIME_SPAN_SECOND, &error));
}

static void finish(void)
{
    g_autoptr(GError) error = NULL;
    bool ok = reader_finish(reader, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

static struct alert *make(const char *client, uint32_t level, int64_t created_ms)
{
    struct alert *alert = g_new0(struct alert, 1);
    alert->organization = g_strdup("acme");
    alert->client = g_strdup(client);
    alert->rule = g_strdup("daily");
    alert->metric = g_strdup("hits");
    alert->period = LIMIT_DAY;
    alert->from_ms = 20000 * CIVIL_DAY_MS;
    alert->to_ms = 20001 * CIVIL_DAY_MS;
    alert->level = level;
    alert->limit = 100;
    alert->value = level;
    alert->created_ms = created_ms;
    alert_identify(alert);
    return alert;
}

static enum alerts_outcome raise_it(struct alert *alert_taken, const GPtrArray *deliveries, const char *field)
{
    enum alerts_outcome outcome;
    alerts_ask_raise(reader, alert_taken, deliveries, field, &outcome);
    finish();
    alert_free(alert_taken);
    return outcome;
}

static void test_once(void)
{
    begin();
    g_assert_cmpint(raise_it(make("c-1", 80, 5), NULL, "w"), ==, ALERTS_DONE);
    g_assert_cmpint(raise_it(make("c-1", 80, 6), NULL, "w"), ==, ALERTS_BEFORE);
    g_assert_cmpint(raise_it(make("c-1", 50, 7), NULL, "w"), ==, ALERTS_BEFORE); /* below what was raised */
    g_assert_cmpint(raise_it(make("c-1", 100, 8), NULL, "w"), ==, ALERTS_DONE);
    g_assert_cmpint(raise_it(make("c-1", 50, 9), NULL, "other"), ==, ALERTS_DONE);
    g_assert_cmpint(redis_count("HLEN", ALERTS_KEY), ==, 3);
    struct redis_reply *level = redis_do("HGET", ALERTS_KEY ":levels", "w");
    g_assert_true(view_is(redis_reply_text(level), "100"));
    redis_reply_free(level);
}

/* What is left by a script that was cut short is made whole, and nothing is lost. */
static void test_torn(void)
{
    g_autoptr(GPtrArray) deliveries = g_ptr_array_new();
    g_ptr_array_add(deliveries, (char *)(uintptr_t) "d-1");
    begin();
    raise_it(make("c-1", 80, 5), deliveries, "w");
    redis_run("DEL", ALERTS_KEY, NULL);
    redis_run("DEL", ALERTS_KEY ":levels", NULL);
    g_assert_cmpint(raise_it(make("c-1", 80, 6), deliveries, "w"), ==, ALERTS_DONE);
    redis_run("DEL", ALERTS_KEY ":levels", NULL);
    redis_run("DEL", "{daybook}:deliveries", NULL); /* it was delivered */
    g_assert_cmpint(raise_it(make("c-1", 80, 7), deliveries, "w"), ==, ALERTS_BEFORE);
    g_assert_cmpint(redis_count("HLEN", ALERTS_KEY ":levels"), ==, 1);
    g_assert_cmpint(redis_count("ZCARD", "{daybook}:deliveries"), ==, 0); /* so not again */
    g_assert_cmpint(redis_count("ZCARD", ALERTS_KEY ":time"), ==, 1);
}

static void test_many_deliveries(void)
{
    enum { N = 2 * ALERTS_DELIVERIES_AT_ONCE + 1 };
    g_autoptr(GPtrArray) deliveries = g_ptr_array_new_with_free_func(g_free);
    for (int i = 0; i < N; i++)
        g_ptr_array_add(deliveries, g_strdup_printf("delivery-%d", i));
    begin();
    g_assert_cmpint(raise_it(make("c-1", 80, 5), deliveries, NULL), ==, ALERTS_DONE);
    g_assert_cmpint(redis_count("ZCARD", "{daybook}:deliveries"), ==, N);
    g_assert_cmpint(redis_count("HLEN", ALERTS_KEY ":levels"), ==, 0);
}

static void test_recover_and_state(void)
{
    struct alert *alert = make("c-1", 80, 5), *found;
    g_autoptr(GError) error = NULL;
    enum alerts_outcome outcome;
    begin();
    alerts_ask_recover(reader, alert->id, NULL, 9, &outcome);
    finish();
    g_assert_cmpint(outcome, ==, ALERTS_BEFORE); /* there is none */
    g_assert_true(alerts_find(reader, alert->id, &found, &error));
    g_assert_null(found);
    raise_it(make("c-1", 80, 5), NULL, NULL);
    alerts_ask_recover(reader, alert->id, NULL, 9, &outcome);
    finish();
    g_assert_cmpint(outcome, ==, ALERTS_DONE);
    alerts_ask_recover(reader, alert->id, NULL, 10, &outcome);
    alerts_ask_state(reader, alert->id, ALERT_DELETED);
    alerts_ask_state(reader, "nobody", ALERT_READ);
    finish();
    g_assert_cmpint(outcome, ==, ALERTS_BEFORE);
    g_assert_true(alerts_find(reader, alert->id, &found, &error));
    g_assert_cmpint(found->recovered_ms, ==, 9);
    g_assert_cmpint(found->state, ==, ALERT_DELETED);
    g_assert_cmpint(redis_count("HLEN", ALERTS_KEY ":state"), ==, 1);
    alert_free(found);
    alert_free(alert);
}

static struct alerts_list *take(struct alerts_cache *cache)
{
    g_autoptr(GError) error = NULL;
    struct alerts_list *list = alerts_cache_take(cache, reader, &error);
    g_assert_no_error(error);
    return list;
}

static void test_list(void)
{
    struct alerts_cache *cache = alerts_cache_new();
    begin();
    struct alerts_list *empty = take(cache);
    g_assert_cmpuint(empty->all->len, ==, 0);
    for (int i = 0; i < 30; i++) {
        g_autofree char *client = g_strdup_printf("c-%d", i);
        raise_it(make(client, i % 2 ? 80 : 120, i / 3), NULL, NULL);
    }
    struct alerts_list *list = take(cache), *same = take(cache);
    g_assert_true(list == same);
    g_assert_cmpuint(list->all->len, ==, 30);
    for (guint i = 1; i < list->all->len; i++) {
        const struct alert *a = g_ptr_array_index(list->all, i - 1), *b = g_ptr_array_index(list->all, i);
        g_assert_true(a->created_ms > b->created_ms || (a->created_ms == b->created_ms && strcmp(a->id, b->id) > 0));
    }
    alerts_ask_state(reader, ((struct alert *)g_ptr_array_index(list->all, 0))->id, ALERT_READ);
    finish();
    struct alerts_list *changed = take(cache);
    g_assert_true(changed != list);
    g_assert_cmpint(((struct alert *)g_ptr_array_index(changed->all, 0))->state, ==, ALERT_READ);
    g_assert_cmpint(((struct alert *)g_ptr_array_index(list->all, 0))->state, ==, ALERT_UNREAD);
    struct alerts_list *all[] = {empty, list, same, changed};
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        alerts_list_release(all[i]);
    alerts_cache_free(cache);
}

static void test_filter(void)
{
    struct alert *alert = make("c-1", 120, 50);
    struct alerts_filter filter;
    struct caller *all = caller_new("a", "", NULL, NULL, 0, TIER_FREE), *ours = caller_new("b", "", "acme", NULL, 0, TIER_FREE);
    struct caller *client = caller_new("c", "", "acme", "c-2", 0, TIER_FREE);
    alerts_filter_init(&filter);
    g_assert_true(alerts_filter_has(&filter, alert));
    g_assert_true(alerts_filter_narrow(&filter, all) && !filter.without_system);
    g_assert_true(alerts_filter_narrow(&filter, ours) && filter.without_system);
    g_assert_true(alerts_filter_has(&filter, alert));
    g_assert_true(alerts_filter_narrow(&filter, client));
    g_assert_false(alerts_filter_has(&filter, alert));
    alerts_filter_init(&filter);
    filter.organization = "globex";
    g_assert_false(alerts_filter_narrow(&filter, ours));
    alerts_filter_init(&filter);
    filter.to_ms = 50;
    g_assert_false(alerts_filter_has(&filter, alert));
    filter.to_ms = 51;
    filter.from_ms = 50;
    g_assert_true(alerts_filter_has(&filter, alert));
    filter.active = 0;
    g_assert_false(alerts_filter_has(&filter, alert));
    alert->recovered_ms = 60;
    g_assert_true(alerts_filter_has(&filter, alert));
    alert->state = ALERT_DELETED;
    g_assert_false(alerts_filter_has(&filter, alert));
    filter.states = 1u << ALERT_DELETED;
    g_assert_true(alerts_filter_has(&filter, alert));
    caller_unref(all);
    caller_unref(ours);
    caller_unref(client);
    alert_free(alert);
}

static void test_trim(void)
{
    enum { N = 1500 };
    uint64_t removed;
    begin();
    for (int i = 0; i < N; i++) {
        g_autofree char *client = g_strdup_printf("c-%d", i);
        struct alert *alert = make(client, 80, i);
        enum alerts_outcome outcome;
        alerts_ask_raise(reader, alert, NULL, NULL, &outcome);
        finish();
        alert_free(alert);
    }
    alerts_ask_trim(reader, 100, 0, &removed);
    finish();
    g_assert_cmpuint(removed, ==, 1000);
    alerts_ask_trim(reader, 100, 0, &removed);
    finish();
    g_assert_cmpuint(removed, ==, 400);
    alerts_ask_trim(reader, 100, N - 30, &removed);
    finish();
    g_assert_cmpuint(removed, ==, 70);
    alerts_ask_trim(reader, 100, N - 30, &removed);
    finish();
    g_assert_cmpuint(removed, ==, 0);
    g_assert_cmpint(redis_count("HLEN", ALERTS_KEY), ==, 30);
    struct alerts_cache *cache = alerts_cache_new();
    struct alerts_list *list = take(cache);
    g_assert_cmpuint(list->removed, ==, N - 30);
    g_assert_cmpint(((struct alert *)g_ptr_array_index(list->all, 0))->created_ms, ==, N - 1);
    alerts_list_release(list);
    alerts_cache_free(cache);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    redis_process_start(&server, 0, NULL);
    const struct redis_settings settings = {server.url, 20000, 60000};
    reader = reader_new(&settings, 1);
    g_test_add_func("/alerts/once", test_once);
    g_test_add_func("/alerts/torn", test_torn);
    g_test_add_func("/alerts/many-deliveries", test_many_deliveries);
    g_test_add_func("/alerts/recover-and-state", test_recover_and_state);
    g_test_add_func("/alerts/list", test_list);
    g_test_add_func("/alerts/filter", test_filter);
    g_test_add_func("/alerts/trim", test_trim);
    int code = g_test_run();
    reader_free(reader);
    redis_process_clear(&server);
    return code;
}
