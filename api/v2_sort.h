/* v2_sort: the rows of a result in another order. Rows that are the same in all that is sorted by stay in the order they had. */
#ifndef DAYBOOK_V2_SORT_H
#define DAYBOOK_V2_SORT_H

#include "api/v2_outcome.h"

/* A new result; NULL with an error, also REPORT_ERROR_LIMIT where there are more rows than V2_SORT_ROWS_MAX. */
struct result *v2_sort(const struct v2_execution *execution, const struct result *result, const struct v2_making *making,
                       GError **error);

#endif
