#include "api/admin_job.h"

#include "api/answer.h"
#include "api/meters.h"

static void job_free(struct admin_job *job)
{
    query_clear(&job->query);
    admin_params_clear(&job->params);
    admin_body_clear(&job->body);
    explicit_bzero(job->secret, sizeof job->secret);
    registry_client_free(job->client);
    registry_token_free(job->token);
    if (job->kind != NULL) {
        item_free(admin_kind_info(job->kind)->shape, job->item);
        item_free(admin_kind_info(job->kind)->shape, job->done);
    }
    g_string_free(job->out, TRUE);
    g_free(job);
}

/* ---- refusals ---- */

/* What somebody may not is logged; what is merely wrong is not. */
static void refuse(struct http_request *request, struct caller *caller, struct metrics *metrics, struct refusal *refusal)
{
    const struct call call = {.request = request, .caller = caller};
    if (refusal->status == 401 || refusal->status == 403)
        call_refuse(&call, metrics, refusal);
    else
        answer_refusal(request, metrics, refusal);
}

bool admin_sees(const struct caller *caller, const char *organization)
{
    return caller->organization == NULL || g_strcmp0(caller->organization, organization) == 0;
}

bool admin_check_grant(const struct caller *caller, const char *organization, enum tier tier, enum tier before,
                       struct refusal *refusal)
{
    if (caller->organization == NULL)
        return true;
    if (g_strcmp0(caller->organization, organization) != 0)
        return refusal_set(refusal, 403, "FORBIDDEN", "Forbidden: an administrator of %s manages nothing of other organizations.",
                           caller->organization);
    if (tier <= caller->tier || tier == before)
        return true;
    return refusal_set(refusal, 403, "FORBIDDEN", "Forbidden: an administrator of tier %s cannot give tier %s.",
                       caller_tier_name(caller->tier), caller_tier_name(tier));
}

/* ---- the work ---- */

static void send_answer(const struct admin_job *job)
{
    struct http_request *request = job->query.request;
    struct metrics *metrics = job->query.queries->metrics;
    if (job->status == ADMIN_ANSWERED_LATER)
        return;
    if (job->type != NULL)
        answer_text(request, metrics, job->status, job->type, job->out->str);
    else
        answer_json(request, metrics, job->status, job->out);
}

static enum query_outcome run(struct reader *reader, struct query *query, struct refusal *refusal, GError **error)
{
    struct admin_job *job = (struct admin_job *)(void *)query;
    g_string_truncate(job->out, 0);
    job->status = 200;
    if (job->answer(job, reader, refusal, error))
        return QUERY_ANSWERED;
    return refusal->status != 0 ? QUERY_REFUSED : QUERY_FAILED;
}

static void work(struct reader *reader, struct query *query)
{
    struct admin_job *job = (struct admin_job *)(void *)query;
    struct refusal refusal = {0};
    if (query_run(reader, query, run, &refusal) == QUERY_ANSWERED)
        send_answer(job);
    else
        refuse(query->request, query->caller, query->queries->metrics, &refusal);
    job_free(job);
}

void admin_job_submit(struct admin_job *job)
{
    if (!query_submit(&job->query))
        job_free(job);
}

/* ---- the request ---- */

static bool check(struct admin_job *job, const struct call *call, uint32_t params, struct refusal *refusal)
{
    if (call->caller->client != NULL)
        return refusal_set(refusal, 403, "FORBIDDEN", "Forbidden: the token of one client administers nothing.");
    return admin_params_parse(&job->params, params, call, refusal);
}

static struct admin_job *begin(const struct admin_route *route, const struct call *call, admin_answer *answer)
{
    struct admin_job *job = g_new0(struct admin_job, 1);
    job->query = query_make(call, route->queries, work);
    job->route = route;
    job->answer = answer;
    job->out = g_string_new(NULL);
    g_strlcpy(job->part, call->parts[0], sizeof job->part);
    return job;
}

void admin_job_refuse(struct admin_job *job, struct refusal *refusal)
{
    refuse(job->query.request, job->query.caller, job->query.queries->metrics, refusal);
    job_free(job);
}

static struct admin_job *end(struct admin_job *job, bool ok, struct refusal *refusal)
{
    if (ok)
        return job;
    admin_job_refuse(job, refusal);
    return NULL;
}

struct admin_job *admin_job_new(const struct admin_route *route, const struct call *call, uint32_t params, admin_answer *answer)
{
    struct refusal refusal = {0};
    struct admin_job *job = begin(route, call, answer);
    return end(job, check(job, call, params, &refusal), &refusal);
}

struct admin_job *admin_job_new_json(const struct admin_route *route, const struct call *call, uint32_t fields,
                                     admin_answer *answer)
{
    struct refusal refusal = {0};
    struct admin_job *job = begin(route, call, answer);
    int64_t now_ms = g_get_real_time() / G_TIME_SPAN_MILLISECOND;
    bool ok = check(job, call, 0, &refusal) && admin_check_type(call->request, "application/json", &refusal) &&
              admin_body_parse(&job->body, fields, http_request_body(call->request), now_ms, &refusal);
    return end(job, ok, &refusal);
}

/* ---- the registry ---- */

struct registry_snapshot *admin_job_look(const struct admin_job *job, GError **error)
{
    return registry_refresh(job->route->registry, error) ? registry_take(job->route->registry) : NULL;
}

bool admin_job_change(struct admin_job *job, struct reader *reader, registry_decide *decide, struct refusal *refusal,
                      GError **error)
{
    job->refusal = refusal;
    return registry_change(job->route->registry, reader, decide, job, error) && refusal->status == 0;
}
