/* Windows of a watch, with a model of the counts and of time: what is not due has not reached its next level. */
#include "api/alert_windows.h"

#include "lib/civil.h"

#define HOUR_MS INT64_C(3600000)
enum { EVENTS_MAX = 4096 };

static struct limit_rule rule = {.id = (char *)"r", .metric = (char *)"hits", .period = LIMIT_HOUR, .value = 20};
static struct growth_client client;

static struct limit_watch watch_of(void)
{
    return (struct limit_watch){.key = "acme\x1f"
                                       "c 1",
                                .organization = "acme",
                                .client = "c 1",
                                .rule = &rule,
                                .levels = {{50, 80, 100, 200}, 4}};
}

static void test_names(void)
{
    const struct limit_watch watch = watch_of();
    for (enum limit_period period = 0; period < LIMIT_PERIOD_N; period++) {
        int64_t from_ms, to_ms, end_ms;
        rule.period = period;
        limit_window(period, INT64_C(1795257421000), &from_ms, &to_ms);
        g_autofree char *name = alert_windows_name(&watch, from_ms);
        g_assert_true(alert_windows_end(view_of(name), &end_ms));
        g_assert_cmpint(end_ms, ==, to_ms);
    }
    rule.period = LIMIT_HOUR;
    int64_t end_ms;
    static const char *const wrong[] = {"", "x", "1 2 3", "a b hour x 1", "a b year 5 1", "hour 5 1"};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        g_assert_false(alert_windows_end(view_of(wrong[i]), &end_ms));
}

static void test_roll(void)
{
    g_autoptr(GHashTable) levels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    const struct limit_watch watch = watch_of();
    struct alert_watcher watcher = {.watch = &watch, .client = &client};
    int64_t ten = 480000 * HOUR_MS;
    g_hash_table_insert(levels, alert_windows_name(&watch, ten), GUINT_TO_POINTER(80));

    alert_windows_roll(&watcher, levels, ten - 1);
    g_assert_cmpint(watcher.windows[0].to_ms, ==, ten);
    g_assert_cmpint(watcher.windows[1].to_ms, ==, ten - HOUR_MS); /* for late events */
    g_assert_true(watcher.windows[1].is_over);
    g_assert_true(alert_windows_is_due(&watcher, &watcher.windows[0]) && alert_windows_is_due(&watcher, &watcher.windows[1]));

    alert_windows_know(&watcher, &watcher.windows[0], 9);
    g_assert_false(alert_windows_is_due(&watcher, &watcher.windows[0]));
    client.all += 1;
    g_assert_true(alert_windows_is_due(&watcher, &watcher.windows[0]));
    watcher.windows[0].raised = 50;
    g_assert_false(alert_windows_is_due(&watcher, &watcher.windows[0]));

    alert_windows_roll(&watcher, levels, ten);
    g_assert_cmpint(watcher.windows[0].from_ms, ==, ten);
    g_assert_cmpuint(watcher.windows[0].raised, ==, 80); /* by somebody before */
    g_assert_cmpuint(alert_windows_most(&watcher, &watcher.windows[0]), ==, ALERT_WINDOWS_UNKNOWN);
    g_assert_cmpuint(alert_windows_most(&watcher, &watcher.windows[1]), ==, 10);
    client.all += 50; /* not for the hour before */
    g_assert_cmpuint(alert_windows_most(&watcher, &watcher.windows[1]), ==, 10);
    client.ended += 6;
    g_assert_true(alert_windows_is_due(&watcher, &watcher.windows[1]));
    watcher.windows[1].raised = 200;
    g_assert_false(alert_windows_is_due(&watcher, &watcher.windows[1]));
    alert_windows_roll(&watcher, levels, ten + HOUR_MS / 2);
    g_assert_cmpuint(alert_windows_most(&watcher, &watcher.windows[1]), ==, 16);

    rule.period = LIMIT_DAY; /* a day's window has one before only in its first hour */
    struct alert_watcher daily = {.watch = &watch, .client = &client};
    alert_windows_roll(&daily, levels, 20000 * CIVIL_DAY_MS + HOUR_MS);
    g_assert_cmpint(daily.windows[1].from_ms, ==, daily.windows[1].to_ms);
    g_assert_false(alert_windows_is_due(&daily, &daily.windows[1]));
    rule.period = LIMIT_HOUR;
}

