#include "api/alert_check.h"

#include "api/alert_minutes.h"
#include "api/deliveries.h"
#include "api/meters.h"
#include "lib/keys.h"
#include "lib/log.h"
#include "lib/number.h"

enum {
    TOGETHER = 50, /* windows of the same time that are due: from so many on they are read together */
    RAISE_AT_ONCE = 256,
    READ_TIMEOUT_MS = 120000, /* for one question */
    ALONE_BUDGET_MS = 5000,   /* for windows that are read one by one, in one check; the others' turn comes with the next */
    METHOD_PAUSE_MS = 15000,  /* between two readings of the same window of a method */
    MINUTES_NEW = 3,
    MINUTES_ALL_EVERY = 3, /* checks */
};

struct alert_check {
    struct alert_check_settings settings;
    struct alert_growth *growth;
    struct limit_watches *watches; /* NULL: none yet */
    GArray *watchers;              /* struct alert_watcher, as in watches->list */
    GHashTable *levels;            /* name of a window -> highest level that was raised */
    bool has_levels;
    uint64_t n; /* checks */
    /* ---- of one check ---- */
    struct reader *reader;
    int64_t now_ms;
    GArray *raisings; /* struct raising */
    GError *damage;   /* the first window that could not be read, though Redis answers; the others go on */
};

/* A window that is due. */
struct due {
    struct alert_watcher *watcher;
    struct alert_window *window;
};

/* An alert on its way. */
struct raising {
    struct alert *alert;
    char *name;                  /* of its window */
    struct alert_window *window; /* NULL: a minute */
    enum alerts_outcome outcome;
};

/* ---- life ---- */

static void clear_raising(void *value)
{
    struct raising *raising = value;
    alert_free(raising->alert);
    g_free(raising->name);
}

struct alert_check *alert_check_new(const struct alert_check_settings *settings)
{
    struct alert_check *check = g_new0(struct alert_check, 1);
    check->settings = *settings;
    check->growth = alert_growth_new();
    check->watchers = g_array_new(FALSE, TRUE, sizeof(struct alert_watcher));
    check->levels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    check->raisings = g_array_new(FALSE, TRUE, sizeof(struct raising));
    g_array_set_clear_func(check->raisings, clear_raising);
    return check;
}

void alert_check_free(struct alert_check *check)
{
    if (check == NULL)
        return;
    g_array_free(check->raisings, TRUE);
    g_array_free(check->watchers, TRUE);
    g_hash_table_destroy(check->levels);
    limit_watches_free(check->watches);
    alert_growth_free(check->growth);
    g_free(check);
}

const GArray *alert_check_watchers(const struct alert_check *check)
{
    return check->watchers;
}

int64_t alert_check_late_ms(const struct alert_check_settings *settings, enum limit_period period)
{
    return period == LIMIT_MINUTE ? settings->minutes_back * KEYS_MINUTE_MS : ALERT_WINDOWS_LATE_MS;
}

static bool go_on(const struct alert_check *check)
{
    return check->settings.go_on == NULL || check->settings.go_on(check->settings.opaque);
}

/* ---- levels ---- */

static void take_level(struct view name, struct view value, void *opaque, size_t a)
{
    struct alert_check *check = opaque;
    uint64_t level;
    (void)a;
    if (number_read(value, &level) && level <= LIMIT_LEVEL_MAX)
        g_hash_table_replace(check->levels, g_strndup(name.data, name.size), GUINT_TO_POINTER(level));
}

static void set_raised(struct alert_check *check, const struct alert_watcher *watcher, struct alert_window *window)
{
    g_autofree char *name = alert_windows_name(watcher->watch, window->from_ms);
    window->raised = GPOINTER_TO_UINT(g_hash_table_lookup(check->levels, name));
}

/* At the beginning, and where Redis has fewer than we know of: it was put back, and what is lost is raised again. */
static bool read_levels(struct alert_check *check, GError **error)
{
    uint64_t n = 0;
    alerts_ask_count_levels(check->reader, &n);
    if (!reader_finish(check->reader, error))
        return false;
    if (check->has_levels && n >= g_hash_table_size(check->levels))
        return true;
    g_hash_table_remove_all(check->levels);
    alerts_ask_levels(check->reader, (struct reader_pairs){.each = take_level, .opaque = check});
    check->has_levels = reader_finish(check->reader, error);
    for (guint i = 0; i < check->watchers->len && check->has_levels; i++) {
        struct alert_watcher *watcher = &g_array_index(check->watchers, struct alert_watcher, i);
        for (size_t j = 0; j < G_N_ELEMENTS(watcher->windows); j++)
            set_raised(check, watcher, &watcher->windows[j]);
    }
    return check->has_levels;
}

