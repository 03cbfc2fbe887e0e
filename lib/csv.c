/* csv: see csv.h. */
#include "lib/csv.h"

#include <string.h>

G_DEFINE_QUARK(daybook - csv - error - quark, csv_error)

struct csv {
    const char *cursor, *end;
    uint64_t line;  /* of the cursor */
    uint64_t begun; /* line of the record at hand */
    GString *text;  /* the record's fields, each with a NUL */
    GArray *fields; /* size_t: where each begins in there */
};

struct csv *csv_new(struct view text)
{
    struct csv *csv = g_new0(struct csv, 1);

    csv->cursor = text.data;
    csv->end = text.data + text.size;
    csv->line = 1;
    csv->text = g_string_new(NULL);
    csv->fields = g_array_new(FALSE, FALSE, sizeof(size_t));
    if (text.size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
        csv->cursor += 3;
    return csv;
}

void csv_free(struct csv *csv)
{
    if (!csv)
        return;
    g_string_free(csv->text, TRUE);
    g_array_unref(csv->fields);
    g_free(csv);
}

static bool bad(const struct csv *csv, GError **error, const char *what)
{
    g_set_error(error, CSV_ERROR, CSV_ERROR_SYNTAX, "line %" G_GUINT64_FORMAT ": %s", csv->line, what);
    return false;
}

/* At the end of a line: LF, or CRLF. */
static size_t line_end(const struct csv *csv)
{
    if (*csv->cursor == '\n')
        return 1;
    return csv->end - csv->cursor >= 2 && csv->cursor[0] == '\r' && csv->cursor[1] == '\n' ? 2 : 0;
}

/* Behind the opening quote. */
static bool take_quoted(struct csv *csv, GError **error)
{
    uint64_t begun = csv->line;

    for (; csv->cursor < csv->end; csv->cursor++) {
        if (*csv->cursor == '"') {
            if (csv->end - csv->cursor < 2 || csv->cursor[1] != '"')
                break;
            csv->cursor++;
        }
        csv->line += *csv->cursor == '\n';
        g_string_append_c(csv->text, *csv->cursor);
    }
    if (csv->cursor == csv->end) {
        csv->line = begun;
        return bad(csv, error, "a field in quotes does not end");
    }
    csv->cursor++;
    if (csv->cursor == csv->end || *csv->cursor == ',' || line_end(csv) > 0)
        return true;
    return bad(csv, error, "there is text behind the closing quote of a field (a quote in a field is written twice)");
}

static bool take_plain(struct csv *csv, GError **error)
{
    for (; csv->cursor < csv->end && *csv->cursor != ',' && line_end(csv) == 0; csv->cursor++) {
        if (*csv->cursor == '"')
            return bad(csv, error, "there is a quote in a field that does not begin with one");
        if (*csv->cursor == '\r')
            return bad(csv, error, "there is a carriage return that no line feed follows");
        g_string_append_c(csv->text, *csv->cursor);
    }
    return true;
}

static bool take_field(struct csv *csv, GError **error)
{
    size_t at = csv->text->len;

    if (csv->fields->len == CSV_FIELDS_MAX)
        return bad(csv, error, "it has more than 4096 fields");
    g_array_append_val(csv->fields, at);
    if (csv->cursor < csv->end && *csv->cursor == '"') {
        csv->cursor++;
        if (!take_quoted(csv, error))
            return false;
    } else if (!take_plain(csv, error)) {
        return false;
    }
    if (memchr(csv->text->str + at, '\0', csv->text->len - at))
        return bad(csv, error, "there is a zero byte");
    g_string_append_c(csv->text, '\0');
    return true;
}

bool csv_next(struct csv *csv, GError **error)
{
    g_string_truncate(csv->text, 0);
    g_array_set_size(csv->fields, 0);
    for (size_t size; csv->cursor < csv->end && (size = line_end(csv)) > 0; csv->line++)
        csv->cursor += size;
    if (csv->cursor == csv->end)
        return false;
    csv->begun = csv->line;
    for (;;) {
        if (!take_field(csv, error))
            return false;
        if (csv->cursor == csv->end || *csv->cursor != ',')
            break;
        csv->cursor++;
    }
    if (csv->cursor < csv->end) {
        csv->cursor += line_end(csv);
        csv->line++;
    }
    return true;
}

guint csv_count(const struct csv *csv)
{
    return csv->fields->len;
}

const char *csv_field(const struct csv *csv, guint index)
{
    return csv->text->str + g_array_index(csv->fields, size_t, index);
}

uint64_t csv_line(const struct csv *csv)
{
    return csv->begun;
}

void csv_append(GString *out, const char *text)
{
    bool formula = *text && strchr("=+-@\t\r", *text);
    bool quoted = strpbrk(text, "\",\r\n") != NULL;

    if (quoted)
        g_string_append_c(out, '"');
    if (formula)
        g_string_append_c(out, '\'');
    for (; *text; text++) {
        if (*text == '"')
            g_string_append_c(out, '"');
        g_string_append_c(out, *text);
    }
    if (quoted)
        g_string_append_c(out, '"');
}
