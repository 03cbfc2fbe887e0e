/* v2_outcome: what came out of an execution: its rows, the dates of their periods, and what is said about the days.
 *
 * Never changes; counted references; any thread may read it. */
#ifndef DAYBOOK_V2_OUTCOME_H
#define DAYBOOK_V2_OUTCOME_H

#include "api/result.h"
#include "api/v2_question.h"

struct v2_outcome {
    gint users; /* v2_outcome.c's own */
    struct result *result;
    GPtrArray *dates; /* of v2_question.h, like the next */
    GString *about;
};

enum { V2_SORT_ROWS_MAX = 1000000 }; /* a sort holds them in memory for a moment, 120 bytes each and every name once */

/* Where and how the rows are made; borrowed. */
struct v2_making {
    struct report_place place;
    const char *directory;
    uint64_t bytes_max; /* of a result */
    const struct registry_snapshot *registry;
};

/* Asks the question, whose dates and text it takes. NULL with an error: there are no rows then. */
struct v2_outcome *v2_outcome_make(const struct v2_execution *execution, struct v2_question *question,
                                   const struct v2_making *making, GError **error);
struct v2_outcome *v2_outcome_ref(struct v2_outcome *outcome);
void v2_outcome_unref(struct v2_outcome *outcome); /* NULL is allowed */
/* What it takes, of memory and of the directory. */
uint64_t v2_outcome_bytes(const struct v2_outcome *outcome);

#endif
