#include "api/overview_answer.h"

#include "api/breakdown.h"
#include "api/measured.h"
#include "api/usage_answer.h"
#include "api/writer.h"
#include "api/zone_days.h"
#include "lib/keys.h"

enum { PERCENT = 100, US_PER_MS = 1000, P95 = 95 };

struct answer {
    struct writer writer;
    const struct overview *overview;
    struct measure now, before; /* totals */
    const struct breakdown *breakdown;
};

/* ---- small things ---- */

static void write_time(struct answer *answer, const char *key, int64_t time_ms)
{
    zone_write(&answer->writer, key, answer->overview->now->window.tz, time_ms);
}

static void write_time_or_null(struct writer *writer, const char *key, int64_t time_ms)
{
    if (time_ms > 0)
        writer_time_ms(writer, key, time_ms);
    else
        writer_null(writer, key);
}

static void write_day(struct writer *writer, const char *key, int64_t day)
{
    char text[CIVIL_TEXT_MAX];
    writer_text(writer, key, view_make(text, civil_format_day(text, day)));
}

static void write_window(struct answer *answer, const char *key, const struct window *window, int64_t to_ms)
{
    writer_begin(&answer->writer, key, '{');
    write_time(answer, "from", window->from_ms);
    write_time(answer, "to", to_ms);
    writer_end(&answer->writer, '}');
}

/* organization, clientId and name, of "organization <0x1f> client". */
static void write_client(struct answer *answer, const char *key)
{
    const char *separator = strchr(key, KEYS_CLIENT_SEPARATOR);
    g_autofree char *organization = g_strndup(key, separator != NULL ? (size_t)(separator - key) : 0);
    const char *client = separator != NULL ? separator + 1 : key;
    writer_text(&answer->writer, "organization", view_of(organization));
    writer_text(&answer->writer, "clientId", view_of(client));
    writer_text(&answer->writer, "name", view_of(registry_client_name(answer->overview->registry, organization, client)));
}

/* ---- totals ---- */

static void write_totals(struct answer *answer, const char *key, const struct measure *total, const struct live *live)
{
    struct writer *writer = &answer->writer;
    uint64_t errors = measured_failed(total);
    writer_begin(writer, key, '{');
    writer_count(writer, "totalRequests", total->requests);
    writer_count(writer, "successfulRequests", total->requests - errors);
    writer_count(writer, "failedRequests", errors);
    measured_write_success_rate(writer, total->requests, errors);
    writer_ratio(writer, "averageLatency", total->latency_sum_us, 1, total->requests * US_PER_MS);
    measured_write_percentile(writer, "p95Latency", total, P95);
    writer_count(writer, "dataTransferred", measured_bytes(total));
    writer_count(writer, "activeClients", g_hash_table_size(live->table->clients));
    writer_end(writer, '}');
}

/* What the window before would have had, had it been as long as this one: they differ by what the running quarter of an hour lacks.
 * Seconds, so that the product fits. */
static uint64_t as_long(const struct overview *overview, uint64_t count)
{
    const struct window *now = &overview->now->window, *before = &overview->before->window;
    uint64_t length = (uint64_t)MAX((overview->now_ms - now->from_ms) / 1000, 1);
    uint64_t other = (uint64_t)MAX((before->to_ms - before->from_ms) / 1000, 1);
    return count / other * length + (count % other) * length / other;
}

static void write_change(struct answer *answer)
{
    struct writer *writer = &answer->writer;
    const struct overview *overview = answer->overview;
    const struct {
        const char *name;
        uint64_t now, before;
    } counts[] = {
        {"totalRequests", answer->now.requests, answer->before.requests},
        {"failedRequests", measured_failed(&answer->now), measured_failed(&answer->before)},
        {"dataTransferred", measured_bytes(&answer->now), measured_bytes(&answer->before)},
    };
    uint64_t now_us, before_us;
    writer_begin(writer, "change", '{');
    for (size_t i = 0; i < G_N_ELEMENTS(counts); i++)
        writer_change(writer, counts[i].name, counts[i].now, as_long(overview, counts[i].before));
    if (measured_percentile_us(&answer->now, P95, &now_us) && measured_percentile_us(&answer->before, P95, &before_us))
        writer_change(writer, "p95Latency", now_us, before_us);
    else
        writer_null(writer, "p95Latency");
    writer_end(writer, '}');
}

