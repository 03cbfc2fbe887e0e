#include "api/session_route.h"

#include "api/admin_body.h"
#include "api/answer.h"
#include "api/registry_write.h"
#include "api/session.h"
#include "api/sign_in_links.h"
#include "api/writer.h"
#include "lib/log.h"
#include <jansson.h>

static int64_t now(void)
{
    return g_get_real_time() / G_TIME_SPAN_MILLISECOND;
}

static bool is_secure(const struct session_route *route, const struct http_request *request)
{
    return route->secure_cookies || http_request_is_tls(request);
}

static void send_cookie(const struct session_route *route, struct http_request *request, const char *secret, int64_t max_age_s)
{
    session_cookie_set(request, secret, max_age_s, is_secure(route, request));
    answer_text(request, route->queries->metrics, 204, NULL, "");
}

struct registry_token session_of(const struct auth_found *found)
{
    struct registry_token session = {.name = found->caller->name, .has_parent = true, .is_session = true};
    session.is_foreign = found->is_foreign;
    session.caller = found->is_foreign ? found->caller : NULL;
    memcpy(session.parent, found->root, sizeof session.parent);
    return session;
}

/* ---- signing in ---- */

struct sign_in {
    struct query query;
    struct session_route *route;
    char *token, *code;          /* one of them */
    struct auth_found found;     /* by the token */
    struct registry_token *link; /* by the code, which is taken once */
    char secret[REGISTRY_SECRET_SIZE], id[REGISTRY_ID_SIZE];
    char *caller_id;    /* whose it is; for the log */
    int64_t expires_ms; /* 0: refused */
    int64_t wait_ms;    /* there are too many new ones: so long */
};

static void wipe(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    g_free(text);
}

static void sign_in_free(struct sign_in *job)
{
    query_clear(&job->query);
    wipe(job->token);
    wipe(job->code);
    g_free(job->caller_id);
    caller_unref(job->found.caller);
    registry_token_free(job->link);
    explicit_bzero(job->secret, sizeof job->secret);
    g_free(job);
}

/* The same as before a crash or on another replica: what the session is tied to must still be there. */
static bool is_rooted(const struct sign_in *job, const struct registry_snapshot *snapshot, const struct registry_token *session)
{
    if (session->is_foreign)
        return auth_trusts_foreign(job->route->auth, session->caller, session->parent);
    const struct registry_token *root = registry_find_token(snapshot, session->parent);
    return root != NULL && !root->has_parent && !registry_token_expired(root, now());
}

static const char *caller_id_of(const struct registry_snapshot *snapshot, const struct registry_token *session)
{
    return session->is_foreign ? session->caller->id : registry_find_token(snapshot, session->parent)->caller->id;
}

static void decide(struct registry_change *change, void *opaque)
{
    struct sign_in *job = opaque;
    int64_t now_ms = now(), until_ms = now_ms + SESSION_S * INT64_C(1000);
    struct registry_token session = job->link != NULL ? *job->link : session_of(&job->found);
    int64_t limit_ms = job->link != NULL ? job->link->expires_ms : job->found.expires_ms;
    job->expires_ms = job->wait_ms = 0;
    if (!is_rooted(job, change->snapshot, &session) || (limit_ms != 0 && limit_ms <= now_ms))
        return;
    g_free(job->caller_id);
    job->caller_id = g_strdup(caller_id_of(change->snapshot, &session));
    const struct registry_room room = {job->caller_id, job->id, true, SESSIONS_MAX, SESSION_KEPT_S * INT64_C(1000)};
    job->wait_ms = registry_make_room(change, &room, now_ms);
    if (job->wait_ms > 0)
        return;
    session.id = job->id;
    session.created_ms = now_ms;
    session.expires_ms = limit_ms != 0 ? MIN(until_ms, limit_ms) : until_ms;
    registry_secret_digest(job->secret, session.digest);
    registry_put_token(change, &session);
    job->expires_ms = session.expires_ms;
}

static bool find(struct sign_in *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    if (job->found.caller != NULL || job->link != NULL)
        return true;
    if (job->token != NULL)
        return auth_find_text(job->route->auth, job->token, &job->found, refusal);
    job->link = sign_in_take(reader, job->code, error);
    if (job->link == NULL && *error == NULL)
        refusal_set(refusal, 401, "BAD_CREDENTIALS",
                    "Unauthorized: this link was used already, or is older than %d minutes. Ask for another one.", SIGN_IN_S / 60);
    return job->link != NULL;
}

/* What was sent may be newer than what this replica knows. */
static enum query_outcome run(struct reader *reader, struct query *query, struct refusal *refusal, GError **error)
{
    struct sign_in *job = (struct sign_in *)(void *)query;
    struct registry *registry = job->route->registry;
    if (!registry_refresh(registry, error))
        return QUERY_FAILED;
    if (!find(job, reader, refusal, error))
        return refusal->status != 0 ? QUERY_REFUSED : QUERY_FAILED;
    if (!registry_change_any(registry, reader, decide, job, error))
        return QUERY_FAILED;
    if (job->wait_ms > 0) {
        refusal_set(refusal, 429, "RATE_LIMIT_EXCEEDED",
                    "Rate limit exceeded the maximum. Retry the request in [%d] seconds. (%d sessions a minute are allowed to a "
                    "token.)",
                    (int)(job->wait_ms / 1000) + 1, SESSIONS_MAX);
        refusal->retry_after_s = (int)(job->wait_ms / 1000) + 1;
    } else if (job->expires_ms == 0) {
        refusal_set(refusal, 401, "CREDENTIALS_EXPIRED", "Unauthorized: what this was made with has ended.");
    }
    return refusal->status != 0 ? QUERY_REFUSED : QUERY_ANSWERED;
}

