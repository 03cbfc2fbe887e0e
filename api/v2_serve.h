/* v2_serve: requests of the usage API on a worker: what v2_route.c has parsed is looked up, computed and rendered. */
#ifndef DAYBOOK_V2_SERVE_H
#define DAYBOOK_V2_SERVE_H

#include "api/v2_params.h"
#include "api/v2_route.h"

enum v2_action { V2_POST, V2_RESULTS, V2_EXPORT, V2_CANCEL };

struct v2_job {
    struct query query;
    struct v2_route *route;
    enum v2_action action;
    enum v2_kind kind;
    char *path_client; /* or NULL */
    struct v2_params params;
    bool summary;                   /* V2_POST: over the last closed days */
    bool pinned;                    /* V2_POST: the execution has its pin */
    struct v2_execution *execution; /* V2_POST: to be accepted; else what was found */
    char id[V2_ID_SIZE];            /* else */
    enum export_format format;      /* V2_RESULTS, V2_EXPORT; EXPORT_JSON in pages with V2_RESULTS */
    /* The answer: */
    bool too_much; /* for a worker that others wait for: to be done again by one for long queries */
    int status;
    GString *body;
    struct export_file file; /* in the place of the body, where fd is not -1 */
    bool tagged;             /* an entity tag goes with the body: it is final */
};

/* query->work of every job, which it frees. */
void v2_serve_work(struct reader *reader, struct query *query);
void v2_job_free(struct v2_job *job);

#endif
