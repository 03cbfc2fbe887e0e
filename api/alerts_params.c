#include "api/alerts_params.h"

#include "api/admin_body.h"
#include "api/days_params.h"
#include "api/method.h"
#include "api/v2_body.h"
#include "lib/base64url.h"
#include "lib/civil.h"
#include "lib/event.h"
#include "lib/number.h"
#include <jansson.h>

#define FILTERS "kind|state|level|organization|clientId|metric|period|active|from|to"
#define PATH "/api/v2/usage/alerts"
#define A_TIME "a date-time with its zone (2026-11-21T10:00:00Z), or a day as YYYY-MM-DD (UTC)"
#define STATES "unread|read|deleted"
enum { CURSOR_MAX = 128 };

/* ---- cursors: "created.id" as base64url ---- */

static char *write_cursor(const struct alert *alert)
{
    g_autofree char *place = g_strdup_printf("%" G_GINT64_FORMAT ".%s", alert->created_ms, alert->id);
    return base64url_write(place, strlen(place));
}

static bool read_cursor(const char *text, struct alerts_params *params)
{
    size_t size = 0;
    if (strlen(text) > CURSOR_MAX)
        return false;
    g_autofree uint8_t *place = base64url_read(view_of(text), &size);
    const char *dot = place != NULL ? memchr(place, '.', size) : NULL;
    if (dot == NULL || !number_read_signed(view_make(place, (size_t)(dot - (const char *)place)), &params->after_ms))
        return false;
    params->has_after = strlen(dot + 1) == ALERT_ID_SIZE - 1;
    g_strlcpy(params->after_id, dot + 1, sizeof params->after_id);
    return params->has_after;
}

bool alerts_params_is_after(const struct alerts_params *params, const struct alert *alert)
{
    if (!params->has_after || alert->created_ms < params->after_ms)
        return true;
    return alert->created_ms == params->after_ms && strcmp(alert->id, params->after_id) < 0;
}

char *alerts_params_next(const struct usage_param *given, size_t n, const struct alert *last)
{
    GString *uri = g_string_new(PATH "?");
    g_autofree char *cursor = write_cursor(last);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(given[i].name, "after") == 0)
            continue;
        g_string_append_printf(uri, "%s=", given[i].name);
        g_string_append_uri_escaped(uri, param_value(&given[i]), NULL, FALSE);
        g_string_append_c(uri, '&');
    }
    g_string_append_printf(uri, "after=%s", cursor);
    return g_string_free(uri, FALSE);
}

/* ---- filters ---- */

static bool take_kind(const struct usage_param *param, struct alerts_filter *filter, struct refusal *refusal)
{
    enum alert_kind kind;
    if (!alert_kind_parse(param_value(param), &kind))
        return param_refuse_value(param, "alert|violation|system", refusal);
    filter->kinds = 1u << kind;
    return true;
}

static bool take_state(const struct usage_param *param, struct alerts_filter *filter, struct refusal *refusal)
{
    enum alert_state state;
    if (g_ascii_strcasecmp(param_value(param), "all") == 0) {
        filter->states = (1u << ALERT_STATE_N) - 1;
        return true;
    }
    if (!alert_state_parse(param_value(param), &state))
        return param_refuse_value(param, STATES "|all", refusal);
    filter->states = 1u << state;
    return true;
}

static bool take_period(const struct usage_param *param, struct alerts_filter *filter, struct refusal *refusal)
{
    g_autofree char *name = g_ascii_strdown(param_value(param), -1);
    enum limit_period period;
    if (!limit_period_parse(name, &period))
        return param_refuse_value(param, "minute|hour|day|week|month", refusal);
    filter->periods = 1u << period;
    return true;
}

static bool take_active(const struct usage_param *param, struct alerts_filter *filter, struct refusal *refusal)
{
    bool is_true = g_ascii_strcasecmp(param_value(param), "true") == 0;
    if (!is_true && g_ascii_strcasecmp(param_value(param), "false") != 0)
        return param_refuse_value(param, "true|false", refusal);
    filter->active = is_true;
    return true;
}

