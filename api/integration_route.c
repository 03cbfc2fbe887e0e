#include "api/integration_route.h"

#include "api/answer.h"
#include "api/integration_params.h"
#include "api/meters.h"
#include "api/writer.h"
#include "lib/civil.h"
#include "lib/csv.h"
#include "lib/keys.h"
#include "lib/log.h"

#define PATH "/api/v2/usage/integration-errors"
enum { SUMS_MAX = 1000 /* reasons or collectors that are named; the others are one */ };

enum form { FORM_JSON, FORM_CSV, FORM_JSONL };

struct job {
    struct query query;
    struct integration_params params;
    enum form form;
    GString *body;
    char *next; /* address of what follows, or NULL */
};

static void job_free(struct job *job)
{
    query_clear(&job->query);
    integration_params_clear(&job->params);
    g_string_free(job->body, TRUE);
    g_free(job->next);
    g_free(job);
}

/* ---- what is written ---- */

static void write_sample(struct writer *writer, const struct integration_sample *sample)
{
    writer_begin(writer, NULL, '{');
    writer_time_ms(writer, "time", sample->place.time_ms);
    if (sample->refused_ms > 0)
        writer_time_ms(writer, "refusedAt", sample->refused_ms);
    else
        writer_null(writer, "refusedAt");
    writer_text(writer, "collector", sample->collector);
    writer_text(writer, "reason", sample->reason);
    writer_count(writer, "count", sample->count);
    writer_text(writer, "message", sample->message);
    writer_text(writer, "sample", sample->sample);
    writer_end(writer, '}');
}

static void write_sum(struct writer *writer, const char *name, const char *value, uint64_t count)
{
    writer_begin(writer, NULL, '{');
    writer_text(writer, name, view_of(value));
    writer_count(writer, "count", count);
    writer_end(writer, '}');
}

static void write_sums(struct writer *writer, const char *key, const char *name, const GPtrArray *sums)
{
    uint64_t others = 0;
    writer_begin(writer, key, '[');
    for (guint i = 0; i < sums->len; i++) {
        const struct integration_sum *sum = g_ptr_array_index(sums, i);
        if (i < SUMS_MAX)
            write_sum(writer, name, sum->name, sum->count);
        else
            others += sum->count;
    }
    if (others > 0)
        write_sum(writer, name, KEYS_OTHER, others);
    writer_end(writer, ']');
}

static void write_json(struct job *job, const struct integration_errors *errors)
{
    struct writer writer;
    writer_init(&writer, job->body);
    writer_begin(&writer, NULL, '{');
    writer_begin(&writer, "entities", '[');
    for (guint i = 0; i < errors->samples->len; i++)
        write_sample(&writer, g_ptr_array_index(errors->samples, i));
    writer_end(&writer, ']');
    writer_count(&writer, "total", errors->total);
    writer_count(&writer, "samplesKept", errors->kept);
    writer_count(&writer, "samplesPurged", errors->purged);
    write_sums(&writer, "byReason", "reason", errors->by_reason);
    write_sums(&writer, "byCollector", "collector", errors->by_collector);
    if (job->next != NULL)
        writer_text(&writer, "nextUri", view_of(job->next));
    writer_end(&writer, '}');
}

static void write_jsonl(struct job *job, const struct integration_errors *errors)
{
    struct writer writer;
    for (guint i = 0; i < errors->samples->len; i++) {
        writer_init(&writer, job->body);
        write_sample(&writer, g_ptr_array_index(errors->samples, i));
        g_string_append_c(job->body, '\n');
    }
}

static void append_cell(GString *out, struct view value, const char *end)
{
    g_autofree char *text = g_strndup(value.data, value.size);
    csv_append(out, text);
    g_string_append(out, end);
}

static void append_time(GString *out, int64_t time_ms)
{
    char text[CIVIL_TEXT_MAX];
    if (time_ms > 0)
        civil_format_ms(text, time_ms);
    g_string_append_printf(out, "%s,", time_ms > 0 ? text : "");
}

static void write_csv(struct job *job, const struct integration_errors *errors)
{
    GString *out = job->body;
    g_string_append(out, "time,refusedAt,collector,reason,count,message,sample\r\n");
    for (guint i = 0; i < errors->samples->len; i++) {
        const struct integration_sample *sample = g_ptr_array_index(errors->samples, i);
        append_time(out, sample->place.time_ms);
        append_time(out, sample->refused_ms);
        append_cell(out, sample->collector, ",");
        append_cell(out, sample->reason, ",");
        g_string_append_printf(out, "%" G_GUINT64_FORMAT ",", sample->count);
        append_cell(out, sample->message, ",");
        append_cell(out, sample->sample, "\r\n");
    }
}

/* ---- on the worker ---- */

static void note_next(struct job *job, const struct integration_errors *errors)
{
    static const char *const paths[] = {[FORM_JSON] = PATH, [FORM_CSV] = PATH ".csv", [FORM_JSONL] = PATH ".jsonl"};
    g_clear_pointer(&job->next, g_free);
    if (!errors->more)
        return;
    const struct integration_sample *last = g_ptr_array_index(errors->samples, errors->samples->len - 1);
    job->next = integration_params_next(&job->params, paths[job->form], &last->place);
}

