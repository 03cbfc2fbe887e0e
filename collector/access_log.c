#include "collector/access_log.h"
#include "collector/log_time.h"
#include <glib.h>

static const char *const field_names[ACCESS_N_FIELDS] = {
    "remote_addr", "remote_user", "time_local", "request", "status", "body_bytes_sent", "http_referer", "http_user_agent",
    "extra1",      "extra2",      "extra3",     "extra4",  "extra5", "extra6",          "extra7",       "extra8",
};

const char *access_field_name(enum access_field field)
{
    g_assert(field < ACCESS_N_FIELDS);
    return field_names[field];
}

struct cutter {
    const char *at;
    const char *end;
};

/* The bytes before the next blank; the cutter moves behind the blank. False when there is no blank or nothing before it. */
static bool cut_word(struct cutter *cutter, struct view *word)
{
    const char *blank = memchr(cutter->at, ' ', (size_t)(cutter->end - cutter->at));
    if (blank == NULL || blank == cutter->at)
        return false;
    *word = view_make(cutter->at, (size_t)(blank - cutter->at));
    cutter->at = blank + 1;
    return true;
}

/* The bytes before the next blank or the end, behind which the cutter stands then. */
static bool cut_last_word(struct cutter *cutter, struct view *word)
{
    if (cut_word(cutter, word))
        return true;
    if (cutter->at == cutter->end || *cutter->at == ' ')
        return false;
    *word = view_make(cutter->at, (size_t)(cutter->end - cutter->at));
    cutter->at = cutter->end;
    return true;
}

/* The user, which may hold blanks, and the time: `user [time] "`. The cutter moves behind the quote. */
static bool cut_user_and_time(struct cutter *cutter, struct view *user, struct view *time)
{
    enum { NEEDED = 2 + LOG_TIME_CLF_SIZE + 3 }; /* ` [` time `] "` */
    const char *from = cutter->at;
    for (const char *c = from; cutter->end - c >= NEEDED; c++) {
        c = memchr(c, ' ', (size_t)(cutter->end - c));
        if (c == NULL || cutter->end - c < NEEDED)
            return false;
        const char *behind = c + 2 + LOG_TIME_CLF_SIZE;
        if (c[1] != '[' || memcmp(behind, "] \"", 3) != 0)
            continue;
        *user = view_make(from, (size_t)(c - from));
        *time = view_make(c + 2, LOG_TIME_CLF_SIZE);
        cutter->at = behind + 3;
        return true;
    }
    return false;
}

/* The bytes before the closing quote, behind which the cutter moves; false (and all that is left) when there is none. */
static bool cut_quoted(struct cutter *cutter, struct view *text)
{
    const char *from = cutter->at;
    for (const char *c = from; c < cutter->end; c++) {
        if (*c == '\\') {
            c++;
        } else if (*c == '"') {
            *text = view_make(from, (size_t)(c - from));
            cutter->at = c + 1;
            return true;
        }
    }
    *text = view_make(from, (size_t)(cutter->end - from));
    cutter->at = cutter->end;
    return false;
}

static bool is_count(struct view word)
{
    if (view_is(word, "-"))
        return true;
    for (size_t i = 0; i < word.size; i++) {
        if (word.data[i] < '0' || word.data[i] > '9')
            return false;
    }
    return word.size > 0;
}

/* Everything behind `bytes`: as much of it as is there. */
static void cut_rest(struct cutter *cutter, struct view fields[ACCESS_N_FIELDS])
{
    for (int field = ACCESS_HTTP_REFERER; field < ACCESS_N_FIELDS && cutter->at < cutter->end; field++) {
        bool quoted = *cutter->at == '"';
        if (quoted) {
            cutter->at++;
            (void)cut_quoted(cutter, &fields[field]);
        } else if (!cut_last_word(cutter, &fields[field])) {
            return;
        }
        if (quoted && cutter->at < cutter->end && *cutter->at == ' ')
            cutter->at++;
    }
}