static bool take_time(const struct usage_param *param, int64_t *time_ms, struct refusal *refusal)
{
    const char *text = param_value(param);
    int64_t day;
    if (days_parse_day(text, &day)) {
        *time_ms = day * CIVIL_DAY_MS;
        return true;
    }
    g_autoptr(GDateTime) time = g_utf8_validate(text, -1, NULL) ? g_date_time_new_from_iso8601(text, NULL) : NULL;
    if (time == NULL)
        return refusal_set_value(refusal, "INVALID_DATE", "Invalid date", param->name, text, A_TIME);
    *time_ms = g_date_time_to_unix(time) * 1000 + g_date_time_get_microsecond(time) / 1000;
    return true;
}

static bool take_page(struct alerts_params *params, const struct usage_param *param, const char *names, struct refusal *refusal)
{
    if (strcmp(param->name, "pageSize") == 0)
        return param_take_number(param, 1, ALERTS_PAGE_MAX, &params->page_size, refusal);
    if (strcmp(param->name, "after") == 0)
        return read_cursor(param_value(param), params) ||
               param_refuse_value(param, "the value of after in a nextUri of this API", refusal);
    return param_refuse_unknown(param, "UNKNOWN_PARAMETER", names, refusal);
}

static bool take(struct alerts_params *params, const struct usage_param *param, bool has_pages, struct refusal *refusal)
{
    struct alerts_filter *filter = &params->filter;
    const char *name = param->name;
    if (strcmp(name, "kind") == 0)
        return take_kind(param, filter, refusal);
    if (strcmp(name, "state") == 0)
        return take_state(param, filter, refusal);
    if (strcmp(name, "level") == 0)
        return param_take_number(param, 1, LIMIT_LEVEL_MAX, &filter->level, refusal);
    if (strcmp(name, "organization") == 0)
        return param_take_text(param, EVENT_NAME_MAX, &filter->organization, refusal);
    if (strcmp(name, "clientId") == 0)
        return param_take_text(param, EVENT_NAME_MAX, &filter->client, refusal);
    if (strcmp(name, "metric") == 0)
        return param_take_text(param, METHOD_NAME_MAX, &filter->metric, refusal);
    if (strcmp(name, "period") == 0)
        return take_period(param, filter, refusal);
    if (strcmp(name, "active") == 0)
        return take_active(param, filter, refusal);
    if (strcmp(name, "from") == 0)
        return take_time(param, &filter->from_ms, refusal);
    if (strcmp(name, "to") == 0)
        return take_time(param, &filter->to_ms, refusal);
    if (!has_pages)
        return param_refuse_unknown(param, "UNKNOWN_PARAMETER", FILTERS, refusal);
    return take_page(params, param, FILTERS "|pageSize|after", refusal);
}

bool alerts_params_parse(struct alerts_params *params, const struct usage_param *given, size_t n, bool has_pages,
                         struct refusal *refusal)
{
    *params = (struct alerts_params){.page_size = ALERTS_PAGE_DEFAULT};
    alerts_filter_init(&params->filter);
    for (size_t i = 0; i < n; i++) {
        if (!take(params, &given[i], has_pages, refusal))
            return false;
        if (params_repeats(given, i))
            return param_refuse_repeated(&given[i], PARAMS_ONCE, refusal);
    }
    return true;
}

/* ---- the body ---- */

static bool take_body(json_t *object, enum alert_state *state, struct refusal *refusal)
{
    const char *field;
    json_t *value;
    bool has_state = false;
    json_object_foreach(object, field, value)
    {
        const char *text = json_string_value(value);
        if (strcmp(field, "state") != 0)
            return admin_body_refuse_unknown(field, "state", refusal);
        if (text == NULL || !alert_state_parse(text, state))
            return admin_body_refuse(field, value, STATES, refusal);
        has_state = true;
    }
    return has_state || refusal_set_value(refusal, "INVALID_VALUE", "The state is missing", "state", "", STATES);
}

bool alerts_params_read_state(struct view json, enum alert_state *state, struct refusal *refusal)
{
    if (json.size > V2_REQUEST_BYTES_MAX)
        return refusal_set(refusal, 413, "PAYLOAD_TOO_LARGE", "The body has %zu bytes; at most %d are taken.", json.size,
                           V2_REQUEST_BYTES_MAX);
    json_t *object = admin_body_object(json, refusal);
    bool ok = object != NULL && take_body(object, state, refusal);
    json_decref(object);
    return ok;
}
