#include "collector/log_event.h"
#include "collector/access_log.h"
#include "collector/event_text.h"
#include "collector/log_time.h"
#include "collector/route_template.h"
#include "lib/number.h"

#define LAST_TIME_MS UINT64_C(253402300799999) /* the end of 9999 */

size_t log_event_scratch_size(size_t size)
{
    enum { LISTS_MAX = 2 * LOG_EVENT_TEXT_MAX + EVENT_METHOD_MAX };
    return 4 * size + LISTS_MAX; /* percent-encoding takes three bytes for one; a request may be unescaped before */
}

static char *reserve(struct log_scratch *scratch, size_t size)
{
    g_assert(size <= scratch->size - scratch->used);
    return scratch->data + scratch->used;
}

static struct view keep(struct log_scratch *scratch, size_t size)
{
    struct view text = view_make(scratch->data + scratch->used, size);
    scratch->used += size;
    return text;
}

static bool refuse(struct intake_refusal *refusal, enum intake_reason reason, enum field_target target, const char *why)
{
    intake_refuse_plain(refusal, reason, "The %s %s", field_target_name(target), why);
    return false;
}

static bool is_name(struct view text)
{
    return text.size <= EVENT_NAME_MAX && event_text_is_clean(text);
}

static bool is_empty(struct view text)
{
    return text.size == 0 || view_is(text, "-");
}

/* The first source of a target that is not empty (and passes the check); *given says whether the line has any of them. */
static struct view pick(const struct field_map *map, enum field_target target, const struct view *values,
                        bool (*check)(struct view), bool *given)
{
    const struct field_rule *rule = field_map_rule(map, target);
    if (given)
        *given = false;
    for (size_t i = 0; i < rule->n_sources; i++) {
        struct view value = values[rule->sources[i]];
        if (given && value.data)
            *given = true;
        if (!is_empty(value) && (check == NULL || check(value)))
            return value;
    }
    return view_make(NULL, 0);
}

/* A text with '?' for all that is no printable ASCII, at most LOG_EVENT_TEXT_MAX bytes. */
static struct view clean_text(struct view text, struct log_scratch *scratch)
{
    if (text.size <= LOG_EVENT_TEXT_MAX && event_text_is_clean(text))
        return text;
    size_t n = MIN(text.size, (size_t)LOG_EVENT_TEXT_MAX);
    char *out = reserve(scratch, n);
    for (size_t i = 0; i < n; i++)
        out[i] = text.data[i] >= 0x20 && text.data[i] < 0x7f ? text.data[i] : '?';
    return keep(scratch, n);
}

/* The method in upper case; empty when it is none. */
static struct view clean_method(struct view method, struct log_scratch *scratch)
{
    if (method.size > EVENT_METHOD_MAX)
        return view_make(NULL, 0);
    char *out = reserve(scratch, method.size);
    bool upper = true;
    for (size_t i = 0; i < method.size; i++) {
        char c = method.data[i];
        if (!g_ascii_isalnum(c) && c != '-' && c != '_')
            return view_make(NULL, 0);
        out[i] = g_ascii_toupper(c);
        upper = upper && out[i] == c;
    }
    return upper ? method : keep(scratch, method.size);
}

static struct view encode_path(struct view path, struct log_scratch *scratch)
{
    static const char hex[] = "0123456789ABCDEF";
    char *out = reserve(scratch, path.size * 3);
    size_t n = 0;
    for (size_t i = 0; i < path.size; i++) {
        unsigned char byte = (unsigned char)path.data[i];
        if (byte > 0x20 && byte < 0x7f) {
            out[n++] = (char)byte;
            continue;
        }
        out[n++] = '%';
        out[n++] = hex[byte >> 4];
        out[n++] = hex[byte & 15];
    }
    return keep(scratch, n);
}

/* "http://host:80/path" -> "/path" (RFC 9112 section 3.2.2); others unchanged. */
static struct view cut_authority(struct view target)
{
    size_t scheme = 0;
    if (target.size >= 7 && g_ascii_strncasecmp(target.data, "http://", 7) == 0)
        scheme = 7;
    else if (target.size >= 8 && g_ascii_strncasecmp(target.data, "https://", 8) == 0)
        scheme = 8;
    if (scheme == 0)
        return target;
    for (size_t i = scheme; i < target.size; i++) {
        if (target.data[i] == '/')
            return view_make(target.data + i, target.size - i);
    }
    return view_of("/");
}

/* The path of a request target; empty when it has none. */
static struct view clean_path(struct view target, struct log_scratch *scratch)
{
    target = cut_authority(target);
    for (size_t i = 0; i < target.size; i++) {
        if (target.data[i] == '?' || target.data[i] == '#')
            target.size = i;
    }
    if (target.size == 0 || target.data[0] != '/')
        return view_make(NULL, 0);
    if (!event_text_is_clean(target))
        target = encode_path(target, scratch);
    return target.size <= ROUTE_PATH_MAX ? target : view_make(NULL, 0);
}