const char *access_log_cut(struct view line, struct view fields[ACCESS_N_FIELDS])
{
    struct cutter cutter = {line.data, line.size > 0 ? line.data + line.size : line.data};
    struct view ident;
    for (int i = 0; i < ACCESS_N_FIELDS; i++)
        fields[i] = view_make(NULL, 0);
    if (line.size == 0 || !cut_word(&cutter, &fields[ACCESS_REMOTE_ADDR]) || !cut_word(&cutter, &ident))
        return "The line does not begin with a host and an identity (\"host - user [time] …\").";
    if (!cut_user_and_time(&cutter, &fields[ACCESS_REMOTE_USER], &fields[ACCESS_TIME_LOCAL]))
        return "The line has no time in brackets followed by a quoted request.";
    if (!cut_quoted(&cutter, &fields[ACCESS_REQUEST]))
        return "The request has no closing quote.";
    if (cutter.at == cutter.end || *cutter.at != ' ')
        return "The request is not followed by a blank and a status.";
    cutter.at++;
    if (!cut_word(&cutter, &fields[ACCESS_STATUS]) || !is_count(fields[ACCESS_STATUS]))
        return "The request is not followed by a status and the size of the response.";
    if (!cut_last_word(&cutter, &fields[ACCESS_BODY_BYTES_SENT]) || !is_count(fields[ACCESS_BODY_BYTES_SENT]))
        return "The status is not followed by the size of the response (digits or \"-\").";
    cut_rest(&cutter, fields);
    return NULL;
}

bool access_log_escaped(struct view field)
{
    return field.size > 0 && memchr(field.data, '\\', field.size) != NULL;
}

/* The byte that a backslash and this letter stand for, or -1. */
static int escape_of(char letter)
{
    static const char letters[] = "\"\\bnrtvf";
    static const char bytes[] = "\"\\\b\n\r\t\v\f";
    const char *found = letter ? strchr(letters, letter) : NULL;
    return found ? (unsigned char)bytes[found - letters] : -1;
}

/* Reads one escape at c (behind the backslash); returns how many bytes it takes, 0 when it is none. */
static size_t read_escape(const char *c, const char *end, char *byte)
{
    if (c < end && *c != 'x') {
        int simple = escape_of(*c);
        if (simple < 0)
            return 0;
        *byte = (char)simple;
        return 1;
    }
    if (end - c < 3 || !g_ascii_isxdigit(c[1]) || !g_ascii_isxdigit(c[2]))
        return 0;
    *byte = (char)(g_ascii_xdigit_value(c[1]) * 16 + g_ascii_xdigit_value(c[2]));
    return 3;
}

size_t access_log_unescape(struct view field, char *out)
{
    const char *c = field.data;
    const char *end = c + field.size;
    size_t n = 0;
    while (c < end) {
        char byte = *c++;
        if (byte == '\\')
            c += read_escape(c, end, &byte);
        out[n++] = byte;
    }
    return n;
}

bool access_log_request(struct view request, struct view *method, struct view *target)
{
    if (request.size == 0)
        return false;
    struct cutter cutter = {request.data, request.data + request.size};
    if (!cut_word(&cutter, method))
        return false;
    struct view rest = view_make(cutter.at, (size_t)(cutter.end - cutter.at));
    const char *blank = rest.size ? memrchr(rest.data, ' ', rest.size) : NULL;
    if (blank && (size_t)(cutter.end - blank) > 5 && memcmp(blank + 1, "HTTP/", 5) == 0)
        rest.size = (size_t)(blank - rest.data);
    while (rest.size > 0 && rest.data[0] == ' ')
        rest = view_make(rest.data + 1, rest.size - 1);
    while (rest.size > 0 && rest.data[rest.size - 1] == ' ')
        rest.size--;
    *target = rest;
    return rest.size > 0;
}
