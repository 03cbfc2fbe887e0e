#include "collector/cloudevents.h"
#include "collector/event_text.h"
#include "collector/log_time.h"

enum { EXTENSION_NAME_MAX = 64 };

static const char *const names[CLOUDEVENT_N_ATTRIBUTES] = {
    [CLOUDEVENT_SPECVERSION] = "specversion",
    [CLOUDEVENT_ID] = "id",
    [CLOUDEVENT_SOURCE] = "source",
    [CLOUDEVENT_TYPE] = "type",
    [CLOUDEVENT_SUBJECT] = "subject",
    [CLOUDEVENT_TIME] = "time",
    [CLOUDEVENT_DATACONTENTTYPE] = "datacontenttype",
    [CLOUDEVENT_DATASCHEMA] = "dataschema",
};

const char *cloudevent_attribute_name(enum cloudevent_attribute attribute)
{
    g_assert(attribute < CLOUDEVENT_N_ATTRIBUTES);
    return names[attribute];
}

enum cloudevent_attribute cloudevent_attribute_named(struct view name)
{
    for (int i = 0; i < CLOUDEVENT_N_ATTRIBUTES; i++) {
        if (view_is(name, names[i]))
            return (enum cloudevent_attribute)i;
    }
    for (size_t i = 0; i < name.size; i++) {
        if (!g_ascii_islower(name.data[i]) && !g_ascii_isdigit(name.data[i]))
            return CLOUDEVENT_NO_ATTRIBUTE;
    }
    return name.size > 0 && name.size <= EXTENSION_NAME_MAX ? CLOUDEVENT_EXTENSION : CLOUDEVENT_NO_ATTRIBUTE;
}

size_t cloudevent_compose_id(struct view source, struct view id, char out[EVENT_NAME_MAX])
{
    enum { DIGEST_TEXT_SIZE = 64 };
    if (source.size + 1 + id.size <= EVENT_NAME_MAX && !memchr(source.data, ' ', source.size)) {
        memcpy(out, source.data, source.size);
        out[source.size] = ' ';
        memcpy(out + source.size + 1, id.data, id.size);
        return source.size + 1 + id.size;
    }
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(checksum, (const guchar *)source.data, (gssize)source.size);
    g_checksum_update(checksum, (const guchar *)"\x1f", 1);
    g_checksum_update(checksum, (const guchar *)id.data, (gssize)id.size);
    memcpy(out, g_checksum_get_string(checksum), DIGEST_TEXT_SIZE);
    return DIGEST_TEXT_SIZE;
}

static bool check_needed(const struct cloudevent *cloudevent, struct intake_refusal *refusal)
{
    static const enum cloudevent_attribute needed[] = {CLOUDEVENT_SPECVERSION, CLOUDEVENT_ID, CLOUDEVENT_SOURCE, CLOUDEVENT_TYPE};
    for (size_t i = 0; i < G_N_ELEMENTS(needed); i++) {
        struct view value = cloudevent->attributes[needed[i]];
        if (value.size == 0) {
            intake_refuse(refusal, INTAKE_MISSING_FIELD, names[needed[i]], value,
                          "specversion, id, source and type of a CloudEvent");
            return false;
        }
        if (!event_text_is_clean(value)) {
            intake_refuse(refusal, INTAKE_INVALID_TEXT, names[needed[i]], value, "UTF-8 without control characters");
            return false;
        }
    }
    if (view_is(cloudevent->attributes[CLOUDEVENT_SPECVERSION], "1.0"))
        return true;
    intake_refuse(refusal, INTAKE_OUT_OF_RANGE, "specversion", cloudevent->attributes[CLOUDEVENT_SPECVERSION], "1.0");
    return false;
}

/* "application/json", "application/vnd.x+json; charset=utf-8". */
static bool is_json(struct view type)
{
    const char *semicolon = memchr(type.data, ';', type.size);
    if (semicolon)
        type.size = (size_t)(semicolon - type.data);
    while (type.size > 0 && type.data[type.size - 1] == ' ')
        type.size--;
    return type.size >= 5 && (g_ascii_strncasecmp(type.data + type.size - 5, "/json", 5) == 0 ||
                              g_ascii_strncasecmp(type.data + type.size - 5, "+json", 5) == 0);
}

bool cloudevent_apply(struct cloudevent *cloudevent, struct raw_event *raw, struct intake_refusal *refusal)
{
    const struct view *attributes = cloudevent->attributes;
    struct view type = attributes[CLOUDEVENT_DATACONTENTTYPE], time = attributes[CLOUDEVENT_TIME];
    int64_t time_ms = 0;
    if (!check_needed(cloudevent, refusal))
        return false;
    if (type.size > 0 && !is_json(type)) {
        intake_refuse(refusal, INTAKE_WRONG_TYPE, names[CLOUDEVENT_DATACONTENTTYPE], type, "application/json");
        return false;
    }
    if (time.size > 0 && !log_time_iso(time, &time_ms)) {
        intake_refuse(refusal, INTAKE_INVALID_TIME, "time", time, "an RFC 3339 time with its offset (2026-11-21T10:00:00.123Z)");
        return false;
    }
    if (time.size > 0 && !raw->has_time) {
        raw->has_time = true;
        raw->time_ms = time_ms;
    }
    if (attributes[CLOUDEVENT_SUBJECT].size > 0)
        raw->client = attributes[CLOUDEVENT_SUBJECT];
    if (raw->source.size == 0)
        raw->source = attributes[CLOUDEVENT_SOURCE];
    size_t size = cloudevent_compose_id(attributes[CLOUDEVENT_SOURCE], attributes[CLOUDEVENT_ID], cloudevent->id);
    raw->id = view_make(cloudevent->id, size);
    return true;
}

void cloudevent_decode_header(char *value)
{
    char *to = value;
    for (const char *c = value; *c; c++) {
        int high = c[0] == '%' ? g_ascii_xdigit_value(c[1]) : -1;
        int low = high >= 0 ? g_ascii_xdigit_value(c[2]) : -1;
        if (low < 0 || high * 16 + low == 0) {
            *to++ = *c;
            continue;
        }
        *to++ = (char)(high * 16 + low);
        c += 2;
    }
    *to = '\0';
}
