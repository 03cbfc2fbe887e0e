#include "api/usage_route.h"

#include "api/answer.h"
#include "api/asked_endpoints.h"
#include "api/meters.h"
#include "api/usage_answer.h"

struct job {
    struct query query;
    const struct usage_route *route;
    struct usage_params params;
    struct asked_endpoints asked;
    struct live live; /* after QUERY_ANSWERED, like the next */
    struct usage_extras extras;
    int64_t began_us;
    char question[CALL_QUESTION_MAX]; /* to keep the answer under; "": it is not kept */
};

static void job_free(struct job *job)
{
    usage_params_clear(&job->params);
    asked_endpoints_clear(&job->asked);
    query_clear(&job->query);
    g_free(job);
}

/* ---- the job ---- */

static bool choose_endpoints(struct job *job, const struct endpoints **endpoints, struct refusal *refusal)
{
    struct registry_snapshot *registry = registry_take(job->route->extras.registry);
    bool ok = asked_endpoints_find(&job->asked, registry, &job->params, endpoints, refusal);
    registry_release(registry);
    return ok;
}

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
