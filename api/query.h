/* query: what the routes that read Redis have in common: a request is parsed on its HTTP thread and answered by a worker.
 *
 * The worker reads; where a connection that was open from an earlier answer has died since, once more, on a new one (reading twice
 * does no harm). What cannot be answered is said with the reason. */
#ifndef DAYBOOK_QUERY_H
#define DAYBOOK_QUERY_H

#include "api/call.h"
#include "api/refusal.h"
#include "api/workers.h"

struct queries {
    struct workers *workers; /* for what takes milliseconds */
    struct workers *heavy;   /* for what takes longer, so that the others need not wait for it */
    struct metrics *metrics;
    struct hot_answers *hot; /* borrowed */
    int timeout_ms;          /* for reading one answer */
    int heavy_timeout_ms;    /* for one that is heavy */
};

/* The first member of a route's job, which `work` releases. */
struct query {
    struct http_request *request;  /* NULL: nobody waits */
    const struct queries *queries; /* borrowed */
    void (*work)(struct reader *reader, struct query *query);
    struct caller *caller; /* a reference, released by query_clear; whose turn it is, and what they may see */
    bool heavy;
    bool may_be_handed_on; /* `work` knows QUERY_HANDED_ON */
    struct reader *reader; /* the handler ran on this reader's worker, which does the job at once; else NULL */
};

/* With a reference of the caller. */
struct query query_make(const struct call *call, const struct queries *queries,
                        void (*work)(struct reader *reader, struct query *query));
void query_clear(struct query *query);

enum query_outcome {
    QUERY_ANSWERED,
    QUERY_REFUSED,
    QUERY_FAILED,
    QUERY_HANDED_ON, /* a heavy worker has it, and begins anew: the job is not this one's any more */
};

/* Hands a job over; false: the queue is full, the request (if there is one) was answered with 503, and the job is the caller's to
 * release. */
bool query_submit(struct query *query);
/* workers_do: opaque is not used. */
void query_work(struct reader *reader, void *job, void *opaque);
/* Calls read, once more if a connection was lost. After QUERY_FAILED the refusal is set, as after QUERY_REFUSED. What may be handed
 * on and is not heavy has room for what takes milliseconds (reader_has_room); where read fails for want of it, the query becomes
 * heavy. */
enum query_outcome query_run(struct reader *reader, struct query *query,
                             enum query_outcome (*read)(struct reader *reader, struct query *query, struct refusal *refusal,
                                                        GError **error),
                             struct refusal *refusal);

#endif
