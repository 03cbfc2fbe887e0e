/* query: what the routes that read Redis have in common: a request is parsed on its HTTP thread and answered by a worker.
 *
 * The worker reads; where a connection that was open from an earlier answer has died since, once more, on a new one (reading twice
 * does no harm). What cannot be answered is said with the reason. */
#ifndef DAYBOOK_QUERY_H
#define DAYBOOK_QUERY_H

#include "api/refusal.h"
#include "api/workers.h"
#include "lib/http.h"

struct queries {
    struct workers *workers;
    struct metrics *metrics;
    int timeout_ms; /* for reading one answer */
};

/* The first member of a route's job, which `work` releases. */
struct query {
    struct http_request *request;
    const struct queries *queries; /* borrowed */
    void (*work)(struct reader *reader, struct query *query);
};

enum query_outcome { QUERY_ANSWERED, QUERY_REFUSED, QUERY_FAILED };

/* Hands a job over; false: the queue is full, the request was answered with 503, and the job is the caller's to release. */
bool query_submit(struct query *query);
/* workers_do: opaque is not used. */
void query_work(struct reader *reader, void *job, void *opaque);
/* Calls read, once more if a connection was lost. After QUERY_FAILED the refusal is set, as after QUERY_REFUSED. */
enum query_outcome query_run(struct reader *reader, struct query *query,
                             enum query_outcome (*read)(struct reader *reader, struct query *query, struct refusal *refusal,
                                                        GError **error),
                             struct refusal *refusal);

#endif