/* ---- who and what ---- */

static void write_measured(struct answer *answer, const struct entry *entry)
{
    struct writer *writer = &answer->writer;
    writer_count(writer, "requests", entry->requests);
    writer_count(writer, "failedRequests", entry->errors);
    measured_write_success_rate(writer, entry->requests, entry->errors);
    writer_ratio(writer, "share", entry->requests, PERCENT, answer->now.requests);
    measured_write_percentile(writer, "p95Latency", entry->measure, P95);
    write_time(answer, "lastSeen", window_slot_ms(entry->last_slot));
}

static void write_top(struct answer *answer)
{
    struct writer *writer = &answer->writer;
    const GArray *keys = answer->breakdown->keys, *endpoints = answer->breakdown->endpoints;
    writer_begin(writer, "topClients", '[');
    for (guint i = 0; i < MIN(keys->len, (guint)OVERVIEW_SHOWN); i++) {
        writer_begin(writer, NULL, '{');
        write_client(answer, g_array_index(keys, struct entry, i).name);
        write_measured(answer, &g_array_index(keys, struct entry, i));
        writer_end(writer, '}');
    }
    writer_end(writer, ']');
    writer_begin(writer, "topEndpoints", '[');
    for (guint i = 0; i < MIN(endpoints->len, (guint)OVERVIEW_SHOWN); i++) {
        writer_begin(writer, NULL, '{');
        writer_text(writer, "endpoint", view_of(g_array_index(endpoints, struct entry, i).name));
        write_measured(answer, &g_array_index(endpoints, struct entry, i));
        writer_end(writer, '}');
    }
    writer_end(writer, ']');
}

/* ---- newest clients ---- */

static bool is_wanted(const struct overview *overview, const struct caller *client)
{
    const char *organization = overview->params->organization, *key = overview->params->key;
    return client->client != NULL && (organization == NULL || g_strcmp0(client->organization, organization) == 0) &&
           (key == NULL || strcmp(client->client, key) == 0);
}

static gint newest_first(gconstpointer a, gconstpointer b)
{
    const struct registry_token *left = *(struct registry_token *const *)a, *right = *(struct registry_token *const *)b;
    if (left->created_ms != right->created_ms)
        return left->created_ms > right->created_ms ? -1 : 1;
    return strcmp(left->id, right->id);
}

static void write_registered(struct answer *answer)
{
    struct writer *writer = &answer->writer;
    g_autoptr(GPtrArray) tokens = g_ptr_array_new();
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, answer->overview->registry->tokens_by_id);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (registry_token_is_key(value) && is_wanted(answer->overview, ((struct registry_token *)value)->caller))
            g_ptr_array_add(tokens, value);
    g_ptr_array_sort(tokens, newest_first);
    writer_begin(writer, "registered", '[');
    for (guint i = 0; i < MIN(tokens->len, (guint)OVERVIEW_SHOWN); i++) {
        const struct registry_token *token = g_ptr_array_index(tokens, i);
        g_autofree char *key = registry_client_key(token->caller->organization, token->caller->client);
        const struct usage_line *line = g_hash_table_lookup(answer->overview->now->table->clients, key);
        writer_begin(writer, NULL, '{');
        write_client(answer, key);
        write_time(answer, "keyCreatedAt", token->created_ms);
        writer_count(writer, "requests", line != NULL ? line->measure.requests : 0);
        writer_end(writer, '}');
    }
    writer_end(writer, ']');
}

/* Clients of this window that the one before does not have, most requests first. */
static void write_appeared(struct answer *answer)
{
    struct writer *writer = &answer->writer;
    const GArray *keys = answer->breakdown->keys;
    GHashTable *before = answer->overview->before->table->clients;
    uint64_t n = 0;
    writer_begin(writer, "appeared", '[');
    for (guint i = 0; i < keys->len; i++) {
        const struct entry *entry = &g_array_index(keys, struct entry, i);
        if (g_hash_table_contains(before, entry->name) || n++ >= OVERVIEW_SHOWN)
            continue;
        writer_begin(writer, NULL, '{');
        write_client(answer, entry->name);
        writer_count(writer, "requests", entry->requests);
        writer_end(writer, '}');
    }
    writer_end(writer, ']');
    writer_count(writer, "appearedCount", n);
}

