#include "api/call.h"

#include "api/answer.h"
#include "api/meters.h"
#include "lib/log.h"

static bool take_param(const char *name, const char *value, void *opaque)
{
    struct call_params *params = opaque;
    if (params->n == CALL_PARAMS_MAX)
        return false; /* more than any route has names: one before is unknown or repeated, and refused */
    params->list[params->n++] = (struct usage_param){name, value};
    return true;
}

void call_get_params(const struct call *call, struct call_params *params)
{
    params->n = 0;
    http_request_each_query(call->request, take_param, params);
}

/* RFC 6750, section 3. */
static const char *challenge(const struct refusal *refusal)
{
    bool nothing_sent = strcmp(refusal->code, "UNAUTHORIZED") == 0;
    return nothing_sent ? "Bearer realm=\"daybook\"" : "Bearer realm=\"daybook\", error=\"invalid_token\"";
}

static size_t append(char *question, size_t size, const char *text)
{
    size_t room = size < CALL_QUESTION_MAX ? CALL_QUESTION_MAX - size : 0;
    return size + (size_t)g_snprintf(question + size * (room > 0), room, "%zu:%s ", strlen(text), text);
}

/* False: it is too long. */
static bool write_question(const struct call *call, const struct call_params *params, const char *form, char *question)
{
    const struct caller *caller = call->caller;
    const char *const who[] = {caller->organization != NULL ? "of" : "all",
                               caller->organization != NULL ? caller->organization : "", caller->client != NULL ? "of" : "all",
                               caller->client != NULL ? caller->client : "", form};
    size_t size = append(question, 0, http_request_raw_path(call->request));
    for (size_t i = 0; i < G_N_ELEMENTS(who); i++)
        size = append(question, size, who[i]);
    for (size_t i = 0; i < params->n; i++) {
        size = append(question, size, params->list[i].name);
        size = append(question, size, params->list[i].value);
    }
    return size < CALL_QUESTION_MAX;
}

struct hot_answer *call_take_hot(const struct call *call, const struct call_params *params, const char *form,
                                 struct hot_answers *hot, char question[CALL_QUESTION_MAX])
{
    bool keep = false;
    struct hot_answer *answer = NULL;
    if (write_question(call, params, form, question))
        answer = hot_answers_take(hot, question, g_get_monotonic_time(), &keep);
    if (!keep)
        question[0] = '\0';
    return answer;
}

bool call_narrow(char **asked, const char *own, const char *field, struct refusal *refusal)
{
    if (own == NULL)
        return true;
    if (*asked == NULL)
        *asked = g_strdup(own);
    if (strcmp(*asked, own) == 0)
        return true;
    refusal_set(refusal, 403, "FORBIDDEN", "Forbidden: this token may only see %s '%s'.", field, own);
    refusal->field = g_strdup(field);
    refusal->value = g_utf8_make_valid(*asked, -1);
    refusal->allowed = g_strsplit(own, "\n", -1);
    return false;
}

void call_refuse(const struct call *call, struct metrics *metrics, struct refusal *refusal)
{
    log_warn("refused", "status=%d code=%s caller=%s peer=%s method=%s path=%s request=%s", refusal->status, refusal->code,
             call->caller != NULL ? call->caller->id : "-", http_request_peer(call->request), http_request_method(call->request),
             http_request_path(call->request), http_request_id(call->request));
    metrics_add(metrics, METER_REFUSED, refusal->code, 1);
    if (refusal->status == 401)
        http_response_header(call->request, "WWW-Authenticate", challenge(refusal));
    answer_refusal(call->request, metrics, refusal);
}
