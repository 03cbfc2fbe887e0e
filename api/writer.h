/* writer: JSON as it is written, straight into a GString.
 *
 * Keys come out in the order in which they are written; there is no blank. Counts are integers, exact to 64 bits. Ratios are
 * computed in integers and rounded half up to three decimals, so that anyone can check them to the last digit. Text that is not
 * UTF-8 gets U+FFFD where it is broken: the document is always valid. Inside an array the key is NULL. A writer belongs to one
 * thread; the string is borrowed. */
#ifndef DAYBOOK_WRITER_H
#define DAYBOOK_WRITER_H

#include "lib/view.h"
#include <glib.h>

struct writer {
    GString *out;
    bool comma; /* something precedes in this object or array */
};

enum { WRITER_DECIMALS = 3 };

void writer_init(struct writer *writer, GString *out);
/* bracket is '{' or '['; the matching writer_end takes '}' or ']'. */
void writer_begin(struct writer *writer, const char *key, char bracket);
void writer_end(struct writer *writer, char bracket);
void writer_count(struct writer *writer, const char *key, uint64_t value);
void writer_integer(struct writer *writer, const char *key, int64_t value);
/* An integer of which there are the digits already: one that passes 64 bits. */
void writer_digits(struct writer *writer, const char *key, struct view digits);
void writer_text(struct writer *writer, const char *key, struct view text);
void writer_bool(struct writer *writer, const char *key, bool value);
void writer_null(struct writer *writer, const char *key);
void writer_text_or_null(struct writer *writer, const char *key, const char *text); /* null for NULL */
/* scale · numerator / denominator, three decimals at most ("66.667", "50"); 0 when the denominator is 0. scale is at most 10^9. */
void writer_ratio(struct writer *writer, const char *key, uint64_t numerator, uint32_t scale, uint64_t denominator);
/* By how many percent a count has changed, rounded away from 0 at the half, with a minus if it is less; where there was nothing
 * before, 100, or 0 if there is nothing now either. */
void writer_change(struct writer *writer, const char *key, uint64_t now, uint64_t before);
/* Unix time in ms as RFC 3339: whole seconds, or with milliseconds. */
void writer_time(struct writer *writer, const char *key, int64_t time_ms);
void writer_time_ms(struct writer *writer, const char *key, int64_t time_ms);

#endif