static void write_newest(struct answer *answer)
{
    writer_begin(&answer->writer, "newestClients", '{');
    write_registered(answer);
    write_appeared(answer);
    writer_end(&answer->writer, '}');
}

/* ---- alerts ---- */

static GPtrArray *find_alerts(const struct answer *answer, uint32_t kinds, uint32_t states, int active)
{
    const struct overview *overview = answer->overview;
    struct alerts_filter filter;
    alerts_filter_init(&filter);
    filter.organization = overview->params->organization;
    filter.kinds = kinds;
    filter.states = states;
    filter.active = active;
    if (!alerts_filter_narrow(&filter, overview->caller))
        return g_ptr_array_new();
    return alerts_newest(overview->alerts, &filter, ALERTS_MAX);
}

/* Which application, and what is limited. */
static char *subject_of(const struct alert *alert)
{
    return g_strdup_printf("%s%c%s%c%s%c%d", alert->organization, KEYS_CLIENT_SEPARATOR, alert->client, KEYS_CLIENT_SEPARATOR,
                           alert->metric, KEYS_CLIENT_SEPARATOR, (int)alert->period);
}

static gint highest_first(gconstpointer a, gconstpointer b)
{
    const struct alert *left = *(struct alert *const *)a, *right = *(struct alert *const *)b;
    if (left->level != right->level)
        return left->level > right->level ? -1 : 1;
    return strcmp(left->id, right->id);
}

/* Of each limit the highest level that was reached in a window that is not over. */
static GPtrArray *highest(const GPtrArray *alerts)
{
    g_autoptr(GHashTable) found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GPtrArray *list = g_ptr_array_new();
    GHashTableIter iter;
    gpointer value;
    for (guint i = 0; i < alerts->len; i++) {
        struct alert *alert = g_ptr_array_index(alerts, i);
        char *subject = subject_of(alert);
        const struct alert *known = g_hash_table_lookup(found, subject);
        if (known == NULL || known->level < alert->level)
            g_hash_table_replace(found, subject, alert);
        else
            g_free(subject);
    }
    g_hash_table_iter_init(&iter, found);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        g_ptr_array_add(list, value);
    g_ptr_array_sort(list, highest_first);
    return list;
}

static void write_limits(struct answer *answer)
{
    struct writer *writer = &answer->writer;
    g_autoptr(GPtrArray) alerts = find_alerts(answer, 1u << ALERT_LIMIT | 1u << ALERT_VIOLATION, (1u << ALERT_STATE_N) - 1, 1);
    g_autoptr(GPtrArray) list = highest(alerts);
    writer_begin(writer, "reachingLimits", '[');
    for (guint i = 0; i < MIN(list->len, (guint)OVERVIEW_SHOWN); i++) {
        const struct alert *alert = g_ptr_array_index(list, i);
        g_autofree char *key = registry_client_key(alert->organization, alert->client);
        writer_begin(writer, NULL, '{');
        write_client(answer, key);
        writer_text(writer, "metric", view_of(alert->metric));
        writer_text(writer, "period", view_of(limit_period_name(alert->period)));
        writer_count(writer, "level", alert->level);
        writer_count(writer, "limit", alert->limit);
        writer_count(writer, "value", alert->value);
        write_time(answer, "from", alert->from_ms);
        write_time(answer, "to", alert->to_ms);
        writer_text(writer, "alertId", view_of(alert->id));
        writer_end(writer, '}');
    }
    writer_end(writer, ']');
    writer_count(writer, "reachingLimitsCount", list->len);
}

