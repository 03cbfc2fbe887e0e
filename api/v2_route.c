#include "api/v2_serve.h"

#include "api/answer.h"

static bool has_client(enum v2_kind kind)
{
    return kind == V2_CLIENT_QUERY || kind == V2_CLIENT_JOB;
}

/* ---- checks ---- */

/* A client's token sees that client only; another in the path is as unknown as one that there is not. */
static bool check_client(const struct call *call, enum v2_kind kind, struct refusal *refusal)
{
    const char *client = call->caller->client;
    if (!has_client(kind) || client == NULL || strcmp(client, call->parts[0]) == 0)
        return true;
    return refusal_set(refusal, 404, "NOT_FOUND", "There is no such client here.");
}

static bool check_params(const struct call *call, enum v2_params_kind kind, struct v2_job *job, struct refusal *refusal)
{
    struct call_params given;
    call_get_params(call, &given);
    return v2_params_parse(&job->params, kind, job->id, given.list, given.n, refusal);
}

/* "application/json", whatever its parameters; none is as good. */
static bool check_content_type(const struct call *call, struct refusal *refusal)
{
    const char *given = http_request_header(call->request, "Content-Type");
    if (given == NULL)
        return true;
    g_autofree char *type = g_strndup(given, strcspn(given, ";"));
    g_strstrip(type);
    if (type[0] == '\0' || g_ascii_strcasecmp(type, "application/json") == 0)
        return true;
    g_autofree char *shown = g_utf8_make_valid(type, -1);
    return refusal_set(refusal, 415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type is '%.100s'; allowed: application/json.", shown);
}

static bool check_id(const struct call *call, enum v2_kind kind, struct v2_job *job, struct refusal *refusal)
{
    const char *id = call->parts[has_client(kind) ? 1 : 0];
    if (!executions_is_id(id))
        return refusal_set(refusal, 404, "NOT_FOUND",
                           "There is no such query here: an id looks like "
                           "7d444840-9dc0-11d1-b245-5ffdce74fad2 and comes from the POST.");
    g_strlcpy(job->id, id, sizeof job->id);
    return true;
}

/* ---- jobs ---- */

static struct v2_job *job_new(struct v2_route *route, const struct call *call, enum v2_kind kind, enum v2_action action)
{
    struct v2_job *job = g_new0(struct v2_job, 1);
    *job = (struct v2_job){
        .query = query_make(call, route->engine->queries, v2_serve_work),
        .route = route,
        .action = action,
        .kind = kind,
        .path_client = has_client(kind) ? g_strdup(call->parts[0]) : NULL,
        .format = EXPORT_JSON,
        .file = {.fd = -1},
    };
    job->body = g_string_sized_new(1024);
    return job;
}

static void go(struct v2_job *job, struct refusal *refusal, bool ok)
{
    if (ok && query_submit(&job->query))
        return;
    if (!ok)
        answer_refusal(job->query.request, job->query.queries->metrics, refusal);
    v2_job_free(job);
}

/* ---- POST, and the summary, which asks without one ---- */

static bool parse_post(struct v2_job *job, const struct call *call, struct refusal *refusal)
{
    struct v2_body body = {0};
    struct view text = http_request_body(call->request);
    if (!check_client(call, job->kind, refusal) || !check_content_type(call, refusal) ||
        !check_params(call, V2_PARAMS_NONE, job, refusal))
        return false;
    if (text.size > V2_REQUEST_BYTES_MAX)
        return refusal_set(refusal, 413, "PAYLOAD_TOO_LARGE", "The body has %zu bytes; at most %d are taken.", text.size,
                           V2_REQUEST_BYTES_MAX);
    bool ok = v2_body_parse(&body, job->kind, text, refusal);
    if (ok)
        job->execution = v2_execution_new(call->caller, job->path_client, &body);
    v2_body_clear(&body);
    return ok;
}

static void handle_post(struct v2_route *route, struct call *call, enum v2_kind kind)
{
    struct refusal refusal = {0};
    struct v2_job *job = job_new(route, call, kind, V2_POST);
    go(job, &refusal, parse_post(job, call, &refusal));
}

/* One row for each day; the days are set where the last closed one is known. */
void v2_summary_handle(struct v2_route *route, struct call *call)
{
    struct refusal refusal = {0};
    struct v2_body body = {.kind = V2_CLIENT_QUERY, .granularity = V2_DAY, .metrics = V2_METRICS_ALL, .group = REPORT_CLIENT};
    struct v2_job *job = job_new(route, call, V2_CLIENT_QUERY, V2_POST);
    job->summary = true;
    job->execution = v2_execution_new(call->caller, job->path_client, &body);
    go(job, &refusal, check_client(call, job->kind, &refusal) && check_params(call, V2_PARAMS_SUMMARY, job, &refusal));
}

/* ---- GET ---- */

static void handle_results(struct v2_route *route, struct call *call, enum v2_kind kind)
{
    struct refusal refusal = {0};
    struct v2_job *job = job_new(route, call, kind, V2_RESULTS);
    bool paged = kind == V2_SEARCH || v2_kind_is_job(kind);
    job->format = export_format_of_accept(http_request_header(call->request, "Accept"));
    go(job, &refusal,
       check_client(call, kind, &refusal) && check_id(call, kind, job, &refusal) &&
           check_params(call, paged ? V2_PARAMS_PAGE : V2_PARAMS_NONE, job, &refusal));
}

static bool check_format(const struct call *call, struct v2_job *job, struct refusal *refusal)
{
    const char *suffix = call->parts[has_client(job->kind) ? 2 : 1];
    return export_format_parse(suffix, &job->format) ||
           refusal_set(refusal, 404, "NOT_FOUND", "There is no such export; there are csv, jsonl, json and xlsx.");
}

static void handle_export(struct v2_route *route, struct call *call, enum v2_kind kind)
{
    struct refusal refusal = {0};
    struct v2_job *job = job_new(route, call, kind, V2_EXPORT);
    go(job, &refusal,
       check_client(call, kind, &refusal) && check_id(call, kind, job, &refusal) && check_format(call, job, &refusal) &&
           check_params(call, V2_PARAMS_NONE, job, &refusal));
}

/* ---- DELETE ---- */

static void handle_cancel(struct v2_route *route, struct call *call, enum v2_kind kind)
{
    struct refusal refusal = {0};
    struct v2_job *job = job_new(route, call, kind, V2_CANCEL);
    go(job, &refusal,
       check_client(call, kind, &refusal) && check_id(call, kind, job, &refusal) &&
           check_params(call, V2_PARAMS_NONE, job, &refusal));
}

/* ---- one for each route ---- */

#define HANDLES(name, kind)                                                    \
    void v2_##name##_post_handle(struct v2_route *route, struct call *call)    \
    {                                                                          \
        handle_post(route, call, kind);                                        \
    }                                                                          \
    void v2_##name##_results_handle(struct v2_route *route, struct call *call) \
    {                                                                          \
        handle_results(route, call, kind);                                     \
    }                                                                          \
    void v2_##name##_export_handle(struct v2_route *route, struct call *call)  \
    {                                                                          \
        handle_export(route, call, kind);                                      \
    }                                                                          \
    void v2_##name##_cancel_handle(struct v2_route *route, struct call *call)  \
    {                                                                          \
        handle_cancel(route, call, kind);                                      \
    }

HANDLES(query, V2_ORGANIZATION_QUERY)
HANDLES(search, V2_SEARCH)
HANDLES(client_query, V2_CLIENT_QUERY)
HANDLES(job, V2_ORGANIZATION_JOB)
HANDLES(client_job, V2_CLIENT_JOB)
