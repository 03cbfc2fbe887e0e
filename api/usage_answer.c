#include "api/usage_answer.h"

#include "api/advice.h"
#include "api/breakdown.h"
#include "api/measured.h"
#include "api/writer.h"
#include "api/zone_days.h"
#include "lib/civil.h"
#include "lib/histogram.h"
#include "lib/keys.h"

enum { PERCENT = 100, US_PER_MS = 1000, DATE_TIME_SIZE = sizeof "2026-11-21T10:30:00" - 1 };

struct answer {
    struct writer writer;
    const struct usage_table *table;
    const struct usage_params *params;
    const struct finality *finality;
    const struct breakdown *breakdown;
    struct measure total;
};

/* ---- times, as the zone's clock shows them ---- */

static void write_time(struct answer *answer, const char *key, int64_t time_ms)
{
    zone_write(&answer->writer, key, answer->table->window->tz, time_ms);
}

/* With milliseconds, which go before the offset. */
static void write_time_ms(struct answer *answer, const char *key, int64_t time_ms)
{
    char text[ZONE_TEXT_MAX], whole[2 * ZONE_TEXT_MAX];
    zone_format(text, answer->table->window->tz, time_ms / 1000);
    g_snprintf(whole, sizeof whole, "%.*s.%03d%s", DATE_TIME_SIZE, text, (int)(time_ms % 1000), text + DATE_TIME_SIZE);
    writer_text(&answer->writer, key, view_of(whole));
}

/* ---- parts of an object that describe one measure ---- */

static void write_average_latency(struct answer *answer, const struct measure *measure)
{
    if (!answer->params->exclude_latency)
        writer_ratio(&answer->writer, "averageLatency", measure->latency_sum_us, 1, measure->requests * US_PER_MS);
}

static void write_peak_latency(struct answer *answer, const struct measure *measure)
{
    if (!answer->params->exclude_latency)
        writer_ratio(&answer->writer, "peakLatency", measure->latency_max_us, 1, US_PER_MS);
}

static void write_count_or_null(struct writer *writer, const char *key, bool is_known, uint64_t count)
{
    if (is_known)
        writer_count(writer, key, count);
    else
        writer_null(writer, key);
}

static void write_latency(struct answer *answer, const struct measure *measure, bool with_error)
{
    static const struct {
        const char *name;
        uint64_t percent;
    } percentiles[] = {{"p50", 50}, {"p90", 90}, {"p95", 95}, {"p99", 99}};
    if (answer->params->exclude_latency)
        return;
    writer_begin(&answer->writer, "latency", '{');
    for (size_t i = 0; i < G_N_ELEMENTS(percentiles); i++)
        measured_write_percentile(&answer->writer, percentiles[i].name, measure, percentiles[i].percent);
    if (with_error)
        writer_ratio(&answer->writer, "errorPercent", (uint64_t)(HISTOGRAM_ERROR_PERCENT * 10), 1, 10);
    writer_end(&answer->writer, '}');
}

static void write_last_seen(struct answer *answer, int64_t slot)
{
    write_time(answer, "lastSeen", window_slot_ms(slot));
}

/* ---- usage ---- */

static void write_rates(struct answer *answer)
{
    static const struct {
        const char *name;
        uint32_t ms;
    } rates[] = {{"requestsPerMinute", 60000}, {"requestsPerHour", 3600000}, {"requestsPerDay", 86400000}};
    const struct window *window = answer->table->window;
    for (size_t i = 0; i < G_N_ELEMENTS(rates); i++)
        writer_ratio(&answer->writer, rates[i].name, answer->total.requests, rates[i].ms,
                     (uint64_t)(window->to_ms - window->from_ms));
}

static void write_peaks(struct answer *answer)
{
    struct writer *writer = &answer->writer;
    bool has_minutes = answer->table->window->has_minutes;
    write_count_or_null(writer, "peakRequestsPerMinute", has_minutes, has_minutes ? usage_table_peak_minute(answer->table) : 0);
    writer_count(writer, "peakRequestsPerHour", usage_table_peak_hour(answer->table));
}

static void write_usage(struct answer *answer)
{
    struct writer *writer = &answer->writer;
    const struct measure *total = &answer->total;
    uint64_t errors = measured_failed(total);
    writer_begin(writer, "usage", '{');
    writer_count(writer, "totalRequests", total->requests);
    writer_count(writer, "successfulRequests", total->requests - errors);
    writer_count(writer, "failedRequests", errors);
    measured_write_success_rate(writer, total->requests, errors);
    write_average_latency(answer, total);
    write_peak_latency(answer, total);
    write_rates(answer);
    write_peaks(answer);
    writer_count(writer, "dataTransferred", measured_bytes(total));
    writer_ratio(writer, "averageDataPerRequest", measured_bytes(total), 1, total->requests);
    if (answer->table->window->has_minutes)
        write_time(answer, "peakRequestsPerMinuteSince", answer->table->first_minute * KEYS_MINUTE_MS);
    else
        writer_null(writer, "peakRequestsPerMinuteSince");
    writer_end(writer, '}');
}

