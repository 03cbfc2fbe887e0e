#include "api/writer.h"

#include "lib/civil.h"
#include "lib/number.h"

__extension__ typedef unsigned __int128 wide; /* 64-bit counts times a scale do not fit in 64 bits */

void writer_init(struct writer *writer, GString *out)
{
    *writer = (struct writer){.out = out};
}

static void append_number(GString *out, uint64_t value)
{
    char digits[NUMBER_MAX];
    g_string_append_len(out, digits, (gssize)number_write(digits, value));
}

static void append_escaped(GString *out, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    switch (c) {
    case '"':
    case '\\':
        g_string_append_c(out, '\\');
        g_string_append_c(out, (char)c);
        return;
    case '\n':
        g_string_append(out, "\\n");
        return;
    default:
        g_string_append(out, "\\u00");
        g_string_append_c(out, hex[c >> 4]);
        g_string_append_c(out, hex[c & 15]);
    }
}

/* RFC 8259 section 7. */
static void append_text(GString *out, struct view text)
{
    g_autofree char *valid = g_utf8_make_valid(text.size ? text.data : "", (gssize)text.size);
    g_string_append_c(out, '"');
    const char *run = valid;
    for (const char *p = valid; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
            continue;
        g_string_append_len(out, run, p - run);
        append_escaped(out, c);
        run = p + 1;
    }
    g_string_append(out, run);
    g_string_append_c(out, '"');
}

static void begin_value(struct writer *writer, const char *key)
{
    if (writer->comma)
        g_string_append_c(writer->out, ',');
    writer->comma = true;
    if (key == NULL)
        return;
    append_text(writer->out, view_of(key));
    g_string_append_c(writer->out, ':');
}

void writer_begin(struct writer *writer, const char *key, char bracket)
{
    g_assert(bracket == '{' || bracket == '[');
    begin_value(writer, key);
    g_string_append_c(writer->out, bracket);
    writer->comma = false;
}

void writer_end(struct writer *writer, char bracket)
{
    g_assert(bracket == '}' || bracket == ']');
    g_string_append_c(writer->out, bracket);
    writer->comma = true;
}

void writer_count(struct writer *writer, const char *key, uint64_t value)
{
    begin_value(writer, key);
    append_number(writer->out, value);
}

void writer_integer(struct writer *writer, const char *key, int64_t value)
{
    char digits[NUMBER_MAX];
    begin_value(writer, key);
    g_string_append_len(writer->out, digits, (gssize)number_write_signed(digits, value));
}

void writer_digits(struct writer *writer, const char *key, struct view digits)
{
    begin_value(writer, key);
    g_string_append_len(writer->out, digits.data, (gssize)digits.size);
}

void writer_text(struct writer *writer, const char *key, struct view text)
{
    begin_value(writer, key);
    append_text(writer->out, text);
}

void writer_bool(struct writer *writer, const char *key, bool value)
{
    begin_value(writer, key);
    g_string_append(writer->out, value ? "true" : "false");
}

void writer_null(struct writer *writer, const char *key)
{
    begin_value(writer, key);
    g_string_append(writer->out, "null");
}

void writer_text_or_null(struct writer *writer, const char *key, const char *text)
{
    if (text != NULL)
        writer_text(writer, key, view_of(text));
    else
        writer_null(writer, key);
}

/* The whole part may exceed 64 bits only by a scale that callers do not use. */
static void append_ratio(GString *out, uint64_t numerator, uint32_t scale, uint64_t denominator)
{
    enum { STEPS = 1000 };
    wide scaled = (wide)numerator * scale * STEPS;
    wide rounded = denominator == 0 ? 0 : (scaled + denominator / 2) / denominator;
    append_number(out, (uint64_t)(rounded / STEPS));
    unsigned fraction = (unsigned)(rounded % STEPS);
    if (fraction == 0)
        return;
    char text[WRITER_DECIMALS + 2];
    int length = g_snprintf(text, sizeof text, ".%03u", fraction);
    while (text[length - 1] == '0')
        length--;
    g_string_append_len(out, text, length);
}

void writer_ratio(struct writer *writer, const char *key, uint64_t numerator, uint32_t scale, uint64_t denominator)
{
    begin_value(writer, key);
    append_ratio(writer->out, numerator, scale, denominator);
}

void writer_change(struct writer *writer, const char *key, uint64_t now, uint64_t before)
{
    enum { PERCENT = 100 };
    begin_value(writer, key);
    if (now < before)
        g_string_append_c(writer->out, '-');
    if (before == 0)
        append_number(writer->out, now == 0 ? 0 : PERCENT);
    else
        append_ratio(writer->out, now < before ? before - now : now - before, PERCENT, before);
}

void writer_time(struct writer *writer, const char *key, int64_t time_ms)
{
    char text[CIVIL_TEXT_MAX];
    size_t length = civil_format(text, time_ms);
    writer_text(writer, key, view_make(text, length));
}

void writer_time_ms(struct writer *writer, const char *key, int64_t time_ms)
{
    char text[CIVIL_TEXT_MAX];
    size_t length = civil_format_ms(text, time_ms);
    writer_text(writer, key, view_make(text, length));
}
