#include "api/v2_serve.h"

#include "api/answer.h"
#include "api/export_answer.h"
#include "api/meters.h"
#include "lib/log.h"
#include <unistd.h>

enum {
    DIRECT_ROWS = 1000, /* rendered in memory, as pages are */
    LIGHT_ROWS = 20000, /* more are rendered by a worker for long queries */
    RETRY_AFTER_S = 1,  /* of an export that is not there yet */
    KEPT_AFTER_S = 3600,
    BUSY_AFTER_S = 2,
};

void v2_job_free(struct v2_job *job)
{
    query_clear(&job->query);
    v2_execution_unref(job->execution);
    g_free(job->path_client);
    if (job->file.fd >= 0)
        close(job->file.fd);
    g_string_free(job->body, TRUE);
    g_free(job);
}

/* ---- POST ---- */

static void set_summary_days(struct v2_job *job, int64_t last_closed_day)
{
    int64_t yesterday = g_get_real_time() / G_TIME_SPAN_DAY - 1;
    int64_t last = last_closed_day == FINALITY_NONE ? yesterday : last_closed_day;
    job->execution->body.interval = (struct interval){MAX(last - (int64_t)job->params.days + 1, 0), last};
}

/* Names are looked up in what is registered, not in nothing because nothing was read yet. */
static bool resolve(struct v2_job *job, GError **error)
{
    struct registry *registry = job->route->engine->registry;
    struct registry_snapshot *snapshot = registry_take(registry);
    bool read = snapshot->version != REGISTRY_NEVER_READ;
    if (!read && job->execution->body.client_names != NULL) {
        registry_release(snapshot);
        if (!registry_refresh(registry, error))
            return false;
        snapshot = registry_take(registry);
    }
    v2_execution_resolve(job->execution, snapshot);
    registry_release(snapshot);
    return true;
}

/* Once: what was written down with the pin stays, also when all is done again because a connection was lost. */
static bool pin(struct v2_job *job, struct reader *reader, GError **error)
{
    int64_t last_closed_day;
    if (job->pinned)
        return true;
    if (!v2_engine_pin(job->route->engine, reader, &job->execution->pin, &last_closed_day, error) || !resolve(job, error))
        return false;
    if (job->summary)
        set_summary_days(job, last_closed_day);
    job->pinned = true;
    return true;
}

static enum query_outcome refuse_busy(struct refusal *refusal)
{
    refusal_set(refusal, 503, "SERVICE_UNAVAILABLE", "Too many long queries are waiting. Try again in %d seconds.", BUSY_AFTER_S);
    refusal->retry_after_s = BUSY_AFTER_S;
    return QUERY_REFUSED;
}

static enum query_outcome refuse_kept(struct refusal *refusal)
{
    refusal_set(
        refusal, 429, "RATE_LIMIT_EXCEEDED",
        "Rate limit exceeded the maximum. Retry the request in [%d] seconds. (The queries of this token in 24 hours are more "
        "than %d MiB of text; shorter lists of names take less.)",
        KEPT_AFTER_S, EXECUTIONS_BYTES_MAX / (1024 * 1024));
    refusal->retry_after_s = KEPT_AFTER_S;
    return QUERY_REFUSED;
}

/* The execution of the same question that was made just before answers for this one. */
static enum query_outcome accept(struct v2_job *job, const char *id)
{
    struct v2_execution named = *job->execution;
    g_strlcpy(named.id, id, sizeof named.id);
    v2_answer_accepted(job->body, &named);
    job->status = v2_kind_is_job(job->kind) ? 202 : 200;
    return QUERY_ANSWERED;
}

static enum query_outcome do_post(struct v2_job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    char id[V2_ID_SIZE];
    struct v2_progress progress;
    if (!pin(job, reader, error) || !executions_keep(reader, job->execution, id, error))
        return QUERY_FAILED;
    if (id[0] == '\0')
        return refuse_kept(refusal);
    if (strcmp(id, job->execution->id) != 0)
        return accept(job, id);
    if (!v2_engine_advance(job->route->engine, reader, job->query.caller, job->execution, &progress, error))
        return QUERY_FAILED;
    bool busy = progress.busy;
    v2_progress_clear(&progress);
    return busy ? refuse_busy(refusal) : accept(job, id);
}

/* ---- looking one up ---- */

static bool refuse_unknown(struct refusal *refusal)
{
    return refusal_set(refusal, 404, "NOT_FOUND",
                       "There is no such query of yours here. The id comes from the POST, and is good for 24 hours.");
}

/* What a caller may not see is not there. */
static bool is_the_one(const struct v2_job *job)
{
    return job->execution != NULL && job->execution->body.kind == job->kind &&
           g_strcmp0(job->execution->path_client, job->path_client) == 0 &&
           v2_execution_is_visible(job->execution, job->query.caller);
}

