#include "api/capacity_route.h"

#include "api/answer.h"
#include "api/asked_endpoints.h"
#include "api/capacity_answer.h"
#include "api/capacity_params.h"
#include "api/meters.h"

struct job {
    struct query query;
    const struct capacity_route *route;
    struct usage_params params;
    struct asked_endpoints asked;
    GString *body; /* after QUERY_ANSWERED */
};

static void job_free(struct job *job)
{
    query_clear(&job->query);
    usage_params_clear(&job->params);
    asked_endpoints_clear(&job->asked);
    g_string_free(job->body, TRUE);
    g_free(job);
}

static bool find_limits(const struct job *job, struct client_limits *limits)
{
    struct registry_snapshot *snapshot = registry_take(job->route->registry);
    bool ok = usage_limits_asked(snapshot, &job->params, limits);
    registry_release(snapshot);
    return ok;
}

static void write_answer(struct job *job, const struct live *live)
{
    struct client_limits limits;
    struct capacity capacity;
    capacity_find(&capacity, live->table);
    const struct capacity_answer answer = {
        .capacity = &capacity,
        .tz = live->window.tz,
        .limits = find_limits(job, &limits) ? &limits : NULL,
        .finalized_through = live->finality.through,
        .now_ms = live->window.now_ms,
    };
    g_string_truncate(job->body, 0);
    capacity_answer_write(job->body, &answer);
}

static bool choose_endpoints(struct job *job, const struct endpoints **endpoints, struct refusal *refusal)
{
    struct registry_snapshot *registry = registry_take(job->route->registry);
    bool ok = asked_endpoints_find(&job->asked, registry, &job->params, endpoints, refusal);
    registry_release(registry);
    return ok;
}

static enum query_outcome read_capacity(struct reader *reader, struct query *query, struct refusal *refusal, GError **error)
{
    struct job *job = (struct job *)(void *)query;
    const struct usage_params *params = &job->params;
    struct live_question question = {
        .sources = job->route->sources,
        .reader = reader,
        .scope = {.organization = params->organization, .key = params->key},
        .params = params,
        .now_ms = g_get_real_time() / G_TIME_SPAN_MILLISECOND,
    };
    struct live live;
    if (!choose_endpoints(job, &question.scope.endpoints, refusal))
        return QUERY_REFUSED;
    enum live_outcome outcome = live_read(&live, &question, refusal, error);
    if (outcome != LIVE_ANSWERED)
        return outcome == LIVE_REFUSED ? QUERY_REFUSED : QUERY_FAILED;
    write_answer(job, &live);
    live_clear(&live);
    return QUERY_ANSWERED;
}

static void work(struct reader *reader, struct query *query)
{
    struct job *job = (struct job *)(void *)query;
    struct metrics *metrics = query->queries->metrics;
    struct refusal refusal = {0};
    if (query_run(reader, query, read_capacity, &refusal) == QUERY_ANSWERED) {
        metrics_add(metrics, METER_QUERIES, NULL, 1);
        answer_json(query->request, metrics, 200, job->body);
    } else {
        answer_refusal(query->request, metrics, &refusal);
    }
    job_free(job);
}

void capacity_route_handle(const struct capacity_route *route, struct call *call)
{
    struct call_params given;
    struct refusal refusal = {0};
    struct usage_params params;
    call_get_params(call, &given);
    if (!capacity_params_parse(&params, given.list, given.n, &refusal)) {
        answer_refusal(call->request, route->queries->metrics, &refusal);
        return;
    }
    if (!call_narrow(&params.organization, call->caller->organization, "organization", &refusal) ||
        !call_narrow(&params.key, call->caller->client, "clientId", &refusal)) {
        usage_params_clear(&params);
        call_refuse(call, route->queries->metrics, &refusal);
        return;
    }
    struct job *job = g_new0(struct job, 1);
    *job = (struct job){.query = query_make(call, route->queries, work), .route = route, .params = params};
    job->body = g_string_new(NULL);
    if (!query_submit(&job->query))
        job_free(job);
}
