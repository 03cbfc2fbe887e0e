/* v2_body: a table says which fields each kind of body has, and how each is read; what a field's values may be stands in a list of
 * words beside it. */
#include "api/v2_body.h"

#include "api/writer.h"
#include <jansson.h>

#define STATUSES "Status200|Status300|Status400|Status500|Status429|Requests"
#define NAMES "a list of at most 1000 texts of 1 to 1024 bytes without control characters"
#define SORTS "a list of at most 16 objects, each with fieldName and order (Asc or Desc)"
#define ORDERS "Asc|Desc"

/* A word that stands for a bit; several may stand for the same one. */
struct word {
    const char *name;
    uint32_t bit;
};

/* Beyond the bits of enum v2_metric: a search's metrics name what its rows are told apart by, too. */
enum {
    METRIC_DATE = 1 << 16,
    METRIC_CLIENT = 1 << 17,
    METRIC_METHOD = 1 << 18,
    METRIC_TEMPLATE = 1 << 19,
    METRICS_SEARCH = V2_METRICS_ALL | METRIC_DATE | METRIC_CLIENT | METRIC_METHOD | METRIC_TEMPLATE,
};

#define STATUS_WORDS                                                                                                    \
    {"Status200", V2_STATUS200}, {"Status300", V2_STATUS300}, {"Status400", V2_STATUS400}, {"Status500", V2_STATUS500}, \
        {"Status429", V2_STATUS429}, {"Requests", V2_REQUESTS},                                                         \
    {                                                                                                                   \
        NULL, 0                                                                                                         \
    }
static const struct word metric_words[] = {STATUS_WORDS};
static const struct word search_words[] = {{"Date", METRIC_DATE},
                                           {"ClientName", METRIC_CLIENT},
                                           {"HttpMethod", METRIC_METHOD},
                                           {"TemplateUri", METRIC_TEMPLATE},
                                           STATUS_WORDS};
static const struct word organization_groups[] = {{"OAuthClientId", REPORT_CLIENT}, {"OrganizationId", REPORT_ORGANIZATION},
                                                  {"UserId", REPORT_USER},          {"TemplateUri", REPORT_TEMPLATE},
                                                  {"HttpMethod", REPORT_METHOD},    {NULL, 0}};
static const struct word client_groups[] = {{"OAuthClientId", REPORT_CLIENT},
                                            {"OrganizationId", REPORT_ORGANIZATION},
                                            {"TemplateUri", REPORT_TEMPLATE},
                                            {"HttpMethod", REPORT_METHOD},
                                            {NULL, 0}};
static const struct word organization_job_groups[] = {{"OauthClientId", REPORT_CLIENT},
                                                      {"OauthClientName", REPORT_CLIENT},
                                                      {"UserId", REPORT_USER},
                                                      {"HttpMethod", REPORT_METHOD},
                                                      {"TemplateUri", REPORT_TEMPLATE},
                                                      {"Platform", REPORT_PLATFORM},
                                                      {NULL, 0}};
static const struct word client_job_groups[] = {{"OrganizationId", REPORT_ORGANIZATION},
                                                {"HttpMethod", REPORT_METHOD},
                                                {"TemplateUri", REPORT_TEMPLATE},
                                                {"Platform", REPORT_PLATFORM},
                                                {NULL, 0}};
static const struct word *const groups_of[V2_KIND_N] = {
    [V2_ORGANIZATION_QUERY] = organization_groups,
    [V2_CLIENT_QUERY] = client_groups,
    [V2_ORGANIZATION_JOB] = organization_job_groups,
    [V2_CLIENT_JOB] = client_job_groups,
};
static const struct word granularity_words[] = {{"Day", V2_DAY}, {"Week", V2_WEEK}, {"Month", V2_MONTH}, {NULL, 0}};
/* In the order of enum v2_field; the shorter name of some is that of the entity's path. */
static const struct word field_words[] = {{"date", V2_FIELD_DATE},
                                          {"platform", V2_FIELD_PLATFORM},
                                          {"httpMethod", V2_FIELD_METHOD},
                                          {"templateUri", V2_FIELD_TEMPLATE},
                                          {"requestCount", V2_FIELD_REQUESTS},
                                          {"status200", V2_FIELD_STATUS200},
                                          {"status300", V2_FIELD_STATUS300},
                                          {"status400", V2_FIELD_STATUS400},
                                          {"status429", V2_FIELD_STATUS429},
                                          {"status500", V2_FIELD_STATUS500},
                                          {"oauthClient.id", V2_FIELD_CLIENT_ID},
                                          {"oauthClient.name", V2_FIELD_CLIENT_NAME},
                                          {"user.id", V2_FIELD_USER},
                                          {"organizationId", V2_FIELD_ORGANIZATION},
                                          {"oauthClientId", V2_FIELD_CLIENT_ID},
                                          {"oauthClientName", V2_FIELD_CLIENT_NAME},
                                          {"userId", V2_FIELD_USER},
                                          {NULL, 0}};

