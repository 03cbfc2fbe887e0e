/* v2_params: what may stand in the query of the usage API's GETs: pages of results, and the days of a summary. Pure functions.
 *
 * A cursor is opaque to clients: the number of a row, and a digest of it and of the execution's id, so that one that was damaged,
 * or belongs to another query, is refused rather than answered with other rows. It gives no right to anything. */
#ifndef DAYBOOK_V2_PARAMS_H
#define DAYBOOK_V2_PARAMS_H

#include "api/params.h"
#include <stdbool.h>

enum { V2_PAGE_MAX = 1000, V2_PAGE_DEFAULT = 100, V2_SUMMARY_DAYS_MAX = 365, V2_SUMMARY_DAYS_DEFAULT = 7 };

enum v2_params_kind { V2_PARAMS_NONE, V2_PARAMS_PAGE, V2_PARAMS_SUMMARY };

struct v2_params {
    uint64_t first; /* row */
    uint32_t page_size, days;
};

/* id: of the execution, for V2_PARAMS_PAGE. False: refused. */
bool v2_params_parse(struct v2_params *params, enum v2_params_kind kind, const char *id, const struct usage_param *given,
                     size_t n_given, struct refusal *refusal);

/* The cursor of the page that begins with a row; the caller frees it. */
char *v2_cursor_write(const char *id, uint64_t row);
/* False: not a cursor of this execution. */
bool v2_cursor_read(const char *id, const char *text, uint64_t *row);

#endif
