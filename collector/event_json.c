/* Reading is two passes: the index finds all tokens of the body at once, the cursor walks over them event by event. Nothing is
 * copied: texts point into the body, but for those with escapes, which are written to a scratch area that lasts for one event.
 *
 * A body whose index fails is looked at again: if it is not UTF-8, its wrong bytes are replaced in a copy, so that they cost only
 * the event that they stand in; lines are then indexed one by one, so that a quote too many spoils only its own. */
#include "collector/event_json.h"
#include "collector/event_field.h"
#include "collector/json_cursor.h"

enum { DELETE = 0x7f, SCRATCH_KEPT_MAX = 64 * 1024 };

struct event_json {
    struct json_index *index;
    const struct event_json_sink *sink;
    bool stopped;
    /* The event that is being read. */
    struct raw_event raw;
    struct cloudevent cloudevent;
    unsigned fields, attributes; /* those that it has had, as bits */
    bool has_data, refused;
    struct intake_refusal refusal; /* the first */
    char *scratch;                 /* texts without their escapes: as large as the body, made when it is first needed */
    size_t scratch_size, scratch_used;
    size_t begin; /* of the event in the body */
    size_t body_size;
};

struct event_json *event_json_new(void)
{
    struct event_json *reader = g_new0(struct event_json, 1);
    reader->index = json_index_new();
    return reader;
}

void event_json_free(struct event_json *reader)
{
    if (!reader)
        return;
    json_index_free(reader->index);
    g_free(reader->scratch);
    g_free(reader);
}

/* ---- refusals and texts ---- */

/* Where to put a refusal: only the first of an event is kept. */
static struct intake_refusal *refusal_of(struct event_json *reader, struct intake_refusal *ignored)
{
    return reader->refused ? ignored : &reader->refusal;
}

static void refuse(struct event_json *reader, enum intake_reason reason, const char *field, struct view value, const char *allowed)
{
    struct intake_refusal ignored;
    intake_refuse(refusal_of(reader, &ignored), reason, field, value, allowed);
    reader->refused = true;
}

/* Room for size bytes: all texts of an event together are shorter than the body. */
static char *scratch_room(struct event_json *reader, size_t size)
{
    if (reader->scratch_size < reader->body_size) {
        g_assert(reader->scratch_used == 0);
        g_free(reader->scratch);
        reader->scratch = g_malloc(reader->body_size);
        reader->scratch_size = reader->body_size;
    }
    g_assert(size <= reader->scratch_size - reader->scratch_used);
    return reader->scratch + reader->scratch_used;
}

/* The text of a string token. A lone surrogate, which is JSON but no text, refuses the event. False: no JSON. */
static bool read_text(struct event_json *reader, struct json_cursor *cursor, const char *field, struct view raw, struct view *text)
{
    size_t size = 0;
    *text = raw;
    if (!json_is_escaped(raw))
        return true;
    char *room = scratch_room(reader, raw.size);
    enum json_unescape_result result = json_unescape(raw, room, &size);
    if (result == JSON_BAD_ESCAPE)
        return json_cursor_fail(cursor, "a string before this holds a wrong escape");
    if (result == JSON_LONE_SURROGATE)
        refuse(reader, INTAKE_INVALID_TEXT, field, raw, "text, without half of a surrogate pair");
    reader->scratch_used += size;
    *text = view_make(room, size);
    return true;
}

static bool take_text(struct event_json *reader, struct json_cursor *cursor, const char *field, struct view *text)
{
    struct view raw;
    return json_cursor_string(cursor, &raw) && read_text(reader, cursor, field, raw, text);
}

static bool take_key(struct event_json *reader, struct json_cursor *cursor, struct view *key)
{
    struct view raw;
    return json_cursor_key(cursor, &raw) && read_text(reader, cursor, "a name", raw, key);
}

/* ---- members ---- */

static bool is_number_start(char c)
{
    return c == '-' || (c >= '0' && c <= '9');
}

/* Takes the value of a native field. False: no JSON. */
static bool take_field(struct event_json *reader, struct json_cursor *cursor, enum event_field field)
{
    struct intake_refusal ignored, *refusal = refusal_of(reader, &ignored);
    struct view value;
    char c = json_cursor_peek(cursor);
    bool right;
    if (c == '"') {
        if (!take_text(reader, cursor, event_field_name(field), &value))
            return false;
        right = event_field_set_text(&reader->raw, field, value, refusal_of(reader, &ignored));
    } else if (is_number_start(c)) {
        if (!json_cursor_number(cursor, &value))
            return false;
        right = event_field_set_number(&reader->raw, field, value, refusal);
    } else {
        if (!json_cursor_skip(cursor, &value))
            return false;
        right = event_field_set_other(field, value, refusal);
    }
    reader->refused |= !right;
    return true;
}

