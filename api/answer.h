/* answer: sends JSON answers and errors with what every one of them has: no-store (or an entity tag), the request's id, the time,
 * the count in METER_REQUESTS.
 *
 * An error's body: {"success":false,"error":CODE,"message":…[,"field","value","allowed"],"requestId":…,"timestamp":…}. Under
 * /api/v2/ it has in addition what clients of the usage API look for: {"code","status","contextId","details","errors"}, and the
 * header ININ-Correlation-Id. Under /stats/ "error" is the sentence, and "success" and "message" are left out. */
#ifndef DAYBOOK_ANSWER_H
#define DAYBOOK_ANSWER_H

#include "api/hot_answers.h"
#include "api/refusal.h"
#include "lib/http.h"
#include "lib/metrics.h"

void answer_json(struct http_request *request, struct metrics *metrics, int status, const GString *body);
/* 200 with an entity tag, or 304 to a client that has these bytes already. */
void answer_tagged(struct http_request *request, struct metrics *metrics, const GString *body);
/* The two above, of what was kept, which is released: a query that is counted, too. */
void answer_hot_json(struct http_request *request, struct metrics *metrics, struct hot_answer *answer);
void answer_hot_tagged(struct http_request *request, struct metrics *metrics, struct hot_answer *answer);
/* The same as answer_json for another content type. */
void answer_text(struct http_request *request, struct metrics *metrics, int status, const char *content_type, const char *text);
/* Sends and clears the refusal. */
void answer_refusal(struct http_request *request, struct metrics *metrics, struct refusal *refusal);

#endif