enum { OF_QUERY = 1 << V2_ORGANIZATION_QUERY | 1 << V2_CLIENT_QUERY, OF_SEARCH = 1 << V2_SEARCH };
enum { OF_JOB = 1 << V2_ORGANIZATION_JOB | 1 << V2_CLIENT_JOB, OF_ALL = OF_QUERY | OF_SEARCH | OF_JOB };

struct field {
    const char *name;
    int kinds;
    bool (*read)(struct v2_body *body, const struct field *field, const json_t *value, struct refusal *refusal);
    int filter; /* index of the filter, or -1 */
};

static bool read_interval(struct v2_body *body, const struct field *field, const json_t *value, struct refusal *refusal);
static bool read_granularity(struct v2_body *body, const struct field *field, const json_t *value, struct refusal *refusal);
static bool read_metrics(struct v2_body *body, const struct field *field, const json_t *value, struct refusal *refusal);
static bool read_groups(struct v2_body *body, const struct field *field, const json_t *value, struct refusal *refusal);
static bool read_filter(struct v2_body *body, const struct field *field, const json_t *value, struct refusal *refusal);
static bool read_sorts(struct v2_body *body, const struct field *field, const json_t *value, struct refusal *refusal);

enum { FILTER_CLIENT_NAME = REPORT_NAMES }; /* behind those of enum report_name */

static const struct field fields[] = {
    {"interval", OF_ALL, read_interval, -1},
    {"granularity", OF_QUERY | OF_JOB, read_granularity, -1},
    {"metrics", OF_ALL, read_metrics, -1},
    {"groupBy", OF_QUERY | OF_JOB, read_groups, -1},
    {"oauthClientNames", OF_SEARCH, read_filter, FILTER_CLIENT_NAME},
    {"templateUris", OF_SEARCH | OF_JOB, read_filter, REPORT_NAME_TEMPLATE},
    {"httpMethods", OF_SEARCH | OF_JOB, read_filter, REPORT_NAME_METHOD},
    {"platforms", OF_JOB, read_filter, REPORT_NAME_PLATFORM},
    {"userIds", 1 << V2_ORGANIZATION_JOB, read_filter, REPORT_NAME_USER},
    {"oauthClientIds", 1 << V2_ORGANIZATION_JOB, read_filter, REPORT_NAME_CLIENT},
    {"organizationIds", 1 << V2_CLIENT_JOB, read_filter, REPORT_NAME_ORGANIZATION},
    {"sortBy", OF_JOB, read_sorts, -1},
};

bool v2_kind_is_job(enum v2_kind kind)
{
    return (1 << kind & OF_JOB) != 0;
}

const char *v2_kind_name(enum v2_kind kind)
{
    static const char *const names[V2_KIND_N] = {"usage-query", "client-usage-query", "usage-search", "usage-job",
                                                 "client-usage-job"};
    return names[kind];
}

const char *v2_granularity_name(enum v2_granularity granularity)
{
    return granularity == V2_WHOLE ? NULL : granularity_words[granularity - V2_DAY].name;
}

/* ---- what is wrong ---- */

static char *text_of(const json_t *value)
{
    char *text = json_is_string(value) ? g_strdup(json_string_value(value)) : NULL;
    if (text == NULL) {
        char *dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        text = g_strdup(dumped != NULL ? dumped : "");
        free(dumped);
    }
    return text;
}

static bool refuse(struct refusal *refusal, const char *words, const char *field, const json_t *value, const char *allowed)
{
    g_autofree char *text = text_of(value);
    return refusal_set_value(refusal, "INVALID_VALUE", words, field, text, allowed);
}

static char *join_words(const struct word *words)
{
    GString *names = g_string_new(NULL);
    for (; words->name != NULL; words++)
        g_string_append_printf(names, "%s%s", names->len > 0 ? "|" : "", words->name);
    return g_string_free(names, FALSE);
}

static const struct word *find_word(const struct word *words, const json_t *value)
{
    for (; json_is_string(value) && words->name != NULL; words++)
        if (g_ascii_strcasecmp(words->name, json_string_value(value)) == 0)
            return words;
    return NULL;
}

