/* A line is built in memory and leaves in one write(2), so that lines of several threads never mix (up to PIPE_BUF on a pipe;
 * journald and files take it whole). The format is read here, not by vprintf, because each value has to be quoted by itself. */
#include "lib/log.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { VALUE_MAX_BYTES = 512 };

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static atomic_int least_level = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
    atomic_store(&least_level, (int)level);
}

gboolean log_level_parse(const char *name, enum log_level *level)
{
    for (size_t i = 0; i < G_N_ELEMENTS(level_names); i++)
        if (g_ascii_strcasecmp(name, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return TRUE;
        }
    return FALSE;
}

/* One conversion, after its '%': [.precision|.*][l|ll|z]letter. */
struct conversion {
    int precision; /* -1: none */
    char length;   /* 0, 'l', 'L' (ll), 'z' */
    char letter;
};

static const char *parse_conversion(const char *format, struct conversion *conversion, va_list *args)
{
    conversion->precision = -1;
    conversion->length = 0;
    if (*format == '.' && format[1] == '*') {
        conversion->precision = va_arg(*args, int);
        format += 2;
    } else if (*format == '.') {
        conversion->precision = 0;
        for (format++; g_ascii_isdigit(*format); format++)
            conversion->precision = conversion->precision * 10 + (*format - '0');
    }
    for (; *format && strchr("lz", *format); format++)
        conversion->length = *format == 'l' && conversion->length == 'l' ? 'L' : *format;
    g_assert(*format);
    conversion->letter = *format;
    return format + 1;
}

static int64_t signed_argument(char length, va_list *args)
{
    switch (length) {
    case 'l':
        return va_arg(*args, long);
    case 'L':
        return va_arg(*args, long long);
    case 'z':
        return (int64_t)va_arg(*args, ssize_t);
    default:
        return va_arg(*args, int);
    }
}

static uint64_t unsigned_argument(char length, va_list *args)
{
    switch (length) {
    case 'l':
        return va_arg(*args, unsigned long);
    case 'L':
        return va_arg(*args, unsigned long long);
    case 'z':
        return va_arg(*args, size_t);
    default:
        return va_arg(*args, unsigned);
    }
}

static void append_text(GString *value, const char *text, int precision)
{
    if (!text)
        text = "(null)";
    g_string_append_len(value, text, (gssize)strnlen(text, precision < 0 ? VALUE_MAX_BYTES + 1 : (size_t)precision));
}

static void append_conversion(GString *value, const struct conversion *conversion, va_list *args)
{
    switch (conversion->letter) {
    case 's':
        append_text(value, va_arg(*args, const char *), conversion->precision);
        break;
    case 'c':
        g_string_append_c(value, (char)va_arg(*args, int));
        break;
    case 'd':
    case 'i':
        g_string_append_printf(value, "%" G_GINT64_FORMAT, signed_argument(conversion->length, args));
        break;
    case 'u':
        g_string_append_printf(value, "%" G_GUINT64_FORMAT, unsigned_argument(conversion->length, args));
        break;
    case 'x':
        g_string_append_printf(value, "%" G_GINT64_MODIFIER "x", unsigned_argument(conversion->length, args));
        break;
    case 'f':
        g_string_append_printf(value, "%.*f", conversion->precision < 0 ? 6 : conversion->precision, va_arg(*args, double));
        break;
    default:
        g_error("log: the conversion %%%c is not supported", conversion->letter);
    }
}

/* Formats one value: from after its '=' up to the next blank of the format. Returns what follows. */
static const char *format_value(const char *format, GString *value, va_list *args)
{
    while (*format && *format != ' ') {
        if (*format != '%') {
            g_string_append_c(value, *format++);
        } else if (format[1] == '%') {
            g_string_append_c(value, '%');
            format += 2;
        } else {
            struct conversion conversion;
            format = parse_conversion(format + 1, &conversion, args);
            append_conversion(value, &conversion, args);
        }
    }
    return format;
}

static bool is_plain(const char *text)
{
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == '"' || *p == '\\' || *p == '=' || *p == 0x7f)
            return false;
    return text[0] != '\0';
}

static void append_escaped(GString *line, unsigned char byte)
{
    switch (byte) {
    case '"':
    case '\\':
        g_string_append_printf(line, "\\%c", byte);
        break;
    case '\n':
        g_string_append(line, "\\n");
        break;
    case '\t':
        g_string_append(line, "\\t");
        break;
    default:
        if (byte < ' ' || byte == 0x7f)
            g_string_append_printf(line, "\\x%02x", byte);
        else
            g_string_append_c(line, (char)byte);
    }
}

/* Cuts at 512 bytes of valid UTF-8, quotes where needed. */
static void append_value(GString *line, const GString *value)
{
    g_autofree char *valid = g_utf8_make_valid(value->str, (gssize)value->len);
    size_t size = strlen(valid);
    if (size > VALUE_MAX_BYTES) {
        char *end = valid + VALUE_MAX_BYTES;
        while (((unsigned char)*end & 0xC0) == 0x80)
            end--;
        *end = '\0';
    }
    if (is_plain(valid)) {
        g_string_append(line, valid);
    } else {
        g_string_append_c(line, '"');
        for (const char *p = valid; *p; p++)
            append_escaped(line, (unsigned char)*p);
        g_string_append_c(line, '"');
    }
    if (size > VALUE_MAX_BYTES)
        g_string_append(line, "…");
}

static void append_pairs(GString *line, const char *format, va_list *args)
{
    g_autoptr(GString) value = g_string_new(NULL);
    while (format && *format) {
        const char *equals = strchr(format, '=');
        g_assert(equals);
        g_string_append_c(line, ' ');
        g_string_append_len(line, format, equals + 1 - format);
        g_string_truncate(value, 0);
        format = format_value(equals + 1, value, args);
        append_value(line, value);
        format += strspn(format, " ");
    }
}

static void append_time(GString *line)
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    g_string_append_printf(line, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                           utc.tm_hour, utc.tm_min, utc.tm_sec, now.tv_nsec / 1000000);
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    if ((int)level < atomic_load_explicit(&least_level, memory_order_relaxed))
        return;
    g_autoptr(GString) line = g_string_sized_new(256);
    append_time(line);
    g_string_append_printf(line, " %s %s", level_names[level], event);
    va_list args;
    va_start(args, format);
    append_pairs(line, format, &args);
    va_end(args);
    g_string_append_c(line, '\n');
    /* A log that cannot be written is no reason to stop counting. */
    ssize_t written = write(STDERR_FILENO, line->str, line->len);
    (void)written;
}
