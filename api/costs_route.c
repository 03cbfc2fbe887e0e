#include "api/costs_route.h"

#include "api/answer.h"
#include "api/costs_answer.h"
#include "api/export_answer.h"
#include "api/meters.h"
#include "api/report.h"

struct job {
    struct query query;
    const struct costs_route *route;
    struct costs_params params;
    enum export_format format; /* EXPORT_JSON, _CSV or _JSONL */
    bool gzip;
    /* after QUERY_ANSWERED: */
    bool is_final;
    GString *body; /* EXPORT_JSON, or: */
    struct export_file file;
    char *file_name;
};

static void job_free(struct job *job)
{
    query_clear(&job->query);
    costs_params_clear(&job->params);
    g_string_free(job->body, TRUE);
    g_free(job->file_name);
    g_free(job);
}

/* ---- making the answer ---- */

static bool write_file(struct job *job, const struct costs_answer *answer, GError **error)
{
    const bool csv = job->format == EXPORT_CSV;
    struct export_lines *lines = export_lines_new(job->route->directory, job->gzip, error);
    if (lines == NULL)
        return false;
    costs_answer_lines(lines, answer, csv);
    g_free(job->file_name);
    job->file_name = costs_answer_file_name(answer, csv);
    return export_lines_finish(lines, &job->file, error);
}

static bool write_answer(struct job *job, const struct cost_usage *usage, const struct registry_snapshot *registry, GError **error)
{
    const struct costs_params *params = &job->params;
    const struct cost_filter filter = {params->organization, params->client, params->plan};
    g_autoptr(GPtrArray) accounts = cost_accounts_new(usage, registry, &filter);
    const struct costs_answer answer = {params, &usage->month, accounts, registry};
    job->is_final = cost_month_is_final(&usage->month);
    if (job->format != EXPORT_JSON)
        return write_file(job, &answer, error);
    g_string_truncate(job->body, 0);
    costs_answer_json(job->body, &answer);
    return true;
}

/* Errors that are about the question, or about this machine's room, rather than about what was counted. */
static enum query_outcome judge(GError **error, struct refusal *refusal)
{
    if (g_error_matches(*error, REPORT_ERROR, REPORT_ERROR_LIMIT))
        refusal_set(refusal, 400, "TOO_MANY_ROWS", "%s", (*error)->message);
    else if ((*error)->domain == EXPORT_ERROR)
        refusal_set(refusal, 503, "SERVICE_UNAVAILABLE", "The answer cannot be stored. %s", (*error)->message);
    else
        return QUERY_FAILED;
    g_clear_error(error);
    return QUERY_REFUSED;
}

static enum query_outcome read_costs(struct reader *reader, struct query *query, struct refusal *refusal, GError **error)
{
    struct job *job = (struct job *)(void *)query;
    const struct cost_question question = {
        .place = &job->route->place,
        .reader = reader,
        .organization = job->params.organization,
        .client = job->params.client,
        .day = job->params.day,
        .now_ms = g_get_real_time() / G_TIME_SPAN_MILLISECOND,
    };
    struct cost_usage usage;
    if (!cost_usage_read(&usage, &question, error))
        return judge(error, refusal);
    struct registry_snapshot *registry = registry_take(job->route->place.registry);
    bool ok = write_answer(job, &usage, registry, error);
    registry_release(registry);
    cost_usage_clear(&usage);
    return ok ? QUERY_ANSWERED : judge(error, refusal);
}

/* ---- the request ---- */

static void send_answer(struct job *job, struct metrics *metrics)
{
    metrics_add(metrics, METER_QUERIES, NULL, 1);
    if (job->format != EXPORT_JSON)
        export_answer(job->query.request, metrics, &job->file, job->format, job->file_name);
    else if (job->is_final)
        answer_tagged(job->query.request, metrics, job->body);
    else
        answer_json(job->query.request, metrics, 200, job->body);
}

static void work(struct reader *reader, struct query *query)
{
    struct job *job = (struct job *)(void *)query;
    struct metrics *metrics = query->queries->metrics;
    struct refusal refusal = {0};
    enum query_outcome outcome = query_run(reader, query, read_costs, &refusal);
    if (outcome == QUERY_HANDED_ON)
        return;
    if (outcome == QUERY_ANSWERED)
        send_answer(job, metrics);
    else
        answer_refusal(query->request, metrics, &refusal);
    job_free(job);
}

static bool choose_format(const struct call *call, enum export_format *format, struct refusal *refusal)
{
    if (call->parts[0][0] == '\0') {
        *format = export_format_of_accept(http_request_header(call->request, "Accept"));
        if (*format == EXPORT_XLSX)
            *format = EXPORT_JSON;
        return true;
    }
    return (export_format_parse(call->parts[0], format) && (*format == EXPORT_CSV || *format == EXPORT_JSONL)) ||
           refusal_set(refusal, 404, "NOT_FOUND", "There is no costs.%s, only costs.csv and costs.jsonl.", call->parts[0]);
}

void costs_route_handle(const struct costs_route *route, struct call *call)
{
    struct call_params given;
    struct refusal refusal = {0};
    struct costs_params params;
    enum export_format format;
    const int64_t now_ms = g_get_real_time() / G_TIME_SPAN_MILLISECOND;
    call_get_params(call, &given);
    if (!choose_format(call, &format, &refusal) ||
        !costs_params_parse(&params, format == EXPORT_JSON, now_ms, given.list, given.n, &refusal)) {
        answer_refusal(call->request, route->queries->metrics, &refusal);
        return;
    }
    if (!call_narrow(&params.organization, call->caller->organization, "organization", &refusal) ||
        !call_narrow(&params.client, call->caller->client, "clientId", &refusal)) {
        costs_params_clear(&params);
        call_refuse(call, route->queries->metrics, &refusal);
        return;
    }
    struct job *job = g_new0(struct job, 1);
    *job = (struct job){.query = query_make(call, route->queries, work), .route = route, .params = params, .format = format};
    job->query.may_be_handed_on = true;
    job->gzip = export_wants_gzip(call->request, format);
    job->body = g_string_new(NULL);
    if (!query_submit(&job->query))
        job_free(job);
}
