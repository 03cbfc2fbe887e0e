#include "collector/log_line.h"
#include "collector/access_log.h"
#include "collector/json_fields.h"

G_STATIC_ASSERT((int)LOG_LINE_PADDING >= (int)JSON_FIELDS_PADDING);

struct log_line_reader {
    enum log_format format;
    struct field_map *map;
    char *organization;
    char *platform;
    size_t max_line_bytes;
    struct json_fields *json;                  /* NULL for combined */
    int access_source[ACCESS_N_FIELDS];        /* combined: index in the map, or -1 */
    struct view values[FIELD_MAP_SOURCES_MAX]; /* of the line being read */
    char *repaired;                            /* a line whose bytes were no UTF-8; NULL until there was one */
    struct log_scratch scratch;                /* owned */
};

struct log_line_reader *log_line_reader_new(const struct log_line_settings *settings, GError **error)
{
    struct field_map *map = field_map_new(settings->format, settings->fields, error);
    if (map == NULL)
        return NULL;
    g_assert(settings->max_line_bytes <= LOG_LINE_MAX);
    struct log_line_reader *reader = g_new0(struct log_line_reader, 1);
    reader->format = settings->format;
    reader->map = map;
    reader->organization = g_strdup(settings->organization ? settings->organization : "");
    reader->platform = g_strdup(settings->platform ? settings->platform : "");
    reader->max_line_bytes = settings->max_line_bytes;
    if (settings->format != LOG_FORMAT_COMBINED)
        reader->json = json_fields_new();
    for (int i = 0; i < ACCESS_N_FIELDS; i++)
        reader->access_source[i] = field_map_find(map, view_of(access_field_name((enum access_field)i)));
    reader->scratch.size = log_event_scratch_size(3 * settings->max_line_bytes); /* a repaired line is longer */
    reader->scratch.data = g_malloc(reader->scratch.size);
    return reader;
}

void log_line_reader_free(struct log_line_reader *reader)
{
    if (reader == NULL)
        return;
    json_fields_free(reader->json);
    field_map_free(reader->map);
    g_free(reader->organization);
    g_free(reader->platform);
    g_free(reader->scratch.data);
    g_free(reader->repaired);
    g_free(reader);
}

bool log_line_is_blank(struct view line)
{
    for (size_t i = 0; i < line.size; i++) {
        if (line.data[i] != ' ' && line.data[i] != '\t' && line.data[i] != '\r')
            return false;
    }
    return true;
}

/* Texts come from clients and the library's sentences are ASCII: nothing of the line itself goes into a message. */
static bool refuse(struct intake_refusal *refusal, enum intake_reason reason, const char *message)
{
    intake_refuse_plain(refusal, reason, "%s", message);
    return false;
}

static struct view unescape(struct log_scratch *scratch, struct view field)
{
    g_assert(field.size <= scratch->size - scratch->used);
    char *out = scratch->data + scratch->used;
    size_t size = access_log_unescape(field, out);
    scratch->used += size;
    return view_make(out, size);
}

static bool read_combined(struct log_line_reader *reader, struct view line, struct intake_refusal *refusal)
{
    struct view fields[ACCESS_N_FIELDS];
    const char *mistake = access_log_cut(line, fields);
    if (mistake)
        return refuse(refusal, INTAKE_MALFORMED, mistake);
    for (int i = 0; i < ACCESS_N_FIELDS; i++) {
        int source = reader->access_source[i];
        if (source < 0)
            continue;
        reader->values[source] = access_log_escaped(fields[i]) ? unescape(&reader->scratch, fields[i]) : fields[i];
    }
    return true;
}

/* The first value of a member counts, as of an array of header values; null and nested ones are as if not there. */
static void take_member(void *opaque, struct view path, enum json_field_kind kind, struct view value)
{
    struct log_line_reader *reader = opaque;
    int source = kind == JSON_FIELD_NULL ? -1 : field_map_find(reader->map, path);
    if (source < 0 || reader->values[source].data)
        return;
    reader->values[source] = value.data ? value : view_of("");
}

/* nginx' escape=json lets bytes through that are no UTF-8, and so what a client sends can make a line that is no JSON. In a copy of
 * the line they are written as %XX, as they would be in a path. */
static struct view repair(struct log_line_reader *reader, struct view line)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t n = 0;
    if (reader->repaired == NULL)
        reader->repaired = g_malloc(3 * reader->max_line_bytes + LOG_LINE_PADDING);
    while (line.size > 0) {
        const char *end = NULL;
        g_utf8_validate_len(line.data, line.size, &end);
        size_t right = (size_t)(end - line.data);
        memcpy(reader->repaired + n, line.data, right);
        n += right;
        if (right == line.size)
            break;
        unsigned char byte = (unsigned char)*end;
        reader->repaired[n++] = '%';
        reader->repaired[n++] = hex[byte >> 4];
        reader->repaired[n++] = hex[byte & 15];
        line = view_make(end + 1, line.size - right - 1);
    }
    return view_make(reader->repaired, n);
}

static void forget_values(struct log_line_reader *reader)
{
    memset(reader->values, 0, sizeof reader->values[0] * field_map_n_sources(reader->map));
}

static bool read_json(struct log_line_reader *reader, struct view line, struct intake_refusal *refusal)
{
    const char *mistake = json_fields_read(reader->json, line, take_member, reader);
    if (mistake && !g_utf8_validate_len(line.data, line.size, NULL)) {
        forget_values(reader);
        mistake = json_fields_read(reader->json, repair(reader, line), take_member, reader);
    }
    if (mistake == NULL)
        return true;
    intake_refuse_plain(refusal, INTAKE_MALFORMED, "The line is not one JSON object: %s", mistake);
    return false;
}

bool log_line_read(struct log_line_reader *reader, struct view line, struct raw_event *raw, struct intake_refusal *refusal)
{
    g_assert(line.size <= reader->max_line_bytes);
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    reader->scratch.used = 0;
    forget_values(reader);
    bool right = reader->format == LOG_FORMAT_COMBINED ? read_combined(reader, line, refusal) : read_json(reader, line, refusal);
    if (!right || !log_event_fill(reader->map, reader->values, &reader->scratch, raw, refusal))
        return false;
    if (raw->organization.size == 0)
        raw->organization = view_of(reader->organization);
    if (raw->platform.size == 0)
        raw->platform = view_of(reader->platform);
    return true;
}

char *log_line_reader_text(const struct log_line_reader *reader)
{
    g_autofree char *map = field_map_text(reader->map);
    return g_strdup_printf("%s\norganization %s\nplatform %s\nmax_line_bytes %zu", map, reader->organization, reader->platform,
                           reader->max_line_bytes);
}
