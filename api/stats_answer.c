#include "api/stats_answer.h"

#include "api/stats_sums.h"
#include "api/writer.h"
#include "api/zone_days.h"
#include "lib/csv.h"
#include "lib/keys.h"

#define UNIT_OF_HITS "hit"
#define TITLE_OF_HITS "Hits"

static const char *const weekdays[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

static const struct window *window_of(const struct stats_answer *answer)
{
    return &answer->live->window;
}

/* ---- metrics ---- */

static const char *metric_name(const struct method *method)
{
    return method != NULL ? method->name : METHOD_HITS;
}

static const char *metric_title(const struct method *method)
{
    if (method == NULL)
        return TITLE_OF_HITS;
    return method->title[0] != '\0' ? method->title : method->name;
}

static void write_metric_fields(struct writer *writer, const struct method *method)
{
    writer_text(writer, "id", view_of(metric_name(method)));
    writer_text(writer, "name", view_of(metric_title(method)));
    writer_text(writer, "system_name", view_of(metric_name(method)));
    writer_text(writer, "unit", view_of(UNIT_OF_HITS));
}

static void write_metric(struct writer *writer, const struct method *method)
{
    writer_begin(writer, "metric", '{');
    write_metric_fields(writer, method);
    writer_end(writer, '}');
}

/* Requests of a method in all of a range, from those of the routes. */
static uint64_t total_of(const struct live *live, const struct method *method)
{
    uint64_t total = 0;
    GHashTableIter iter;
    void *value;
    if (live == NULL)
        return 0;
    g_hash_table_iter_init(&iter, live->table->routes);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct usage_line *line = value;
        if (method == NULL || endpoints_have(method->endpoints, view_of(line->name)))
            total += line->measure.requests;
    }
    return total;
}

/* ---- who ---- */

/* "" where nothing is registered. */
static void write_pair(struct writer *writer, const char *key, const char *id, const char *name)
{
    writer_begin(writer, key, '{');
    if (id != NULL)
        writer_text(writer, "id", view_of(id));
    else
        writer_null(writer, "id");
    if (name != NULL)
        writer_text(writer, "name", view_of(name));
    writer_end(writer, '}');
}

static const char *plan_of(const struct stats_answer *answer, const char *organization, const char *id)
{
    const struct registry_client *client = organization != NULL ? registry_find_client(answer->registry, organization, id) : NULL;
    return client != NULL ? client->plan : "";
}

static void write_application_fields(struct writer *writer, const struct stats_answer *answer, const char *organization,
                                     const char *id)
{
    const char *plan = plan_of(answer, organization, id);
    write_pair(writer, "plan", plan, plan);
    write_pair(writer, "account", organization, organization != NULL ? organization : "");
    write_pair(writer, "service", organization, NULL);
}

static void write_application(struct writer *writer, const struct stats_answer *answer)
{
    const char *id = answer->application;
    g_autofree char *escaped = g_uri_escape_string(id, NULL, FALSE);
    g_autofree char *link = g_strdup_printf("/stats/applications/%s/summary.json", escaped);
    writer_begin(writer, "application", '{');
    writer_text(writer, "id", view_of(id));
    writer_text(writer, "name", view_of(registry_client_name(answer->registry, answer->organization, id)));
    writer_text(writer, "state", view_of("live"));
    writer_text(writer, "link", view_of(link));
    writer_text(writer, "description", view_of(""));
    write_application_fields(writer, answer, answer->organization, id);
    writer_end(writer, '}');
}

static void write_who(struct writer *writer, const struct stats_answer *answer)
{
    if (answer->application != NULL)
        write_application(writer, answer);
    else if (answer->organization == NULL)
        write_pair(writer, "service", STATS_ALL_SERVICES, "All organizations");
    else
        write_pair(writer, "service", answer->organization, answer->organization);
}

/* ---- when ---- */

static void write_unit(struct writer *writer, int unit)
{
    if (unit == WINDOW_SIX_HOURS)
        writer_count(writer, "granularity", 21600);
    else
        writer_text(writer, "granularity", view_of(window_unit_name(unit)));
}