static bool read_word(const struct word *words, const char *field, const json_t *value, uint32_t *bit, struct refusal *refusal)
{
    const struct word *word = find_word(words, value);
    if (word == NULL) {
        g_autofree char *allowed = join_words(words);
        return refuse(refusal, "Invalid value", field, value, allowed);
    }
    *bit = word->bit;
    return true;
}

static bool check_list(const char *field, const json_t *value, size_t max, const char *allowed, struct refusal *refusal)
{
    if (!json_is_array(value))
        return refuse(refusal, "Not a list", field, value, allowed);
    return json_array_size(value) <= max || refuse(refusal, "Too long a list", field, value, allowed);
}

/* ---- fields ---- */

static bool read_interval(struct v2_body *body, const struct field *field, const json_t *value, struct refusal *refusal)
{
    g_autofree char *text = json_is_string(value) ? g_strdup(json_string_value(value)) : text_of(value);
    return interval_parse(text, field->name, &body->interval, refusal);
}

static bool read_granularity(struct v2_body *body, const struct field *field, const json_t *value, struct refusal *refusal)
{
    uint32_t granularity = V2_WHOLE;
    bool ok = read_word(granularity_words, field->name, value, &granularity, refusal);
    body->granularity = (enum v2_granularity)granularity;
    return ok;
}

static bool read_words(const struct word *words, const char *field, const json_t *value, uint32_t *bits, struct refusal *refusal)
{
    g_autofree char *allowed = join_words(words);
    uint32_t bit = 0;
    *bits = 0;
    if (!check_list(field, value, V2_LIST_MAX, allowed, refusal))
        return false;
    for (size_t i = 0; i < json_array_size(value); i++, *bits |= bit)
        if (!read_word(words, field, json_array_get(value, i), &bit, refusal))
            return false;
    return true;
}

static void take_search_metrics(struct v2_body *body, uint32_t bits)
{
    body->granularity = bits & METRIC_DATE ? V2_DAY : V2_WHOLE;
    body->group = (bits & METRIC_CLIENT ? (uint32_t)REPORT_CLIENT : 0) | (bits & METRIC_METHOD ? (uint32_t)REPORT_METHOD : 0) |
                  (bits & METRIC_TEMPLATE ? (uint32_t)REPORT_TEMPLATE : 0);
}

static bool read_metrics(struct v2_body *body, const struct field *field, const json_t *value, struct refusal *refusal)
{
    uint32_t bits;
    if (!read_words(body->kind == V2_SEARCH ? search_words : metric_words, field->name, value, &bits, refusal))
        return false;
    if (bits == 0)
        return true; /* an empty list: all of them */
    if (body->kind == V2_SEARCH)
        take_search_metrics(body, bits);
    body->metrics = bits & V2_METRICS_ALL;
    return true;
}

static bool read_groups(struct v2_body *body, const struct field *field, const json_t *value, struct refusal *refusal)
{
    return read_words(groups_of[body->kind], field->name, value, &body->group, refusal);
}

static bool is_name(const json_t *value, int filter)
{
    const char *text = json_string_value(value);
    size_t size = json_string_length(value), max = V2_NAME_BYTES_MAX;
    if (filter == REPORT_NAME_TEMPLATE && text != NULL && text[0] == '/')
        max++;
    if (text == NULL || size == 0 || size > max)
        return false;
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    return true;
}

static char *make_name(int filter, const char *text)
{
    if (filter == REPORT_NAME_METHOD)
        return g_ascii_strup(text, -1);
    return g_strdup(filter == REPORT_NAME_TEMPLATE && text[0] == '/' ? text + 1 : text);
}

static bool read_filter(struct v2_body *body, const struct field *field, const json_t *value, struct refusal *refusal)
{
    GPtrArray **into = field->filter == FILTER_CLIENT_NAME ? &body->client_names : &body->filter[field->filter];
    if (!check_list(field->name, value, V2_LIST_MAX, NAMES, refusal))
        return false;
    if (json_array_size(value) == 0)
        return true;
    *into = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *name = json_array_get(value, i);
        if (!is_name(name, field->filter))
            return refuse(refusal, "Invalid value", field->name, name, NAMES);
        g_ptr_array_add(*into, make_name(field->filter, json_string_value(name)));
    }
    v2_names_normalize(*into);
    return true;
}

/* "organizationId" is a field of clients' jobs, in the place of the client and the user. */
static bool is_field_of(enum v2_kind kind, uint32_t field)
{
    bool of_organization = field == V2_FIELD_CLIENT_ID || field == V2_FIELD_CLIENT_NAME || field == V2_FIELD_USER;
    return kind == V2_CLIENT_JOB ? !of_organization : field != V2_FIELD_ORGANIZATION;
}

