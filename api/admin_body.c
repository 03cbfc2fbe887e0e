#include "api/admin_body.h"

#include "api/registry_text.h"
#include <jansson.h>

#define A_NAME "text of 1 to 256 bytes without control characters"
#define A_TEXT "text of at most 256 bytes without control characters"
#define A_TIME "a time to come as RFC 3339, like 2027-01-31T00:00:00Z|null"
#define TIERS "free|starter|professional|enterprise"
#define PERMISSIONS "admin|oauth:client:view|usage:organization:view|usage:client:view|usage:simpleSearch:view"

enum kind {
    A_FULL_NAME,     /* not empty */
    AN_ORGANIZATION, /* a name, or null; "" is where events name none */
    A_LOOSE_NAME,    /* may be empty */
    A_TIER,
    SOME_PERMISSIONS,
    AN_INSTANT,
};

static const struct row {
    const char *name;
    enum kind kind;
} rows[ADMIN_FIELD_N] = {
    [ADMIN_KEY_ID] = {"keyId", A_FULL_NAME},
    [ADMIN_NAME] = {"name", A_LOOSE_NAME},
    [ADMIN_ORGANIZATION] = {"organization", AN_ORGANIZATION},
    [ADMIN_CLIENT] = {"client", A_FULL_NAME},
    [ADMIN_TIER] = {"tier", A_TIER},
    [ADMIN_PERMISSIONS] = {"permissions", SOME_PERMISSIONS},
    [ADMIN_EXPIRES_AT] = {"expiresAt", AN_INSTANT},
};

static enum admin_field field_named(const char *name, uint32_t fields)
{
    for (int i = 0; i < ADMIN_FIELD_N; i++)
        if ((fields & (1U << i)) != 0 && strcmp(rows[i].name, name) == 0)
            return (enum admin_field)i;
    return ADMIN_FIELD_N;
}

const char *admin_field_name(enum admin_field field)
{
    return rows[field].name;
}

static char *field_names(uint32_t fields)
{
    GString *names = g_string_new(NULL);
    for (int i = 0; i < ADMIN_FIELD_N; i++)
        if (fields & (1U << i))
            g_string_append_printf(names, "%s%s", names->len > 0 ? "|" : "", rows[i].name);
    return g_string_free(names, FALSE);
}

void admin_body_clear(struct admin_body *body)
{
    for (size_t i = 0; i < ADMIN_FIELD_N; i++)
        g_free(body->texts[i]);
    *body = (struct admin_body){0};
}

bool admin_body_has(const struct admin_body *body, enum admin_field field)
{
    return (body->given & (1U << field)) != 0;
}

const char *admin_body_text(const struct admin_body *body, enum admin_field field, const char *fallback)
{
    return body->texts[field] != NULL ? body->texts[field] : fallback;
}

/* ---- values ---- */

static bool refuse(enum admin_field field, const char *value, const char *allowed, struct refusal *refusal)
{
    return refusal_set_value(refusal, "INVALID_VALUE", "Invalid value", rows[field].name, value, allowed);
}

static bool take_name(struct admin_body *body, enum admin_field field, const char *text, struct refusal *refusal)
{
    enum kind kind = rows[field].kind;
    bool may_be_empty = kind == A_LOOSE_NAME || kind == AN_ORGANIZATION;
    if (!registry_name_is_valid(view_of(text)) || (text[0] == '\0' && !may_be_empty))
        return refuse(field, text, may_be_empty ? A_TEXT : A_NAME, refusal);
    g_free(body->texts[field]);
    body->texts[field] = g_strdup(text);
    return true;
}

static bool take_text(struct admin_body *body, enum admin_field field, const char *text, struct refusal *refusal)
{
    if (rows[field].kind == A_TIER) {
        if (!caller_tier_parse(text, &body->tier))
            return refuse(field, text, TIERS, refusal);
    } else if (!take_name(body, field, text, refusal)) {
        return false;
    }
    body->given |= 1U << field;
    return true;
}

/* ---- values of JSON ---- */

bool admin_body_refuse(const char *field, const json_t *value, const char *allowed, struct refusal *refusal)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    const char *shown = json_is_string(value) ? json_string_value(value) : text != NULL ? text : "";
    refusal_set_value(refusal, "INVALID_VALUE", "Invalid value", field, shown, allowed);
    free(text);
    return false;
}

bool admin_body_refuse_unknown(const char *name, const char *allowed, struct refusal *refusal)
{
    g_autofree char *start = g_strndup(name, 64), *shown = g_utf8_make_valid(start, -1);
    return refusal_set_value(refusal, "UNKNOWN_PARAMETER", "Unknown field", shown, shown, allowed);
}

