#include "api/integration_params.h"

#include "api/days_params.h"
#include "lib/base64url.h"
#include "lib/civil.h"
#include "lib/event.h"
#include "lib/number.h"
#include "lib/rejections.h"

#define A_DAY "a day as YYYY-MM-DD"
#define LIST_NAMES "from|to|collector|reason|pageSize|after"

enum { CURSOR_MAX = 128 };

/* ---- cursors: the place of the last sample that was shown, as base64url ---- */

static char *write_cursor(const struct integration_place *place)
{
    g_autofree char *text =
        g_strdup_printf("%" G_GINT64_FORMAT ".%d.%" G_GUINT64_FORMAT, place->time_ms, place->partition, place->number);
    return base64url_write(text, strlen(text));
}

static bool scan_place(const char *at, const char *end, struct integration_place *place)
{
    uint64_t time_ms, partition;
    if (!number_scan(&at, end, &time_ms) || at == end || *at++ != '.' || !number_scan(&at, end, &partition) || at == end ||
        *at++ != '.' || !number_scan(&at, end, &place->number) || at != end || time_ms > INT64_MAX || partition > INT32_MAX)
        return false;
    place->time_ms = (int64_t)time_ms;
    place->partition = (int)partition;
    return true;
}

static bool read_cursor(const char *text, struct integration_place *place)
{
    size_t size;
    g_autofree char *plain = strlen(text) <= CURSOR_MAX ? (char *)base64url_read(view_of(text), &size) : NULL;
    if (plain == NULL || !scan_place(plain, plain + size, place))
        return false;
    g_autofree char *same = write_cursor(place);
    return strcmp(same, text) == 0;
}

/* ---- parameters ---- */

static bool take_day(const struct usage_param *param, int64_t *day, struct refusal *refusal)
{
    const char *value = param_value(param);
    return days_parse_day(value, day) || refusal_set_value(refusal, "INVALID_DATE", "Invalid date", param->name, value, A_DAY);
}

static bool take_text(const struct usage_param *param, size_t most, char **text, struct refusal *refusal)
{
    const char *value;
    if (!param_take_text(param, most, &value, refusal))
        return false;
    g_free(*text); /* given twice: refused in a moment */
    *text = g_strdup(value);
    return true;
}

static bool take_after(struct integration_params *params, const struct usage_param *param, struct refusal *refusal)
{
    params->has_after = true;
    return read_cursor(param_value(param), &params->after) ||
           param_refuse_value(param, "the value of after in a nextUri of this API", refusal);
}

static bool take_of_list(struct integration_params *params, const struct usage_param *param, struct refusal *refusal)
{
    uint32_t most = params->kind == INTEGRATION_FILE ? INTEGRATION_FILE_MAX : INTEGRATION_PAGE_MAX;
    if (strcmp(param->name, "from") == 0)
        return take_day(param, &params->from_day, refusal);
    if (strcmp(param->name, "to") == 0)
        return take_day(param, &params->to_day, refusal);
    if (strcmp(param->name, "collector") == 0)
        return take_text(param, EVENT_NAME_MAX, &params->collector, refusal);
    if (strcmp(param->name, "reason") == 0)
        return take_text(param, REJECTION_REASON_MAX, &params->reason, refusal);
    if (strcmp(param->name, "pageSize") == 0)
        return param_take_number(param, 1, most, &params->page_size, refusal);
    if (strcmp(param->name, "after") == 0)
        return take_after(params, param, refusal);
    return param_refuse_unknown(param, "UNKNOWN_PARAMETER", LIST_NAMES, refusal);
}

static bool take(struct integration_params *params, const struct usage_param *param, struct refusal *refusal)
{
    if (params->kind != INTEGRATION_PURGE)
        return take_of_list(params, param, refusal);
    if (strcmp(param->name, "before") == 0)
        return take_day(param, &params->before_day, refusal);
    return param_refuse_unknown(param, "UNKNOWN_PARAMETER", "before", refusal);
}

static bool check(const struct integration_params *params, size_t n_given, struct refusal *refusal)
{
    if (params->kind == INTEGRATION_PURGE)
        return n_given > 0 || refusal_set_value(refusal, "INVALID_DATE", "A parameter is missing", "before", "",
                                                A_DAY "; what came before it goes");
    char day[CIVIL_TEXT_MAX];
    if (params->to_day >= params->from_day)
        return true;
    civil_format_day(day, params->to_day);
    return refusal_set_value(refusal, "INVALID_DATE", "The range ends before it begins", "to", day,
                             "a day that is not before from");
}

bool integration_params_parse(struct integration_params *params, enum integration_kind kind, const struct usage_param *given,
                              size_t n_given, struct refusal *refusal)
{
    bool ok = true;
    *params = (struct integration_params){.kind = kind,
                                          .from_day = INT64_MIN,
                                          .to_day = INT64_MAX,
                                          .page_size = kind == INTEGRATION_FILE ? INTEGRATION_FILE_MAX : INTEGRATION_PAGE_DEFAULT};
    for (size_t i = 0; ok && i < n_given; i++)
        ok = take(params, &given[i], refusal) &&
             (!params_repeats(given, i) || param_refuse_repeated(&given[i], PARAMS_ONCE, refusal));
    if (ok && check(params, n_given, refusal))
        return true;
    integration_params_clear(params);
    return false;
}

void integration_params_clear(struct integration_params *params)
{
    g_free(params->collector);
    g_free(params->reason);
    *params = (struct integration_params){0};
}

static void append_text(GString *uri, const char *name, const char *value)
{
    if (value == NULL)
        return;
    g_string_append_printf(uri, "%s=", name);
    g_string_append_uri_escaped(uri, value, NULL, FALSE);
    g_string_append_c(uri, '&');
}

static void append_day(GString *uri, const char *name, int64_t day, int64_t none)
{
    char text[CIVIL_TEXT_MAX];
    if (day == none)
        return;
    civil_format_day(text, day);
    append_text(uri, name, text);
}

char *integration_params_next(const struct integration_params *params, const char *path, const struct integration_place *place)
{
    GString *uri = g_string_new(path);
    g_autofree char *cursor = write_cursor(place);
    g_string_append_c(uri, '?');
    append_day(uri, "from", params->from_day, INT64_MIN);
    append_day(uri, "to", params->to_day, INT64_MAX);
    append_text(uri, "collector", params->collector);
    append_text(uri, "reason", params->reason);
    g_string_append_printf(uri, "pageSize=%u&after=%s", params->page_size, cursor);
    return g_string_free(uri, FALSE);
}