static void write_period(struct writer *writer, const struct stats_answer *answer)
{
    const struct window *window = window_of(answer);
    const char *name = stats_period_name(answer->params->period);
    writer_begin(writer, "period", '{');
    if (name != NULL)
        writer_text(writer, "name", view_of(name));
    else
        writer_null(writer, "name");
    zone_write(writer, "since", window->tz, window->points[0]);
    zone_write(writer, "until", window->tz, window->to_ms - 1);
    writer_text(writer, "timezone", view_of(tz_name(window->tz)));
    write_unit(writer, window->unit);
    writer_end(writer, '}');
}

static void write_finality(struct writer *writer, const struct stats_answer *answer)
{
    const struct finality *finality = &answer->live->finality;
    const struct window *window = window_of(answer);
    char day[CIVIL_TEXT_MAX];
    writer_bool(writer, "provisional", !finality_covers(finality, window->from_ms, window->to_ms));
    if (finality->through == FINALITY_NONE)
        writer_null(writer, "finalized_through");
    else
        writer_text(writer, "finalized_through", view_make(day, civil_format_day(day, finality->through)));
}

/* ---- series ---- */

/* Code queries are about all requests, unless a metric is named. */
static void write_subject(struct writer *writer, const struct stats_answer *answer)
{
    if (answer->params->kind == STATS_CODES) {
        writer_begin(writer, "response_code", '{');
        writer_text(writer, "code", view_of(answer->params->code));
        writer_end(writer, '}');
    }
    if (answer->params->kind != STATS_CODES || answer->params->metric != NULL)
        write_metric(writer, answer->method);
}

static uint64_t *values_of(const struct stats_answer *answer, const struct live *live)
{
    return stats_values(live->table, answer->params->code_first, answer->params->code_last);
}

static uint64_t total_before(const struct stats_answer *answer)
{
    if (answer->before == NULL)
        return 0;
    g_autofree uint64_t *values = values_of(answer, answer->before);
    return stats_total(values, answer->before->window.n_points);
}

static void write_series(struct writer *writer, const struct stats_answer *answer)
{
    g_autofree uint64_t *values = values_of(answer, answer->live);
    uint32_t n = window_of(answer)->n_points;
    uint64_t total = stats_total(values, n), before = total_before(answer);
    write_subject(writer, answer);
    write_period(writer, answer);
    writer_count(writer, "total", total);
    writer_begin(writer, "values", '[');
    for (uint32_t i = 0; i < n; i++)
        writer_count(writer, NULL, values[i]);
    writer_end(writer, ']');
    if (answer->application != NULL)
        write_application(writer, answer);
    if (!answer->params->with_change)
        return;
    writer_count(writer, "previous_total", before);
    writer_change(writer, "change", total, before);
}

/* ---- top applications ---- */

static struct view client_of(const struct usage_line *line)
{
    const char *separator = strchr(line->name, KEYS_CLIENT_SEPARATOR);
    return view_of(separator != NULL ? separator + 1 : line->name);
}

/* Whose client a line is about; the caller frees it. */
static char *organization_of(const struct stats_answer *answer, const struct usage_line *line)
{
    if (answer->organization != NULL)
        return g_strdup(answer->organization);
    return g_strndup(line->name, strcspn(line->name, (const char[]){KEYS_CLIENT_SEPARATOR, '\0'}));
}

static void write_top(struct writer *writer, const struct stats_answer *answer)
{
    g_autoptr(GPtrArray) lines = stats_top(answer->live->table, STATS_TOP_MAX);
    writer_begin(writer, "applications", '[');
    for (guint i = 0; i < lines->len; i++) {
        const struct usage_line *line = g_ptr_array_index(lines, i);
        const char *id = client_of(line).data;
        g_autofree char *organization = organization_of(answer, line);
        writer_begin(writer, NULL, '{');
        writer_text(writer, "id", view_of(id));
        writer_text(writer, "name", view_of(registry_client_name(answer->registry, organization, id)));
        writer_count(writer, "value", line->measure.requests);
        write_application_fields(writer, answer, organization, id);
        writer_end(writer, '}');
    }
    writer_end(writer, ']');
    write_metric(writer, answer->method);
    write_period(writer, answer);
}

