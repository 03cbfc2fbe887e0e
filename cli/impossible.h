/* impossible: the error of a command that cannot do its work as things are: a sentence that says why. */
#ifndef DAYBOOK_CLI_IMPOSSIBLE_H
#define DAYBOOK_CLI_IMPOSSIBLE_H

#include <glib.h>
#include <stdbool.h>

#define IMPOSSIBLE_ERROR impossible_error_quark()
GQuark impossible_error_quark(void);
enum impossible_error { IMPOSSIBLE_ERROR_STATE };

/* Always returns false, so that a check can end with it. */
bool impossible(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

#endif
