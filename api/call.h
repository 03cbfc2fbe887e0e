/* call: a request on its way to a handler: who asks, and what stands in the path.
 *
 * Handlers run on an HTTP thread, or, when the caller's allowance had to be asked for first, on a worker; they never block. They
 * parse, and hand what needs Redis to a worker (query.h), which gets the caller with caller_ref. */
#ifndef DAYBOOK_CALL_H
#define DAYBOOK_CALL_H

#include "api/caller.h"
#include "api/usage_params.h"
#include "lib/http.h"
#include "lib/metrics.h"

enum { CALL_PARTS_MAX = 3, CALL_PART_MAX = 300, CALL_PARAMS_MAX = 64 };

struct reader;

struct call {
    struct http_request *request;
    struct caller *caller;                     /* borrowed for the call of the handler; NULL on routes that ask for no token */
    struct reader *reader;                     /* of the worker that runs the handler; NULL on an HTTP thread */
    char parts[CALL_PARTS_MAX][CALL_PART_MAX]; /* what stands where the pattern has names in braces, in order; "" for none */
};

/* The parameters of the query, borrowed from the request. */
struct call_params {
    struct usage_param list[CALL_PARAMS_MAX];
    size_t n;
};

void call_get_params(const struct call *call, struct call_params *params);
/* Answers that the caller may not: logs who was refused what, and sends and clears the refusal. */
void call_refuse(const struct call *call, struct metrics *metrics, struct refusal *refusal);

#endif