struct sweeping {
    int64_t before_ms;
    GPtrArray *fields;
};

static void take_old(struct view name, struct view value, void *opaque, size_t a)
{
    const struct sweeping *sweeping = opaque;
    int64_t to_ms;
    (void)value, (void)a;
    if (!alert_windows_end(name, &to_ms) || to_ms < sweeping->before_ms)
        g_ptr_array_add(sweeping->fields, g_strndup(name.data, name.size));
}

bool alert_check_sweep(struct alert_check *check, struct reader *reader, int64_t before_ms, GError **error)
{
    g_autoptr(GPtrArray) fields = g_ptr_array_new_with_free_func(g_free);
    struct sweeping sweeping = {before_ms, fields};
    alerts_ask_levels(reader, (struct reader_pairs){.each = take_old, .opaque = &sweeping});
    if (!reader_finish(reader, error))
        return false;
    for (guint i = 0; i < fields->len; i++)
        g_hash_table_remove(check->levels, g_ptr_array_index(fields, i));
    alerts_ask_forget_levels(reader, fields);
    return reader_finish(reader, error);
}

/* ---- the rules ---- */

static bool is_same_method(const struct method *a, const struct method *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return g_strv_equal((const char *const *)a->patterns, (const char *const *)b->patterns);
}

static int compare_watches(const struct limit_watch *a, const struct limit_watch *b)
{
    int by_key = strcmp(a->key, b->key);
    if (by_key != 0)
        return by_key;
    return a->rule->period != b->rule->period ? (int)a->rule->period - (int)b->rule->period
                                              : strcmp(a->rule->metric, b->rule->metric);
}

/* Both lists have the same order. */
static void inherit(GArray *watchers, const GArray *before)
{
    guint j = 0;
    for (guint i = 0; i < watchers->len; i++) {
        struct alert_watcher *watcher = &g_array_index(watchers, struct alert_watcher, i);
        const struct alert_watcher *other = NULL;
        for (; j < before->len; j++) {
            other = &g_array_index(before, struct alert_watcher, j);
            if (compare_watches(other->watch, watcher->watch) >= 0)
                break;
        }
        if (j < before->len && compare_watches(other->watch, watcher->watch) == 0 &&
            other->watch->rule->value == watcher->watch->rule->value &&
            is_same_method(other->watch->method, watcher->watch->method))
            alert_windows_inherit(watcher, other);
    }
}

static void adopt(struct alert_check *check, struct registry_snapshot *snapshot)
{
    struct limit_watches *before = check->watches;
    if (before != NULL && before->snapshot == snapshot)
        return;
    struct limit_watches *watches = limit_watches_new(snapshot, &check->settings.levels);
    GArray *watchers = g_array_sized_new(FALSE, TRUE, sizeof(struct alert_watcher), watches->list->len);
    alert_growth_watch(check->growth, watches);
    for (guint i = 0; i < watches->list->len; i++) {
        const struct limit_watch *watch = &g_array_index(watches->list, struct limit_watch, i);
        struct alert_watcher watcher = {.watch = watch, .client = alert_growth_client(check->growth, watch->key)};
        g_array_append_val(watchers, watcher);
    }
    inherit(watchers, check->watchers);
    g_array_free(check->watchers, TRUE);
    limit_watches_free(before);
    check->watches = watches;
    check->watchers = watchers;
    metrics_set(check->settings.metrics, METER_ALERT_LIMITS, "watched", watches->list->len);
    metrics_set(check->settings.metrics, METER_ALERT_LIMITS, "left_out", (gint64)watches->left_out);
}

/* ---- raising ---- */

static bool begin(const struct alert_check *check, GError **error)
{
    return reader_begin(check->reader, g_get_monotonic_time() + READ_TIMEOUT_MS * G_TIME_SPAN_MILLISECOND, error);
}

