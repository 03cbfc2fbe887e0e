/* field_map: which field of a log line becomes which part of an event.
 *
 * Written as items "target=source", "target=source|source|…" (the first that is not empty or "-" is taken) and
 * "target=source:unit". Targets:
 *
 *   time (unit s*, ms, us, ns; RFC 3339 text and the common log format's time are understood with any unit)
 *   organization, client, user, platform, id, route, path, source, user_agent, method, status
 *   request (a whole request line: gives method and path where a line has none of their own)
 *   latency (unit s*, ms, us, ns), request_bytes, response_bytes
 *
 * Sources are names in the log: of nginx' variables for the combined format, of members for JSON lines (nested ones by their path,
 * "request.uri"). A map starts with the defaults of its format; an item replaces the default of its target, "target=" removes it.
 *
 * A map is immutable once made, and may be shared by threads. */
#ifndef DAYBOOK_FIELD_MAP_H
#define DAYBOOK_FIELD_MAP_H

#include "lib/view.h"
#include <glib.h>

enum log_format { LOG_FORMAT_COMBINED, LOG_FORMAT_NGINX_JSON, LOG_FORMAT_NDJSON };
/* "combined|nginx-json|ndjson": the choices of a setting. */
#define LOG_FORMATS "combined|nginx-json|ndjson"
bool log_format_parse(const char *name, enum log_format *format);
const char *log_format_name(enum log_format format);

#define FIELD_TARGETS(X)                \
    X(TIME, "time")                     \
    X(ORGANIZATION, "organization")     \
    X(CLIENT, "client")                 \
    X(USER, "user")                     \
    X(METHOD, "method")                 \
    X(ROUTE, "route")                   \
    X(PATH, "path")                     \
    X(REQUEST, "request")               \
    X(STATUS, "status")                 \
    X(LATENCY, "latency")               \
    X(REQUEST_BYTES, "request_bytes")   \
    X(RESPONSE_BYTES, "response_bytes") \
    X(PLATFORM, "platform")             \
    X(USER_AGENT, "user_agent")         \
    X(SOURCE, "source")                 \
    X(ID, "id")

enum field_target {
#define X(name, word) FIELD_##name,
    FIELD_TARGETS(X)
#undef X
        FIELD_N_TARGETS,
};
const char *field_target_name(enum field_target target);

enum {
    FIELD_MAP_SOURCES_MAX = 64, /* distinct sources of a map */
    FIELD_RULE_SOURCES_MAX = 8, /* alternatives of one target */
    FIELD_SOURCE_NAME_MAX = 128,
};

/* How one target is found. */
struct field_rule {
    size_t n_sources;
    size_t sources[FIELD_RULE_SOURCES_MAX]; /* indexes of the map's sources, in order of preference */
    int per_second;                         /* decimal exponent of the unit: 0 s, 3 ms, 6 us, 9 ns */
};

struct field_map;

/* The defaults of a format with the items (NULL-terminated, or NULL) laid over them. Errors name the item. */
struct field_map *field_map_new(enum log_format format, const char *const *items, GError **error);
void field_map_free(struct field_map *map);

size_t field_map_n_sources(const struct field_map *map);
const char *field_map_source(const struct field_map *map, size_t index);
/* Index of the source with this name, or -1. */
int field_map_find(const struct field_map *map, struct view name);
const struct field_rule *field_map_rule(const struct field_map *map, enum field_target target);

/* The whole map as one text that is the same exactly when two maps do the same; g_free. */
char *field_map_text(const struct field_map *map);

#endif
