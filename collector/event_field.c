#include "collector/event_field.h"
#include "collector/decimal.h"
#include "collector/event_text.h"
#include "collector/log_time.h"
#include <stddef.h>

#define TIME_ALLOWED "an RFC 3339 time with its offset (2026-11-21T10:00:00.123Z), or milliseconds since 1970"

static const struct {
    const char *name;
    size_t offset; /* of the view in a raw_event; SIZE_MAX: no text */
    const char *allowed;
} fields[EVENT_N_FIELDS] = {
#define TEXT(field, member) [EVENT_##field] = {.offset = offsetof(struct raw_event, member), .allowed = "a string"}
    TEXT(ORGANIZATION, organization),
    TEXT(CLIENT, client),
    TEXT(USER, user),
    TEXT(METHOD, method),
    TEXT(ROUTE, route),
    TEXT(PATH, path),
    TEXT(PLATFORM, platform),
    TEXT(USER_AGENT, user_agent),
    TEXT(SOURCE, source),
    TEXT(ID, id),
    [EVENT_TIME] = {.offset = SIZE_MAX, .allowed = TIME_ALLOWED},
    [EVENT_STATUS] = {.offset = SIZE_MAX, .allowed = "an integer from 100 to 599"},
    [EVENT_LATENCY_MS] = {.offset = SIZE_MAX, .allowed = "a number from 0 to 86400000, a day"},
    [EVENT_REQUEST_BYTES] = {.offset = SIZE_MAX, .allowed = "an integer from 0 to 17592186044416"},
    [EVENT_RESPONSE_BYTES] = {.offset = SIZE_MAX, .allowed = "an integer from 0 to 17592186044416"},
};

static const char *const names[EVENT_N_FIELDS] = {
#define X(name, word) [EVENT_##name] = word,
    EVENT_FIELDS(X)
#undef X
};

const char *event_field_name(enum event_field field)
{
    g_assert(field < EVENT_N_FIELDS);
    return names[field];
}

/* The only field that a name of this size and first two letters can be. */
static enum event_field guess(struct view name)
{
    char first = name.size >= 2 ? name.data[0] : '\0', second = name.size >= 2 ? name.data[1] : '\0';
    switch (name.size) {
    case 2:
        return EVENT_ID;
    case 4:
        return first == 't' ? EVENT_TIME : first == 'u' ? EVENT_USER : EVENT_PATH;
    case 5:
        return EVENT_ROUTE;
    case 6:
        return first == 'c' ? EVENT_CLIENT : first == 'm' ? EVENT_METHOD : second == 't' ? EVENT_STATUS : EVENT_SOURCE;
    case 8:
        return EVENT_PLATFORM;
    case 9:
        return first == 'l' ? EVENT_LATENCY_MS : EVENT_USER_AGENT;
    case 12:
        return first == 'r' ? EVENT_REQUEST_BYTES : EVENT_ORGANIZATION;
    case 13:
        return EVENT_RESPONSE_BYTES;
    default:
        return EVENT_N_FIELDS;
    }
}

enum event_field event_field_named(struct view name)
{
    enum event_field field = guess(name);
    return field < EVENT_N_FIELDS && memcmp(name.data, names[field], name.size) == 0 ? field : EVENT_N_FIELDS;
}

static bool refuse(struct intake_refusal *refusal, enum intake_reason reason, enum event_field field, struct view value)
{
    intake_refuse(refusal, reason, names[field], value, fields[field].allowed);
    return false;
}

bool event_field_set_text(struct raw_event *raw, enum event_field field, struct view text, struct intake_refusal *refusal)
{
    if (field == EVENT_TIME) {
        raw->has_time = log_time_iso(text, &raw->time_ms);
        return raw->has_time || refuse(refusal, INTAKE_INVALID_TIME, field, text);
    }
    if (fields[field].offset == SIZE_MAX) {
        char allowed[80];
        g_snprintf(allowed, sizeof allowed, "%s, without quotes", fields[field].allowed);
        intake_refuse(refusal, INTAKE_WRONG_TYPE, names[field], text, allowed);
        return false;
    }
    memcpy((char *)raw + fields[field].offset, &text, sizeof text);
    return true;
}

static bool set_time(struct raw_event *raw, struct view token, struct intake_refusal *refusal)
{
    uint64_t value;
    if (decimal_read(token, 0, DECIMAL_DOWN, &value) != DECIMAL_OK || value > (uint64_t)INTAKE_TIME_MAX_MS)
        return refuse(refusal, INTAKE_INVALID_TIME, EVENT_TIME, token);
    raw->has_time = true;
    raw->time_ms = (int64_t)value;
    return true;
}

static bool read_number(enum event_field field, struct view token, uint64_t *value, struct intake_refusal *refusal)
{
    bool milliseconds = field == EVENT_LATENCY_MS;
    enum decimal_result result = decimal_read(token, milliseconds ? 3 : 0, milliseconds ? DECIMAL_HALF_UP : DECIMAL_EXACT, value);
    if (result == DECIMAL_OK)
        return true;
    return refuse(refusal, result == DECIMAL_FRACTION ? INTAKE_WRONG_TYPE : INTAKE_OUT_OF_RANGE, field, token);
}

bool event_field_set_number(struct raw_event *raw, enum event_field field, struct view token, struct intake_refusal *refusal)
{
    uint64_t value;
    if (field == EVENT_TIME)
        return set_time(raw, token, refusal);
    if (fields[field].offset != SIZE_MAX)
        return refuse(refusal, INTAKE_WRONG_TYPE, field, token);
    if (!read_number(field, token, &value, refusal))
        return false;
    switch (field) {
    case EVENT_STATUS:
        if (value > EVENT_STATUS_MAX)
            return refuse(refusal, INTAKE_OUT_OF_RANGE, field, token);
        raw->has_status = true;
        raw->status = (int64_t)value;
        return true;
    case EVENT_LATENCY_MS:
        raw->latency_us = value;
        return true;
    case EVENT_REQUEST_BYTES:
        raw->request_bytes = value;
        return true;
    default:
        raw->response_bytes = value;
        return true;
    }
}

bool event_field_set_other(enum event_field field, struct view token, struct intake_refusal *refusal)
{
    return refuse(refusal, INTAKE_WRONG_TYPE, field, token);
}

bool event_field_refuse_unknown(struct view name, struct intake_refusal *refusal)
{
    intake_refuse_name(refusal, INTAKE_UNKNOWN_FIELD, name,
                       "no field; allowed: time, organization, client, user, method, route, path, status, latencyMs, requestBytes, "
                       "responseBytes, platform, userAgent, source, id.");
    return false;
}