/* Begins anew: what was asked before may have failed. */
static bool raise_all(struct alert_check *check, GError **error)
{
    struct registry_snapshot *snapshot = check->watches->snapshot;
    if (check->raisings->len == 0)
        return true;
    if (!begin(check, error))
        return false;
    for (guint i = 0; i < check->raisings->len; i++) {
        struct raising *raising = &g_array_index(check->raisings, struct raising, i);
        const struct alert *alert = raising->alert;
        g_autoptr(GPtrArray) deliveries = deliveries_for(snapshot, alert->organization, alert->level, false, alert->id, "raised");
        alerts_ask_raise(check->reader, alert, deliveries, raising->name, &raising->outcome);
    }
    bool ok = reader_finish(check->reader, error);
    for (guint i = 0; i < check->raisings->len; i++) {
        struct raising *raising = &g_array_index(check->raisings, struct raising, i);
        const struct alert *alert = raising->alert;
        if (raising->outcome == ALERTS_UNKNOWN)
            continue;
        if (raising->window != NULL)
            raising->window->raised = alert->level;
        g_hash_table_replace(check->levels, g_steal_pointer(&raising->name), GUINT_TO_POINTER(alert->level));
        if (raising->outcome != ALERTS_DONE)
            continue;
        metrics_add(check->settings.metrics, METER_ALERTS_RAISED, alert_kind_name(alert->kind), 1);
        log_info("alert_raised", "alert=%s kind=%s limit=%s level=%u value=%" G_GUINT64_FORMAT, alert->id,
                 alert_kind_name(alert->kind), alert->rule, alert->level, alert->value);
    }
    g_array_set_size(check->raisings, 0);
    return ok;
}

static void add_raising(struct alert_check *check, const struct limit_watch *watch, struct alert_window *window, int64_t from_ms,
                        uint64_t value)
{
    const struct limit_rule *rule = watch->rule;
    struct alert *alert = g_new0(struct alert, 1);
    alert->organization = g_strdup(watch->organization);
    alert->client = g_strdup(watch->client);
    alert->rule = g_strdup(rule->id);
    alert->metric = g_strdup(rule->metric);
    alert->period = rule->period;
    limit_window(rule->period, from_ms, &alert->from_ms, &alert->to_ms);
    alert->level = alert_levels_reached(&watch->levels, rule->value, value);
    alert->limit = rule->value;
    alert->value = value;
    alert->created_ms = g_get_real_time() / G_TIME_SPAN_MILLISECOND;
    alert_identify(alert);
    struct raising raising = {alert, alert_windows_name(watch, from_ms), window, ALERTS_UNKNOWN};
    g_array_append_val(check->raisings, raising);
}

/* A window was read. */
static bool settle(struct alert_check *check, const struct due *due, uint64_t value, GError **error)
{
    const struct limit_watch *watch = due->watcher->watch;
    alert_windows_know(due->watcher, due->window, value);
    due->window->asked_ms = check->now_ms;
    if (alert_levels_reached(&watch->levels, watch->rule->value, value) > due->window->raised)
        add_raising(check, watch, due->window, due->window->from_ms, value);
    return check->raisings->len < RAISE_AT_ONCE || raise_all(check, error);
}

/* ---- reading ---- */

static bool read_window(struct alert_check *check, const struct due *due, const char *client, bool by_method, struct live *live,
                        GError **error)
{
    const struct limit_watch *watch = due->watcher->watch;
    const struct window_range range = {.from_ms = due->window->from_ms, .to_ms = due->window->to_ms, .unit = WINDOW_WHOLE};
    struct live_question question = {.sources = check->settings.sources, .reader = check->reader, .range = &range, .known = true};
    struct refusal refusal = {0};
    question.now_ms = check->now_ms;
    if (client != NULL)
        question.scope = (struct scope){.organization = watch->organization, .key = client};
    if (by_method)
        question.scope.endpoints = watch->method->endpoints;
    if (!begin(check, error))
        return false;
    metrics_add(check->settings.metrics, METER_ALERT_READS, client != NULL ? "one" : "all", 1);
    enum live_outcome outcome = live_read(live, &question, &refusal, error);
    if (outcome == LIVE_REFUSED)
        g_set_error(error, READER_ERROR, READER_ERROR_DATA, "A window of a limit cannot be read: %s", refusal.message);
    refusal_clear(&refusal);
    return outcome == LIVE_ANSWERED;
}

static bool read_one(struct alert_check *check, const struct due *due, GError **error)
{
    const struct limit_watch *watch = due->watcher->watch;
    struct live live;
    struct measure total;
    if (!read_window(check, due, watch->client, watch->method != NULL, &live, error))
        return false;
    measure_init(&total);
    usage_table_total(live.table, &total);
    uint64_t requests = total.requests;
    measure_clear(&total);
    live_clear(&live);
    return settle(check, due, requests, error);
}

/* Windows [first, end) of dues are the same time, and the same method where by_method. Without it, what is read is only the most
 * that those of methods can be. */