static char *join_fields(enum v2_kind kind)
{
    GString *names = g_string_new(NULL);
    for (const struct word *word = field_words; word->name != NULL; word++)
        if (is_field_of(kind, word->bit))
            g_string_append_printf(names, "%s%s", names->len > 0 ? "|" : "", word->name);
    return g_string_free(names, FALSE);
}

static bool read_sort(struct v2_body *body, const json_t *value, struct refusal *refusal)
{
    const char *key;
    json_t *member;
    const struct word *field = find_word(field_words, json_object_get(value, "fieldName"));
    const json_t *order = json_object_get(value, "order");
    if (!json_is_object(value))
        return refuse(refusal, "Not an object", "sortBy", value, SORTS);
    json_object_foreach((json_t *)value, key,
                        member) if (strcmp(key, "fieldName") != 0 &&
                                    strcmp(key, "order") != 0) return refusal_set_value(refusal, "UNKNOWN_PARAMETER",
                                                                                        "Unknown field", "sortBy", key,
                                                                                        "fieldName|order");
    if (field == NULL || !is_field_of(body->kind, field->bit)) {
        g_autofree char *allowed = join_fields(body->kind);
        const json_t *given = json_object_get(value, "fieldName");
        return refuse(refusal, "Invalid value", "sortBy.fieldName", given ? given : value, allowed);
    }
    static const struct word orders[] = {{"Asc", 0}, {"Desc", 1}, {NULL, 0}};
    uint32_t descending = 0;
    if (order != NULL && !json_is_null(order) && !read_word(orders, "sortBy.order", order, &descending, refusal))
        return false;
    body->sorts[body->n_sorts++] = (struct v2_sort){(enum v2_field)field->bit, descending != 0};
    return true;
}

static bool read_sorts(struct v2_body *body, const struct field *field, const json_t *value, struct refusal *refusal)
{
    if (!check_list(field->name, value, V2_SORTS_MAX, SORTS, refusal))
        return false;
    for (size_t i = 0; i < json_array_size(value); i++)
        if (!read_sort(body, json_array_get(value, i), refusal))
            return false;
    return true;
}

/* ---- the whole ---- */

static bool refuse_field(enum v2_kind kind, const char *name, const json_t *value, struct refusal *refusal)
{
    GString *names = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
        if (fields[i].kinds & 1 << kind)
            g_string_append_printf(names, "%s%s", names->len > 0 ? "|" : "", fields[i].name);
    g_autofree char *text = text_of(value);
    g_autofree char *shown = g_utf8_strlen(name, -1) > 64 ? g_utf8_substring(name, 0, 64) : g_strdup(name);
    refusal_set_value(refusal, "UNKNOWN_PARAMETER", "Unknown field", shown, text, names->str);
    g_string_free(names, TRUE);
    return false;
}

static bool read_field(struct v2_body *body, const char *name, const json_t *value, struct refusal *refusal)
{
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
        if (fields[i].kinds & 1 << body->kind && strcmp(fields[i].name, name) == 0)
            return json_is_null(value) || fields[i].read(body, &fields[i], value, refusal);
    return refuse_field(body->kind, name, value, refusal);
}

static void set_defaults(struct v2_body *body, enum v2_kind kind)
{
    *body = (struct v2_body){.kind = kind, .metrics = V2_METRICS_ALL};
    if (kind == V2_SEARCH)
        take_search_metrics(body, METRICS_SEARCH);
    else if (!v2_kind_is_job(kind))
        body->group = REPORT_CLIENT;
}

static bool read_object(struct v2_body *body, json_t *object, struct refusal *refusal)
{
    const char *name;
    json_t *value;
    if (!json_is_object(object))
        return refusal_set(refusal, 400, "BAD_REQUEST", "The body must be a JSON object with an interval.");
    json_object_foreach(object, name, value) if (!read_field(body, name, value, refusal)) return false;
    const json_t *interval = json_object_get(object, "interval");
    if (interval == NULL || json_is_null(interval))
        return refusal_set_value(refusal, "INVALID_DATE", "A field is missing", "interval", "",
                                 "an ISO 8601 interval, for example 2026-11-01/2026-11-20");
    return true;
}