/* ---- summary ---- */

static void write_summed(struct writer *writer, const struct stats_answer *answer, const struct method *method)
{
    uint64_t total = total_of(answer->live, method), before = total_of(answer->before, method);
    writer_begin(writer, NULL, '{');
    write_metric_fields(writer, method);
    writer_begin(writer, "data", '{');
    writer_count(writer, "total", total);
    if (answer->params->with_change) {
        writer_count(writer, "previous_total", before);
        writer_change(writer, "change", total, before);
    }
    writer_end(writer, '}');
    writer_end(writer, '}');
}

static void write_codes(struct writer *writer, const struct stats_answer *answer)
{
    struct measure total;
    measure_init(&total);
    usage_table_total(answer->live->table, &total);
    writer_begin(writer, "response_codes", '[');
    for (uint32_t i = 0; i < total.statuses.n; i++) {
        char code[16];
        g_snprintf(code, sizeof code, "%u", (unsigned)total.statuses.items[i].key);
        writer_begin(writer, NULL, '{');
        writer_text(writer, "code", view_of(code));
        writer_count(writer, "total", total.statuses.items[i].count);
        writer_end(writer, '}');
    }
    writer_end(writer, ']');
    measure_clear(&total);
}

static void write_summary(struct writer *writer, const struct stats_answer *answer)
{
    write_who(writer, answer);
    write_period(writer, answer);
    writer_begin(writer, "metrics", '[');
    write_summed(writer, answer, answer->method);
    for (guint i = 0; answer->params->metric == NULL && i < answer->methods->len; i++)
        write_summed(writer, answer, g_ptr_array_index(answer->methods, i));
    writer_end(writer, ']');
    write_codes(writer, answer);
}

/* ---- averages ---- */

static void write_averages(struct writer *writer, const struct stats_answer *answer)
{
    struct stats_averages averages;
    stats_averages_fill(&averages, answer->live->table);
    write_metric(writer, answer->method);
    write_period(writer, answer);
    writer_count(writer, "total", stats_total(averages.sums, averages.n));
    writer_begin(writer, "values", '[');
    for (uint32_t i = 0; i < averages.n; i++)
        writer_ratio(writer, NULL, averages.sums[i], STATS_DIVISOR_UNIT, averages.divisors[i]);
    writer_end(writer, ']');
    writer_begin(writer, "divisors", '[');
    for (uint32_t i = 0; i < averages.n; i++)
        writer_ratio(writer, NULL, averages.divisors[i], 1, STATS_DIVISOR_UNIT);
    writer_end(writer, ']');
    writer_begin(writer, "totals", '[');
    for (uint32_t i = 0; i < averages.n; i++)
        writer_count(writer, NULL, averages.sums[i]);
    writer_end(writer, ']');
}

void stats_answer_json(GString *out, const struct stats_answer *answer)
{
    struct writer writer;
    writer_init(&writer, out);
    writer_begin(&writer, NULL, '{');
    switch (answer->params->kind) {
    case STATS_TOP:
        write_top(&writer, answer);
        break;
    case STATS_SUMMARY:
        write_summary(&writer, answer);
        break;
    case STATS_DAILY:
    case STATS_HOURLY:
        write_averages(&writer, answer);
        break;
    default:
        write_series(&writer, answer);
    }
    write_finality(&writer, answer);
    writer_end(&writer, '}');
}

/* ---- CSV ---- */

/* Fields of a line, separated; numbers stay numbers. */
static void put_text(GString *out, const char *text)
{
    csv_append(out, text);
    g_string_append_c(out, ',');
}

static void put_ratio(GString *out, uint64_t numerator, uint32_t scale, uint64_t denominator)
{
    struct writer writer;
    writer_init(&writer, out);
    writer_ratio(&writer, NULL, numerator, scale, denominator);
    g_string_append_c(out, ',');
}

