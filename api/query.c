#include "api/query.h"

#include "api/answer.h"
#include "api/meters.h"
#include "lib/log.h"

enum {
    RETRY_AFTER_S = 2,
    REPAIR_AFTER_S = 30,
    TRIES = 2,
    LIGHT_ROWS_MAX = 500000 /* of sheets, while others wait */
};

struct query query_make(const struct call *call, const struct queries *queries,
                        void (*work)(struct reader *reader, struct query *query))
{
    return (struct query){
        .request = call->request,
        .queries = queries,
        .work = work,
        .caller = call->caller != NULL ? caller_ref(call->caller) : NULL,
        .reader = call->reader,
    };
}

void query_clear(struct query *query)
{
    caller_unref(query->caller);
    query->caller = NULL;
}

static bool hand_over(struct query *query)
{
    struct workers *workers = query->heavy ? query->queries->heavy : query->queries->workers;
    if (workers_submit(workers, query->caller ? query->caller->id : "", query))
        return true;
    metrics_add(query->queries->metrics, METER_FAILURES, "busy", 1);
    return false;
}

static void refuse_busy(struct refusal *refusal)
{
    refusal_set(refusal, 503, "SERVICE_UNAVAILABLE", "Too many queries are waiting. Try again in %d seconds.", RETRY_AFTER_S);
    refusal->retry_after_s = RETRY_AFTER_S;
}

bool query_submit(struct query *query)
{
    struct http_request *request = query->request;
    struct refusal refusal = {0};
    if (request != NULL)
        http_hold(request);
    if (query->reader != NULL && !query->heavy) {
        query->work(query->reader, query);
        return true;
    }
    if (hand_over(query))
        return true;
    if (request == NULL)
        return false;
    refuse_busy(&refusal);
    answer_refusal(request, query->queries->metrics, &refusal);
    return false;
}

void query_work(struct reader *reader, void *job, void *opaque)
{
    (void)opaque;
    struct query *query = job;
    query->work(reader, query);
}

static bool is_lost(const GError *error)
{
    return g_error_matches(error, REDIS_ERROR, REDIS_ERROR_LOST);
}

static const char *refuse_unavailable(struct refusal *refusal, const char *reason, int retry_after_s, const char *sentences)
{
    refusal_set(refusal, 503, "SERVICE_UNAVAILABLE", "%s", sentences);
    refusal->retry_after_s = retry_after_s;
    return reason;
}

static int timeout_ms(const struct query *query)
{
    return query->heavy ? query->queries->heavy_timeout_ms : query->queries->timeout_ms;
}

/* Sets the refusal and returns the reason for the metric. What is in Redis and in files is told only where it helps the caller. */
static const char *explain(const struct query *query, const GError *error, struct refusal *refusal)
{
    if (is_lost(error))
        return refuse_unavailable(refusal, "redis", RETRY_AFTER_S, "The counts cannot be read now. Try again in 2 seconds.");
    if (g_error_matches(error, READER_ERROR, READER_ERROR_CHANGED))
        return refuse_unavailable(refusal, "changed", RETRY_AFTER_S,
                                  "Days are being closed faster than they can be read. Try again in 2 seconds.");
    if (g_error_matches(error, READER_ERROR, READER_ERROR_COPY))
        return refuse_unavailable(refusal, "copy", REPAIR_AFTER_S, error->message);
    if (error->domain == G_FILE_ERROR)
        return refuse_unavailable(refusal, "files", REPAIR_AFTER_S,
                                  "There is no room for the answer now (cache.directory, descriptors). Try again in 30 seconds.");
    if (g_error_matches(error, READER_ERROR, READER_ERROR_DEADLINE)) {
        g_autofree char *sentences = g_strdup_printf(
            "The answer took longer than the %d ms allowed. Ask for a shorter timeframe, one key or one organization.",
            timeout_ms(query));
        return refuse_unavailable(refusal, "deadline", RETRY_AFTER_S, sentences);
    }
    refusal_set(refusal, 500, "INTERNAL_ERROR", "The counts are not as they should be. The log of daybook-api says more.");
    return "data";
}

static enum query_outcome hand_on(struct query *query, struct refusal *refusal)
{
    query->heavy = true;
    metrics_add(query->queries->metrics, METER_HANDED_ON, NULL, 1);
    if (hand_over(query))
        return QUERY_HANDED_ON;
    refuse_busy(refusal);
    return QUERY_FAILED;
}

enum query_outcome query_run(struct reader *reader, struct query *query,
                             enum query_outcome (*read)(struct reader *reader, struct query *query, struct refusal *refusal,
                                                        GError **error),
                             struct refusal *refusal)
{
    struct metrics *metrics = query->queries->metrics;
    reader_set_room(reader, query->may_be_handed_on && !query->heavy ? LIGHT_ROWS_MAX : 0);
    for (int n = 1;; n++) {
        g_autoptr(GError) error = NULL;
        gint64 deadline_us = g_get_monotonic_time() + timeout_ms(query) * G_TIME_SPAN_MILLISECOND;
        enum query_outcome outcome =
            reader_begin(reader, deadline_us, &error) ? read(reader, query, refusal, &error) : QUERY_FAILED;
        if (outcome != QUERY_FAILED)
            return outcome;
        if (g_error_matches(error, READER_ERROR, READER_ERROR_ROOM))
            return hand_on(query, refusal);
        if (n < TRIES && is_lost(error)) {
            metrics_add(metrics, METER_RETRIES, NULL, 1);
            continue;
        }
        const char *reason = explain(query, error, refusal);
        metrics_add(metrics, METER_FAILURES, reason, 1);
        log_warn("query_failed", "reason=%s error=%s", reason, error->message);
        return QUERY_FAILED;
    }
}
