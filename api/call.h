/* call: a request on its way to a handler: who asks, and what stands in the path.
 *
 * Handlers run on an HTTP thread, or, when the caller's allowance had to be asked for first, on a worker; they never block. They
 * parse, and hand what needs Redis to a worker (query.h), which gets the caller with caller_ref. */
#ifndef DAYBOOK_CALL_H
#define DAYBOOK_CALL_H

#include "api/caller.h"
#include "lib/http.h"

enum { CALL_PARTS_MAX = 3, CALL_PART_MAX = 300 };

struct call {
    struct http_request *request;
    struct caller *caller;                     /* borrowed for the call of the handler; NULL on routes that ask for no token */
    char parts[CALL_PARTS_MAX][CALL_PART_MAX]; /* what stands where the pattern has names in braces, in order; "" for none */
};

#endif
