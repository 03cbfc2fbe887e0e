#include "cli/impossible.h"

G_DEFINE_QUARK(daybook - impossible - error, impossible_error)

bool impossible(GError **error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error_literal(error, IMPOSSIBLE_ERROR, IMPOSSIBLE_ERROR_STATE, message);
    return false;
}
