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