bool v2_body_parse(struct v2_body *body, enum v2_kind kind, struct view text, struct refusal *refusal)
{
    json_error_t error;
    set_defaults(body, kind);
    if (text.size > V2_BODY_BYTES_MAX)
        return refusal_set(refusal, 413, "PAYLOAD_TOO_LARGE", "The body has %zu bytes; at most %d are taken.", text.size,
                           V2_BODY_BYTES_MAX);
    json_t *object = json_loadb(text.size > 0 ? text.data : "", text.size, JSON_REJECT_DUPLICATES, &error);
    if (object == NULL) {
        g_autofree char *reason = g_utf8_make_valid(error.text, -1);
        return refusal_set(refusal, 400, "BAD_REQUEST", "The body is not JSON that can be read: line %d, column %d: %s.",
                           error.line, error.column, reason);
    }
    bool ok = read_object(body, object, refusal);
    json_decref(object);
    return ok;
}

void v2_body_clear(struct v2_body *body)
{
    for (size_t i = 0; i < REPORT_NAMES; i++)
        g_clear_pointer(&body->filter[i], g_ptr_array_unref);
    g_clear_pointer(&body->client_names, g_ptr_array_unref);
}

static int compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void v2_names_normalize(GPtrArray *names)
{
    guint kept = 0;
    g_ptr_array_sort(names, compare_names);
    for (guint i = 0; i < names->len; i++) {
        char *name = names->pdata[i];
        if (kept > 0 && strcmp(names->pdata[kept - 1], name) == 0) {
            g_free(name);
        } else {
            names->pdata[kept++] = name;
        }
    }
    names->len = kept;
}

/* ---- as text ---- */

static void write_words(struct writer *writer, const char *field, const struct word *words, uint32_t bits)
{
    writer_begin(writer, field, '[');
    for (; words->name != NULL; words++) {
        if (bits & words->bit)
            writer_text(writer, NULL, view_of(words->name));
        bits &= ~words->bit;
    }
    writer_end(writer, ']');
}

static void write_search_metrics(struct writer *writer, const struct v2_body *body)
{
    uint32_t bits = body->metrics | (body->granularity == V2_DAY ? (uint32_t)METRIC_DATE : 0) |
                    (body->group & REPORT_CLIENT ? (uint32_t)METRIC_CLIENT : 0) |
                    (body->group & REPORT_METHOD ? (uint32_t)METRIC_METHOD : 0) |
                    (body->group & REPORT_TEMPLATE ? (uint32_t)METRIC_TEMPLATE : 0);
    write_words(writer, "metrics", search_words, bits);
}

static void write_what(struct writer *writer, const struct v2_body *body)
{
    if (body->kind == V2_SEARCH) {
        write_search_metrics(writer, body);
        return;
    }
    if (body->granularity != V2_WHOLE)
        writer_text(writer, "granularity", view_of(v2_granularity_name(body->granularity)));
    write_words(writer, "metrics", metric_words, body->metrics);
    write_words(writer, "groupBy", groups_of[body->kind], body->group);
}

/* Templates get back the slash that was taken from them: there is one that is nothing else. */
static void write_names(struct writer *writer, const struct field *field, const struct v2_body *body)
{
    const GPtrArray *names = field->filter == FILTER_CLIENT_NAME ? body->client_names : body->filter[field->filter];
    if (names == NULL)
        return;
    writer_begin(writer, field->name, '[');
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *name = g_strconcat(field->filter == REPORT_NAME_TEMPLATE ? "/" : "", names->pdata[i], NULL);
        writer_text(writer, NULL, view_of(name));
    }
    writer_end(writer, ']');
}

static void write_sorts(struct writer *writer, const struct v2_body *body)
{
    if (body->n_sorts == 0)
        return;
    writer_begin(writer, "sortBy", '[');
    for (size_t i = 0; i < body->n_sorts; i++) {
        writer_begin(writer, NULL, '{');
        writer_text(writer, "fieldName", view_of(field_words[body->sorts[i].field].name));
        writer_text(writer, "order", view_of(body->sorts[i].descending ? "Desc" : "Asc"));
        writer_end(writer, '}');
    }
    writer_end(writer, ']');
}

void v2_body_write(const struct v2_body *body, GString *out)
{
    char interval[INTERVAL_TEXT_MAX];
    struct writer writer;
    writer_init(&writer, out);
    writer_begin(&writer, NULL, '{');
    writer_text(&writer, "interval", view_make(interval, interval_write(&body->interval, interval)));
    write_what(&writer, body);
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
        if (fields[i].filter >= 0 && fields[i].kinds & 1 << body->kind)
            write_names(&writer, &fields[i], body);
    write_sorts(&writer, body);
    writer_end(&writer, '}');
}
