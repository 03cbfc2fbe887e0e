/* A row without a label is one atomic number. A row with a label is a map from label value to number under a mutex of its own,
 * held for a look-up and an addition only. */
#include "lib/metrics.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

static const char overflow_label[] = "other";

struct family {
    const struct metric_row *row;
    atomic_llong plain; /* rows without a label */
    GMutex lock;        /* guards values */
    GHashTable *values; /* label value -> gint64 on the heap; rows with a label */
};

struct metrics {
    struct family *families;
    size_t n_families;
};

/* The names are a contract with whoever scrapes us: what `promtool check metrics` would object to is a bug. */
static void check_row(const struct metric_row *row)
{
    bool total = g_str_has_suffix(row->name, "_total");
    if (!g_str_has_prefix(row->name, "daybook_") || total != (row->type == METRIC_COUNTER) || !row->help || !row->help[0])
        g_error("metric %s: begins with daybook_, a counter (and only a counter) ends in _total, has a help text", row->name);
}

struct metrics *metrics_new(const struct metric_row *rows, size_t n_rows)
{
    struct metrics *metrics = g_new0(struct metrics, 1);
    metrics->families = g_new0(struct family, n_rows);
    metrics->n_families = n_rows;
    for (size_t i = 0; i < n_rows; i++) {
        struct family *family = &metrics->families[i];
        check_row(&rows[i]);
        family->row = &rows[i];
        g_mutex_init(&family->lock);
        if (rows[i].label)
            family->values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    }
    return metrics;
}

void metrics_free(struct metrics *metrics)
{
    if (!metrics)
        return;
    for (size_t i = 0; i < metrics->n_families; i++) {
        if (metrics->families[i].values)
            g_hash_table_unref(metrics->families[i].values);
        g_mutex_clear(&metrics->families[i].lock);
    }
    g_free(metrics->families);
    g_free(metrics);
}

static struct family *family_of(const struct metrics *metrics, size_t row, const char *label_value)
{
    g_assert(row < metrics->n_families);
    struct family *family = &metrics->families[row];
    g_assert((family->row->label != NULL) == (label_value != NULL));
    return family;
}

/* Under the family's lock. */
static gint64 *value_of(struct family *family, const char *label_value)
{
    gint64 *value = g_hash_table_lookup(family->values, label_value);
    if (!value && g_hash_table_size(family->values) >= METRICS_LABELS_MAX) {
        label_value = overflow_label;
        value = g_hash_table_lookup(family->values, label_value);
    }
    if (!value) {
        value = g_new0(gint64, 1);
        g_hash_table_insert(family->values, g_strdup(label_value), value);
    }
    return value;
}

void metrics_add(struct metrics *metrics, size_t row, const char *label_value, guint64 value)
{
    struct family *family = family_of(metrics, row, label_value);
    if (!family->values) {
        atomic_fetch_add_explicit(&family->plain, (long long)value, memory_order_relaxed);
        return;
    }
    g_mutex_lock(&family->lock);
    *value_of(family, label_value) += (gint64)value;
    g_mutex_unlock(&family->lock);
}

void metrics_set(struct metrics *metrics, size_t row, const char *label_value, gint64 value)
{
    struct family *family = family_of(metrics, row, label_value);
    if (!family->values) {
        atomic_store_explicit(&family->plain, value, memory_order_relaxed);
        return;
    }
    g_mutex_lock(&family->lock);
    *value_of(family, label_value) = value;
    g_mutex_unlock(&family->lock);
}

gint64 metrics_get(const struct metrics *metrics, size_t row, const char *label_value)
{
    struct family *family = family_of(metrics, row, label_value);
    if (!family->values)
        return atomic_load_explicit(&family->plain, memory_order_relaxed);
    g_mutex_lock(&family->lock);
    const gint64 *value = g_hash_table_lookup(family->values, label_value);
    gint64 result = value ? *value : 0;
    g_mutex_unlock(&family->lock);
    return result;
}

void metrics_drop(struct metrics *metrics, size_t row, const char *label_value)
{
    struct family *family = family_of(metrics, row, label_value);
    g_assert(family->values);
    g_mutex_lock(&family->lock);
    g_hash_table_remove(family->values, label_value);
    g_mutex_unlock(&family->lock);
}

/* ---- text ---- */

/* Escapes as the exposition format 0.0.4 wants: backslash and line feed; quotes too in label values. */
static void append_escaped(GString *out, const char *text, bool quotes)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    for (const char *p = valid; *p; p++) {
        if (*p == '\n')
            g_string_append(out, "\\n");
        else if (*p == '\\' || (quotes && *p == '"'))
            g_string_append_printf(out, "\\%c", *p);
        else
            g_string_append_c(out, *p);
    }
}

/* In the order of the label values, so that the same state gives the same bytes. */
static void render_labelled(GString *out, struct family *family)
{
    g_mutex_lock(&family->lock);
    GList *labels = g_list_sort(g_hash_table_get_keys(family->values), (GCompareFunc)strcmp);
    for (GList *l = labels; l; l = l->next) {
        g_string_append_printf(out, "%s{%s=\"", family->row->name, family->row->label);
        append_escaped(out, l->data, true);
        const gint64 *value = g_hash_table_lookup(family->values, l->data);
        g_string_append_printf(out, "\"} %" G_GINT64_FORMAT "\n", *value);
    }
    g_mutex_unlock(&family->lock);
    g_list_free(labels);
}

char *metrics_render(struct metrics *metrics)
{
    GString *out = g_string_new(NULL);
    for (size_t i = 0; i < metrics->n_families; i++) {
        struct family *family = &metrics->families[i];
        g_string_append_printf(out, "# HELP %s ", family->row->name);
        append_escaped(out, family->row->help, false);
        g_string_append_printf(out, "\n# TYPE %s %s\n", family->row->name,
                               family->row->type == METRIC_COUNTER ? "counter" : "gauge");
        if (family->values)
            render_labelled(out, family);
        else
            g_string_append_printf(out, "%s %lld\n", family->row->name, (long long)atomic_load(&family->plain));
    }
    return g_string_free(out, FALSE);
}

char *metrics_markdown(const char *program, const struct metric_row *rows, size_t n_rows)
{
    GString *out = g_string_new(NULL);
    g_string_append_printf(out, "## daybook-%s\n\n| metric | type | label | meaning |\n|---|---|---|---|\n", program);
    for (size_t i = 0; i < n_rows; i++) {
        check_row(&rows[i]);
        g_autofree char *label = rows[i].label ? g_strdup_printf("`%s`", rows[i].label) : g_strdup("");
        g_string_append_printf(out, "| `%s` | %s | %s | %s |\n", rows[i].name, rows[i].type == METRIC_COUNTER ? "counter" : "gauge",
                               label, rows[i].help);
    }
    return g_string_free(out, FALSE);
}
