/* csv: reads comma-separated values as RFC 4180 says: fields in quotes may hold commas, line ends and doubled quotes; lines end
 * with CRLF or LF; a byte order mark at the beginning is passed over. One thread. */
#ifndef DAYBOOK_CSV_H
#define DAYBOOK_CSV_H

#include "lib/view.h"
#include <glib.h>

#define CSV_ERROR csv_error_quark()
GQuark csv_error_quark(void);
enum csv_error { CSV_ERROR_SYNTAX, CSV_ERROR_CONTENT };

enum { CSV_FIELDS_MAX = 4096 };

struct csv;

/* text is borrowed. */
struct csv *csv_new(struct view text);
void csv_free(struct csv *csv);
/* The next record; empty lines are passed over. False: an error, or the end (then error is not set). */
bool csv_next(struct csv *csv, GError **error);
/* ---- of the record at hand ---- */
guint csv_count(const struct csv *csv);
/* NUL-terminated; borrowed until the next record. */
const char *csv_field(const struct csv *csv, guint index);
/* The line on which it begins, from 1 on. */
uint64_t csv_line(const struct csv *csv);

/* ---- writing ---- */

/* Appends a field, in quotes if need be. A text that a spreadsheet would take for a formula gets an apostrophe before it. */
void csv_append(GString *out, const char *text);

#endif
