/* call: a request on its way to a handler: who asks, and what stands in the path.
 *
 * Handlers run on an HTTP thread, or, when the caller's allowance had to be asked for first, on a worker; they never block. They
 * parse, and hand what needs Redis to a worker (query.h), which gets the caller with caller_ref. */
#ifndef DAYBOOK_CALL_H
#define DAYBOOK_CALL_H

#include "api/caller.h"
#include "api/hot_answers.h"
#include "api/usage_params.h"
#include "lib/http.h"
#include "lib/metrics.h"

enum { CALL_PARTS_MAX = 3, CALL_PART_MAX = 300, CALL_PARAMS_MAX = 64, CALL_QUESTION_MAX = 512 };

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
/* What is kept for this GET (hot_answers.h), to be released; or NULL, and question is what to keep the answer under, "" for not at
 * all. A question is all on which an answer depends besides the time: path and parameters, whom the caller may see, and of the
 * headers what `form` says. */
struct hot_answer *call_take_hot(const struct call *call, const struct call_params *params, const char *form,
                                 struct hot_answers *hot, char question[CALL_QUESTION_MAX]);
/* Narrows what was asked for (NULL: all; owned) to the caller's own organization or client (NULL: it sees all of them). False: it
 * was another one; refused. */
bool call_narrow(char **asked, const char *own, const char *field, struct refusal *refusal);
/* Answers that the caller may not: logs who was refused what, and sends and clears the refusal. */
void call_refuse(const struct call *call, struct metrics *metrics, struct refusal *refusal);

#endif
