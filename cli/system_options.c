/* system_options: see system_options.h. */
#include "cli/system_options.h"

/* What was given wins. */
static bool fill(char **option, const struct place *place, const char *name, GError **error)
{
    if (*option)
        return true;
    const char *value = error ? place_need(place, name, error) : place_get(place, name);
    *option = g_strdup(value);
    return value || !error;
}

bool system_options_load(struct system_options *options, enum system_need need, GError **error)
{
    struct place *place = place_load(options->dir, error);

    if (!place)
        return false;
    bool ok = true;
    if (need == SYSTEM_NEEDS_REDIS_AND_KAFKA)
        ok = fill(&options->brokers, place, "KAFKA_BROKERS", error) && fill(&options->topic, place, "TOPIC", error);
    ok = ok && fill(&options->redis, place, "REDIS_URL", error) && fill(&options->archive, place, "ARCHIVE_DIR", NULL);
    place_free(place);
    return ok;
}

void system_options_clear(struct system_options *options)
{
    g_free(options->dir);
    g_free(options->brokers);
    g_free(options->topic);
    g_free(options->redis);
    g_free(options->archive);
    g_strfreev(options->properties);
}
