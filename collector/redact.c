/* One pass over the text, token by token, without believing that it is what it looks like: a quote too few or a bracket too many
 * costs nothing but a prettier sample. */
#include "collector/redact.h"
#include "collector/log_time.h"
#include "collector/route_segment.h"

enum { WORD_MAX = 32, METHOD_MAX = 16, TIME_MAX = 40, NUMBER_KEPT_MAX = 19, STATUS_KEPT_MAX = 5, MARK_MAX = 32 };

/* What of a value may be shown. */
enum keep { KEEP_NOTHING, KEEP_TIME, KEEP_METHOD, KEEP_STATUS, KEEP_NUMBER, KEEP_PATH, KEEP_REQUEST };

static const struct {
    const char *name;
    enum keep keep;
} known[] = {
    {"time", KEEP_TIME},
    {"method", KEEP_METHOD},
    {"status", KEEP_STATUS},
    {"route", KEEP_PATH},
    {"path", KEEP_PATH},
    {"latencyMs", KEEP_NUMBER},
    {"requestBytes", KEEP_NUMBER},
    {"responseBytes", KEEP_NUMBER},
    {"specversion", KEEP_NUMBER},
    /* nginx' variables */
    {"time_iso8601", KEEP_TIME},
    {"time_local", KEEP_TIME},
    {"msec", KEEP_TIME},
    {"request", KEEP_REQUEST},
    {"request_method", KEEP_METHOD},
    {"request_uri", KEEP_PATH},
    {"uri", KEEP_PATH},
    {"request_time", KEEP_NUMBER},
    {"request_length", KEEP_NUMBER},
    {"body_bytes_sent", KEEP_NUMBER},
    {"bytes_sent", KEEP_NUMBER},
};

struct redaction {
    const char *at, *end; /* what is left of the text */
    char *out;
    size_t n;
    bool full;
    enum keep keep; /* of the next value */
};

/* ---- writing ---- */

static void put(struct redaction *r, const char *data, size_t size)
{
    if (r->full || r->n + size > REDACT_MAX - strlen("...")) {
        r->full = true;
        return;
    }
    memcpy(r->out + r->n, data, size);
    r->n += size;
}

static void put_text(struct redaction *r, const char *text)
{
    put(r, text, strlen(text));
}

static void put_view(struct redaction *r, struct view text)
{
    put(r, text.data, text.size);
}

static void put_size(struct redaction *r, size_t size)
{
    char mark[MARK_MAX];
    g_snprintf(mark, sizeof mark, "(%zu)", size);
    put_text(r, mark);
}

/* ---- what is harmless ---- */

static bool consists_of(struct view text, size_t max, const char *others, bool letters, bool digits)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        bool right = (letters && g_ascii_isalpha(c)) || (digits && g_ascii_isdigit(c)) || (c && strchr(others, c));
        if (!right)
            return false;
    }
    return text.size > 0 && text.size <= max;
}

bool redact_is_word(struct view name)
{
    return consists_of(name, WORD_MAX, "_-.", true, false) && route_segment_class(name) == ROUTE_LITERAL;
}

/* A number; a date and time, also one that lacks something; a time of an access log. */
static bool is_time(struct view value)
{
    int64_t ms;
    if (consists_of(value, NUMBER_KEPT_MAX, ".-+", false, true) || log_time_clf(value, &ms))
        return true;
    return value.size >= 10 && value.data[4] == '-' && value.data[7] == '-' &&
           consists_of(value, TIME_MAX, "TZtz:+-. ", false, true);
}

static bool is_harmless(enum keep keep, struct view value)
{
    switch (keep) {
    case KEEP_TIME:
        return is_time(value);
    case KEEP_METHOD:
        return consists_of(value, METHOD_MAX, "-_", true, false);
    case KEEP_STATUS:
        return consists_of(value, STATUS_KEPT_MAX, "-", false, true);
    case KEEP_NUMBER:
        return consists_of(value, NUMBER_KEPT_MAX, ".-+eE", false, true);
    default:
        return false;
    }
}