static void write_alerts(struct answer *answer)
{
    struct writer *writer = &answer->writer;
    g_autoptr(GPtrArray) unread = find_alerts(answer, 0, 1u << ALERT_UNREAD, -1);
    writer_begin(writer, "alerts", '{');
    writer_count(writer, "unread", unread->len);
    writer_begin(writer, "newest", '[');
    for (guint i = 0; i < MIN(unread->len, (guint)OVERVIEW_ALERTS); i++)
        alert_write(writer, NULL, g_ptr_array_index(unread, i));
    writer_end(writer, ']');
    writer_end(writer, '}');
}

/* ---- finality ---- */

static void write_finality(struct answer *answer)
{
    struct writer *writer = &answer->writer;
    const struct live *live = answer->overview->now;
    int64_t first = civil_divide(live->window.from_ms, CIVIL_DAY_MS), last = civil_divide(answer->overview->now_ms, CIVIL_DAY_MS);
    writer_begin(writer, "finality", '{');
    if (live->finality.through == FINALITY_NONE)
        writer_null(writer, "finalizedThrough");
    else
        write_day(writer, "finalizedThrough", live->finality.through);
    writer_begin(writer, "provisionalDays", '[');
    for (int64_t day = first; day <= last; day++)
        if (!finality_covers(&live->finality, day * CIVIL_DAY_MS, (day + 1) * CIVIL_DAY_MS))
            write_day(writer, NULL, day);
    writer_end(writer, ']');
    writer_end(writer, '}');
}

/* ---- health ---- */

static void write_offset(struct writer *writer, const char *key, int64_t offset)
{
    if (offset >= 0)
        writer_integer(writer, key, offset);
    else
        writer_null(writer, key);
}

static void write_partitions(struct writer *writer, const GPtrArray *partitions)
{
    writer_begin(writer, "partitions", '[');
    for (guint i = 0; i < partitions->len; i++) {
        const struct system_partition *partition = g_ptr_array_index(partitions, i);
        bool known = partition->next >= 0 && partition->high >= 0;
        writer_begin(writer, NULL, '{');
        writer_count(writer, "partition", i);
        writer_text(writer, "state", view_of(system_partition_state_name(partition->state)));
        write_offset(writer, "next", partition->next);
        write_offset(writer, "end", partition->high);
        write_offset(writer, "lag", known ? MAX(partition->high - partition->next, 0) : -1);
        write_time_or_null(writer, "standingSince", partition->standing_ms);
        write_time_or_null(writer, "logClock", partition->clock_ms);
        writer_text_or_null(writer, "worker", partition->worker);
        write_time_or_null(writer, "heardAt", partition->said_ms);
        writer_end(writer, '}');
    }
    writer_end(writer, ']');
}

/* Those that say they have a partition, in the order of their first one. */
static void write_workers(struct writer *writer, const GPtrArray *partitions)
{
    g_autoptr(GHashTable) done = g_hash_table_new(g_str_hash, g_str_equal);
    writer_begin(writer, "workers", '[');
    for (guint i = 0; i < partitions->len; i++) {
        const struct system_partition *first = g_ptr_array_index(partitions, i);
        uint64_t n = 0;
        int64_t heard_ms = 0;
        if (first->worker == NULL || !g_hash_table_add(done, first->worker))
            continue;
        for (guint other = i; other < partitions->len; other++) {
            const struct system_partition *partition = g_ptr_array_index(partitions, other);
            bool same = g_strcmp0(partition->worker, first->worker) == 0;
            n += same;
            heard_ms = same ? MAX(heard_ms, partition->said_ms) : heard_ms;
        }
        writer_begin(writer, NULL, '{');
        writer_text(writer, "worker", view_of(first->worker));
        writer_count(writer, "partitions", n);
        write_time_or_null(writer, "heardAt", heard_ms);
        writer_end(writer, '}');
    }
    writer_end(writer, ']');
}

static void write_collector(struct writer *writer, const struct system_collector *collector)
{
    writer_begin(writer, NULL, '{');
    writer_text(writer, "name", view_of(collector->name));
    writer_bool(writer, "silent", collector->silent);
    write_time_or_null(writer, "lastHeartbeat", collector->heard_ms);
    writer_count(writer, "journalBytes", collector->journal_bytes);
    write_time_or_null(writer, "waitingSince", collector->journal_oldest_ms);
    writer_count(writer, "received", collector->received);
    writer_count(writer, "accepted", collector->accepted);
    writer_count(writer, "rejected", collector->rejected);
    writer_count(writer, "excluded", collector->excluded);
    writer_end(writer, '}');
}

