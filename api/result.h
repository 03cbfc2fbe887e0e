/* result: the rows of a question, made once, read by many.
 *
 * They lie in a temporary file without a name, so that a result of ten million rows takes no memory and goes with the process. It
 * is written by one thread, then finished; a finished result never changes and any number of threads may read it, each with its own
 * cursor. Counted references. A result that could not be finished is never handed out: there are no partial ones. */
#ifndef DAYBOOK_RESULT_H
#define DAYBOOK_RESULT_H

#include "api/report.h"

struct result;

/* directory: where the file is made (a file system with room); size_max: bytes that it may take. */
struct result *result_new(const char *directory, uint64_t size_max, GError **error);
struct result *result_ref(struct result *result);
void result_unref(struct result *result);
/* A report_sink's row, errors are sticky and come out of result_finish; false: stop. */
bool result_add(const struct report_row *row, void *opaque);
bool result_finish(struct result *result, GError **error);

uint64_t result_rows(const struct result *result);
uint64_t result_bytes(const struct result *result);
/* Sum of all rows: wanted by those who check, and for totals. */
const struct report_counts *result_totals(const struct result *result);

struct result_cursor;
/* From row number `first` on; costs no more than reading a thousand rows. */
struct result_cursor *result_cursor_new(const struct result *result, uint64_t first);
void result_cursor_free(struct result_cursor *cursor);
/* False: no more, or the file cannot be read (*error set). The row's names are borrowed until the next call. */
bool result_cursor_next(struct result_cursor *cursor, struct report_row *row, GError **error);

#endif
