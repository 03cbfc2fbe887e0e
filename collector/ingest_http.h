/* ingest_http: POST /v1/events. docs/INPUTS.md says what may be posted.
 *
 * A request is answered when what it brought is durable (202), or cannot be taken (an error, with a sentence); never before. If it
 * cannot be said whether it became durable, the connection is closed without an answer.
 *
 * A bearer token is asked for if listen.token is set, and without one only clients on loopback and the unix socket are served. */
#ifndef DAYBOOK_INGEST_HTTP_H
#define DAYBOOK_INGEST_HTTP_H

#include "collector/batcher.h"
#include "collector/intake.h"
#include "lib/config.h"
#include "lib/http.h"

struct ingest_http;

/* All three must outlive it. Free it when the HTTP server has stopped. */
struct ingest_http *ingest_http_new(const struct config *config, struct intake *intake, struct batcher *batcher, GError **error);
void ingest_http_free(struct ingest_http *ingest);
/* Counts answers by code in METER_HTTP_REQUESTS; before the server starts. */
void ingest_http_set_metrics(struct ingest_http *ingest, struct metrics *metrics);

/* Answers the request, now or later; any method and content. Safe from any thread of the server. */
void ingest_http_handle(struct ingest_http *ingest, struct http_request *request);

#endif
