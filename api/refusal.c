#include "api/refusal.h"

enum { VALUE_SHOWN_MAX = 200 }; /* characters of a wrong value that an answer repeats */

void refusal_clear(struct refusal *refusal)
{
    g_free(refusal->message);
    g_free(refusal->field);
    g_free(refusal->value);
    g_strfreev(refusal->allowed);
    *refusal = (struct refusal){0};
}

bool refusal_set(struct refusal *refusal, int status, const char *code, const char *format, ...)
{
    refusal_clear(refusal);
    va_list arguments;
    va_start(arguments, format);
    refusal->message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    refusal->status = status;
    refusal->code = code;
    return false;
}

static char *cut(const char *value)
{
    g_autofree char *valid = g_utf8_make_valid(value, -1);
    if (g_utf8_strlen(valid, -1) <= VALUE_SHOWN_MAX)
        return g_steal_pointer(&valid);
    g_autofree char *head = g_utf8_substring(valid, 0, VALUE_SHOWN_MAX);
    return g_strconcat(head, "…", NULL);
}

bool refusal_set_value(struct refusal *refusal, const char *code, const char *words, const char *field, const char *value,
                       const char *allowed)
{
    g_autofree char *shown = cut(value);
    g_auto(GStrv) list = g_strsplit(allowed, "|", -1);
    g_autofree char *joined = g_strjoinv(", ", list);
    refusal_set(refusal, 400, code, "%s: %s is '%s'; allowed: %s.", words, field, shown, joined);
    refusal->field = g_strdup(field);
    refusal->value = g_steal_pointer(&shown);
    refusal->allowed = g_steal_pointer(&list);
    return false;
}