static bool take_native_member(struct event_json *reader, struct json_cursor *cursor, struct view key)
{
    struct intake_refusal ignored;
    enum event_field field = event_field_named(key);
    if (field == EVENT_N_FIELDS) {
        event_field_refuse_unknown(key, refusal_of(reader, &ignored));
        reader->refused = true;
        return json_cursor_skip(cursor, NULL);
    }
    if (reader->fields & (1u << field)) {
        refuse(reader, INTAKE_MALFORMED, "a field given twice", key, "each field once");
        return json_cursor_skip(cursor, NULL);
    }
    reader->fields |= 1u << field;
    return take_field(reader, cursor, field);
}

static bool take_native(struct event_json *reader, struct json_cursor *cursor)
{
    struct view key;
    bool more = json_cursor_enter(cursor, '{');
    while (more && take_key(reader, cursor, &key) && take_native_member(reader, cursor, key))
        more = json_cursor_next(cursor, '}');
    return cursor->error == NULL;
}

/* ---- members of a CloudEvent ---- */

static bool take_data(struct event_json *reader, struct json_cursor *cursor)
{
    struct view value;
    if (reader->has_data) {
        refuse(reader, INTAKE_MALFORMED, "a field given twice", view_of("data"), "each field once");
        return json_cursor_skip(cursor, NULL);
    }
    reader->has_data = true;
    if (json_cursor_peek(cursor) == '{')
        return take_native(reader, cursor);
    if (!json_cursor_skip(cursor, &value))
        return false;
    refuse(reader, INTAKE_WRONG_TYPE, "data", value, "an object with the fields of a native event");
    return true;
}

static bool take_attribute(struct event_json *reader, struct json_cursor *cursor, enum cloudevent_attribute attribute)
{
    struct view value;
    const char *name = cloudevent_attribute_name(attribute);
    if (reader->attributes & (1u << attribute)) {
        refuse(reader, INTAKE_MALFORMED, "an attribute given twice", view_of(name), "each attribute once");
        return json_cursor_skip(cursor, NULL);
    }
    reader->attributes |= 1u << attribute;
    if (json_cursor_peek(cursor) == '"')
        return take_text(reader, cursor, name, &reader->cloudevent.attributes[attribute]);
    if (!json_cursor_skip(cursor, &value))
        return false;
    if (!view_is(value, "null")) /* the JSON format, 3.1: the same as leaving it out */
        refuse(reader, INTAKE_WRONG_TYPE, name, value, "a string");
    return true;
}

static bool take_extension(struct event_json *reader, struct json_cursor *cursor, struct view key)
{
    struct view value;
    char c = json_cursor_peek(cursor);
    if (!json_cursor_skip(cursor, &value))
        return false;
    if (view_is(key, "data_base64"))
        refuse(reader, INTAKE_UNKNOWN_FIELD, "a field", key, "data, an object with the fields of a native event");
    else if (cloudevent_attribute_named(key) == CLOUDEVENT_NO_ATTRIBUTE)
        refuse(reader, INTAKE_UNKNOWN_FIELD, "an attribute", key,
               "names of lower-case letters and digits; native fields belong in data");
    else if (c == '{' || c == '[')
        refuse(reader, INTAKE_WRONG_TYPE, "an extension attribute", value, "a string, a number or a boolean");
    return true;
}

static bool take_cloud_member(struct event_json *reader, struct json_cursor *cursor, struct view key)
{
    if (view_is(key, "data"))
        return take_data(reader, cursor);
    enum cloudevent_attribute attribute = cloudevent_attribute_named(key);
    if (attribute < CLOUDEVENT_N_ATTRIBUTES)
        return take_attribute(reader, cursor, attribute);
    return take_extension(reader, cursor, key);
}

static bool take_cloudevent(struct event_json *reader, struct json_cursor *cursor)
{
    struct view key;
    bool more = json_cursor_enter(cursor, '{');
    while (more && take_key(reader, cursor, &key) && take_cloud_member(reader, cursor, key))
        more = json_cursor_next(cursor, '}');
    return cursor->error == NULL;
}

/* ---- events ---- */

