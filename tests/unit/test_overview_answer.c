/* What the overview says of given facts; test_overview.py compares the numbers of large ones with Get Usage. */
#include "api/overview_answer.h"

#include "lib/keys.h"
#include <jansson.h>

#define NOW INT64_C(1795257421250) /* 2026-11-21T10:37:01.250Z */
#define CLIENT(name) "acme\x1f" name

struct facts {
    struct usage_params params;
    struct caller *caller;
    struct live now, before;
    struct registry_snapshot *registry;
    struct alerts_list alerts;
    struct system_state *system;
};

static void make_live(struct live *live, int64_t from_ms, int64_t to_ms)
{
    const struct window_range range = {.from_ms = from_ms, .to_ms = to_ms, .unit = WINDOW_WHOLE};
    struct refusal refusal = {0};
    g_assert_true(window_init_range(&live->window, &range, NOW, (struct window_extent){0, 0}, &refusal));
    live->table = usage_table_new(&live->window);
    live->finality = (struct finality){.through = FINALITY_NONE};
}

/* An hour before the slot of now, and one before that. */
static void set_up(struct facts *facts, gconstpointer data)
{
    (void)data;
    int64_t from_ms = civil_align(NOW, KEYS_SLOT_MS) - 3600 * 1000;
    *facts = (struct facts){.params = {.timeframe = USAGE_1H, .granularity = CIVIL_DAY, .limit = 100}};
    facts->caller = caller_new("t-1", "test", NULL, NULL, 0, TIER_ENTERPRISE);
    make_live(&facts->now, from_ms, NOW);
    make_live(&facts->before, from_ms - 3600 * 1000, from_ms);
    facts->registry = registry_snapshot_new(1);
    facts->alerts.all = g_ptr_array_new_with_free_func((GDestroyNotify)alert_free);
}

static void clear_live(struct live *live)
{
    usage_table_free(live->table);
    window_clear(&live->window);
    finality_clear(&live->finality);
}

static void tear_down(struct facts *facts, gconstpointer data)
{
    (void)data;
    clear_live(&facts->now);
    clear_live(&facts->before);
    registry_snapshot_unref(facts->registry);
    g_ptr_array_unref(facts->alerts.all);
    system_state_free(facts->system);
    caller_unref(facts->caller);
}

/* So many requests of a client, one in ten of them failed. */
static void count(struct live *live, const char *client, int n)
{
    struct measure measure;
    int64_t slot = live->window.first_slot;
    measure_init(&measure);
    for (int i = 0; i < n; i++)
        measure_add(&measure, i % 10 == 9 ? 500 : 200, 2000, 10, 20, true);
    usage_table_add_slot(live->table, slot, &measure);
    usage_table_add_client(live->table, client, &measure, slot);
    usage_table_add_route(live->table, "GET /v1/orders", &measure, slot);
    measure_clear(&measure);
}

static json_t *answer_of(const struct facts *facts)
{
    const struct overview overview = {
        .params = &facts->params,
        .caller = facts->caller,
        .now = &facts->now,
        .before = &facts->before,
        .registry = facts->registry,
        .alerts = &facts->alerts,
        .system = facts->system,
        .now_ms = NOW,
    };
    g_autoptr(GString) text = g_string_new(NULL);
    overview_answer_write(text, &overview);
    json_t *answer = json_loads(text->str, 0, NULL);
    g_assert_true(json_is_object(answer));
    return answer;
}

/* By a path: "usage/totalRequests", "topClients/0/name". */
static json_t *at(json_t *answer, const char *path)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    for (char **part = parts; *part != NULL; part++)
        answer = json_is_array(answer) ? json_array_get(answer, (size_t)g_ascii_strtoull(*part, NULL, 10))
                                       : json_object_get(answer, *part);
    return answer;
}

static void check_number(json_t *answer, const char *path, double expected)
{
    g_assert_true(json_is_number(at(answer, path)));
    g_assert_cmpfloat_with_epsilon(json_number_value(at(answer, path)), expected, 0.0005);
}

static void check_text(json_t *answer, const char *path, const char *expected)
{
    g_assert_cmpstr(json_string_value(at(answer, path)), ==, expected);
}

/* ---- tests ---- */

static void test_nothing(struct facts *facts, gconstpointer data)
{
    (void)data;
    json_t *answer = answer_of(facts);
    check_number(answer, "usage/totalRequests", 0);
    check_number(answer, "usage/successRate", 100);
    check_number(answer, "change/totalRequests", 0);
    g_assert_cmpuint(json_array_size(at(answer, "topClients")), ==, 0);
    g_assert_true(json_is_null(at(answer, "health")) && json_is_null(at(answer, "organization")));
    g_assert_true(json_is_null(at(answer, "finality/finalizedThrough")));
    check_text(answer, "finality/provisionalDays/0", "2026-11-21");
    json_decref(answer);
}

