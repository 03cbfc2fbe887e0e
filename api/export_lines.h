/* export_lines: text of any length on its way into a temporary file, as export.h makes them: in flat memory, packed if that is
 * wanted, with its entity tag. For tables that are not rows of a result. Owned by one thread. */
#ifndef DAYBOOK_EXPORT_LINES_H
#define DAYBOOK_EXPORT_LINES_H

#include "api/export.h"

struct export_lines;

/* NULL with an error: no file can be made in the directory. */
struct export_lines *export_lines_new(const char *directory, bool gzip, GError **error);
/* What goes wrong comes out of export_lines_finish. */
void export_lines_append(struct export_lines *lines, struct view bytes);
/* Frees it. The caller closes file->fd; false: there is no file. */
bool export_lines_finish(struct export_lines *lines, struct export_file *file, GError **error);

#endif