static void work_begin(struct reader *reader, struct query *query)
{
    struct sign_in *job = (struct sign_in *)(void *)query;
    struct http_request *request = query->request;
    struct refusal refusal = {0};
    if (query_run(reader, query, run, &refusal) == QUERY_ANSWERED) {
        log_info("signed_in", "caller=%s session=%s by=%s peer=%s request=%s", job->caller_id, job->id,
                 job->link != NULL ? "link" : "token", http_request_peer(request), http_request_id(request));
        send_cookie(job->route, request, job->secret, (job->expires_ms - now() + 999) / 1000);
    } else {
        const struct call call = {.request = request, .caller = query->caller};
        call_refuse(&call, query->queries->metrics, &refusal);
    }
    sign_in_free(job);
}

/* ---- what was sent ---- */

/* Never shows a value: it may be a secret in the wrong place. */
static bool take_proof(struct sign_in *job, json_t *object, struct refusal *refusal)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        bool is_token = strcmp(name, "token") == 0, is_code = strcmp(name, "code") == 0;
        if (!is_token && !is_code)
            return admin_body_refuse_unknown(name, "token|code", refusal);
        const char *text = json_string_value(value);
        if (text == NULL || text[0] == '\0' || strlen(text) != json_string_length(value))
            return refusal_set_value(refusal, "INVALID_VALUE", "Invalid value", name, "", "a text");
        *(is_token ? &job->token : &job->code) = g_strdup(text);
    }
    return (job->token != NULL) != (job->code != NULL) ||
           refusal_set_value(refusal, "INVALID_VALUE", "Invalid value", "token", "", "either a token, or the code of a link");
}

static bool read_request(struct sign_in *job, const struct call *call, struct refusal *refusal)
{
    struct view body = http_request_body(call->request);
    struct call_params params;
    call_get_params(call, &params);
    if (params.n > 0)
        return param_refuse_unknown(&params.list[0], "UNKNOWN_PARAMETER", "no parameter", refusal);
    if (!session_check_origin(call->request, refusal) || !admin_check_type(call->request, "application/json", refusal))
        return false;
    if (body.size > SESSION_BODY_MAX)
        return refusal_set(refusal, 413, "PAYLOAD_TOO_LARGE", "The body is larger than %d bytes.", SESSION_BODY_MAX);
    json_t *object = admin_body_object(body, refusal);
    bool ok = object != NULL && take_proof(job, object, refusal);
    json_decref(object);
    return ok;
}

static void refuse(const struct call *call, struct metrics *metrics, struct refusal *refusal)
{
    if (refusal->status == 403)
        call_refuse(call, metrics, refusal);
    else
        answer_refusal(call->request, metrics, refusal);
}

void session_route_begin(struct session_route *route, struct call *call)
{
    struct sign_in *job = g_new0(struct sign_in, 1);
    struct refusal refusal = {0};
    job->query = query_make(call, route->queries, work_begin);
    job->route = route;
    bool ok = read_request(job, call, &refusal);
    if (ok) {
        registry_secret_make(job->secret);
        registry_token_id(job->id, 's');
    } else {
        refuse(call, route->queries->metrics, &refusal);
    }
    if (!ok || !query_submit(&job->query))
        sign_in_free(job);
}

/* ---- signing out ---- */

struct sign_out {
    struct query query;
    struct session_route *route;
    uint8_t digest[REGISTRY_DIGEST_SIZE];
};

static void decide_end(struct registry_change *change, void *opaque)
{
    const struct sign_out *job = opaque;
    const struct registry_token *session = registry_find_token(change->snapshot, job->digest);
    if (session == NULL || !session->is_session)
        return;
    log_info("signed_out", "session=%s peer=%s", session->id, http_request_peer(job->query.request));
    registry_remove_token(change, session);
}

static enum query_outcome end(struct reader *reader, struct query *query, struct refusal *refusal, GError **error)
{
    struct sign_out *job = (struct sign_out *)(void *)query;
    struct registry *registry = job->route->registry;
    (void)refusal;
    return registry_refresh(registry, error) && registry_change_any(registry, reader, decide_end, job, error) ? QUERY_ANSWERED
                                                                                                              : QUERY_FAILED;
}

static void sign_out_free(struct sign_out *job)
{
    query_clear(&job->query);
    g_free(job);
}

static void work_end(struct reader *reader, struct query *query)
{
    struct sign_out *job = (struct sign_out *)(void *)query;
    struct refusal refusal = {0};
    if (query_run(reader, query, end, &refusal) == QUERY_ANSWERED)
        send_cookie(job->route, query->request, "", 0);
    else
        answer_refusal(query->request, query->queries->metrics, &refusal);
    sign_out_free(job);
}

void session_route_end(struct session_route *route, struct call *call)
{
    char secret[REGISTRY_SECRET_SIZE];
    struct call_params params;
    struct refusal refusal = {0};
    call_get_params(call, &params);
    bool ok = params.n == 0 ? session_check_origin(call->request, &refusal)
                            : param_refuse_unknown(&params.list[0], "UNKNOWN_PARAMETER", "no parameter", &refusal);
    if (!ok) {
        refuse(call, route->queries->metrics, &refusal);
        return;
    }
    if (session_cookie_find(http_request_header(call->request, "Cookie"), secret) != SESSION_COOKIE_ONE) {
        send_cookie(route, call->request, "", 0);
        return;
    }
    struct sign_out *job = g_new0(struct sign_out, 1);
    job->query = query_make(call, route->queries, work_end);
    job->route = route;
    registry_secret_digest(secret, job->digest);
    explicit_bzero(secret, sizeof secret);
    if (!query_submit(&job->query))
        sign_out_free(job);
}
