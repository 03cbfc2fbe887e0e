#include "api/usage_route.h"

#include "api/answer.h"
#include "api/meters.h"
#include "api/usage_answer.h"

enum { NAMES_MAX = 100 /* of methods, in a refusal */ };

struct job {
    struct query query;
    const struct usage_route *route;
    struct usage_params params;
    struct registry_snapshot *methods; /* NULL: none is asked for */
    struct endpoints *exact;           /* NULL: no single route is asked for */
    struct live live;                  /* after QUERY_ANSWERED, like the next */
    struct usage_extras extras;
    int64_t began_us;
    char question[CALL_QUESTION_MAX]; /* to keep the answer under; "": it is not kept */
};

static void job_free(struct job *job)
{
    usage_params_clear(&job->params);
    endpoints_free(job->exact);
    registry_snapshot_unref(job->methods);
    query_clear(&job->query);
    g_free(job);
}

/* ---- which routes ---- */

static bool refuse_method(const struct job *job, struct refusal *refusal)
{
    g_autoptr(GPtrArray) methods = registry_list_methods(job->methods, job->params.organization);
    g_autoptr(GString) names = g_string_new(NULL);
    for (guint i = 0; i < methods->len && i < NAMES_MAX; i++)
        g_string_append_printf(names, "%s|", ((const struct method *)g_ptr_array_index(methods, i))->name);
    g_string_append(names, "one route as METHOD, a blank and the template (GET /v1/orders/{id})");
    return refusal_set_value(refusal, "INVALID_PARAMETER", "Unknown method", "endpoint", job->params.endpoint, names->str);
}

/* What the endpoint stands for; *endpoints is NULL for all routes. The job holds it. */
static bool choose_endpoints(struct job *job, const struct endpoints **endpoints, struct refusal *refusal)
{
    const struct usage_params *params = &job->params;
    *endpoints = NULL;
    if (params->endpoint == NULL)
        return true;
    if (!params->by_method && job->exact == NULL)
        job->exact = endpoints_new_exact(params->endpoint);
    if (!params->by_method) {
        *endpoints = job->exact;
        return true;
    }
    registry_snapshot_unref(job->methods);
    job->methods = registry_take(job->route->extras.registry);
    const struct method *method = registry_find_method(job->methods, params->organization, params->endpoint);
    if (method == NULL)
        return refuse_method(job, refusal);
    *endpoints = method->endpoints;
    return true;
}

/* ---- the job ---- */

static enum query_outcome read_usage(struct reader *reader, struct query *query, struct refusal *refusal, GError **error)
{
    struct job *job = (struct job *)(void *)query;
    int64_t now_ms = g_get_real_time() / G_TIME_SPAN_MILLISECOND;
    job->began_us = g_get_monotonic_time();
    const struct usage_params *params = &job->params;
    const struct endpoints *endpoints;
    if (!choose_endpoints(job, &endpoints, refusal))
        return QUERY_REFUSED;
    const struct live_question question = {
        .sources = job->route->sources,
        .reader = reader,
        .scope = {.organization = params->organization, .key = params->key, .endpoints = endpoints},
        .params = params,
        .now_ms = now_ms,
    };
    switch (live_read(&job->live, &question, refusal, error)) {
    case LIVE_ANSWERED:
        if (usage_extras_read(&job->extras, &job->route->extras, &question, &job->live, error))
            return QUERY_ANSWERED;
        live_clear(&job->live);
        return QUERY_FAILED;
    case LIVE_REFUSED:
        return QUERY_REFUSED;
    default:
        return QUERY_FAILED;
    }
}

static void write_answer(const struct job *job, GString *body)
{
    const struct usage_report report = {
        .table = job->live.table,
        .params = &job->params,
        .finality = &job->live.finality,
        .rates = &job->extras.rates,
        .advice = job->extras.advice,
        .costs = job->extras.has_costs ? &job->extras.costs : NULL,
    };
    usage_answer_write(body, &report);
}

static void work(struct reader *reader, struct query *query)
{
    struct job *job = (struct job *)(void *)query;
    struct metrics *metrics = query->queries->metrics;
    struct refusal refusal = {0};
    if (query_run(reader, query, read_usage, &refusal) == QUERY_ANSWERED) {
        g_autoptr(GString) body = g_string_sized_new(16384);
        write_answer(job, body);
        metrics_add(metrics, METER_QUERIES, NULL, 1);
        metrics_add(metrics, METER_SETTLED, NULL, job->live.settled);
        metrics_add(metrics, METER_REPEATS, NULL, job->live.repeats);
        if (job->question[0] != '\0' && !job->params.by_method) /* another meaning of a method holds at once */
            hot_answers_put(query->queries->hot, job->question, view_make(body->str, body->len), job->began_us);
        answer_json(query->request, metrics, 200, body);
        usage_extras_clear(&job->extras);
        live_clear(&job->live);
    } else {
        answer_refusal(query->request, metrics, &refusal);
    }
    job_free(job);
}

/* To what the caller may see. */
static bool narrow(struct usage_params *params, const struct caller *caller, struct refusal *refusal)
{
    return call_narrow(&params->organization, caller->organization, "organization", refusal) &&
           call_narrow(&params->key, caller->client, "keyId", refusal);
}

void usage_route_handle(struct usage_route *route, struct call *call)
{
    struct call_params given;
    struct refusal refusal = {0};
    struct usage_params params;
    char question[CALL_QUESTION_MAX];
    call_get_params(call, &given);
    struct hot_answer *answer = call_take_hot(call, &given, "", route->queries->hot, question);
    if (answer != NULL) {
        answer_hot_json(call->request, route->queries->metrics, answer);
        return;
    }
    if (!usage_params_parse(&params, given.list, given.n, &refusal)) {
        answer_refusal(call->request, route->queries->metrics, &refusal);
        return;
    }
    if (!narrow(&params, call->caller, &refusal)) {
        usage_params_clear(&params);
        call_refuse(call, route->queries->metrics, &refusal);
        return;
    }
    struct job *job = g_new0(struct job, 1);
    *job = (struct job){.query = query_make(call, route->queries, work), .route = route, .params = params};
    g_strlcpy(job->question, question, sizeof job->question);
    if (!query_submit(&job->query))
        job_free(job);
}
