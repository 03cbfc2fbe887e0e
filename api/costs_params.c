#include "api/costs_params.h"

#include "api/days_params.h"
#include "lib/base64url.h"
#include "lib/civil.h"
#include "lib/event.h"

#define OF_ALL "month|organization|clientId|plan|granularity"
#define OF_PAGE OF_ALL "|pageSize|after"
enum { CURSOR_MAX = 4 * (EVENT_NAME_MAX + 1) /* characters of the base64url of two names: never less */ };

/* ---- values ---- */

static bool take_month(struct costs_params *params, const struct usage_param *param, int64_t now_ms, struct refusal *refusal)
{
    const char *value = param_value(param);
    g_autofree char *first = g_strconcat(value, "-01", NULL);
    char now[CIVIL_TEXT_MAX];
    civil_format_day(now, civil_divide(now_ms, CIVIL_DAY_MS));
    g_autofree char *allowed = g_strdup_printf("a month as YYYY-MM, from 1970-01 to %.7s", now);
    return (days_parse_day(first, &params->day) && params->day >= 0 && params->day * CIVIL_DAY_MS <= now_ms) ||
           refusal_set_value(refusal, "INVALID_DATE", "Invalid date", param->name, value, allowed);
}

static bool take_name(char **name, const struct usage_param *param, struct refusal *refusal)
{
    const char *value;
    if (!param_take_text(param, EVENT_NAME_MAX, &value, refusal))
        return false;
    g_free(*name); /* given twice: refused in a moment */
    *name = g_strdup(value);
    return true;
}

static bool take_granularity(struct costs_params *params, const struct usage_param *param, struct refusal *refusal)
{
    params->by_day = g_ascii_strcasecmp(param_value(param), "day") == 0;
    return params->by_day || g_ascii_strcasecmp(param_value(param), "month") == 0 ||
           param_refuse_value(param, "day|month", refusal);
}

/* A cursor is an account's name as base64url: an organization, or one, a separator and a client. */
static bool take_after(struct costs_params *params, const struct usage_param *param, struct refusal *refusal)
{
    const struct view value = view_of(param_value(param));
    size_t size = 0;
    g_free(params->after);
    params->after = value.size <= CURSOR_MAX ? (char *)base64url_read(value, &size) : NULL;
    if (params->after != NULL && size > 0 && strlen(params->after) == size && g_utf8_validate(params->after, (gssize)size, NULL))
        return true;
    return param_refuse_value(param, "the value of after in a nextUri of this API", refusal);
}

/* ---- parameters ---- */

static bool take_of_page(struct costs_params *params, const struct usage_param *param, struct refusal *refusal)
{
    if (strcmp(param->name, "pageSize") == 0)
        return param_take_number(param, 1, COSTS_PAGE_MAX, &params->page_size, refusal);
    if (strcmp(param->name, "after") == 0)
        return take_after(params, param, refusal);
    return param_refuse_unknown(param, "UNKNOWN_PARAMETER", OF_PAGE, refusal);
}

static bool take(struct costs_params *params, bool paged, int64_t now_ms, const struct usage_param *param, struct refusal *refusal)
{
    if (strcmp(param->name, "month") == 0)
        return take_month(params, param, now_ms, refusal);
    if (strcmp(param->name, "organization") == 0)
        return take_name(&params->organization, param, refusal);
    if (strcmp(param->name, "clientId") == 0)
        return take_name(&params->client, param, refusal);
    if (strcmp(param->name, "plan") == 0)
        return take_name(&params->plan, param, refusal);
    if (strcmp(param->name, "granularity") == 0)
        return take_granularity(params, param, refusal);
    return paged ? take_of_page(params, param, refusal) : param_refuse_unknown(param, "UNKNOWN_PARAMETER", OF_ALL, refusal);
}

static bool take_all(struct costs_params *params, bool paged, int64_t now_ms, const struct usage_param *given, size_t n_given,
                     struct refusal *refusal)
{
    for (size_t i = 0; i < n_given; i++) {
        if (!take(params, paged, now_ms, &given[i], refusal))
            return false;
        if (params_repeats(given, i))
            return param_refuse_repeated(&given[i], PARAMS_ONCE, refusal);
    }
    return true;
}

bool costs_params_parse(struct costs_params *params, bool paged, int64_t now_ms, const struct usage_param *given, size_t n_given,
                        struct refusal *refusal)
{
    *params = (struct costs_params){.page_size = COSTS_PAGE_DEFAULT};
    params->day = civil_floor(now_ms, CIVIL_MONTH) / CIVIL_DAY_MS;
    bool ok = take_all(params, paged, now_ms, given, n_given, refusal);
    if (!ok)
        costs_params_clear(params);
    return ok;
}

void costs_params_clear(struct costs_params *params)
{
    g_clear_pointer(&params->organization, g_free);
    g_clear_pointer(&params->client, g_free);
    g_clear_pointer(&params->plan, g_free);
    g_clear_pointer(&params->after, g_free);
}

static void append(GString *uri, const char *name, const char *value)
{
    if (value == NULL)
        return;
    g_string_append_printf(uri, "%s=", name);
    g_string_append_uri_escaped(uri, value, NULL, FALSE);
    g_string_append_c(uri, '&');
}

void costs_params_next(const struct costs_params *params, const char *name, GString *uri)
{
    char day[CIVIL_TEXT_MAX];
    g_autofree char *cursor = base64url_write(name, strlen(name));
    civil_format_day(day, params->day);
    g_string_append_printf(uri, "/api/v2/usage/costs?month=%.7s&", day);
    append(uri, "organization", params->organization);
    append(uri, "clientId", params->client);
    append(uri, "plan", params->plan);
    g_string_append_printf(uri, "granularity=%s&pageSize=%u&after=%s", params->by_day ? "day" : "month",
                           (unsigned)params->page_size, cursor);
}
