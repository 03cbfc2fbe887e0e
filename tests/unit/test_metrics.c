#include "lib/metrics.h"

#include <string.h>

enum { EVENTS, LAG, BACKLOG };
static const struct metric_row rows[] = {
    {"daybook_test_events_total", METRIC_COUNTER, "reason", "Events refused."},
    {"daybook_test_lag", METRIC_GAUGE, "partition", "Messages still to be read."},
    {"daybook_test_backlog_bytes", METRIC_GAUGE, NULL, "Bytes in the journal, a\\b."},
};

static void test_render(void)
{
    struct metrics *metrics = metrics_new(rows, G_N_ELEMENTS(rows));
    metrics_add(metrics, EVENTS, "too_old", 2);
    metrics_add(metrics, EVENTS, "malformed", 1);
    metrics_add(metrics, EVENTS, "too_old", 3);
    metrics_add(metrics, EVENTS, "q\"\\\n", 1);
    metrics_set(metrics, LAG, "3", -7);
    g_autofree char *text = metrics_render(metrics);
    g_assert_cmpstr(text, ==,
                    "# HELP daybook_test_events_total Events refused.\n"
                    "# TYPE daybook_test_events_total counter\n"
                    "daybook_test_events_total{reason=\"malformed\"} 1\n"
                    "daybook_test_events_total{reason=\"q\\\"\\\\\\n\"} 1\n"
                    "daybook_test_events_total{reason=\"too_old\"} 5\n"
                    "# HELP daybook_test_lag Messages still to be read.\n"
                    "# TYPE daybook_test_lag gauge\n"
                    "daybook_test_lag{partition=\"3\"} -7\n"
                    "# HELP daybook_test_backlog_bytes Bytes in the journal, a\\\\b.\n"
                    "# TYPE daybook_test_backlog_bytes gauge\n"
                    "daybook_test_backlog_bytes 0\n");
    metrics_free(metrics);
}

static void test_get_and_drop(void)
{
    struct metrics *metrics = metrics_new(rows, G_N_ELEMENTS(rows));
    g_assert_cmpint(metrics_get(metrics, LAG, "1"), ==, 0);
    metrics_set(metrics, LAG, "1", 5);
    metrics_set(metrics, BACKLOG, NULL, 9);
    g_assert_cmpint(metrics_get(metrics, LAG, "1"), ==, 5);
    g_assert_cmpint(metrics_get(metrics, BACKLOG, NULL), ==, 9);
    metrics_drop(metrics, LAG, "1");
    g_assert_cmpint(metrics_get(metrics, LAG, "1"), ==, 0);
    g_autofree char *text = metrics_render(metrics);
    g_assert_null(strstr(text, "partition="));
    metrics_free(metrics);
}

static void test_labels_are_bounded(void)
{
    struct metrics *metrics = metrics_new(rows, G_N_ELEMENTS(rows));
    for (int i = 0; i < METRICS_LABELS_MAX + 10; i++) {
        g_autofree char *label = g_strdup_printf("r%d", i);
        metrics_add(metrics, EVENTS, label, 1);
    }
    g_assert_cmpint(metrics_get(metrics, EVENTS, "other"), ==, 10);
    metrics_add(metrics, EVENTS, "r5", 1);
    g_assert_cmpint(metrics_get(metrics, EVENTS, "r5"), ==, 2);
    metrics_free(metrics);
}

static void *add_many(void *metrics)
{
    for (int i = 0; i < 20000; i++) {
        metrics_add(metrics, EVENTS, i % 2 ? "odd" : "even", 1);
        metrics_add(metrics, BACKLOG, NULL, 1);
        if (i % 4000 == 0)
            g_free(metrics_render(metrics));
    }
    return NULL;
}

static void test_threads(void)
{
    struct metrics *metrics = metrics_new(rows, G_N_ELEMENTS(rows));
    GThread *threads[4];
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("adder", add_many, metrics);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    g_assert_cmpint(metrics_get(metrics, EVENTS, "odd"), ==, 40000);
    g_assert_cmpint(metrics_get(metrics, EVENTS, "even"), ==, 40000);
    g_assert_cmpint(metrics_get(metrics, BACKLOG, NULL), ==, 80000);
    metrics_free(metrics);
}

static void test_markdown(void)
{
    g_autofree char *text = metrics_markdown("test", rows, G_N_ELEMENTS(rows));
    g_assert_nonnull(strstr(text, "## daybook-test\n"));
    g_assert_nonnull(strstr(text, "| `daybook_test_events_total` | counter | `reason` | Events refused. |\n"));
    g_assert_nonnull(strstr(text, "| `daybook_test_backlog_bytes` | gauge |  | "));
}

static void test_a_label_too_few_is_a_bug(void)
{
    if (g_test_subprocess()) {
        metrics_add(metrics_new(rows, G_N_ELEMENTS(rows)), EVENTS, NULL, 1);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/metrics/render", test_render);
    g_test_add_func("/metrics/get-and-drop", test_get_and_drop);
    g_test_add_func("/metrics/labels-are-bounded", test_labels_are_bounded);
    g_test_add_func("/metrics/threads", test_threads);
    g_test_add_func("/metrics/markdown", test_markdown);
    g_test_add_func("/metrics/label-too-few-is-a-bug", test_a_label_too_few_is_a_bug);
    return g_test_run();
}
