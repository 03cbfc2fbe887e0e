/* metrics: counters and gauges of a program, from one table, in the Prometheus text format.
 *
 * A program lists its metrics as rows and names them by their index (an enum beside the table). A row has at most one label; a
 * labelled metric holds at most METRICS_LABELS_MAX label values, what comes after goes to label value "other". All functions are
 * safe from any thread and never block on I/O. From the same table comes docs/METRICS.md. */
#ifndef DAYBOOK_METRICS_H
#define DAYBOOK_METRICS_H

#include <glib.h>
#include <stddef.h>

enum { METRICS_LABELS_MAX = 4096 };
enum metric_type { METRIC_COUNTER, METRIC_GAUGE };

struct metric_row {
    const char *name; /* "daybook_collector_events_received_total" */
    enum metric_type type;
    const char *label; /* label name, or NULL */
    const char *help;  /* one sentence with the unit */
};

struct metrics;

struct metrics *metrics_new(const struct metric_row *rows, size_t n_rows);
void metrics_free(struct metrics *metrics);

/* label_value is NULL exactly when the row has no label. */
void metrics_add(struct metrics *metrics, size_t row, const char *label_value, guint64 value);
void metrics_set(struct metrics *metrics, size_t row, const char *label_value, gint64 value);
gint64 metrics_get(const struct metrics *metrics, size_t row, const char *label_value); /* 0 when never touched */
/* Forgets one label value (a partition that moved away). */
void metrics_drop(struct metrics *metrics, size_t row, const char *label_value);

/* Prometheus text format 0.0.4; rows without a label are always present. Caller frees with g_free. */
char *metrics_render(struct metrics *metrics);
char *metrics_markdown(const char *program, const struct metric_row *rows, size_t n_rows);

#endif