static void fill_request(const struct field_map *map, const struct view *values, struct log_scratch *scratch, struct raw_event *raw)
{
    bool request_given = false;
    bool method_given = false;
    bool path_given = false;
    struct view line = pick(map, FIELD_REQUEST, values, NULL, &request_given);
    struct view method = pick(map, FIELD_METHOD, values, NULL, &method_given);
    struct view path = pick(map, FIELD_PATH, values, NULL, &path_given);
    struct view line_method = {NULL, 0};
    struct view line_path = {NULL, 0};
    if (!access_log_request(line, &line_method, &line_path))
        line_method.size = 0;
    method = method_given ? method : line_method;
    path = path_given ? path : line_path;
    raw->route = pick(map, FIELD_ROUTE, values, NULL, NULL);
    if (method_given || request_given) {
        raw->method = clean_method(method, scratch);
        if (raw->method.size == 0) {
            raw->method = view_of(LOG_EVENT_INVALID_METHOD);
            raw->route = view_of(ROUTE_UNMATCHED);
            return;
        }
    }
    if (!path_given && !request_given)
        return;
    raw->path = clean_path(path, scratch);
    if (raw->path.size == 0 && raw->route.size == 0)
        raw->route = view_of(ROUTE_UNMATCHED);
}

static bool fill_time(const struct field_map *map, const struct view *values, struct raw_event *raw, struct intake_refusal *refusal)
{
    struct view text = pick(map, FIELD_TIME, values, NULL, NULL);
    uint64_t ms = 0;
    if (text.size == 0)
        return true;
    raw->has_time = true;
    if (log_decimal(text, 3 - field_map_rule(map, FIELD_TIME)->per_second, &ms) && ms <= LAST_TIME_MS) {
        raw->time_ms = (int64_t)ms;
        return true;
    }
    if (log_time_iso(text, &raw->time_ms) || log_time_clf(text, &raw->time_ms))
        return true;
    return refuse(refusal, INTAKE_INVALID_TIME, FIELD_TIME,
                  "is neither a number, nor an RFC 3339 time with its offset, nor like 17/May/2015:10:05:03 +0000.");
}

/* A number × 10^scale; absent or negative: 0. */
static bool fill_number(struct view text, int scale, uint64_t *value)
{
    *value = 0;
    if (text.size == 0)
        return true;
    if (text.data[0] != '-')
        return log_decimal(text, scale, value);
    uint64_t ignored = 0;
    return log_decimal(view_make(text.data + 1, text.size - 1), scale, &ignored);
}

static bool fill_numbers(const struct field_map *map, const struct view *values, struct raw_event *raw,
                         struct intake_refusal *refusal)
{
    struct view status = pick(map, FIELD_STATUS, values, NULL, NULL);
    uint64_t code = 0;
    if (status.size > 0) {
        if (!number_read(status, &code) || code > 1000000)
            return refuse(refusal, INTAKE_WRONG_TYPE, FIELD_STATUS, "is not an integer.");
        raw->has_status = true;
        raw->status = (int64_t)code;
    }
    int latency_scale = 6 - field_map_rule(map, FIELD_LATENCY)->per_second;
    if (!fill_number(pick(map, FIELD_LATENCY, values, NULL, NULL), latency_scale, &raw->latency_us))
        return refuse(refusal, INTAKE_WRONG_TYPE, FIELD_LATENCY, "is not a number.");
    if (!fill_number(pick(map, FIELD_REQUEST_BYTES, values, NULL, NULL), 0, &raw->request_bytes))
        return refuse(refusal, INTAKE_WRONG_TYPE, FIELD_REQUEST_BYTES, "is not a number.");
    if (!fill_number(pick(map, FIELD_RESPONSE_BYTES, values, NULL, NULL), 0, &raw->response_bytes))
        return refuse(refusal, INTAKE_WRONG_TYPE, FIELD_RESPONSE_BYTES, "is not a number.");
    return true;
}

bool log_event_fill(const struct field_map *map, const struct view *values, struct log_scratch *scratch, struct raw_event *raw,
                    struct intake_refusal *refusal)
{
    *raw = (struct raw_event){0};
    if (!fill_time(map, values, raw, refusal) || !fill_numbers(map, values, raw, refusal))
        return false;
    fill_request(map, values, scratch, raw);
    raw->organization = pick(map, FIELD_ORGANIZATION, values, NULL, NULL);
    raw->platform = pick(map, FIELD_PLATFORM, values, NULL, NULL);
    raw->id = pick(map, FIELD_ID, values, NULL, NULL);
    raw->client = pick(map, FIELD_CLIENT, values, is_name, NULL);
    raw->user = pick(map, FIELD_USER, values, is_name, NULL);
    raw->user_agent = clean_text(pick(map, FIELD_USER_AGENT, values, NULL, NULL), scratch);
    raw->source = clean_text(pick(map, FIELD_SOURCE, values, NULL, NULL), scratch);
    return true;
}
