/* Rows as text: JSON, JSON lines, CSV. What stands before a value (comma, key) is made once for each column, so that a row is a few
 * copies; a name is looked at once, byte by byte, and copied whole where nothing in it needs care, which is nearly always. */
#include "api/export_internal.h"

#include "api/writer.h"
#include "lib/csv.h"
#include "lib/number.h"

struct column {
    const struct export_column *column;
    GString *before;  /* what precedes the value in each row */
    GString *encoded; /* of the period that was written last */
    int64_t period;   /* its number; -1: none */
};

struct text {
    const struct export_spec *spec;
    struct export_out *out;
    struct export_names *names;
    GString *scratch;
    struct column columns[EXPORT_COLUMNS_MAX];
    unsigned char care[256];  /* 1: a byte that cannot be copied as it is */
    struct view between, end; /* between rows, after each */
};

/* ---- values ---- */

static void init_care(struct text *text)
{
    bool csv = text->spec->format == EXPORT_CSV;
    for (int byte = 0; byte < 256; byte++)
        text->care[byte] = csv ? byte == ',' || byte == '"' || byte == '\r' || byte == '\n'
                               : byte < 0x20 || byte == '"' || byte == '\\' || byte >= 0x7f;
}

static bool needs_care(const struct text *text, struct view value)
{
    unsigned char seen = 0;
    for (size_t i = 0; i < value.size; i++)
        seen |= text->care[(unsigned char)value.data[i]];
    return seen != 0;
}

static char *put(char *at, struct view bytes)
{
    if (bytes.size > 0)
        memcpy(at, bytes.data, bytes.size);
    return at + bytes.size;
}

/* At most 2 * size + 3 bytes. A line without anything would be no row to whoever reads it. */
static char *put_csv(const struct text *text, char *at, struct view value)
{
    if (value.size == 0 && text->spec->n_columns == 1)
        return put(at, view_of("\"\""));
    bool formula = value.size > 0 && memchr("=+-@\t\r", value.data[0], 6) != NULL;
    if (!formula && !needs_care(text, value))
        return put(at, value);
    g_autofree char *copy = g_strndup(value.data, value.size);
    g_string_truncate(text->scratch, 0);
    csv_append(text->scratch, copy);
    return put(at, view_make(text->scratch->str, text->scratch->len));
}

/* At most 6 * size + 2 bytes. */
static char *put_json(const struct text *text, char *at, struct view value)
{
    if (needs_care(text, value)) {
        struct writer writer;
        g_string_truncate(text->scratch, 0);
        writer_init(&writer, text->scratch);
        writer_text(&writer, NULL, value);
        return put(at, view_make(text->scratch->str, text->scratch->len));
    }
    *at++ = '"';
    at = put(at, value);
    *at++ = '"';
    return at;
}

/* 6 * size + 3 bytes of room are enough for either; U+FFFD in the place of a broken byte has 3. */
static char *put_text(const struct text *text, char *at, struct view value)
{
    return text->spec->format == EXPORT_CSV ? put_csv(text, at, value) : put_json(text, at, value);
}

static bool check_size(struct text *text, struct view value)
{
    if (value.size > EXPORT_TEXT_MAX)
        export_out_fail(text->out, "A text of %zu bytes is too long for an export.", value.size);
    return value.size <= EXPORT_TEXT_MAX;
}

static void append_text(struct text *text, struct view value)
{
    if (!check_size(text, value))
        return;
    char *at = export_out_room(text->out, 6 * value.size + 3);
    text->out->used += (size_t)(put_text(text, at, value) - at);
}

/* ---- columns ---- */

static void init_column(struct text *text, size_t i)
{
    struct column *column = &text->columns[i];
    *column = (struct column){&text->spec->columns[i], g_string_new(NULL), g_string_new(NULL), -1};
    if (text->spec->format == EXPORT_CSV) {
        g_string_append(column->before, i > 0 ? "," : "");
        return;
    }
    struct writer writer;
    g_string_append_c(column->before, i > 0 ? ',' : '{');
    writer_init(&writer, column->before);
    writer_text(&writer, NULL, view_of(column->column->name));
    g_string_append_c(column->before, ':');
}

static void init(struct text *text)
{
    const struct export_spec *spec = text->spec;
    static const struct {
        const char *between, *end;
    } ends[] = {[EXPORT_JSON] = {",", "}"}, [EXPORT_JSONL] = {"", "}\n"}, [EXPORT_CSV] = {"", "\r\n"}};
    text->between = view_of(ends[spec->format].between);
    text->end = view_of(ends[spec->format].end);
    text->names = export_names_new(spec);
    text->scratch = g_string_new(NULL);
    init_care(text);
    for (size_t i = 0; i < spec->n_columns; i++)
        init_column(text, i);
}

static void clear(struct text *text)
{
    for (size_t i = 0; i < text->spec->n_columns; i++) {
        g_string_free(text->columns[i].before, TRUE);
        g_string_free(text->columns[i].encoded, TRUE);
    }
    g_string_free(text->scratch, TRUE);
    export_names_free(text->names);
}

/* ---- rows ---- */

static void append_count(struct export_out *out, uint64_t count)
{
    char *at = export_out_room(out, NUMBER_MAX);
    out->used += number_write(at, count);
}

/* Texts of periods repeat row after row. */
static void append_period(struct text *text, struct column *column, const struct report_row *row)
{
    if (column->period != (int64_t)row->period) {
        struct view value = export_text(text->names, column->column, row);
        if (!check_size(text, value))
            return;
        g_string_set_size(column->encoded, 6 * value.size + 3);
        char *at = column->encoded->str;
        g_string_set_size(column->encoded, (gsize)(put_text(text, at, value) - at));
        column->period = row->period;
    }
    export_out_append(text->out, view_make(column->encoded->str, column->encoded->len));
}

static void append_row(struct text *text, const struct report_row *row)
{
    struct export_out *out = text->out;
    for (size_t i = 0; i < text->spec->n_columns; i++) {
        struct column *column = &text->columns[i];
        export_out_append(out, view_make(column->before->str, column->before->len));
        if (export_is_count(column->column))
            append_count(out, export_count(column->column, row));
        else if (column->column->source >= EXPORT_PERIOD_FIRST)
            append_period(text, column, row);
        else
            append_text(text, export_text(text->names, column->column, row));
    }
    export_out_append(out, text->end);
}

static void append_header(struct text *text)
{
    for (size_t i = 0; i < text->spec->n_columns; i++) {
        export_out_append(text->out, view_of(i > 0 ? "," : ""));
        append_text(text, view_of(text->spec->columns[i].name));
    }
    export_out_append(text->out, text->end);
}

static void append_rows(struct text *text, const struct result *result)
{
    struct result_cursor *cursor = result_cursor_new(result, 0);
    struct report_row row;
    GError **error = &text->out->error;
    bool first = true;
    while (*error == NULL && result_cursor_next(cursor, &row, error)) {
        if (!first)
            export_out_append(text->out, text->between);
        first = false;
        append_row(text, &row);
    }
    result_cursor_free(cursor);
}

void export_render_text(const struct export_spec *spec, const struct result *result, struct export_out *out)
{
    struct text text = {.spec = spec, .out = out};
    init(&text);
    if (spec->format == EXPORT_CSV)
        append_header(&text);
    if (spec->format == EXPORT_JSON)
        export_out_append(out, view_of(spec->prefix));
    append_rows(&text, result);
    if (spec->format == EXPORT_JSON)
        export_out_append(out, view_of(spec->suffix));
    clear(&text);
}
