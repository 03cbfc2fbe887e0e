/* json_fields: the scalar members of one JSON object, one after the other. A thin C door to simdjson (On-Demand).
 *
 * Strict: the whole text is read, also the members that nobody asks for, so that a line is either right or malformed, whatever the
 * configuration. Numbers are given as they are written, never as floating point. Members of nested objects are named by their path
 * ("request.uri"), elements of arrays by the path of their array. Deeper than JSON_FIELDS_DEPTH levels is an error; longer than
 * JSON_FIELDS_PATH bytes a path is cut (and so matches nothing).
 *
 * A reader belongs to one thread, and keeps memory for the largest text that it has seen. */
#ifndef DAYBOOK_JSON_FIELDS_H
#define DAYBOOK_JSON_FIELDS_H

#include "lib/view.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    JSON_FIELDS_PADDING = 64, /* bytes that must be readable behind a text; their content does not matter */
    JSON_FIELDS_DEPTH = 8,
    JSON_FIELDS_PATH = 256,
};

enum json_field_kind { JSON_FIELD_TEXT, JSON_FIELD_NUMBER, JSON_FIELD_BOOL, JSON_FIELD_NULL };

struct json_fields;
struct json_fields *json_fields_new(void);
void json_fields_free(struct json_fields *reader);

/* path and value are valid until the next json_fields_read(). Texts are unescaped UTF-8 (and may hold NUL and other control
 * characters); the others are given as they are written. */
typedef void (*json_fields_each)(void *opaque, struct view path, enum json_field_kind kind, struct view value);

/* Reads one object; text.data must have JSON_FIELDS_PADDING readable bytes behind it. Returns NULL, or a static text that says what
 * is wrong; some members may have been given out by then. */
const char *json_fields_read(struct json_fields *reader, struct view text, json_fields_each each, void *opaque);

#ifdef __cplusplus
}
#endif

#endif