/* ---- paths ---- */

static bool is_parameter(struct view segment)
{
    return segment.size > 2 && segment.data[0] == '{' && segment.data[segment.size - 1] == '}' &&
           consists_of(view_make(segment.data + 1, segment.size - 2), WORD_MAX, "_:.", true, false);
}

/* "v1", "v12" */
static bool is_version(struct view segment)
{
    return segment.size > 1 && segment.data[0] == 'v' &&
           consists_of(view_make(segment.data + 1, segment.size - 1), 2, "", false, true);
}

static void put_segment(struct redaction *r, struct view segment)
{
    if (is_parameter(segment) || is_version(segment) || redact_is_word(segment)) {
        put_view(r, segment);
        return;
    }
    bool plain = consists_of(segment, 256, "_-.,@:", true, true);
    enum route_class class_ = plain ? route_segment_class(segment) : ROUTE_TOKEN;
    put_text(r, "{");
    put_text(r, route_class_word(class_ == ROUTE_LITERAL ? ROUTE_TOKEN : class_));
    put_text(r, "}");
}

static void put_path(struct redaction *r, struct view path)
{
    const char *at = path.data, *end = path.data + path.size;
    while (at < end && *at == '/' && !r->full) {
        const char *begin = ++at;
        while (at < end && *at != '/' && *at != '?' && *at != '#')
            at++;
        put_text(r, "/");
        if (at > begin)
            put_segment(r, view_make(begin, (size_t)(at - begin)));
    }
    if (at < end)
        put_size(r, (size_t)(end - at));
}

/* " HTTP/1.1" at the end of a request line; empty: none. */
static struct view protocol_of(struct view line)
{
    const char *last = memrchr(line.data, ' ', line.size);
    struct view protocol = last ? view_make(last, line.size - (size_t)(last - line.data)) : view_make("", 0);
    bool right = protocol.size > 6 && memcmp(protocol.data, " HTTP/", 6) == 0 &&
                 consists_of(view_make(protocol.data + 6, protocol.size - 6), 3, ".", false, true);
    return right ? protocol : view_make("", 0);
}

/* METHOD SP path [SP protocol] */
static void put_request(struct redaction *r, struct view line)
{
    const char *blank = memchr(line.data, ' ', line.size);
    struct view method = view_make(line.data, blank ? (size_t)(blank - line.data) : 0), protocol = protocol_of(line);
    size_t rest = line.size - method.size - protocol.size;
    if (!blank || !is_harmless(KEEP_METHOD, method) || rest < 2 || (protocol.size == 0 && blank[1] != '/')) {
        put_size(r, line.size);
        return;
    }
    put_view(r, method);
    put_text(r, " ");
    put_path(r, view_make(blank + 1, rest - 1));
    put_view(r, protocol);
}

static void put_value(struct redaction *r, enum keep keep, struct view value)
{
    if (keep == KEEP_PATH && value.size > 0 && value.data[0] == '/')
        put_path(r, value);
    else if (keep == KEEP_REQUEST && value.size > 0)
        put_request(r, value);
    else if (value.size == 0 || is_harmless(keep, value))
        put_view(r, value);
    else
        put_size(r, value.size);
}

/* ---- JSON ---- */

static enum keep keep_of(struct view name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        if (view_is(name, known[i].name))
            return known[i].keep;
    }
    return KEEP_NOTHING;
}

/* What stands between this quote and the next one that is not escaped, or the end. */
static struct view take_quoted(struct redaction *r)
{
    const char *begin = ++r->at;
    while (r->at < r->end && *r->at != '"')
        r->at += *r->at == '\\' && r->at + 1 < r->end ? 2 : 1;
    struct view text = view_make(begin, (size_t)(MIN(r->at, r->end) - begin));
    r->at = MIN(r->at + 1, r->end);
    return text;
}

static struct view take_bare(struct redaction *r, const char *delimiters)
{
    const char *begin = r->at;
    while (r->at < r->end && (*r->at == '\0' || !strchr(delimiters, *r->at)))
        r->at++;
    return view_make(begin, (size_t)(r->at - begin));
}

