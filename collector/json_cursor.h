/* json_cursor: reads a JSON text (RFC 8259) token by token, each as it is written.
 *
 * Strict: what a cursor has walked over without an error is JSON, also what was skipped. A cursor stands on a token; functions that
 * take a value move behind it. The first error is kept, with its place, and moves the cursor to the end.
 *
 * Views point into the text. A cursor belongs to one thread. */
#ifndef DAYBOOK_JSON_CURSOR_H
#define DAYBOOK_JSON_CURSOR_H

#include "collector/json_index.h"

enum { JSON_CURSOR_DEPTH_MAX = 32 }; /* levels of a value that is skipped */

struct json_cursor {
    const char *text;
    const uint32_t *token, *end; /* offsets of the tokens that are left */
    size_t limit;                /* the text ends here */
    const char *error;           /* what is wrong (static), or NULL */
    size_t error_at;             /* offset in the text */
};

/* All of a text that was indexed. */
struct json_cursor json_cursor_all(struct view text, const struct json_index *index);
/* The first character of the token; 0 at the end. */
static inline char json_cursor_peek(const struct json_cursor *cursor)
{
    return cursor->token < cursor->end ? cursor->text[*cursor->token] : '\0';
}
/* Offset of the token, or of the end. */
static inline size_t json_cursor_at(const struct json_cursor *cursor)
{
    return cursor->token < cursor->end ? *cursor->token : cursor->limit;
}

/* Always false. */
bool json_cursor_fail(struct json_cursor *cursor, const char *error);
/* Takes one of {}[]:, or fails saying what was expected. */
bool json_cursor_take(struct json_cursor *cursor, char structural, const char *expected);
/* Takes a string; raw is what stands between its quotes. */
bool json_cursor_string(struct json_cursor *cursor, struct view *raw);
/* Takes a number that is right by the grammar. */
bool json_cursor_number(struct json_cursor *cursor, struct view *token);
/* Takes any value; *raw (unless NULL) is its text. */
bool json_cursor_skip(struct json_cursor *cursor, struct view *raw);

/* Members and elements:
 *     bool more = json_cursor_enter(cursor, '{');
 *     while (more && json_cursor_key(cursor, &raw) && …take the value…)
 *         more = json_cursor_next(cursor, '}');
 *     if (cursor->error) …
 * Enter takes the bracket, next a comma, or the closing bracket; false when there is no further one, or on an error. */
bool json_cursor_enter(struct json_cursor *cursor, char open);
bool json_cursor_next(struct json_cursor *cursor, char close);
/* Takes a key and its colon. */
bool json_cursor_key(struct json_cursor *cursor, struct view *raw);

enum json_unescape_result {
    JSON_UNESCAPED,
    JSON_BAD_ESCAPE,     /* no JSON: \x, \u12 */
    JSON_LONE_SURROGATE, /* JSON, but no text: \ud800 without its other half */
};
/* Writes the text that raw stands for (at most raw.size bytes) and its size. */
enum json_unescape_result json_unescape(struct view raw, char *out, size_t *size);
static inline bool json_is_escaped(struct view raw)
{
    return raw.size > 0 && memchr(raw.data, '\\', raw.size) != NULL;
}

/* Where and why json_index_build() found the text wrong; slow. */
const char *json_explain(struct view text, size_t *at);

#endif
