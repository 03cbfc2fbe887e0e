/* serve: the collector's HTTP server: /metrics, /healthz and /readyz here, /v1/events in ingest_http. */
#ifndef DAYBOOK_SERVE_H
#define DAYBOOK_SERVE_H

#include "collector/batcher.h"
#include "collector/intake.h"
#include "collector/shipper.h"
#include "lib/config.h"
#include "lib/http.h"

struct ingest_http;

/* What the answers are made of. All of it outlives the server. */
struct serve {
    struct http_server *server;
    struct ingest_http *ingest;
    struct journal *journal;
    struct intake *intake;
    struct shipper *shipper;
    struct metrics *metrics;
    GMutex lock;
    char *topic_problem; /* guarded: a sentence, or NULL while all is well with the topic */
    bool accepting;      /* guarded: events can be taken: the topic's partitions are known */
    bool in_danger;      /* guarded: the topic problem is one that people must mend */
};

/* Whether a token is there where one is required. */
bool serve_check(const struct config *config, GError **error);
bool serve_start(struct serve *serve, const struct config *config, GError **error);
/* What main knows of the topic; problem is copied, NULL when all is well. */
void serve_set_topic(struct serve *serve, const char *problem, bool accepting, bool in_danger);
/* Sets every metric that is not counted where it happens; also before the last log line. */
void serve_refresh(struct serve *serve);
/* After http_server_stop. */
void serve_clear(struct serve *serve);

#endif
