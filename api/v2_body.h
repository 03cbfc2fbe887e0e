/* v2_body: what a query of the usage API asks for: the bodies of its POSTs, checked.
 *
 * Names of values compare case-insensitively, names of fields do not; null is as good as leaving a field out, and so is an empty
 * list, but for groupBy, where it asks for no grouping. Lists come out sorted and without repetitions, so that bodies that ask for
 * the same are the same: v2_body_write gives the one text for them, which v2_body_parse reads back. Pure functions; the body owns
 * its lists. */
#ifndef DAYBOOK_V2_BODY_H
#define DAYBOOK_V2_BODY_H

#include "api/interval.h"
#include "api/report.h"

enum v2_kind { V2_ORGANIZATION_QUERY, V2_CLIENT_QUERY, V2_SEARCH, V2_ORGANIZATION_JOB, V2_CLIENT_JOB, V2_KIND_N };
enum v2_granularity { V2_WHOLE, V2_DAY, V2_WEEK, V2_MONTH };

enum v2_metric {
    V2_STATUS200 = 1 << 0,
    V2_STATUS300 = 1 << 1,
    V2_STATUS400 = 1 << 2,
    V2_STATUS500 = 1 << 3,
    V2_STATUS429 = 1 << 4,
    V2_REQUESTS = 1 << 5,
    V2_METRICS_ALL = (1 << 6) - 1,
};

/* By what jobs can be sorted: fields of their entities. */
enum v2_field {
    V2_FIELD_DATE,
    V2_FIELD_PLATFORM,
    V2_FIELD_METHOD,
    V2_FIELD_TEMPLATE,
    V2_FIELD_REQUESTS,
    V2_FIELD_STATUS200,
    V2_FIELD_STATUS300,
    V2_FIELD_STATUS400,
    V2_FIELD_STATUS429,
    V2_FIELD_STATUS500,
    V2_FIELD_CLIENT_ID,
    V2_FIELD_CLIENT_NAME,
    V2_FIELD_USER,
    V2_FIELD_ORGANIZATION,
};

struct v2_sort {
    enum v2_field field;
    bool descending;
};

enum {
    V2_REQUEST_BYTES_MAX = 3 * 512 * 1024, /* of any body of /api/v2/usage, as it comes */
    V2_BODY_BYTES_MAX = 2 * 1024 * 1024,   /* as it is written again */
    V2_LIST_MAX = 1000,
    V2_NAME_BYTES_MAX = 1024,
    V2_SORTS_MAX = 16,
};

struct v2_body {
    enum v2_kind kind;
    struct interval interval;
    enum v2_granularity granularity;
    unsigned metrics;                /* enum v2_metric */
    uint32_t group;                  /* enum report_group */
    GPtrArray *filter[REPORT_NAMES]; /* char *, or NULL; as in struct report_filter */
    GPtrArray *client_names;         /* V2_SEARCH: char *, or NULL */
    struct v2_sort sorts[V2_SORTS_MAX];
    size_t n_sorts;
};

bool v2_kind_is_job(enum v2_kind kind);
/* "usage-query" and so on: for file names, and to tell executions apart. */
const char *v2_kind_name(enum v2_kind kind);
const char *v2_granularity_name(enum v2_granularity granularity); /* "Day"; NULL for V2_WHOLE */

/* False: refused. The body is to be cleared either way. */
bool v2_body_parse(struct v2_body *body, enum v2_kind kind, struct view text, struct refusal *refusal);
void v2_body_clear(struct v2_body *body);
/* Appends it as JSON. */
void v2_body_write(const struct v2_body *body, GString *out);
/* Sorted by bytes, without repetitions. */
void v2_names_normalize(GPtrArray *names);

#endif
