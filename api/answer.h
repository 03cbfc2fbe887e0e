/* answer: sends JSON answers and errors with what every one of them has: no-store, the request's id, the time, the count in
 * METER_REQUESTS.
 *
 * An error's body: {"success":false,"error":CODE,"message":…[,"field","value","allowed"],"requestId":…,"timestamp":…}. */
#ifndef DAYBOOK_ANSWER_H
#define DAYBOOK_ANSWER_H

#include "api/refusal.h"
#include "lib/http.h"
#include "lib/metrics.h"

void answer_json(struct http_request *request, struct metrics *metrics, int status, const GString *body);
/* The same for another content type. */
void answer_text(struct http_request *request, struct metrics *metrics, int status, const char *content_type, const char *text);
/* Sends and clears the refusal. */
void answer_refusal(struct http_request *request, struct metrics *metrics, struct refusal *refusal);

#endif
