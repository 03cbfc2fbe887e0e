#include "api/usage_route.h"

#include "api/answer.h"
#include "api/live.h"
#include "api/meters.h"
#include "api/usage_answer.h"
#include "lib/log.h"

enum { PARAMETERS_MAX = 64, RETRY_AFTER_S = 2, TRIES = 2 };

struct job {
    struct http_request *request;
    struct usage_params params;
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

void usage_route_handle(struct usage_route *route, struct http_request *request)
{
    struct given given = {.n = 0};
    struct refusal refusal = {0};
    struct usage_params params;
    http_request_each_query(request, take_parameter, &given);
    if (!usage_params_parse(&params, given.list, given.n, &refusal)) {
        answer_refusal(request, route->metrics, &refusal);
        return;
    }
    struct job *job = g_new(struct job, 1);
    *job = (struct job){request, params};
    http_hold(request);
    if (workers_submit(route->workers, job))
        return;
    usage_params_clear(&job->params);
    g_free(job);
    metrics_add(route->metrics, METER_FAILURES, "busy", 1);
    refusal_set(&refusal, 503, "SERVICE_UNAVAILABLE", "Too many queries are waiting. Try again in %d seconds.", RETRY_AFTER_S);
    refusal.retry_after_s = RETRY_AFTER_S;
    answer_refusal(request, route->metrics, &refusal);
}

/* ---- on a worker ---- */

static bool is_lost(const GError *error)
{
    return g_error_matches(error, REDIS_ERROR, REDIS_ERROR_LOST);
}

/* One try: reads everything that the answer is made of. */
static enum live_outcome try_read(const struct usage_route *route, struct reader *reader, const struct usage_params *params,
                                  struct live *live, struct refusal *refusal, GError **error)
{
    gint64 deadline_us = g_get_monotonic_time() + route->timeout_ms * G_TIME_SPAN_MILLISECOND;
    if (!reader_begin(reader, deadline_us, error))
        return LIVE_FAILED;
    return live_read(live, reader, params, g_get_real_time() / G_TIME_SPAN_MILLISECOND, refusal, error);
}

/* A connection that was open from an earlier answer may have died since: once more, on a new one. Reading twice does no harm. */
static enum live_outcome read_usage(const struct usage_route *route, struct reader *reader, const struct usage_params *params,
                                    struct live *live, struct refusal *refusal, GError **error)
{
    for (int try = 1;; try++) {
        GError *failure = NULL;
        enum live_outcome outcome = try_read(route, reader, params, live, refusal, &failure);
        if (outcome != LIVE_FAILED)
            return outcome;
        if (try == TRIES || !is_lost(failure)) {
            g_propagate_error(error, failure);
            return outcome;
        }
        g_error_free(failure);
        metrics_add(route->metrics, METER_RETRIES, NULL, 1);
    }
}

static void refuse_failure(const struct usage_route *route, const GError *error, struct refusal *refusal)
{
    const char *reason = "data";
    if (is_lost(error)) {
        reason = "redis";
        refusal_set(refusal, 503, "SERVICE_UNAVAILABLE", "The counts cannot be read now. Try again in %d seconds.", RETRY_AFTER_S);
        refusal->retry_after_s = RETRY_AFTER_S;
    } else if (g_error_matches(error, READER_ERROR, READER_ERROR_DEADLINE)) {
        reason = "deadline";
        refusal_set(refusal, 503, "SERVICE_UNAVAILABLE",
                    "The answer took longer than the %d ms allowed. Ask for a shorter timeframe, one key or one organization.",
                    route->timeout_ms);
        refusal->retry_after_s = RETRY_AFTER_S;
    } else {
        refusal_set(refusal, 500, "INTERNAL_ERROR", "The counts are not as they should be. The log of daybook-api says more.");
    }
    metrics_add(route->metrics, METER_FAILURES, reason, 1);
    log_warn("query_failed", "reason=%s error=%s", reason, error->message);
}

void usage_route_work(struct reader *reader, void *opaque_job, void *opaque)
{
    struct job *job = opaque_job;
    const struct usage_route *route = opaque;
    struct live live = {0};
    struct refusal refusal = {0};
    g_autoptr(GError) error = NULL;
    enum live_outcome outcome = read_usage(route, reader, &job->params, &live, &refusal, &error);
    if (outcome == LIVE_FAILED)
        refuse_failure(route, error, &refusal);
    if (outcome == LIVE_ANSWERED) {
        g_autoptr(GString) body = g_string_sized_new(16384);
        usage_answer_write(body, live.table, &job->params);
        metrics_add(route->metrics, METER_QUERIES, NULL, 1);
        metrics_add(route->metrics, METER_SETTLED, NULL, live.settled);
        answer_json(job->request, route->metrics, 200, body);
        live_clear(&live);
    } else {
        answer_refusal(job->request, route->metrics, &refusal);
    }
    usage_params_clear(&job->params);
    g_free(job);
}
