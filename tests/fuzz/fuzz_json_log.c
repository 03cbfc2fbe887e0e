/* Any JSON line, under the maps of nginx and of native events. simdjson's reading of a line and jansson's must agree on whether it
 * is an object. */
#include "collector/json_fields.h"
#include "collector/log_line.h"
#include <jansson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void note(void *opaque, struct view path, enum json_field_kind kind, struct view value)
{
    (void)kind;
    g_assert(path.size <= JSON_FIELDS_PATH);
    *(size_t *)opaque += path.size + value.size + 1;
}

/* What simdjson takes is an object to jansson as well, but for what only one of them bounds: depth, numbers beyond a double, NUL in
 * names. */
static void check_strictness(struct view line)
{
    static struct json_fields *reader;
    json_error_t error;
    size_t total = 0;
    if (reader == NULL)
        reader = json_fields_new();
    const char *mistake = json_fields_read(reader, line, note, &total);
    json_t *other = json_loadb(line.data, line.size, JSON_ALLOW_NUL, &error);
    if (mistake == NULL && other == NULL) {
        enum json_error_code code = json_error_code(&error);
        g_assert(code == json_error_numeric_overflow || code == json_error_null_byte_in_key || code == json_error_null_character);
    }
    g_assert(mistake != NULL || other == NULL || json_is_object(other));
    json_decref(other);
}

static void read_line(struct log_line_reader *reader, struct view line)
{
    struct raw_event raw;
    struct intake_refusal refusal = {.message = ""};
    if (!log_line_read(reader, line, &raw, &refusal)) {
        g_assert(g_utf8_validate(refusal.message, -1, NULL) && refusal.message[0] != '\0');
        return;
    }
    g_assert(raw.client.size <= EVENT_NAME_MAX && raw.user.size <= EVENT_NAME_MAX && raw.method.size <= EVENT_METHOD_MAX);
    g_assert(raw.path.size == 0 || (raw.path.data[0] == '/' && g_utf8_validate_len(raw.path.data, raw.path.size, NULL)));
    g_assert(!raw.has_time || raw.time_ms >= 0);
}

static struct log_line_reader *make(enum log_format format)
{
    struct log_line_settings settings = {.format = format, .max_line_bytes = LOG_LINE_MAX};
    return log_line_reader_new(&settings, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct log_line_reader *nginx, *native;
    if (nginx == NULL) {
        nginx = make(LOG_FORMAT_NGINX_JSON);
        native = make(LOG_FORMAT_NDJSON);
    }
    g_autofree char *line = g_malloc0(size + LOG_LINE_PADDING);
    memcpy(line, data, size);
    check_strictness(view_make(line, size));
    read_line(nginx, view_make(line, size));
    read_line(native, view_make(line, size));
    return 0;
}
