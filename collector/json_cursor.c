#include "collector/json_cursor.h"
#include <glib.h>

struct json_cursor json_cursor_all(struct view text, const struct json_index *index)
{
    const uint32_t *tokens = json_index_tokens(index);
    return (struct json_cursor){text.data, tokens, tokens + json_index_count(index), text.size, NULL, 0};
}

bool json_cursor_fail(struct json_cursor *cursor, const char *error)
{
    if (!cursor->error) {
        cursor->error = error;
        cursor->error_at = json_cursor_at(cursor);
        cursor->token = cursor->end;
    }
    return false;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Behind the last character of the token: the next token's start without the blanks before it. */
static size_t token_end(const struct json_cursor *cursor)
{
    size_t end = cursor->token + 1 < cursor->end ? cursor->token[1] : cursor->limit;
    while (end > *cursor->token && is_blank(cursor->text[end - 1]))
        end--;
    return end;
}

static struct view token_text(const struct json_cursor *cursor)
{
    return view_make(cursor->text + *cursor->token, token_end(cursor) - *cursor->token);
}

bool json_cursor_take(struct json_cursor *cursor, char structural, const char *expected)
{
    if (json_cursor_peek(cursor) != structural)
        return json_cursor_fail(cursor, expected);
    cursor->token++;
    return true;
}

bool json_cursor_string(struct json_cursor *cursor, struct view *raw)
{
    if (json_cursor_peek(cursor) != '"')
        return json_cursor_fail(cursor, "a string was expected");
    struct view token = token_text(cursor);
    if (token.size < 2 || token.data[token.size - 1] != '"')
        return json_cursor_fail(cursor, "a string does not end");
    *raw = view_make(token.data + 1, token.size - 2);
    cursor->token++;
    return true;
}

static const char *skip_digits(const char *c, const char *end)
{
    while (c < end && *c >= '0' && *c <= '9')
        c++;
    return c;
}

/* RFC 8259 section 6. */
static bool is_number(struct view token)
{
    const char *c = token.data, *end = token.data + token.size;
    c += c < end && *c == '-';
    const char *digits = c;
    c = skip_digits(c, end);
    if (c == digits || (*digits == '0' && c > digits + 1))
        return false;
    if (c < end && *c == '.') {
        digits = ++c;
        c = skip_digits(c, end);
        if (c == digits)
            return false;
    }
    if (c < end && (*c == 'e' || *c == 'E')) {
        c++;
        c += c < end && (*c == '+' || *c == '-');
        digits = c;
        c = skip_digits(c, end);
        if (c == digits)
            return false;
    }
    return c == end;
}

bool json_cursor_number(struct json_cursor *cursor, struct view *token)
{
    if (cursor->token == cursor->end)
        return json_cursor_fail(cursor, "a number was expected");
    *token = token_text(cursor);
    if (!is_number(*token))
        return json_cursor_fail(cursor, "this is no number");
    cursor->token++;
    return true;
}

bool json_cursor_enter(struct json_cursor *cursor, char open)
{
    char close = open == '{' ? '}' : ']';
    if (!json_cursor_take(cursor, open, open == '{' ? "'{' was expected" : "'[' was expected"))
        return false;
    if (json_cursor_peek(cursor) != close)
        return true;
    cursor->token++;
    return false;
}

bool json_cursor_next(struct json_cursor *cursor, char close)
{
    char c = json_cursor_peek(cursor);
    if (c == ',' || c == close) {
        cursor->token++;
        return c == ',';
    }
    return json_cursor_fail(cursor, close == '}' ? "',' or '}' was expected" : "',' or ']' was expected");
}

bool json_cursor_key(struct json_cursor *cursor, struct view *raw)
{
    if (json_cursor_peek(cursor) != '"')
        return json_cursor_fail(cursor, "a name in quotes was expected");
    return json_cursor_string(cursor, raw) && json_cursor_take(cursor, ':', "':' was expected");
}

/* ---- skipping ---- */

static bool skip_literal(struct json_cursor *cursor)
{
    struct view token = token_text(cursor);
    if (!view_is(token, "true") && !view_is(token, "false") && !view_is(token, "null"))
        return json_cursor_fail(cursor, "a value was expected");
    cursor->token++;
    return true;
}

static bool skip_string(struct json_cursor *cursor)
{
    struct view raw = {NULL, 0};
    size_t size;
    const uint32_t *token = cursor->token;
    if (!json_cursor_string(cursor, &raw))
        return false;
    if (!json_is_escaped(raw))
        return true;
    g_autofree char *scratch = g_malloc(raw.size);
    if (json_unescape(raw, scratch, &size) != JSON_BAD_ESCAPE)
        return true;
    cursor->token = token;
    return json_cursor_fail(cursor, "a string holds a wrong escape");
}

static bool skip_value(struct json_cursor *cursor, int depth);

static bool skip_members(struct json_cursor *cursor, int depth)
{
    bool more = json_cursor_enter(cursor, '{');
    while (more && skip_string(cursor) && json_cursor_take(cursor, ':', "':' was expected") && skip_value(cursor, depth))
        more = json_cursor_next(cursor, '}');
    return cursor->error == NULL;
}

static bool skip_elements(struct json_cursor *cursor, int depth)
{
    bool more = json_cursor_enter(cursor, '[');
    while (more && skip_value(cursor, depth))
        more = json_cursor_next(cursor, ']');
    return cursor->error == NULL;
}

static bool skip_value(struct json_cursor *cursor, int depth)
{
    struct view ignored;
    char c = json_cursor_peek(cursor);
    if (c == '"')
        return skip_string(cursor);
    if (c == '-' || (c >= '0' && c <= '9'))
        return json_cursor_number(cursor, &ignored);
    if (c == 't' || c == 'f' || c == 'n')
        return skip_literal(cursor);
    if (c != '{' && c != '[')
        return json_cursor_fail(cursor, "a value was expected");
    if (depth == 0)
        return json_cursor_fail(cursor, "values are nested more than 32 levels deep");
    return c == '{' ? skip_members(cursor, depth - 1) : skip_elements(cursor, depth - 1);
}

bool json_cursor_skip(struct json_cursor *cursor, struct view *raw)
{
    size_t start = json_cursor_at(cursor);
    if (!skip_value(cursor, JSON_CURSOR_DEPTH_MAX))
        return false;
    size_t end = json_cursor_at(cursor);
    while (end > start && is_blank(cursor->text[end - 1]))
        end--;
    if (raw)
        *raw = view_make(cursor->text + start, end - start);
    return true;
}

/* ---- escapes ---- */

/* The four hexadecimal digits at c, or -1. */
static int read_unit(const char *c, const char *end)
{
    int unit = 0;
    if (end - c < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = g_ascii_xdigit_value(c[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* Reads what follows "\u" and moves behind it. */
static enum json_unescape_result read_code_point(const char **cursor, const char *end, gunichar *point)
{
    const char *c = *cursor;
    int high = read_unit(c, end);
    if (high < 0)
        return JSON_BAD_ESCAPE;
    *cursor = c += 4;
    *point = (gunichar)high;
    if (high < 0xd800 || high > 0xdfff)
        return JSON_UNESCAPED;
    bool pair = high < 0xdc00 && end - c >= 6 && c[0] == '\\' && c[1] == 'u';
    int low = pair ? read_unit(c + 2, end) : -1;
    if (low < 0xdc00 || low > 0xdfff)
        return JSON_LONE_SURROGATE;
    *cursor = c + 6;
    *point = 0x10000 + (((gunichar)high - 0xd800) << 10) + ((gunichar)low - 0xdc00);
    return JSON_UNESCAPED;
}

/* The character that a one-letter escape stands for, or 0. */
static char plain_escape(char letter)
{
    static const char letters[] = "\"\\/bfnrt", characters[] = "\"\\/\b\f\n\r\t";
    const char *at = letter ? strchr(letters, letter) : NULL;
    return at ? characters[at - letters] : '\0';
}

enum json_unescape_result json_unescape(struct view raw, char *out, size_t *size)
{
    const char *c = raw.data, *end = raw.data + raw.size;
    enum json_unescape_result worst = JSON_UNESCAPED;
    char *to = out;
    while (c < end) {
        if (*c != '\\') {
            *to++ = *c++;
            continue;
        }
        if (++c == end)
            return JSON_BAD_ESCAPE;
        char letter = *c++;
        if (letter != 'u') {
            *to = plain_escape(letter);
            if (*to++ == '\0')
                return JSON_BAD_ESCAPE;
            continue;
        }
        gunichar point;
        enum json_unescape_result result = read_code_point(&c, end, &point);
        if (result == JSON_BAD_ESCAPE)
            return result;
        if (result == JSON_LONE_SURROGATE)
            worst = result;
        else
            to += g_unichar_to_utf8(point, to); /* shorter than its escape */
    }
    *size = (size_t)(to - out);
    return worst;
}

/* ---- what the index does not say ---- */

const char *json_explain(struct view text, size_t *at)
{
    const char *valid_end;
    const char *end = text.data + text.size;
    if (!g_utf8_validate_len(text.data, text.size, &valid_end)) {
        *at = (size_t)(valid_end - text.data);
        return "this is not UTF-8";
    }
    const char *quote = NULL; /* of the string that c is in */
    for (const char *c = text.data; c < end; c++) {
        if (quote && (unsigned char)*c < 0x20) {
            *at = (size_t)(c - text.data);
            return "a control character stands in a string (or a string does not end)";
        }
        if (*c == '\\' && !quote) {
            *at = (size_t)(c - text.data);
            return "a backslash stands outside a string";
        }
        if (*c == '\\' && c + 1 < end && (unsigned char)c[1] >= 0x20)
            c++;
        else if (*c == '"')
            quote = quote ? NULL : c;
    }
    *at = quote ? (size_t)(quote - text.data) : text.size;
    return quote ? "a string does not end" : "this cannot be read";
}