/* ---- time series ---- */

/* Only the days inside the window count. */
static bool is_provisional(const struct answer *answer, uint32_t point)
{
    int64_t from_ms, to_ms;
    window_point_span(answer->table->window, point, &from_ms, &to_ms);
    return !finality_covers(answer->finality, from_ms, to_ms);
}

static void write_point(struct answer *answer, uint32_t point, const struct measure *measure)
{
    struct writer *writer = &answer->writer;
    uint64_t errors = measured_failed(measure);
    writer_begin(writer, NULL, '{');
    write_time(answer, "timestamp", answer->table->window->points[point]);
    writer_count(writer, "requests", measure->requests);
    writer_count(writer, "successfulRequests", measure->requests - errors);
    writer_count(writer, "failedRequests", errors);
    write_average_latency(answer, measure);
    write_peak_latency(answer, measure);
    writer_count(writer, "dataTransferred", measured_bytes(measure));
    write_latency(answer, measure, false);
    writer_bool(writer, "provisional", is_provisional(answer, point));
    writer_end(writer, '}');
}

/* Points up to the end of the window, and beyond it those that count something: the last slot is taken whole, and its last
 * minutes may hold events from ahead of the clock. */
static uint32_t last_point(const struct usage_table *table, const struct measure *points)
{
    const struct window *window = table->window;
    uint32_t n = window->n_points;
    while (n > 1 && window->points[n - 1] >= window->to_ms && points[n - 1].requests == 0)
        n--;
    return n;
}

static void write_series(struct answer *answer)
{
    const struct usage_table *table = answer->table;
    const struct measure *points = table->minutes != NULL ? table->minutes : table->cells;
    uint32_t n = last_point(table, points);
    writer_begin(&answer->writer, "timeSeries", '[');
    for (uint32_t i = 0; i < n; i++)
        write_point(answer, i, &points[i]);
    writer_end(&answer->writer, ']');
}

/* ---- breakdown ---- */

typedef void write_entry(struct answer *answer, const struct entry *entry);

static void write_list(struct answer *answer, const char *name, const GArray *list, write_entry *write)
{
    guint first, end = breakdown_page(list, answer->params, &first);
    writer_begin(&answer->writer, name, '[');
    for (guint i = first; i < end; i++) {
        writer_begin(&answer->writer, NULL, '{');
        write(answer, &g_array_index(list, struct entry, i));
        writer_end(&answer->writer, '}');
    }
    writer_end(&answer->writer, ']');
}

/* What an entry says of its measure. */
static void write_measured(struct answer *answer, const struct entry *entry)
{
    struct writer *writer = &answer->writer;
    writer_count(writer, "requests", entry->requests);
    measured_write_success_rate(writer, entry->requests, entry->errors);
    write_average_latency(answer, entry->measure);
    writer_count(writer, "dataTransferred", measured_bytes(entry->measure));
    writer_count(writer, "failedRequests", entry->errors);
}

static void write_endpoint(struct answer *answer, const struct entry *entry)
{
    writer_text(&answer->writer, "endpoint", view_of(entry->name));
    write_measured(answer, entry);
    write_latency(answer, entry->measure, false);
    write_last_seen(answer, entry->last_slot);
}

static void write_method(struct answer *answer, const struct entry *entry)
{
    writer_text(&answer->writer, "method", view_of(entry->name));
    write_measured(answer, entry);
    write_last_seen(answer, entry->last_slot);
}

static void write_status(struct answer *answer, const struct entry *entry)
{
    writer_count(&answer->writer, "statusCode", entry->status);
    writer_count(&answer->writer, "requests", entry->requests);
    writer_ratio(&answer->writer, "percentage", entry->requests, PERCENT, answer->total.requests);
    write_last_seen(answer, entry->last_slot);
}

static void write_key(struct answer *answer, const struct entry *entry)
{
    const char *separator = strchr(entry->name, KEYS_CLIENT_SEPARATOR);
    const char *key = separator ? separator + 1 : entry->name;
    writer_text(&answer->writer, "keyId", view_of(key));
    writer_text(&answer->writer, "organization", view_make(entry->name, separator ? (size_t)(separator - entry->name) : 0));
    write_measured(answer, entry);
    write_last_seen(answer, entry->last_slot);
}

