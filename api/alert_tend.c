#include "api/alert_tend.h"

#include "api/alert_windows.h"
#include "api/deliveries.h"
#include "api/meters.h"
#include "lib/log.h"

enum { TRIMS_MAX = 2 * LIMIT_WATCHES_MAX / 1000 /* of 1,000 alerts, at a time: more than a check can raise */ };

/* ---- recovering ---- */

/* Alerts that are over; all by one pipeline. */
static bool recover_all(const struct alert_tend *tend, struct reader *reader, struct registry_snapshot *snapshot,
                        const GPtrArray *over, int64_t now_ms, GError **error)
{
    g_autofree enum alerts_outcome *outcomes = g_new0(enum alerts_outcome, over->len + 1);
    for (guint i = 0; i < over->len; i++) {
        const struct alert *alert = g_ptr_array_index((GPtrArray *)(uintptr_t)over, i);
        g_autoptr(GPtrArray) deliveries =
            deliveries_for(snapshot, alert->organization, alert->level, alert->kind == ALERT_SYSTEM, alert->id, "recovered");
        alerts_ask_recover(reader, alert->id, deliveries, now_ms, &outcomes[i]);
    }
    bool ok = reader_finish(reader, error);
    for (guint i = 0; i < over->len; i++)
        metrics_add(tend->metrics, METER_ALERTS_RECOVERED, NULL, outcomes[i] == ALERTS_DONE);
    return ok;
}

static bool is_over(const struct alert_tend *tend, const struct alert *alert, int64_t now_ms)
{
    int64_t late_ms = alert->period == LIMIT_MINUTE ? tend->minutes_late_ms : ALERT_WINDOWS_LATE_MS;
    return alert->kind != ALERT_SYSTEM && alert->recovered_ms == 0 && now_ms >= alert->to_ms + late_ms;
}

bool alert_tend_limits(const struct alert_tend *tend, struct reader *reader, struct registry_snapshot *snapshot, int64_t now_ms,
                       GError **error)
{
    struct alerts_list *list = alerts_cache_take(tend->alerts, reader, error);
    if (list == NULL)
        return false;
    g_autoptr(GPtrArray) over = g_ptr_array_new();
    for (guint i = 0; i < list->all->len; i++)
        if (is_over(tend, g_ptr_array_index(list->all, i), now_ms))
            g_ptr_array_add(over, g_ptr_array_index(list->all, i));
    bool ok = recover_all(tend, reader, snapshot, over, now_ms, error);
    alerts_list_release(list);
    return ok;
}

/* ---- the system ---- */

static struct alert *alert_of(const struct condition *condition, int64_t now_ms)
{
    struct alert *alert = g_new0(struct alert, 1);
    alert->type = g_strdup(condition->type);
    alert->subject = g_strdup(condition->subject);
    alert->message = g_strdup(condition->message);
    alert->since_ms = condition->since_ms;
    alert->created_ms = now_ms;
    alert_identify(alert);
    return alert;
}

static bool raise_one(const struct alert_tend *tend, struct reader *reader, struct registry_snapshot *snapshot,
                      const struct alert *alert, GError **error)
{
    enum alerts_outcome outcome;
    g_autoptr(GPtrArray) deliveries = deliveries_for(snapshot, NULL, 0, true, alert->id, "raised");
    alerts_ask_raise(reader, alert, deliveries, NULL, &outcome);
    if (!reader_finish(reader, error))
        return false;
    if (outcome == ALERTS_DONE) {
        metrics_add(tend->metrics, METER_ALERTS_RAISED, alert_kind_name(ALERT_SYSTEM), 1);
        log_warn("alert_raised", "alert=%s kind=system type=%s subject=%s", alert->id, alert->type, alert->subject);
    }
    return true;
}

static bool raise_new(const struct alert_tend *tend, struct reader *reader, struct registry_snapshot *snapshot,
                      const GHashTable *known, GHashTable *lasting, GError **error)
{
    GHashTableIter iter;
    void *value;
    bool ok = true;
    g_hash_table_iter_init(&iter, lasting);
    while (ok && g_hash_table_iter_next(&iter, NULL, &value))
        if (!g_hash_table_contains((GHashTable *)(uintptr_t)known, ((struct alert *)value)->id))
            ok = raise_one(tend, reader, snapshot, value, error);
    return ok;
}

static void free_alert(void *alert)
{
    alert_free(alert);
}

/* id -> struct alert, of conditions. */
static GHashTable *alerts_of(const GPtrArray *conditions, int64_t now_ms)
{
    GHashTable *alerts = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_alert);
    for (guint i = 0; i < conditions->len; i++) {
        struct alert *alert = alert_of(g_ptr_array_index((GPtrArray *)(uintptr_t)conditions, i), now_ms);
        g_hash_table_replace(alerts, alert->id, alert);
    }
    return alerts;
}

bool alert_tend_system(const struct alert_tend *tend, struct reader *reader, struct registry_snapshot *snapshot, int64_t now_ms,
                       GError **error)
{
    struct system_state *state = system_state_look(reader, &tend->system, now_ms, error);
    if (state == NULL)
        return false;
    g_autoptr(GHashTable) lasting = alerts_of(state->conditions, now_ms), doubtful = alerts_of(state->doubtful, now_ms);
    system_state_free(state);
    struct alerts_list *list = alerts_cache_take(tend->alerts, reader, error);
    if (list == NULL)
        return false;
    g_autoptr(GPtrArray) over = g_ptr_array_new();
    g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < list->all->len; i++) {
        struct alert *alert = g_ptr_array_index(list->all, i);
        if (alert->kind != ALERT_SYSTEM)
            continue;
        g_hash_table_add(known, alert->id);
        bool lasts = g_hash_table_contains(lasting, alert->id) || g_hash_table_contains(doubtful, alert->id);
        if (lasts)
            alerts_ask_keep(reader, alert->id, now_ms); /* or it would be raised anew when it is removed */
        else if (alert->recovered_ms == 0)
            g_ptr_array_add(over, alert);
    }
    bool ok = recover_all(tend, reader, snapshot, over, now_ms, error) && raise_new(tend, reader, snapshot, known, lasting, error);
    alerts_list_release(list);
    return ok;
}

/* ---- what is removed ---- */

bool alert_tend_trim(const struct alert_tend *tend, struct reader *reader, int64_t now_ms, GError **error)
{
    uint64_t removed = 1;
    for (int n = 0; n < TRIMS_MAX && removed > 0; n++) {
        alerts_ask_trim(reader, tend->keep, now_ms - tend->keep_ms, &removed);
        if (!reader_finish(reader, error))
            return false;
        metrics_add(tend->metrics, METER_ALERTS_REMOVED, NULL, removed);
    }
    return true;
}