static bool read_together(struct alert_check *check, const GArray *dues, guint first, guint end, bool by_method, GError **error)
{
    struct live live;
    bool ok = read_window(check, &g_array_index(dues, struct due, first), NULL, by_method, &live, error);
    if (!ok)
        return false;
    for (guint i = first; i < end && ok; i++) {
        const struct due *due = &g_array_index(dues, struct due, i);
        const struct usage_line *line = g_hash_table_lookup(live.table->clients, due->watcher->watch->key);
        uint64_t requests = line != NULL ? line->measure.requests : 0;
        if (by_method == (due->watcher->watch->method != NULL))
            ok = settle(check, due, requests, error);
        else if (due->window->most == ALERT_WINDOWS_UNKNOWN)
            alert_windows_know(due->watcher, due->window, requests);
    }
    live_clear(&live);
    return ok;
}

/* What is damaged, or was not to be had in time, keeps nobody from the other windows. False: Redis does not answer. */
static bool pass_over(struct alert_check *check, GError *failure_taken, GError **error)
{
    if (failure_taken->domain != READER_ERROR) {
        g_propagate_error(error, failure_taken);
        return false;
    }
    if (check->damage == NULL)
        check->damage = failure_taken;
    else
        g_error_free(failure_taken);
    return true;
}

/* ---- what is due ---- */

static bool is_paused(const struct alert_check *check, const struct alert_watcher *watcher, const struct alert_window *window)
{
    int64_t age_ms = check->now_ms - window->asked_ms;
    return watcher->watch->method != NULL && age_ms >= 0 && age_ms < METHOD_PAUSE_MS;
}

static void collect(struct alert_check *check, GArray *dues)
{
    g_array_set_size(dues, 0);
    for (guint i = 0; i < check->watchers->len; i++) {
        struct alert_watcher *watcher = &g_array_index(check->watchers, struct alert_watcher, i);
        if (watcher->watch->rule->period == LIMIT_MINUTE)
            continue;
        for (size_t n = 0; n < G_N_ELEMENTS(watcher->windows); n++) {
            struct due due = {watcher, &watcher->windows[n]};
            if (alert_windows_is_due(watcher, due.window) && !is_paused(check, watcher, due.window))
                g_array_append_val(dues, due);
        }
    }
}

/* Those that began last come first: the longest take longest. */
static int compare_windows(const struct due *a, const struct due *b)
{
    if (a->window->from_ms != b->window->from_ms)
        return a->window->from_ms > b->window->from_ms ? -1 : 1;
    return (a->window->to_ms > b->window->to_ms) - (a->window->to_ms < b->window->to_ms);
}

static gint by_window(gconstpointer a, gconstpointer b)
{
    return compare_windows(a, b);
}

static int compare_methods(const struct due *a, const struct due *b)
{
    const struct method *x = a->watcher->watch->method, *y = b->watcher->watch->method;
    return ((uintptr_t)x > (uintptr_t)y) - ((uintptr_t)x < (uintptr_t)y);
}

static gint by_method_and_window(gconstpointer a, gconstpointer b)
{
    int by_window_first = compare_windows(a, b);
    return by_window_first != 0 ? by_window_first : compare_methods(a, b);
}

static gint by_age(gconstpointer a, gconstpointer b)
{
    const struct due *x = a, *y = b;
    return (x->window->asked_ms > y->window->asked_ms) - (x->window->asked_ms < y->window->asked_ms);
}

/* For windows of methods that is worth while only where nothing is known of them. */
static bool wants_hits(const struct due *due)
{
    return due->watcher->watch->method == NULL || due->window->most == ALERT_WINDOWS_UNKNOWN;
}

static bool wants_method(const struct due *due)
{
    return due->watcher->watch->method != NULL;
}

/* Reads groups of equal ones together, where enough of them want it. */
static bool read_groups(struct alert_check *check, GArray *dues, gint (*compare)(gconstpointer, gconstpointer), bool by_method,
                        GError **error)
{
    bool (*wants)(const struct due *) = by_method ? wants_method : wants_hits;
    collect(check, dues);
    g_array_sort(dues, compare);
    for (guint first = 0, end; first < dues->len; first = end) {
        guint n = 0;
        for (end = first; end < dues->len; end++) {
            const struct due *due = &g_array_index(dues, struct due, end);
            if (compare(due, &g_array_index(dues, struct due, first)) != 0)
                break;
            n += wants(due);
        }
        if (n <= TOGETHER)
            continue;
        if (!go_on(check))
            break;
        GError *failure = NULL;
        if (!read_together(check, dues, first, end, by_method, &failure) && !pass_over(check, failure, error))
            return false;
        if (!raise_all(check, error))
            return false;
    }
    return true;
}