static void test_totals(struct facts *facts, gconstpointer data)
{
    (void)data;
    count(&facts->now, CLIENT("c-1"), 100);
    count(&facts->now, CLIENT("c-2"), 300);
    count(&facts->before, CLIENT("c-1"), 200);
    json_t *answer = answer_of(facts);
    check_number(answer, "usage/totalRequests", 400);
    check_number(answer, "usage/failedRequests", 40);
    check_number(answer, "usage/activeClients", 2);
    check_number(answer, "usage/dataTransferred", 400 * 30);
    check_number(answer, "usageBefore/totalRequests", 200);
    /* In 4,021 s, as it is now 421 s since the slot began, there would have been 223 instead of 200. */
    check_number(answer, "change/totalRequests", (400 - 223) * 100.0 / 223);
    check_number(answer, "change/p95Latency", 0);
    check_text(answer, "topClients/0/clientId", "c-2");
    check_number(answer, "topClients/0/share", 75);
    check_text(answer, "topEndpoints/0/endpoint", "GET /v1/orders");
    check_number(answer, "topEndpoints/0/requests", 400);
    check_number(answer, "newestClients/appearedCount", 1);
    check_text(answer, "newestClients/appeared/0/clientId", "c-2");
    json_decref(answer);
}

static void test_lists_are_bounded(struct facts *facts, gconstpointer data)
{
    (void)data;
    for (int i = 0; i < 25; i++) {
        g_autofree char *client = g_strdup_printf("acme\x1f"
                                                  "c-%d",
                                                  i);
        count(&facts->now, client, i + 1);
    }
    json_t *answer = answer_of(facts);
    g_assert_cmpuint(json_array_size(at(answer, "topClients")), ==, OVERVIEW_SHOWN);
    g_assert_cmpuint(json_array_size(at(answer, "newestClients/appeared")), ==, OVERVIEW_SHOWN);
    check_number(answer, "newestClients/appearedCount", 25);
    json_decref(answer);
}

static void add_alert(struct facts *facts, const char *client, uint32_t level, bool recovered)
{
    struct alert *alert = g_new0(struct alert, 1);
    *alert = (struct alert){.organization = g_strdup("acme"),
                            .client = g_strdup(client),
                            .rule = g_strdup("r"),
                            .metric = g_strdup("hits"),
                            .period = LIMIT_DAY,
                            .from_ms = NOW - 1000,
                            .to_ms = NOW + 1000,
                            .level = level,
                            .limit = 1000,
                            .value = level * 10,
                            .created_ms = NOW,
                            .recovered_ms = recovered ? NOW : 0};
    alert_identify(alert);
    g_ptr_array_add(facts->alerts.all, alert);
}

static void test_limits(struct facts *facts, gconstpointer data)
{
    (void)data;
    add_alert(facts, "c-1", 50, false);
    add_alert(facts, "c-1", 120, false);
    add_alert(facts, "c-1", 80, false);
    add_alert(facts, "c-2", 90, false);
    add_alert(facts, "c-3", 300, true); /* its window is over */
    json_t *answer = answer_of(facts);
    check_number(answer, "reachingLimitsCount", 2);
    check_text(answer, "reachingLimits/0/clientId", "c-1");
    check_number(answer, "reachingLimits/0/level", 120);
    check_text(answer, "reachingLimits/1/clientId", "c-2");
    check_number(answer, "alerts/unread", 5);
    json_decref(answer);
    facts->params.organization = (char *)"globex";
    answer = answer_of(facts);
    check_number(answer, "reachingLimitsCount", 0);
    json_decref(answer);
}

static void add_collector(struct facts *facts, const char *name, bool silent)
{
    struct system_collector *collector = g_new0(struct system_collector, 1);
    *collector = (struct system_collector){.name = g_strdup(name), .silent = silent, .heard_ms = NOW};
    g_ptr_array_add(facts->system->collectors, collector);
}

static void free_collector(gpointer collector)
{
    g_free(((struct system_collector *)collector)->name);
    g_free(collector);
}

/* Silent collectors are never left out for the others. */
static void test_health(struct facts *facts, gconstpointer data)
{
    (void)data;
    facts->system = g_new(struct system_state, 1);
    *facts->system = (struct system_state){.partitions = g_ptr_array_new(),
                                           .collectors = g_ptr_array_new_with_free_func(free_collector),
                                           .days = g_ptr_array_new(),
                                           .conditions = g_ptr_array_new(),
                                           .doubtful = g_ptr_array_new()};
    for (int i = 0; i < OVERVIEW_COLLECTORS; i++)
        add_collector(facts, "awake", false);
    add_collector(facts, "zzz", true);
    json_t *answer = answer_of(facts);
    check_text(answer, "health/status", "ok");
    g_assert_cmpuint(json_array_size(at(answer, "health/collectors")), ==, OVERVIEW_COLLECTORS);
    check_text(answer, "health/collectors/0/name", "zzz");
    check_text(answer, "health/collectors/1/name", "awake");
    check_number(answer, "health/collectorCount", OVERVIEW_COLLECTORS + 1);
    json_decref(answer);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(struct facts *facts, gconstpointer data);
    } tests[] = {
        {"/overview_answer/nothing", test_nothing},         {"/overview_answer/totals", test_totals},
        {"/overview_answer/lists", test_lists_are_bounded}, {"/overview_answer/limits", test_limits},
        {"/overview_answer/health", test_health},
    };
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, struct facts, NULL, set_up, tests[i].test, tear_down);
    return g_test_run();
}