static void write_breakdown(struct answer *answer)
{
    writer_begin(&answer->writer, "breakdown", '{');
    if (!answer->params->exclude_endpoints)
        write_list(answer, "byEndpoint", answer->breakdown->endpoints, write_endpoint);
    write_list(answer, "byMethod", answer->breakdown->methods, write_method);
    write_list(answer, "byStatusCode", answer->breakdown->statuses, write_status);
    write_list(answer, "byKey", answer->breakdown->keys, write_key);
    writer_end(&answer->writer, '}');
}

/* ---- errors ---- */

/* The first row whose range holds the status. */
static const struct error_type {
    uint32_t first, last;
    const char *type, *description;
} error_types[] = {
    {400, 400, "BAD_REQUEST", "The request could not be understood (400)."},
    {401, 401, "UNAUTHORIZED", "The caller was not authenticated (401)."},
    {403, 403, "FORBIDDEN", "The caller was not allowed to (403)."},
    {404, 404, "NOT_FOUND", "There was nothing at the address (404)."},
    {408, 408, "TIMEOUT", "The request or its answer took too long (408, 504)."},
    {409, 409, "CONFLICT", "The request was at odds with the state of the resource (409)."},
    {422, 422, "VALIDATION_ERROR", "The request was understood, but its content was not acceptable (422)."},
    {429, 429, "RATE_LIMIT_EXCEEDED", "The caller sent too many requests (429)."},
    {400, 499, "CLIENT_ERROR", "Another error on the caller's side (4xx)."},
    {504, 504, "TIMEOUT", "The request or its answer took too long (408, 504)."},
    {502, 503, "SERVICE_UNAVAILABLE", "The service, or one behind it, was not available (502, 503)."},
    {500, UINT32_MAX, "SERVER_ERROR", "Another error on the service's side (5xx)."},
};

static size_t type_of(uint32_t status)
{
    size_t i = 0;
    while (status < error_types[i].first || status > error_types[i].last)
        i++;
    for (size_t same = 0; same < i; same++)
        if (strcmp(error_types[same].type, error_types[i].type) == 0)
            return same;
    return i;
}

/* Most frequent first, equal ones in the order of the table. Never paged: there are few. */
static void write_types(struct answer *answer, uint64_t errors)
{
    uint64_t counts[G_N_ELEMENTS(error_types)] = {0};
    for (uint32_t i = 0; i < answer->total.statuses.n; i++) {
        const struct tally *tally = &answer->total.statuses.items[i];
        if (tally->key >= MEASURED_FIRST_ERROR)
            counts[type_of(tally->key)] += tally->count;
    }
    writer_begin(&answer->writer, "byType", '[');
    for (;;) {
        size_t most = 0;
        for (size_t i = 1; i < G_N_ELEMENTS(counts); i++)
            if (counts[i] > counts[most])
                most = i;
        if (counts[most] == 0)
            break;
        writer_begin(&answer->writer, NULL, '{');
        writer_text(&answer->writer, "type", view_of(error_types[most].type));
        writer_count(&answer->writer, "count", counts[most]);
        writer_ratio(&answer->writer, "percentage", counts[most], PERCENT, errors);
        writer_text(&answer->writer, "description", view_of(error_types[most].description));
        writer_end(&answer->writer, '}');
        counts[most] = 0;
    }
    writer_end(&answer->writer, ']');
}

static void write_failing_endpoint(struct answer *answer, const struct entry *entry)
{
    writer_text(&answer->writer, "endpoint", view_of(entry->name));
    writer_count(&answer->writer, "count", entry->errors);
    writer_ratio(&answer->writer, "errorRate", entry->errors, PERCENT, entry->requests);
}

static void write_failing_status(struct answer *answer, const struct entry *entry)
{
    writer_count(&answer->writer, "statusCode", entry->status);
    writer_count(&answer->writer, "count", entry->errors);
    writer_ratio(&answer->writer, "percentage", entry->errors, PERCENT, measured_failed(&answer->total));
}

static void write_errors(struct answer *answer)
{
    uint64_t errors = measured_failed(&answer->total);
    if (answer->params->exclude_errors)
        return;
    writer_begin(&answer->writer, "errors", '{');
    writer_count(&answer->writer, "totalErrors", errors);
    writer_ratio(&answer->writer, "errorRate", errors, PERCENT, answer->total.requests);
    write_types(answer, errors);
    if (!answer->params->exclude_endpoints)
        write_list(answer, "byEndpoint", answer->breakdown->failing_endpoints, write_failing_endpoint);
    write_list(answer, "byStatusCode", answer->breakdown->failing_statuses, write_failing_status);
    writer_end(&answer->writer, '}');
}