static bool read_alone(struct alert_check *check, GArray *dues, GError **error)
{
    gint64 until_us = g_get_monotonic_time() + ALONE_BUDGET_MS * G_TIME_SPAN_MILLISECOND;
    collect(check, dues);
    g_array_sort(dues, by_age);
    for (guint i = 0; i < dues->len && g_get_monotonic_time() < until_us && go_on(check); i++) {
        const struct due *due = &g_array_index(dues, struct due, i);
        GError *failure = NULL;
        due->window->asked_ms = check->now_ms;
        if (!read_one(check, due, &failure) && !pass_over(check, failure, error))
            return false;
    }
    return raise_all(check, error);
}

/* ---- minutes ---- */

static bool has_minutes(const struct alert_check *check)
{
    for (guint i = 0; i < check->watchers->len; i++)
        if (g_array_index(check->watchers, struct alert_watcher, i).watch->rule->period == LIMIT_MINUTE)
            return true;
    return false;
}

static bool check_minute(struct alert_check *check, int64_t minute, GHashTable *counts, GError **error)
{
    for (guint i = 0; i < check->watchers->len; i++) {
        const struct alert_watcher *watcher = &g_array_index(check->watchers, struct alert_watcher, i);
        const struct limit_watch *watch = watcher->watch;
        const uint64_t *requests = watch->rule->period == LIMIT_MINUTE ? g_hash_table_lookup(counts, watcher->client) : NULL;
        uint32_t level = requests != NULL ? alert_levels_reached(&watch->levels, watch->rule->value, *requests) : 0;
        if (level == 0)
            continue;
        g_autofree char *name = alert_windows_name(watch, minute * KEYS_MINUTE_MS);
        if (level > GPOINTER_TO_UINT(g_hash_table_lookup(check->levels, name)))
            add_raising(check, watch, NULL, minute * KEYS_MINUTE_MS, *requests);
        if (check->raisings->len >= RAISE_AT_ONCE && !raise_all(check, error))
            return false;
    }
    return true;
}

static bool check_minutes(struct alert_check *check, GError **error)
{
    bool all = check->n % MINUTES_ALL_EVERY == 0;
    uint32_t n = all ? check->settings.minutes_back : MIN(check->settings.minutes_back, (uint32_t)MINUTES_NEW);
    int64_t last = check->now_ms / KEYS_MINUTE_MS;
    struct alert_minutes *minutes = alert_minutes_read(check->growth, check->reader, last - n + 1, n, error);
    bool ok = minutes != NULL;
    for (uint32_t i = 0; ok && i < minutes->n; i++)
        ok = check_minute(check, minutes->first + i, minutes->list[i], error);
    alert_minutes_free(minutes);
    return ok && raise_all(check, error);
}

/* ---- a check ---- */

static bool run(struct alert_check *check, GArray *dues, GError **error)
{
    bool moved = false;
    if (!read_levels(check, error) || !alert_growth_look(check->growth, check->reader, check->now_ms, &moved, error))
        return false;
    for (guint i = 0; i < check->watchers->len; i++)
        alert_windows_roll(&g_array_index(check->watchers, struct alert_watcher, i), check->levels, check->now_ms);
    if (has_minutes(check) && (moved || check->n % MINUTES_ALL_EVERY == 0) && !check_minutes(check, error))
        return false;
    return read_groups(check, dues, by_window, false, error) && read_groups(check, dues, by_method_and_window, true, error) &&
           read_alone(check, dues, error);
}

bool alert_check_run(struct alert_check *check, struct reader *reader, struct registry_snapshot *snapshot, int64_t now_ms,
                     GError **error)
{
    check->reader = reader;
    check->now_ms = now_ms;
    adopt(check, snapshot);
    GArray *dues = g_array_new(FALSE, FALSE, sizeof(struct due));
    bool ok = begin(check, error) && run(check, dues, error);
    g_array_free(dues, TRUE);
    g_array_set_size(check->raisings, 0); /* of one that failed: they will be found again */
    if (ok && check->damage != NULL) {
        g_propagate_error(error, g_steal_pointer(&check->damage));
        ok = false;
    }
    g_clear_error(&check->damage);
    check->n++;
    if (ok)
        metrics_add(check->settings.metrics, METER_ALERT_CHECKS, NULL, 1);
    return ok;
}