static void begin_event(struct event_json *reader, size_t at)
{
    reader->begin = at;
    memset(&reader->raw, 0, sizeof reader->raw);
    reader->fields = reader->attributes = 0;
    reader->has_data = reader->refused = false;
    reader->scratch_used = 0;
}

static void give(struct event_json *reader, struct view text)
{
    if (!reader->sink->each(reader->sink->opaque, reader->refused ? NULL : &reader->raw, &reader->refusal, text))
        reader->stopped = true;
}

/* What the cursor has walked over since the event began. */
static struct view event_text(const struct event_json *reader, const struct json_cursor *cursor)
{
    return view_make(cursor->text + reader->begin, json_cursor_at(cursor) - reader->begin);
}

static void finish_cloudevent(struct event_json *reader, struct cloudevent *cloudevent, struct view text)
{
    if (!reader->refused && !cloudevent_apply(cloudevent, &reader->raw, &reader->refusal))
        reader->refused = true;
    give(reader, text);
}

/* Takes one value as an event and gives it out. False: no JSON, or stopped. */
static bool take_event(struct event_json *reader, struct json_cursor *cursor, enum event_json_form form)
{
    struct view value;
    bool cloud = form == EVENT_JSON_CLOUDEVENT || form == EVENT_JSON_CLOUDEVENTS;
    begin_event(reader, json_cursor_at(cursor));
    if (json_cursor_peek(cursor) != '{') {
        if (!json_cursor_skip(cursor, &value))
            return false;
        refuse(reader, INTAKE_MALFORMED, "an event", value, "an object");
        give(reader, value);
        return !reader->stopped;
    }
    if (cloud)
        memset(reader->cloudevent.attributes, 0, sizeof reader->cloudevent.attributes);
    if (cloud ? !take_cloudevent(reader, cursor) : !take_native(reader, cursor))
        return false;
    if (cloud)
        finish_cloudevent(reader, &reader->cloudevent, event_text(reader, cursor));
    else
        give(reader, event_text(reader, cursor));
    return !reader->stopped;
}

static bool take_array(struct event_json *reader, struct json_cursor *cursor, enum event_json_form form)
{
    bool more = json_cursor_enter(cursor, '[');
    while (more && take_event(reader, cursor, form))
        more = json_cursor_next(cursor, ']');
    return cursor->error == NULL && !reader->stopped;
}

static bool take_data_event(struct event_json *reader, struct json_cursor *cursor, struct cloudevent *attributes)
{
    begin_event(reader, json_cursor_at(cursor));
    if (!take_native(reader, cursor))
        return false;
    finish_cloudevent(reader, attributes, event_text(reader, cursor));
    return !reader->stopped;
}

static bool take_document(struct event_json *reader, struct json_cursor *cursor, enum event_json_form form,
                          struct cloudevent *attributes)
{
    char c = json_cursor_peek(cursor);
    if (c == '\0')
        return json_cursor_fail(cursor, "the body is empty");
    if (form == EVENT_JSON_DATA)
        return take_data_event(reader, cursor, attributes);
    bool array = form == EVENT_JSON_CLOUDEVENTS || (form == EVENT_JSON_DOCUMENT && c == '[');
    return array ? take_array(reader, cursor, form) : c == '{' && take_event(reader, cursor, form);
}

static enum event_json_result read_document(struct event_json *reader, struct view body, enum event_json_form form,
                                            struct cloudevent *attributes, struct event_json_failure *failure)
{
    struct json_cursor cursor = json_cursor_all(body, reader->index);
    bool taken = take_document(reader, &cursor, form, attributes);
    if (reader->stopped)
        return EVENT_JSON_STOPPED;
    if (taken && cursor.token < cursor.end)
        taken = json_cursor_fail(&cursor, "something follows the JSON value");
    if (taken)
        return EVENT_JSON_READ;
    json_cursor_fail(&cursor, form == EVENT_JSON_DOCUMENT ? "an object or an array was expected" : "an object was expected");
    *failure = (struct event_json_failure){cursor.error_at, cursor.error};
    return EVENT_JSON_UNREADABLE;
}

/* ---- lines ---- */

static bool is_blank(struct view line)
{
    for (size_t i = 0; i < line.size; i++) {
        if (line.data[i] != ' ' && line.data[i] != '\t' && line.data[i] != '\r')
            return false;
    }
    return true;
}

static void refuse_line(struct event_json *reader, size_t position, const char *why)
{
    reader->refused = true;
    intake_refuse_plain(&reader->refusal, INTAKE_MALFORMED, "The line is not one JSON object: %s, after %zu bytes of it.", why,
                        position);
}