/* ---- the model ---- */

struct model {
    int64_t times[EVENTS_MAX]; /* of requests, all of one client */
    guint n, seen;             /* seen: by the last look */
    int64_t now_ms;
};

static uint64_t count(const struct model *model, int64_t from_ms, int64_t to_ms)
{
    uint64_t n = 0;
    for (guint i = 0; i < model->n; i++)
        n += model->times[i] >= from_ms && model->times[i] < to_ms;
    return n;
}

/* As alert_growth_look: never less than what came, sometimes more, and late for both. */
static void look(struct model *model)
{
    int64_t hour = civil_floor(model->now_ms, CIVIL_HOUR);
    for (; model->seen < model->n; model->seen++) {
        bool is_late = model->times[model->seen] < model->now_ms - HOUR_MS / 2;
        client.all++;
        client.ended += is_late || model->times[model->seen] < hour;
    }
    client.all += (uint64_t)(g_test_rand_int_range(0, 10) == 0);
}

static void check(struct model *model, struct alert_watcher *watcher, GHashTable *levels)
{
    const struct limit_watch *watch = watcher->watch;
    for (size_t i = 0; i < 2; i++) {
        struct alert_window *window = &watcher->windows[i];
        if (window->from_ms == window->to_ms)
            continue;
        uint64_t counted = count(model, window->from_ms, window->to_ms);
        uint32_t reached = alert_levels_reached(&watch->levels, rule.value, counted);
        g_assert_cmpuint(alert_windows_most(watcher, window), >=, counted);
        g_assert_true(reached <= window->raised || alert_windows_is_due(watcher, window));
        if (!alert_windows_is_due(watcher, window))
            continue;
        alert_windows_know(watcher, window, counted);
        window->raised = MAX(window->raised, reached);
        g_hash_table_replace(levels, alert_windows_name(watch, window->from_ms), GUINT_TO_POINTER(window->raised));
        g_assert_false(alert_windows_is_due(watcher, window));
    }
}

static void test_model(void)
{
    static const enum limit_period periods[] = {LIMIT_HOUR, LIMIT_DAY, LIMIT_WEEK, LIMIT_MONTH};
    for (int round = 0; round < 40; round++) {
        g_autoptr(GHashTable) levels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        struct limit_watch watch = watch_of();
        rule.period = periods[round % 4];
        struct alert_watcher watcher = {.watch = &watch, .client = &client};
        struct model model = {.now_ms = 20000 * CIVIL_DAY_MS + (int64_t)g_test_rand_int_range(0, 86400) * 1000};
        client = (struct growth_client){.key = NULL};
        while (model.n < EVENTS_MAX - 8) {
            model.now_ms += g_test_rand_int_range(1, 600) * 1000;
            for (int n = g_test_rand_int_range(0, 8); n > 0; n--) {
                bool is_late = g_test_rand_int_range(0, 10) == 0;
                model.times[model.n++] = model.now_ms - (is_late ? g_test_rand_int_range(0, 40000) * INT64_C(1000) : 0);
            }
            look(&model);
            if (g_test_rand_int_range(0, 100) == 0) /* somebody else goes on */
                watcher = (struct alert_watcher){.watch = &watch, .client = &client};
            alert_windows_roll(&watcher, levels, model.now_ms);
            check(&model, &watcher, levels);
        }
    }
    rule.period = LIMIT_HOUR;
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/alert_windows/names", test_names);
    g_test_add_func("/alert_windows/roll", test_roll);
    g_test_add_func("/alert_windows/model", test_model);
    return g_test_run();
}
