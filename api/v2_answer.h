/* v2_answer: answers of the usage API as JSON, and what exports of them hold. Pure functions of what they are given; all append to
 * `out`, so the same execution gives the same bytes on every replica (as long as clients keep their names). */
#ifndef DAYBOOK_V2_ANSWER_H
#define DAYBOOK_V2_ANSWER_H

#include "api/export.h"
#include "api/v2_outcome.h"

/* Rows to be shown. */
struct v2_page {
    uint64_t first;
    uint32_t size;
    bool cursors; /* say where the pages before and behind begin */
};

/* How an execution ended other than with rows. */
enum v2_end_kind { V2_NOT_ENDED, V2_FAILED, V2_CANCELLED };
struct v2_end {
    enum v2_end_kind kind;
    char *reason; /* a sentence; owned */
};

/* Path of the results, without query. */
void v2_answer_uri(GString *out, const struct v2_execution *execution);
void v2_answer_accepted(GString *out, const struct v2_execution *execution);
/* queued: has not begun yet; only jobs tell. */
void v2_answer_running(GString *out, const struct v2_execution *execution, bool queued);
void v2_answer_ended(GString *out, const struct v2_execution *execution, const struct v2_end *end);
/* One page of rows. False with an error: the rows cannot be read. */
bool v2_answer_page(GString *out, const struct v2_execution *execution, const struct v2_outcome *outcome,
                    const struct registry_snapshot *registry, struct v2_page page, GError **error);

/* The columns of the rows as flat records, and around them, for EXPORT_JSON, what makes the same document as one page of all rows.
 */
size_t v2_answer_columns(const struct v2_execution *execution, struct export_column columns[EXPORT_COLUMNS_MAX]);
extern const char v2_answer_prefix[];
void v2_answer_suffix(GString *out, const struct v2_outcome *outcome);
/* "usage-query_2026-11-01_2026-11-20_by-client-template_day.csv" */
char *v2_answer_file_name(const struct v2_execution *execution, enum export_format format);

#endif
