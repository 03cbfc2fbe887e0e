#include "collector/field_map.h"
#include "collector/access_log.h"

struct field_map {
    enum log_format format;
    struct field_rule rules[FIELD_N_TARGETS];
    size_t n_sources;
    struct view sources[FIELD_MAP_SOURCES_MAX]; /* owned, NUL-terminated */
};

static const char *const format_names[] = {
    [LOG_FORMAT_COMBINED] = "combined",
    [LOG_FORMAT_NGINX_JSON] = "nginx-json",
    [LOG_FORMAT_NDJSON] = "ndjson",
};

static const char *const target_names[FIELD_N_TARGETS] = {
#define X(name, word) word,
    FIELD_TARGETS(X)
#undef X
};

/* The same for Apache and nginx. Whoever signs in is the user and, where the client is not known otherwise, the client. */
static const char *const combined_defaults[] = {
    "time=time_local",
    "request=request",
    "status=status",
    "response_bytes=body_bytes_sent",
    "client=remote_user",
    "user=remote_user",
    "source=remote_addr",
    "user_agent=http_user_agent",
    NULL,
};

/* docs/FOLLOWING.md has the log_format that goes with it. */
static const char *const nginx_json_defaults[] = {
    "time=time:s",
    "method=method",
    "path=uri",
    "status=status",
    "latency=request_time:s",
    "request_bytes=request_length",
    "response_bytes=bytes_sent",
    "client=client|remote_user",
    "user=user|remote_user",
    "organization=organization",
    "platform=platform",
    "route=route",
    "source=remote_addr",
    "user_agent=http_user_agent",
    NULL,
};

/* The native event of POST /v1/events. */
static const char *const ndjson_defaults[] = {
    "time=time:ms",
    "organization=organization",
    "client=client",
    "user=user",
    "method=method",
    "route=route",
    "path=path",
    "status=status",
    "latency=latencyMs:ms",
    "id=id",
    "request_bytes=requestBytes",
    "response_bytes=responseBytes",
    "platform=platform",
    "user_agent=userAgent",
    "source=source",
    NULL,
};

static const char *const *const format_defaults[] = {
    [LOG_FORMAT_COMBINED] = combined_defaults,
    [LOG_FORMAT_NGINX_JSON] = nginx_json_defaults,
    [LOG_FORMAT_NDJSON] = ndjson_defaults,
};

bool log_format_parse(const char *name, enum log_format *format)
{
    for (size_t i = 0; i < G_N_ELEMENTS(format_names); i++) {
        if (g_ascii_strcasecmp(name, format_names[i]) == 0) {
            *format = (enum log_format)i;
            return true;
        }
    }
    return false;
}

const char *log_format_name(enum log_format format)
{
    return format_names[format];
}

const char *field_target_name(enum field_target target)
{
    g_assert(target < FIELD_N_TARGETS);
    return target_names[target];
}

static bool fail(GError **error, const char *item, const char *why)
{
    g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE, "The field map's item \"%s\" %s", item, why);
    return false;
}

static bool has_unit(enum field_target target)
{
    return target == FIELD_TIME || target == FIELD_LATENCY;
}

/* Cuts ":unit" off the sources of a target that has one. */
static bool cut_unit(char *sources, int *per_second)
{
    static const char *const units[] = {"s", "ms", "us", "ns"};
    char *colon = strrchr(sources, ':');
    *per_second = 0;
    if (colon == NULL)
        return true;
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
        if (strcmp(colon + 1, units[i]) == 0) {
            *per_second = (int)i * 3;
            *colon = '\0';
            return true;
        }
    }
    return false;
}

static bool known_source(enum log_format format, const char *name)
{
    if (format != LOG_FORMAT_COMBINED)
        return true;
    for (int i = 0; i < ACCESS_N_FIELDS; i++) {
        if (strcmp(name, access_field_name((enum access_field)i)) == 0)
            return true;
    }
    return false;
}

/* Index of a source, entered when it is new; -1 when the map is full. */
static int enter_source(struct field_map *map, const char *name)
{
    int index = field_map_find(map, view_of(name));
    if (index >= 0 || map->n_sources == FIELD_MAP_SOURCES_MAX)
        return index;
    map->sources[map->n_sources] = view_of(g_strdup(name));
    return (int)map->n_sources++;
}

