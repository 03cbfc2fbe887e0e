/* number: decimal integers to and from text, checked, without locale. */
#ifndef DAYBOOK_NUMBER_H
#define DAYBOOK_NUMBER_H

#include "lib/view.h"

enum { NUMBER_MAX = 21 }; /* characters of the longest one, with its sign; not NUL-terminated */

/* Writes value and returns the length. */
size_t number_write(char *out, uint64_t value);
size_t number_write_signed(char *out, int64_t value);
/* The whole view must be digits (a '-' first for the signed one) and fit; else false. */
bool number_read(struct view text, uint64_t *value);
bool number_read_signed(struct view text, int64_t *value);
/* Just n of them, one blank between two. */
bool number_read_list(struct view text, uint64_t *values, size_t n);
/* Reads digits at *cursor (before end) and moves it behind them; false when there is none or they do not fit. */
bool number_scan(const char **cursor, const char *end, uint64_t *value);

#endif