static enum query_outcome read_list(struct reader *reader, struct query *query, struct refusal *refusal, GError **error)
{
    static void (*const writers[])(struct job * job, const struct integration_errors *errors) = {
        [FORM_JSON] = write_json, [FORM_CSV] = write_csv, [FORM_JSONL] = write_jsonl};
    struct job *job = (struct job *)(void *)query;
    const struct integration_params *params = &job->params;
    struct integration_errors errors = {
        .filter = {params->from_day, params->to_day, params->collector, params->reason},
        .has_after = params->has_after,
        .after = params->after,
        .wanted = params->page_size,
    };
    (void)refusal;
    bool ok = integration_errors_read(&errors, reader, error);
    g_string_truncate(job->body, 0);
    if (ok) {
        note_next(job, &errors);
        writers[job->form](job, &errors);
    }
    integration_errors_clear(&errors);
    return ok ? QUERY_ANSWERED : QUERY_FAILED;
}

static enum query_outcome run_purge(struct reader *reader, struct query *query, struct refusal *refusal, GError **error)
{
    struct job *job = (struct job *)(void *)query;
    struct writer writer;
    char day[CIVIL_TEXT_MAX];
    uint64_t purged;
    (void)refusal;
    if (!integration_errors_purge(reader, job->params.before_day * KEYS_DAY_MS, &purged, error))
        return QUERY_FAILED;
    civil_format_day(day, job->params.before_day);
    log_info("integration_errors_purged", "caller=%s before=%s samples=%" G_GUINT64_FORMAT, query->caller->id, day, purged);
    g_string_truncate(job->body, 0);
    writer_init(&writer, job->body);
    writer_begin(&writer, NULL, '{');
    writer_text(&writer, "before", view_of(day));
    writer_count(&writer, "samplesPurged", purged);
    writer_end(&writer, '}');
    return QUERY_ANSWERED;
}

/* ---- the request ---- */

static void send_file(const struct job *job, struct metrics *metrics)
{
    struct http_request *request = job->query.request;
    bool csv = job->form == FORM_CSV;
    g_autofree char *link = job->next ? g_strdup_printf("<%s>; rel=\"next\"", job->next) : NULL;
    if (link)
        http_response_header(request, "Link", link);
    http_response_header(request, "Content-Disposition",
                         csv ? "attachment; filename=\"integration-errors.csv\""
                             : "attachment; filename=\"integration-errors.jsonl\"");
    answer_text(request, metrics, 200, csv ? "text/csv; charset=utf-8; header=present" : "application/x-ndjson", job->body->str);
}

static void work(struct reader *reader, struct query *query)
{
    struct job *job = (struct job *)(void *)query;
    struct metrics *metrics = query->queries->metrics;
    struct refusal refusal = {0};
    bool is_purge = job->params.kind == INTEGRATION_PURGE;
    if (query_run(reader, query, is_purge ? run_purge : read_list, &refusal) != QUERY_ANSWERED) {
        answer_refusal(query->request, metrics, &refusal);
    } else {
        metrics_add(metrics, METER_QUERIES, NULL, 1);
        if (job->form == FORM_JSON)
            answer_json(query->request, metrics, 200, job->body);
        else
            send_file(job, metrics);
    }
    job_free(job);
}

static bool check_caller(const struct caller *caller, struct refusal *refusal)
{
    return caller_sees_all(caller) ||
           refusal_set(refusal, 403, "FORBIDDEN",
                       "Forbidden: what was refused has no organization that was proven; only a token that is for no organization "
                       "and no client sees it.");
}

static bool choose_form(const char *format, enum form *form, struct refusal *refusal)
{
    *form = strcmp(format, "csv") == 0 ? FORM_CSV : format[0] != '\0' ? FORM_JSONL : FORM_JSON;
    return *form != FORM_JSONL || strcmp(format, "jsonl") == 0 ||
           refusal_set(refusal, 404, "NOT_FOUND", "There is no format %s, only csv and jsonl.", format);
}

void integration_route_handle(const struct integration_route *route, struct call *call)
{
    struct refusal refusal = {0};
    struct call_params given;
    struct integration_params params;
    enum form form;
    bool is_purge = strcmp(http_request_method(call->request), "DELETE") == 0;
    if (!check_caller(call->caller, &refusal)) {
        call_refuse(call, route->queries->metrics, &refusal);
        return;
    }
    call_get_params(call, &given);
    if (!choose_form(call->parts[0], &form, &refusal) || !integration_params_parse(&params,
                                                                                   is_purge            ? INTEGRATION_PURGE
                                                                                   : form == FORM_JSON ? INTEGRATION_LIST
                                                                                                       : INTEGRATION_FILE,
                                                                                   given.list, given.n, &refusal)) {
        answer_refusal(call->request, route->queries->metrics, &refusal);
        return;
    }
    struct job *job = g_new0(struct job, 1);
    *job = (struct job){.query = query_make(call, route->queries, work), .params = params, .form = form};
    job->body = g_string_sized_new(4096);
    if (!query_submit(&job->query))
        job_free(job);
}
