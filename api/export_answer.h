/* export_answer: sends an export: by ranges, with its entity tag, under a name that says what is in it. */
#ifndef DAYBOOK_EXPORT_ANSWER_H
#define DAYBOOK_EXPORT_ANSWER_H

#include "api/export.h"
#include "lib/http.h"

/* Whether to render the gzip form for a request: it accepts gzip and does not ask for a range, which only the plain form has. */
bool export_wants_gzip(const struct http_request *request, enum export_format format);
/* Takes the descriptor and answers. file_name: NULL for what is shown rather than kept. */
void export_answer(struct http_request *request, struct metrics *metrics, const struct export_file *file, enum export_format format,
                   const char *file_name);

#endif
