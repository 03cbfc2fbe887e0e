#include "api/zone_param.h"

const struct tz *zone_param_take(const char *field, const char *name, struct refusal *refusal)
{
    g_autoptr(GError) error = NULL;
    const struct tz *tz = tz_shared(name, &error);
    if (tz != NULL)
        return tz;
    if (!g_error_matches(error, TZ_ERROR, TZ_ERROR_UNKNOWN)) {
        refusal_set(refusal, 500, "INTERNAL_ERROR", "%s", error->message);
        return NULL;
    }
    g_autofree const char **near = tz_near_names(name);
    g_autofree char *names = g_strjoinv("|", (char **)near);
    refusal_set_value(refusal, "INVALID_PARAMETER", "Unknown time zone", field, name,
                      names[0] != '\0' ? names : "a name of the IANA time zone database, like Europe/Berlin or UTC");
    return NULL;
}