static enum query_outcome find(struct v2_job *job, struct reader *reader, struct v2_end *end, struct refusal *refusal,
                               GError **error)
{
    g_clear_pointer(&job->execution, v2_execution_unref);
    if (!executions_find(reader, job->id, &job->execution, end, error))
        return QUERY_FAILED;
    if (is_the_one(job))
        return QUERY_ANSWERED;
    refuse_unknown(refusal);
    return QUERY_REFUSED;
}

/* ---- exports ---- */

static bool wants_gzip(const struct v2_job *job)
{
    return export_wants_gzip(job->query.request, job->format);
}

static bool render(struct v2_job *job, const struct v2_outcome *outcome, const struct registry_snapshot *registry, GError **error)
{
    struct export_column columns[EXPORT_COLUMNS_MAX];
    g_autoptr(GString) suffix = g_string_new(NULL);
    GPtrArray *const periods[] = {outcome->dates};
    v2_answer_suffix(suffix, outcome);
    const struct export_spec spec = {
        .format = job->format,
        .columns = columns,
        .n_columns = v2_answer_columns(job->execution, columns),
        .periods = periods,
        .prefix = v2_answer_prefix,
        .suffix = suffix->str,
        .registry = registry,
        .by_organization = (job->execution->body.group & REPORT_ORGANIZATION) != 0,
        .organization = job->execution->organization,
        .gzip = wants_gzip(job),
    };
    return export_render(&spec, outcome->result, job->route->engine->directory, &job->file, error);
}

static enum query_outcome refuse_export(GError *failure, struct refusal *refusal, GError **error)
{
    if (failure->domain != EXPORT_ERROR) {
        g_propagate_error(error, failure);
        return QUERY_FAILED;
    }
    refusal_set(refusal, 503, "SERVICE_UNAVAILABLE", "%s", failure->message);
    g_error_free(failure);
    return QUERY_REFUSED;
}

/* The bytes follow from the execution, and the names of clients. */
static enum query_outcome make_file(struct v2_job *job, const struct v2_outcome *outcome, struct refusal *refusal, GError **error)
{
    GError *failure = NULL;
    struct registry_snapshot *registry = registry_take(job->route->engine->registry);
    g_autofree char *key = g_strdup_printf("v2 %s %s%s %" G_GINT64_FORMAT, job->id, export_suffix(job->format),
                                           wants_gzip(job) ? " gzip" : "", registry->version);
    if (!artifacts_get(job->route->artifacts, key, &job->file)) {
        job->file.fd = -1;
        job->too_much = !job->query.heavy && result_rows(outcome->result) > LIGHT_ROWS;
        if (!job->too_much && render(job, outcome, registry, &failure))
            artifacts_put(job->route->artifacts, key, &job->file);
    }
    registry_release(registry);
    return failure != NULL ? refuse_export(failure, refusal, error) : QUERY_ANSWERED;
}

/* ---- results ---- */

static bool is_export(const struct v2_job *job)
{
    return job->action == V2_EXPORT || job->format != EXPORT_JSON;
}

static bool is_paged(const struct v2_job *job)
{
    return job->kind == V2_SEARCH || v2_kind_is_job(job->kind);
}

static enum query_outcome answer_rows(struct v2_job *job, const struct v2_outcome *outcome, struct refusal *refusal, GError **error)
{
    struct v2_page page = {0, DIRECT_ROWS, false};
    if (is_paged(job))
        page = (struct v2_page){job->params.first, job->params.page_size, job->kind == V2_SEARCH};
    job->status = 200;
    job->tagged = true;
    if (is_export(job) || (!is_paged(job) && result_rows(outcome->result) > DIRECT_ROWS))
        return make_file(job, outcome, refusal, error);
    struct registry_snapshot *registry = registry_take(job->route->engine->registry);
    bool ok = v2_answer_page(job->body, job->execution, outcome, registry, page, error);
    registry_release(registry);
    return ok ? QUERY_ANSWERED : QUERY_FAILED;
}

static enum query_outcome answer_end(struct v2_job *job, const struct v2_end *end, struct refusal *refusal)
{
    if (is_export(job)) {
        refusal_set(refusal, 409, "QUERY_FAILED", "There is nothing to export: %s", end->reason);
        return QUERY_REFUSED;
    }
    executions_cache_cancel(job->route->engine->cache, job->id); /* another replica may have ended it while it runs here */
    v2_answer_ended(job->body, job->execution, end);
    job->status = 200;
    return QUERY_ANSWERED;
}