static void put_count(GString *out, uint64_t value)
{
    put_ratio(out, value, 1, 1);
}

/* Over the comma behind the last field. */
static void end_line(GString *out)
{
    g_string_truncate(out, out->len - 1);
    g_string_append(out, "\r\n");
}

static void put_series(GString *out, const struct stats_answer *answer)
{
    const struct window *window = window_of(answer);
    g_autofree uint64_t *values = values_of(answer, answer->live);
    bool by_code = answer->params->kind == STATS_CODES;
    g_string_append(out, by_code ? "Response Code,Date,Value\r\n" : "Metric System Name,Metric Name,Date,Value\r\n");
    for (uint32_t i = 0; i < window->n_points; i++) {
        char date[ZONE_TEXT_MAX];
        zone_format(date, window->tz, civil_divide(window->points[i], 1000));
        put_text(out, by_code ? answer->params->code : metric_name(answer->method));
        if (!by_code)
            put_text(out, metric_title(answer->method));
        put_text(out, date);
        put_count(out, values[i]);
        end_line(out);
    }
}

static void put_top(GString *out, const struct stats_answer *answer)
{
    g_autoptr(GPtrArray) lines = stats_top(answer->live->table, STATS_TOP_MAX);
    g_string_append(out, "Application Name,Application ID,Plan Name,Plan ID,Account Name,Account ID,Total\r\n");
    for (guint i = 0; i < lines->len; i++) {
        const struct usage_line *line = g_ptr_array_index(lines, i);
        const char *id = client_of(line).data;
        g_autofree char *organization = organization_of(answer, line);
        const char *plan = plan_of(answer, organization, id);
        put_text(out, registry_client_name(answer->registry, organization, id));
        put_text(out, id);
        put_text(out, plan);
        put_text(out, plan);
        put_text(out, organization);
        put_text(out, organization);
        put_count(out, line->measure.requests);
        end_line(out);
    }
}

static void put_summed(GString *out, const struct stats_answer *answer, const struct method *method)
{
    uint64_t total = total_of(answer->live, method), before = total_of(answer->before, method);
    put_text(out, metric_name(method));
    put_text(out, metric_title(method));
    put_count(out, total);
    if (answer->params->with_change) {
        struct writer writer;
        put_count(out, before);
        writer_init(&writer, out);
        writer_change(&writer, NULL, total, before);
        g_string_append_c(out, ',');
    }
    end_line(out);
}

static void put_summary(GString *out, const struct stats_answer *answer)
{
    g_string_append(out, "Metric System Name,Metric Name,Total");
    g_string_append(out, answer->params->with_change ? ",Previous Total,Change\r\n" : "\r\n");
    put_summed(out, answer, answer->method);
    for (guint i = 0; answer->params->metric == NULL && i < answer->methods->len; i++)
        put_summed(out, answer, g_ptr_array_index(answer->methods, i));
}

static void put_averages(GString *out, const struct stats_answer *answer)
{
    struct stats_averages averages;
    bool by_hour = answer->params->kind == STATS_HOURLY;
    stats_averages_fill(&averages, answer->live->table);
    g_string_append(out, by_hour ? "Hour,Average,Divisor,Total\r\n" : "Weekday,Average,Divisor,Total\r\n");
    for (uint32_t i = 0; i < averages.n; i++) {
        if (by_hour)
            put_count(out, i);
        else
            put_text(out, weekdays[i]);
        put_ratio(out, averages.sums[i], STATS_DIVISOR_UNIT, averages.divisors[i]);
        put_ratio(out, averages.divisors[i], 1, STATS_DIVISOR_UNIT);
        put_count(out, averages.sums[i]);
        end_line(out);
    }
}

void stats_answer_csv(GString *out, const struct stats_answer *answer)
{
    switch (answer->params->kind) {
    case STATS_TOP:
        put_top(out, answer);
        break;
    case STATS_SUMMARY:
        put_summary(out, answer);
        break;
    case STATS_DAILY:
    case STATS_HOURLY:
        put_averages(out, answer);
        break;
    default:
        put_series(out, answer);
    }
}