static bool add_source(struct field_map *map, struct field_rule *rule, const char *item, const char *name, GError **error)
{
    if (*name == '\0' || strlen(name) > FIELD_SOURCE_NAME_MAX)
        return fail(error, item, "has a source that is empty or longer than 128 bytes.");
    if (!known_source(map->format, name))
        return fail(error, item,
                    "names a source that combined lines do not have: remote_addr, remote_user, time_local, request, status, "
                    "body_bytes_sent, http_referer, http_user_agent, extra1 to extra8.");
    int index = rule->n_sources < FIELD_RULE_SOURCES_MAX ? enter_source(map, name) : -1;
    if (index < 0)
        return fail(error, item, "has more than 8 sources, or the map more than 64.");
    rule->sources[rule->n_sources++] = (size_t)index;
    return true;
}

static bool find_target(const char *name, enum field_target *target)
{
    for (int i = 0; i < FIELD_N_TARGETS; i++) {
        if (g_ascii_strcasecmp(name, target_names[i]) == 0) {
            *target = (enum field_target)i;
            return true;
        }
    }
    return false;
}

/* Reads one item into a rule. */
static bool read_item(struct field_map *map, const char *item, enum field_target *target, struct field_rule *rule, GError **error)
{
    g_auto(GStrv) sides = g_strsplit(item, "=", 2);
    if (sides[0] == NULL || sides[1] == NULL)
        return fail(error, item, "is not of the form target=source.");
    if (!find_target(g_strstrip(sides[0]), target))
        return fail(error, item,
                    "has an unknown target. Targets are time, organization, client, user, method, route, path, request, status, "
                    "latency, request_bytes, response_bytes, platform, user_agent, source and id.");
    *rule = (struct field_rule){0};
    if (*g_strstrip(sides[1]) == '\0')
        return true;
    if (has_unit(*target) && !cut_unit(sides[1], &rule->per_second))
        return fail(error, item, "has an unknown unit. Units are s, ms, us and ns.");
    g_auto(GStrv) names = g_strsplit(sides[1], "|", 0);
    for (char **name = names; *name; name++) {
        if (!add_source(map, rule, item, g_strstrip(*name), error))
            return false;
    }
    return true;
}

static bool read_items(struct field_map *map, const char *const *items, GError **error)
{
    for (; items && *items; items++) {
        enum field_target target = 0;
        struct field_rule rule;
        if (!read_item(map, *items, &target, &rule, error))
            return false;
        map->rules[target] = rule;
    }
    return true;
}

struct field_map *field_map_new(enum log_format format, const char *const *items, GError **error)
{
    struct field_map *map = g_new0(struct field_map, 1);
    map->format = format;
    if (!read_items(map, format_defaults[format], NULL))
        g_assert_not_reached();
    if (read_items(map, items, error))
        return map;
    field_map_free(map);
    return NULL;
}

void field_map_free(struct field_map *map)
{
    if (map == NULL)
        return;
    for (size_t i = 0; i < map->n_sources; i++)
        g_free((char *)map->sources[i].data);
    g_free(map);
}

size_t field_map_n_sources(const struct field_map *map)
{
    return map->n_sources;
}

const char *field_map_source(const struct field_map *map, size_t index)
{
    g_assert(index < map->n_sources);
    return map->sources[index].data;
}

int field_map_find(const struct field_map *map, struct view name)
{
    for (size_t i = 0; i < map->n_sources; i++) {
        if (view_equal(map->sources[i], name))
            return (int)i;
    }
    return -1;
}

const struct field_rule *field_map_rule(const struct field_map *map, enum field_target target)
{
    g_assert(target < FIELD_N_TARGETS);
    return &map->rules[target];
}

char *field_map_text(const struct field_map *map)
{
    GString *text = g_string_new(log_format_name(map->format));
    for (int i = 0; i < FIELD_N_TARGETS; i++) {
        const struct field_rule *rule = &map->rules[i];
        g_string_append_printf(text, "\n%s:%d", target_names[i], rule->per_second);
        for (size_t s = 0; s < rule->n_sources; s++)
            g_string_append_printf(text, "|%s", map->sources[rule->sources[s]].data);
    }
    return g_string_free(text, FALSE);
}
