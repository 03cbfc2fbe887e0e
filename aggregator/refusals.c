#include "aggregator/refusals.h"

#include "lib/keys.h"
#include "lib/number.h"

struct refusals {
    struct mirror *meta, *due; /* borrowed */
    struct mirror *counts;     /* "day reason collector" -> events */
    struct mirror *ring;       /* only written */
    int64_t day;               /* the one that n_names is known of; -1: none */
    guint n_names;             /* fields of that day */
};

struct refusals *refusals_new(int partition, struct mirror *meta, struct mirror *due)
{
    struct refusals *refusals = g_new0(struct refusals, 1);
    refusals->meta = meta;
    refusals->due = due;
    refusals->counts = mirror_new(partition, "refusals");
    refusals->ring = mirror_new(partition, "refused");
    refusals->day = -1;
    return refusals;
}

void refusals_free(struct refusals *refusals)
{
    if (!refusals)
        return;
    mirror_free(refusals->counts);
    mirror_free(refusals->ring);
    g_free(refusals);
}

void refusals_load(struct refusals *refusals, struct commit *commit)
{
    mirror_load(refusals->counts, commit);
}

/* ---- counts ---- */

struct of_day {
    char prefix[NUMBER_MAX + 2];
    guint n;
    GPtrArray *fields; /* NULL: only counted */
};

static void look(const char *field, const char *value, void *opaque)
{
    struct of_day *of_day = opaque;
    (void)value;
    if (!g_str_has_prefix(field, of_day->prefix))
        return;
    of_day->n++;
    if (of_day->fields)
        g_ptr_array_add(of_day->fields, g_strdup(field));
}

static struct of_day fields_of(const struct refusals *refusals, int64_t day, GPtrArray *fields)
{
    struct of_day of_day = {.fields = fields};
    g_snprintf(of_day.prefix, sizeof of_day.prefix, "%" G_GINT64_FORMAT " ", day);
    mirror_each(refusals->counts, look, &of_day);
    return of_day;
}

/* Of another day than before: the clock has moved on, or we have just claimed. */
static void begin_day(struct refusals *refusals, int64_t day)
{
    char name[NUMBER_MAX + 16];
    refusals->day = day;
    refusals->n_names = fields_of(refusals, day, NULL).n;
    g_snprintf(name, sizeof name, "refused:%" G_GINT64_FORMAT, day);
    if (!mirror_get(refusals->due, name))
        mirror_set_number(refusals->due, name, (day + 1 + KEYS_REFUSALS_DAYS) * KEYS_DAY_MS);
}

static void count(struct refusals *refusals, const struct rejection *rejection, struct view collector)
{
    g_autofree char *field = g_strdup_printf("%" G_GINT64_FORMAT " %.*s %.*s", refusals->day, (int)rejection->reason.size,
                                             rejection->reason.data, (int)collector.size, collector.data);
    bool known = mirror_get(refusals->counts, field) != NULL;
    if (!known && refusals->n_names >= KEYS_REFUSALS_MAX) {
        g_free(field);
        field = g_strdup_printf("%" G_GINT64_FORMAT " " KEYS_OTHER " " KEYS_OTHER, refusals->day);
    } else if (!known) {
        refusals->n_names++;
    }
    mirror_add(refusals->counts, field, (int64_t)rejection->count);
}

void refusals_forget(struct refusals *refusals, int64_t day)
{
    g_autoptr(GPtrArray) fields = g_ptr_array_new_with_free_func(g_free);
    fields_of(refusals, day, fields);
    for (guint i = 0; i < fields->len; i++)
        mirror_remove(refusals->counts, g_ptr_array_index(fields, i));
}

/* ---- samples ---- */

static void keep(struct refusals *refusals, const struct rejection *rejection, struct view collector, int64_t clock_ms)
{
    g_autofree char *text = g_strdup_printf(
        "%" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GUINT64_FORMAT " %.*s %.*s\x1f%.*s\x1f%.*s", clock_ms, rejection->time_ms,
        rejection->count, (int)rejection->reason.size, rejection->reason.data, (int)collector.size, collector.data,
        (int)rejection->message.size, rejection->message.data, (int)rejection->sample.size, rejection->sample.data);
    mirror_ring(refusals->ring, mirror_number(refusals->meta, "refused_samples"), text);
    mirror_add(refusals->meta, "refused_samples", 1);
}

void refusals_count(struct refusals *refusals, const struct batch *batch, int64_t clock_ms)
{
    int64_t day = clock_ms / KEYS_DAY_MS;
    for (size_t i = 0; i < batch->n_rejections; i++) {
        const struct rejection *rejection = &batch->rejections[i];
        if (day != refusals->day)
            begin_day(refusals, day);
        count(refusals, rejection, batch->collector);
        if (rejection->message.size > 0)
            keep(refusals, rejection, batch->collector, clock_ms);
        mirror_add(refusals->meta, "refused", (int64_t)rejection->count);
    }
}

void refusals_flush(struct refusals *refusals, struct payload *payload)
{
    mirror_flush(refusals->counts, payload);
    mirror_flush(refusals->ring, payload);
}