static enum query_outcome answer_progress(struct v2_job *job, const struct v2_progress *progress, struct refusal *refusal,
                                          GError **error)
{
    if (progress->end.kind != V2_NOT_ENDED)
        return answer_end(job, &progress->end, refusal);
    if (progress->outcome != NULL)
        return answer_rows(job, progress->outcome, refusal, error);
    v2_answer_running(job->body, job->execution, progress->state == EXECUTION_QUEUED);
    job->status = is_export(job) ? 202 : 200;
    return QUERY_ANSWERED;
}

/* One that may be shown, or how it ended. */
static enum query_outcome find_shown(struct v2_job *job, struct reader *reader, struct v2_end *end, struct refusal *refusal,
                                     GError **error)
{
    enum query_outcome outcome = find(job, reader, end, refusal, error);
    bool check = outcome == QUERY_ANSWERED && end->kind == V2_NOT_ENDED;
    return !check || v2_engine_end_erased(job->route->engine, reader, job->execution, end, error) ? outcome : QUERY_FAILED;
}

static enum query_outcome do_results(struct v2_job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    struct v2_end end = {0};
    struct v2_progress progress = {0};
    enum query_outcome outcome = find_shown(job, reader, &end, refusal, error);
    if (outcome == QUERY_ANSWERED && end.kind != V2_NOT_ENDED)
        outcome = answer_end(job, &end, refusal);
    else if (outcome == QUERY_ANSWERED)
        outcome = v2_engine_advance(job->route->engine, reader, job->query.caller, job->execution, &progress, error)
                      ? answer_progress(job, &progress, refusal, error)
                      : QUERY_FAILED;
    v2_progress_clear(&progress);
    v2_end_clear(&end);
    return outcome;
}

/* ---- DELETE ---- */

static enum query_outcome do_cancel(struct v2_job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    char now[CIVIL_TEXT_MAX];
    const struct caller *caller = job->query.caller;
    struct v2_end end = {0};
    enum query_outcome outcome = find(job, reader, &end, refusal, error);
    if (outcome == QUERY_ANSWERED && end.kind == V2_NOT_ENDED) {
        civil_format(now, g_get_real_time() / G_TIME_SPAN_MILLISECOND);
        end = (struct v2_end){V2_CANCELLED, g_strdup_printf("Cancelled by %s at %s.", caller->name, now)};
        if (!executions_end(reader, job->execution, &end, error))
            outcome = QUERY_FAILED;
        else
            log_info("query_cancelled", "execution=%s caller=%s", job->id, caller->id);
    }
    if (outcome == QUERY_ANSWERED)
        executions_cache_cancel(job->route->engine->cache, job->id);
    job->status = 204;
    v2_end_clear(&end);
    return outcome;
}

/* ---- the work ---- */

static enum query_outcome read_job(struct reader *reader, struct query *query, struct refusal *refusal, GError **error)
{
    struct v2_job *job = (struct v2_job *)(void *)query;
    g_string_truncate(job->body, 0);
    switch (job->action) {
    case V2_POST:
        return do_post(job, reader, refusal, error);
    case V2_RESULTS:
    case V2_EXPORT:
        return do_results(job, reader, refusal, error);
    case V2_CANCEL:
        return do_cancel(job, reader, refusal, error);
    }
    g_assert_not_reached();
}

static void send_file(struct v2_job *job)
{
    g_autofree char *name = is_export(job) ? v2_answer_file_name(job->execution, job->format) : NULL;
    export_answer(job->query.request, job->query.queries->metrics, &job->file, job->format, name);
    job->file.fd = -1;
}

static void send(struct v2_job *job)
{
    struct http_request *request = job->query.request;
    struct metrics *metrics = job->query.queries->metrics;
    metrics_add(metrics, METER_QUERIES, NULL, 1);
    if (job->file.fd >= 0) {
        send_file(job);
    } else if (job->status == 204) {
        answer_text(request, metrics, 204, NULL, "");
    } else if (job->tagged) {
        answer_tagged(request, metrics, job->body);
    } else {
        if (job->status == 202 && job->action != V2_POST) {
            g_autofree char *seconds = g_strdup_printf("%d", RETRY_AFTER_S);
            http_response_header(request, "Retry-After", seconds);
        }
        answer_json(request, metrics, job->status, job->body);
    }
}

void v2_serve_work(struct reader *reader, struct query *query)
{
    struct v2_job *job = (struct v2_job *)(void *)query;
    struct refusal refusal = {0};
    enum query_outcome outcome = query_run(reader, query, read_job, &refusal);
    if (job->too_much) {
        job->too_much = false;
        query->heavy = true;
        if (query_submit(query))
            return;
    } else if (outcome == QUERY_ANSWERED) {
        send(job);
    } else {
        answer_refusal(query->request, query->queries->metrics, &refusal);
    }
    refusal_clear(&refusal);
    v2_job_free(job);
}