static bool refuse_json(enum admin_field field, const json_t *value, const char *allowed, struct refusal *refusal)
{
    return admin_body_refuse(rows[field].name, value, allowed, refusal);
}

static const char *allowed_of(enum kind kind)
{
    switch (kind) {
    case A_FULL_NAME:
        return A_NAME;
    case AN_ORGANIZATION:
        return A_TEXT "|null";
    case A_LOOSE_NAME:
        return A_TEXT;
    case A_TIER:
        return TIERS;
    case SOME_PERMISSIONS:
        return PERMISSIONS;
    case AN_INSTANT:
        break;
    }
    return A_TIME;
}

static bool take_permissions(struct admin_body *body, const json_t *list, struct refusal *refusal)
{
    const json_t *item;
    size_t i;
    if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > PERMISSION_N)
        return refuse_json(ADMIN_PERMISSIONS, list, "a list of some of|" PERMISSIONS, refusal);
    json_array_foreach(list, i, item)
    {
        uint32_t permission;
        if (!json_is_string(item) || !caller_permission_parse(json_string_value(item), &permission))
            return refuse_json(ADMIN_PERMISSIONS, item, PERMISSIONS, refusal);
        body->permissions |= permission;
    }
    return true;
}

static bool take_time(struct admin_body *body, const json_t *value, int64_t now_ms, struct refusal *refusal)
{
    GTimeZone *utc = g_time_zone_new_utc();
    GDateTime *time = json_is_string(value) ? g_date_time_new_from_iso8601(json_string_value(value), utc) : NULL;
    body->expires_ms = time != NULL ? g_date_time_to_unix(time) * 1000 + g_date_time_get_microsecond(time) / 1000 : 0;
    if (time != NULL)
        g_date_time_unref(time);
    g_time_zone_unref(utc);
    return body->expires_ms > now_ms || refuse_json(ADMIN_EXPIRES_AT, value, A_TIME, refusal);
}

static bool take_json(struct admin_body *body, enum admin_field field, const json_t *value, int64_t now_ms, struct refusal *refusal)
{
    enum kind kind = rows[field].kind;
    if (json_is_null(value)) {
        body->all_organizations |= kind == AN_ORGANIZATION;
        return true;
    }
    if (kind == SOME_PERMISSIONS || kind == AN_INSTANT) {
        body->given |= 1U << field;
        return kind == AN_INSTANT ? take_time(body, value, now_ms, refusal) : take_permissions(body, value, refusal);
    }
    if (!json_is_string(value))
        return refuse_json(field, value, allowed_of(kind), refusal);
    return take_text(body, field, json_string_value(value), refusal);
}

static bool take_object(struct admin_body *body, uint32_t fields, json_t *object, int64_t now_ms, struct refusal *refusal)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        enum admin_field field = field_named(name, fields);
        if (field == ADMIN_FIELD_N) {
            g_autofree char *allowed = field_names(fields);
            return admin_body_refuse_unknown(name, allowed, refusal);
        }
        if (!take_json(body, field, value, now_ms, refusal))
            return false;
    }
    return true;
}

json_t *admin_body_object(struct view json, struct refusal *refusal)
{
    json_error_t why = {0};
    json_t *object = json_loadb(json.data != NULL ? json.data : "", json.size, JSON_REJECT_DUPLICATES, &why);
    if (json_is_object(object))
        return object;
    if (object == NULL)
        refusal_set(refusal, 400, "BAD_REQUEST", "The body is not JSON: %s (line %d, column %d).", why.text, why.line, why.column);
    else
        refusal_set(refusal, 400, "BAD_REQUEST", "The body must be an object of JSON.");
    json_decref(object);
    return NULL;
}

bool admin_body_parse(struct admin_body *body, uint32_t fields, struct view json, int64_t now_ms, struct refusal *refusal)
{
    json_t *object = admin_body_object(json, refusal);
    *body = (struct admin_body){0};
    bool ok = object != NULL && take_object(body, fields, object, now_ms, refusal);
    json_decref(object);
    if (!ok)
        admin_body_clear(body);
    return ok;
}

/* ---- the type of a body ---- */

bool admin_check_type(const struct http_request *request, const char *type, struct refusal *refusal)
{
    const char *given = http_request_header(request, "Content-Type");
    if (given == NULL || given[0] == '\0')
        return true;
    g_autofree char *name = g_strndup(given, strcspn(given, ";"));
    if (g_ascii_strcasecmp(g_strstrip(name), type) == 0)
        return true;
    g_autofree char *shown = g_utf8_make_valid(name, -1);
    return refusal_set(refusal, 415, "UNSUPPORTED_MEDIA_TYPE", "The body must be %s, not '%.64s'.", type, shown);
}