/* A line that holds tokens: nothing but one object may be in it. False: stopped. */
static bool take_line(struct event_json *reader, struct json_cursor *cursor, size_t line_start)
{
    begin_event(reader, line_start);
    bool right = json_cursor_peek(cursor) == '{' ? take_native(reader, cursor) : json_cursor_fail(cursor, "'{' was expected");
    if (right && cursor->token < cursor->end)
        right = json_cursor_fail(cursor, "something follows the object");
    if (!right)
        refuse_line(reader, cursor->error_at - line_start, cursor->error);
    give(reader, view_make(cursor->text + line_start, cursor->limit - line_start));
    return !reader->stopped;
}

/* The lines of a body that is indexed as a whole. */
static void read_indexed_lines(struct event_json *reader, struct view body)
{
    struct json_cursor all = json_cursor_all(body, reader->index);
    const uint32_t *token = all.token;
    for (size_t start = 0; token < all.end;) {
        const char *newline = memchr(body.data + start, '\n', body.size - start);
        struct json_cursor line = {.text = body.data, .token = token, .limit = newline ? (size_t)(newline - body.data) : body.size};
        while (token < all.end && *token < line.limit)
            token++;
        line.end = token;
        if (line.token < line.end && !take_line(reader, &line, start))
            return;
        start = line.limit + 1;
    }
}

static bool read_one_line(struct event_json *reader, struct view line)
{
    size_t at = 0;
    if (is_blank(line))
        return true;
    if (json_index_build(reader->index, line)) {
        struct json_cursor cursor = json_cursor_all(line, reader->index);
        return take_line(reader, &cursor, 0);
    }
    begin_event(reader, 0);
    const char *why = json_explain(line, &at);
    refuse_line(reader, at, why);
    give(reader, line);
    return !reader->stopped;
}

static void read_lines_apart(struct event_json *reader, struct view body)
{
    bool more = true;
    for (size_t start = 0; more && start < body.size;) {
        const char *newline = memchr(body.data + start, '\n', body.size - start);
        size_t end = newline ? (size_t)(newline - body.data) : body.size;
        more = read_one_line(reader, view_make(body.data + start, end - start));
        start = end + 1;
    }
}

/* ---- bodies ---- */

/* A copy in which every byte that is not part of valid UTF-8 is a DEL; NULL if there is none. g_free. */
static char *repair(struct view body)
{
    const char *end;
    char *copy = NULL;
    if (g_utf8_validate_len(body.data, body.size, &end))
        return NULL;
    copy = g_memdup2(body.data, body.size);
    for (size_t at = (size_t)(end - body.data); at < body.size;) {
        copy[at++] = DELETE;
        if (g_utf8_validate_len(copy + at, body.size - at, &end))
            break;
        at = (size_t)(end - copy);
    }
    return copy;
}

static enum event_json_result read_body(struct event_json *reader, struct view body, enum event_json_form form,
                                        struct cloudevent *attributes, struct event_json_failure *failure)
{
    g_autofree char *repaired = NULL;
    bool indexed = json_index_build(reader->index, body);
    if (!indexed) {
        repaired = repair(body);
        body = repaired ? view_make(repaired, body.size) : body;
        indexed = repaired && json_index_build(reader->index, body);
    }
    if (form == EVENT_JSON_LINES) {
        if (indexed)
            read_indexed_lines(reader, body);
        else
            read_lines_apart(reader, body);
        return reader->stopped ? EVENT_JSON_STOPPED : EVENT_JSON_READ;
    }
    if (indexed)
        return read_document(reader, body, form, attributes, failure);
    failure->why = json_explain(body, &failure->position);
    return EVENT_JSON_UNREADABLE;
}

enum event_json_result event_json_read(struct event_json *reader, struct view body, enum event_json_form form,
                                       struct cloudevent *attributes, const struct event_json_sink *sink,
                                       struct event_json_failure *failure)
{
    g_assert((form == EVENT_JSON_DATA) == (attributes != NULL));
    reader->sink = sink;
    reader->stopped = false;
    reader->body_size = body.size;
    reader->scratch_used = 0;
    enum event_json_result result = read_body(reader, body, form, attributes, failure);
    json_index_trim(reader->index);
    if (reader->scratch_size > SCRATCH_KEPT_MAX) {
        g_clear_pointer(&reader->scratch, g_free);
        reader->scratch_size = 0;
    }
    return result;
}