static guint write_those(struct writer *writer, const GPtrArray *collectors, bool silent, guint most)
{
    guint n = 0;
    for (guint i = 0; i < collectors->len && n < most; i++) {
        const struct system_collector *collector = g_ptr_array_index(collectors, i);
        if (collector->silent != silent)
            continue;
        write_collector(writer, collector);
        n++;
    }
    return n;
}

/* Silent ones first: those must not be left out. */
static void write_collectors(struct writer *writer, const GPtrArray *collectors)
{
    writer_begin(writer, "collectors", '[');
    guint n = write_those(writer, collectors, true, OVERVIEW_COLLECTORS);
    write_those(writer, collectors, false, OVERVIEW_COLLECTORS - n);
    writer_end(writer, ']');
    writer_count(writer, "collectorCount", collectors->len);
}

static void write_days(struct writer *writer, const GPtrArray *days)
{
    writer_begin(writer, "openDays", '[');
    for (guint i = 0; i < days->len; i++) {
        const struct system_day *day = g_ptr_array_index(days, i);
        writer_begin(writer, NULL, '{');
        write_day(writer, "day", day->day);
        writer_bool(writer, "overdue", day->due);
        writer_text(writer, "waitsFor", view_of(day->why));
        writer_end(writer, '}');
    }
    writer_end(writer, ']');
}

static void write_conditions(struct writer *writer, const GPtrArray *conditions)
{
    writer_begin(writer, "conditions", '[');
    for (guint i = 0; i < conditions->len; i++) {
        const struct condition *condition = g_ptr_array_index(conditions, i);
        writer_begin(writer, NULL, '{');
        writer_text(writer, "type", view_of(condition->type));
        writer_text(writer, "subject", view_of(condition->subject));
        writer_text(writer, "message", view_of(condition->message));
        writer_time_ms(writer, "since", condition->since_ms);
        writer_end(writer, '}');
    }
    writer_end(writer, ']');
}

static void write_health(struct answer *answer)
{
    struct writer *writer = &answer->writer;
    const struct system_state *system = answer->overview->system;
    if (system == NULL) {
        writer_null(writer, "health");
        return;
    }
    writer_begin(writer, "health", '{');
    writer_text(writer, "status", view_of(system->conditions->len == 0 ? "ok" : "attention"));
    write_conditions(writer, system->conditions);
    write_workers(writer, system->partitions);
    write_partitions(writer, system->partitions);
    write_collectors(writer, system->collectors);
    write_days(writer, system->days);
    writer_end(writer, '}');
}

/* ---- the whole ---- */

void overview_answer_write(GString *out, const struct overview *overview)
{
    struct answer answer = {.overview = overview};
    struct writer *writer = &answer.writer;
    writer_init(writer, out);
    usage_table_total(overview->now->table, &answer.now);
    usage_table_total(overview->before->table, &answer.before);
    struct breakdown *breakdown = breakdown_new(overview->now->table, &answer.now, overview->params);
    answer.breakdown = breakdown;
    writer_begin(writer, NULL, '{');
    writer_bool(writer, "success", true);
    writer_text(writer, "timeframe", view_of(usage_timeframe_name(overview->params->timeframe)));
    writer_text_or_null(writer, "organization", overview->params->organization);
    write_window(&answer, "window", &overview->now->window, overview->now_ms);
    write_window(&answer, "windowBefore", &overview->before->window, overview->before->window.to_ms);
    write_totals(&answer, "usage", &answer.now, overview->now);
    write_totals(&answer, "usageBefore", &answer.before, overview->before);
    write_change(&answer);
    write_top(&answer);
    write_limits(&answer);
    write_newest(&answer);
    write_alerts(&answer);
    write_finality(&answer);
    write_health(&answer);
    writer_time_ms(writer, "timestamp", overview->now_ms);
    writer_end(writer, '}');
    breakdown_free(breakdown);
    measure_clear(&answer.now);
    measure_clear(&answer.before);
}