static bool is_name(const struct redaction *r)
{
    const char *at = r->at;
    while (at < r->end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'))
        at++;
    return at < r->end && *at == ':';
}

static void redact_string(struct redaction *r)
{
    struct view text = take_quoted(r);
    put_text(r, "\"");
    if (is_name(r)) {
        r->keep = keep_of(text);
        if (r->keep != KEEP_NOTHING || redact_is_word(text))
            put_view(r, text);
        else
            put_size(r, text.size);
    } else {
        put_value(r, r->keep, text);
        r->keep = KEEP_NOTHING;
    }
    put_text(r, "\"");
}

/* A number, true, false or null; or what is no JSON. */
static void redact_token(struct redaction *r, struct view token)
{
    if (view_is(token, "true") || view_is(token, "false") || view_is(token, "null"))
        put_view(r, token);
    else
        put_value(r, r->keep == KEEP_TIME || r->keep == KEEP_STATUS || r->keep == KEEP_NUMBER ? r->keep : KEEP_NOTHING, token);
    r->keep = KEEP_NOTHING;
}

static void redact_json(struct redaction *r)
{
    while (r->at < r->end && !r->full) {
        char c = *r->at;
        if (c == '"') {
            redact_string(r);
        } else if (c && strchr("{}[],:", c)) {
            if (c != ':')
                r->keep = KEEP_NOTHING;
            put(r, r->at++, 1);
        } else if (c && strchr(" \t\r\n", c)) {
            r->at++;
        } else {
            redact_token(r, take_bare(r, "{}[],:\" \t\r\n"));
        }
    }
}

/* ---- lines of access logs ---- */

static void redact_bracketed(struct redaction *r)
{
    const char *close = memchr(r->at, ']', (size_t)(r->end - r->at));
    struct view text = view_make(r->at + 1, (size_t)((close ? close : r->end) - r->at - 1));
    r->at = close ? close + 1 : r->end;
    put_text(r, "[");
    put_value(r, KEEP_TIME, text);
    put_text(r, "]");
}

/* A status, or "-". */
static void redact_bare(struct redaction *r)
{
    struct view token = take_bare(r, " \t\"[");
    if (view_is(token, "-") || consists_of(token, 3, "", false, true))
        put_view(r, token);
    else
        put_size(r, token.size);
}

static void redact_line(struct redaction *r)
{
    while (r->at < r->end && !r->full) {
        char c = *r->at;
        if (c == '"') {
            struct view text = take_quoted(r);
            put_text(r, "\"");
            put_value(r, view_is(text, "-") ? KEEP_STATUS : KEEP_REQUEST, text);
            put_text(r, "\"");
        } else if (c == '[') {
            redact_bracketed(r);
        } else if (c == ' ' || c == '\t') {
            put_text(r, " ");
            r->at++;
        } else {
            redact_bare(r);
        }
    }
}

size_t redact(struct view text, char out[REDACT_MAX + 1])
{
    const char *data = text.size > 0 ? text.data : "";
    struct redaction r = {.at = data, .end = data + text.size, .out = out};
    while (r.at < r.end && (*r.at == ' ' || *r.at == '\t' || *r.at == '\r' || *r.at == '\n'))
        r.at++;
    if (r.at < r.end && (*r.at == '{' || *r.at == '[' || *r.at == '"'))
        redact_json(&r);
    else
        redact_line(&r);
    if (r.full) {
        memcpy(out + r.n, "...", 3);
        r.n += 3;
    }
    out[r.n] = '\0';
    return r.n;
}

const char *redact_kind(struct view value)
{
    if (value.size == 0)
        return "empty";
    if (view_is(value, "true") || view_is(value, "false"))
        return "true or false";
    if (view_is(value, "null"))
        return "null";
    if (value.data[0] == '{')
        return "an object";
    if (value.data[0] == '[')
        return "an array";
    return consists_of(value, SIZE_MAX, ".-+eE", false, true) ? "a number" : "a text";
}
