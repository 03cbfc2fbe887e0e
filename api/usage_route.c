#include "api/usage_route.h"

#include "api/answer.h"
#include "api/meters.h"
#include "api/usage_answer.h"

enum { PARAMETERS_MAX = 64 };

struct job {
    struct query query;
    const struct usage_route *route;
    struct usage_params params;
    struct live live; /* after QUERY_ANSWERED */
};

struct given {
    struct usage_param list[PARAMETERS_MAX];
    size_t n;
};

static bool take_parameter(const char *name, const char *value, void *opaque)
{
    struct given *given = opaque;
    if (given->n == PARAMETERS_MAX)
        return false; /* more than there are names: one before is unknown or repeated, and refused */
    given->list[given->n++] = (struct usage_param){name, value};
    return true;
}

static void job_free(struct job *job)
{
    usage_params_clear(&job->params);
    g_free(job);
}

static enum query_outcome read_usage(struct reader *reader, struct query *query, struct refusal *refusal, GError **error)
{
    struct job *job = (struct job *)(void *)query;
    int64_t now_ms = g_get_real_time() / G_TIME_SPAN_MILLISECOND;
    const struct live_question question = {job->route->sources, reader, &job->params, now_ms};
    switch (live_read(&job->live, &question, refusal, error)) {
    case LIVE_ANSWERED:
        return QUERY_ANSWERED;
    case LIVE_REFUSED:
        return QUERY_REFUSED;
    default:
        return QUERY_FAILED;
    }
}

static void work(struct reader *reader, struct query *query)
{
    struct job *job = (struct job *)(void *)query;
    struct metrics *metrics = query->queries->metrics;
    struct refusal refusal = {0};
    if (query_run(reader, query, read_usage, &refusal) == QUERY_ANSWERED) {
        g_autoptr(GString) body = g_string_sized_new(16384);
        usage_answer_write(body, job->live.table, &job->params, &job->live.finality);
        metrics_add(metrics, METER_QUERIES, NULL, 1);
        metrics_add(metrics, METER_SETTLED, NULL, job->live.settled);
        metrics_add(metrics, METER_REPEATS, NULL, job->live.repeats);
        answer_json(query->request, metrics, 200, body);
        live_clear(&job->live);
    } else {
        answer_refusal(query->request, metrics, &refusal);
    }
    job_free(job);
}

void usage_route_handle(struct usage_route *route, struct http_request *request)
{
    struct given given = {.n = 0};
    struct refusal refusal = {0};
    struct usage_params params;
    http_request_each_query(request, take_parameter, &given);
    if (!usage_params_parse(&params, given.list, given.n, &refusal)) {
        answer_refusal(request, route->queries->metrics, &refusal);
        return;
    }
    struct job *job = g_new0(struct job, 1);
    *job = (struct job){.query = {request, route->queries, work}, .route = route, .params = params};
    if (!query_submit(&job->query))
        job_free(job);
}
