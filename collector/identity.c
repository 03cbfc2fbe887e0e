#include "collector/identity.h"
#include <stddef.h>

enum { FIELDS_MAX = 8 };

static const struct field {
    const char *name;
    size_t offset;
} known[] = {
    {"client", offsetof(struct raw_event, client)},         {"user", offsetof(struct raw_event, user)},
    {"source", offsetof(struct raw_event, source)},         {"organization", offsetof(struct raw_event, organization)},
    {"user_agent", offsetof(struct raw_event, user_agent)},
};

struct identity {
    size_t offsets[FIELDS_MAX]; /* of views in a raw_event, in order of preference */
    size_t n;
};

static bool add_field(struct identity *identity, const char *name, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        if (g_ascii_strcasecmp(name, known[i].name) == 0 && identity->n < FIELDS_MAX) {
            identity->offsets[identity->n++] = known[i].offset;
            return true;
        }
    }
    g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE,
                "client.fields: '%s' is not allowed; up to %d of client, user, source, organization and user_agent are.", name,
                FIELDS_MAX);
    return false;
}

struct identity *identity_new(const char *const *fields, GError **error)
{
    static const char *const default_fields[] = {"client", NULL};
    struct identity *identity = g_new0(struct identity, 1);
    if (!fields || !fields[0])
        fields = default_fields;
    for (; *fields; fields++) {
        if (!add_field(identity, *fields, error)) {
            identity_free(identity);
            return NULL;
        }
    }
    return identity;
}

void identity_free(struct identity *identity)
{
    g_free(identity);
}

struct view identity_pick(const struct identity *identity, const struct raw_event *raw)
{
    for (size_t i = 0; i < identity->n; i++) {
        struct view name;
        memcpy(&name, (const char *)raw + identity->offsets[i], sizeof name);
        bool unknown = name.size == 0 || (name.size == 1 && name.data[0] == '-');
        if (!unknown && name.size <= EVENT_NAME_MAX)
            return name;
    }
    return view_of(IDENTITY_UNKNOWN);
}
