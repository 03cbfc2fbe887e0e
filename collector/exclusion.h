/* exclusion: which events are left out on purpose: health checks, the monitoring's own client, a test source.
 *
 * A rule is a pattern for one field; an event that fits any rule is excluded. In a pattern '*' is any run of characters, '?' one
 * byte, all else itself; it must fit the whole field. User agents compare without regard to ASCII case. A rule for routes may begin
 * with a method and a blank ("GET /health*").
 *
 * Immutable once made; shared by threads. */
#ifndef DAYBOOK_EXCLUSION_H
#define DAYBOOK_EXCLUSION_H

#include "lib/event.h"
#include <glib.h>

enum {
    EXCLUSION_RULES_MAX = 1000,   /* in each list */
    EXCLUSION_PATTERN_MAX = 1024, /* bytes */
    EXCLUSION_WILDCARDS_MAX = 16, /* '*' in a pattern: bounds what a match costs */
};

/* NULL-terminated lists of patterns, or NULL. */
struct exclusion_lists {
    const char *const *clients;
    const char *const *routes;
    const char *const *user_agents;
    const char *const *sources;
};

struct exclusion;
struct exclusion *exclusion_new(const struct exclusion_lists *lists, GError **error);
void exclusion_free(struct exclusion *exclusion);
/* Of the event client, method and route are looked at. */
bool exclusion_fits(const struct exclusion *exclusion, const struct event *event, struct view user_agent, struct view source);

/* Whether the pattern fits the whole text. */
bool exclusion_pattern_fits(struct view pattern, struct view text, bool ignore_case);

#endif