/* ---- rate limits, alerts ---- */

static const char *const rate_names[] = {"requestsPerMinute", "requestsPerHour", "requestsPerDay"};

static uint64_t limit_of(const struct usage_rates *rates, size_t period)
{
    return rates->limits != NULL ? rates->limits->requests[period] : 0;
}

static void write_rate_limits(struct answer *answer, const struct usage_rates *rates)
{
    struct writer *writer = &answer->writer;
    writer_begin(writer, "rateLimits", '{');
    writer_begin(writer, "current", '{');
    for (size_t i = 0; i < G_N_ELEMENTS(rate_names); i++)
        write_count_or_null(writer, rate_names[i], limit_of(rates, i) > 0, limit_of(rates, i));
    writer_end(writer, '}');
    writer_begin(writer, "usage", '{');
    for (size_t i = 0; i < G_N_ELEMENTS(rate_names); i++)
        write_count_or_null(writer, rate_names[i], rates->is_known[i], rates->used[i]);
    writer_end(writer, '}');
    writer_begin(writer, "utilization", '{');
    for (size_t i = 0; i < G_N_ELEMENTS(rate_names); i++) {
        if (limit_of(rates, i) > 0 && rates->is_known[i])
            writer_ratio(writer, rate_names[i], rates->used[i], PERCENT, limit_of(rates, i));
        else
            writer_null(writer, rate_names[i]);
    }
    writer_end(writer, '}');
    writer_end(writer, '}');
}

static void write_alerts(struct answer *answer, const GPtrArray *list)
{
    struct writer *writer = &answer->writer;
    writer_begin(writer, "alerts", '[');
    for (guint i = 0; i < list->len; i++) {
        const struct advice *advice = g_ptr_array_index(list, i);
        writer_begin(writer, NULL, '{');
        writer_text(writer, "type", view_of(advice->type));
        writer_text(writer, "message", view_of(advice->message));
        writer_text(writer, "priority", view_of(advice_priority_name(advice->priority)));
        writer_text(writer, "recommendation", view_of(advice->recommendation));
        writer_end(writer, '}');
    }
    writer_end(writer, ']');
}

/* ---- the whole ---- */

static void write_pagination(struct answer *answer)
{
    const struct usage_params *params = answer->params;
    guint total = breakdown_longest(answer->breakdown, params);
    writer_begin(&answer->writer, "pagination", '{');
    writer_count(&answer->writer, "total", total);
    writer_count(&answer->writer, "limit", (uint64_t)params->limit);
    writer_count(&answer->writer, "offset", (uint64_t)params->offset);
    writer_bool(&answer->writer, "hasMore", (uint64_t)params->offset + (uint64_t)params->limit < total);
    writer_end(&answer->writer, '}');
}

static void write_window(struct answer *answer)
{
    writer_begin(&answer->writer, "window", '{');
    write_time(answer, "from", answer->table->window->from_ms);
    write_time_ms(answer, "to", answer->table->window->to_ms);
    writer_end(&answer->writer, '}');
}

static void write_finalized(struct answer *answer)
{
    char day[CIVIL_TEXT_MAX];
    if (answer->finality == NULL || answer->finality->through == FINALITY_NONE)
        writer_null(&answer->writer, "finalizedThrough");
    else
        writer_text(&answer->writer, "finalizedThrough", view_make(day, civil_format_day(day, answer->finality->through)));
}

void usage_answer_write(GString *out, const struct usage_report *report)
{
    const struct usage_table *table = report->table;
    struct answer answer = {.table = table, .params = report->params, .finality = report->finality};
    writer_init(&answer.writer, out);
    usage_table_total(table, &answer.total);
    struct breakdown *breakdown = breakdown_new(table, &answer.total, report->params);
    answer.breakdown = breakdown;
    writer_begin(&answer.writer, NULL, '{');
    writer_bool(&answer.writer, "success", true);
    write_usage(&answer);
    write_series(&answer);
    write_breakdown(&answer);
    write_errors(&answer);
    write_rate_limits(&answer, report->rates);
    write_alerts(&answer, report->advice);
    if (report->costs != NULL)
        costs_write(&answer.writer, "costs", report->costs);
    write_pagination(&answer);
    write_time_ms(&answer, "timestamp", table->window->now_ms);
    write_latency(&answer, &answer.total, true);
    write_finalized(&answer);
    write_window(&answer);
    writer_end(&answer.writer, '}');
    breakdown_free(breakdown);
    measure_clear(&answer.total);
}
