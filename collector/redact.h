/* redact: an event that was refused, as it may be shown: how it is built, without what is in it.
 *
 * Kept are punctuation, names that are words, true, false and null; of values only time, method, status, latency and sizes, and of
 * a path or route its template (route_segment.h): what follows '?' or '#' never. Everything else is "(n)", n its bytes. The text
 * may be anything: JSON (native events, CloudEvents, a line of a log in JSON), a line of an access log, garbage.
 *
 * Pure functions. Their output is printable ASCII and depends on nothing but the text. */
#ifndef DAYBOOK_REDACT_H
#define DAYBOOK_REDACT_H

#include "lib/rejections.h"

enum { REDACT_MAX = REJECTION_SAMPLE_MAX };

/* What does not fit is cut, and ends with "...". Returns the bytes written; NUL-terminated. */
size_t redact(struct view text, char out[REDACT_MAX + 1]);
/* Whether a name may be shown: a word, as words in paths are. */
bool redact_is_word(struct view name);
/* "a number", "a text", …: what kind of JSON value a refused one was. */
const char *redact_kind(struct view value);

#endif
