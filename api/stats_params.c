#include "api/stats_params.h"

#include "api/zone_param.h"
#include "lib/event.h"
#include "lib/number.h"

enum { CODE_MIN = 100, CODE_MAX = 599, CLASS = 100 };

#define PERIODS "eternity|year|month|week|day"
#define UNITS "month|day|21600|hour|eternity"

static const char *const periods[] = {NULL, "eternity", "year", "month", "week", "day"};

const char *stats_period_name(enum stats_period period)
{
    return periods[period];
}

/* ---- values ---- */

static bool take_metric(struct stats_params *params, const char *value)
{
    params->metric = g_utf8_validate(value, -1, NULL) && value[0] != '\0' ? g_strdup(value) : NULL;
    return params->metric != NULL;
}

static bool take_organization(struct stats_params *params, const char *value)
{
    params->organization = param_text_is_valid(view_of(value), EVENT_NAME_MAX) ? g_strdup(value) : NULL;
    return params->organization != NULL;
}

static bool take_code(struct stats_params *params, const char *value)
{
    uint64_t number;
    if (strlen(value) != STATS_CODE_SIZE - 1)
        return false;
    g_strlcpy(params->code, value, STATS_CODE_SIZE);
    if (number_read(view_of(value), &number)) {
        params->code_first = params->code_last = (uint32_t)number;
        return number >= CODE_MIN && number <= CODE_MAX;
    }
    params->code_first = (uint32_t)(value[0] - '0') * CLASS;
    params->code_last = params->code_first + CLASS - 1;
    params->code[1] = params->code[2] = 'X';
    return value[0] >= '2' && value[0] <= '5' && g_ascii_strcasecmp(value + 1, "xx") == 0;
}

static bool take_period(struct stats_params *params, const char *value)
{
    for (int period = STATS_ETERNITY; period <= STATS_DAY; period++)
        if (g_ascii_strcasecmp(value, periods[period]) == 0)
            params->period = (enum stats_period)period;
    return params->period != STATS_NO_PERIOD;
}

static bool take_unit(struct stats_params *params, const char *value)
{
    static const int units[] = {CIVIL_HOUR, WINDOW_SIX_HOURS, CIVIL_DAY, CIVIL_MONTH, WINDOW_WHOLE};
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
        if (g_ascii_strcasecmp(value, window_unit_name(units[i])) == 0)
            params->unit = units[i];
    return params->unit != STATS_NO_UNIT;
}

static bool take_since(struct stats_params *params, const char *value)
{
    return local_time_read(&params->since, value);
}

static bool take_until(struct stats_params *params, const char *value)
{
    return local_time_read(&params->until, value);
}

static bool take_skip(struct stats_params *params, const char *value)
{
    params->with_change = g_ascii_strcasecmp(value, "false") == 0;
    return params->with_change || g_ascii_strcasecmp(value, "true") == 0;
}

static bool take_token(struct stats_params *params, const char *value)
{
    (void)params, (void)value;
    return true;
}

/* ---- parameters ---- */

#define KIND(kind) (1u << STATS_##kind)
#define ONLY_CLIENTS (1u << STATS_KIND_N) /* not of organizations */
#define OF_SERIES (KIND(USAGE) | KIND(CODES))
#define OF_ALL (OF_SERIES | KIND(TOP) | KIND(SUMMARY) | KIND(DAILY) | KIND(HOURLY))

static const struct row {
    const char *name;
    bool (*take)(struct stats_params *params, const char *value); /* NULL: the zone */
    const char *allowed;
    uint32_t kinds, needed_by;
} rows[] = {
    {"metric_name", take_metric, "hits, or the name of a method, or one route as METHOD, a blank and the template", OF_ALL,
     KIND(USAGE) | KIND(TOP)},
    {"response_code", take_code, "a status code from 100 to 599|2XX|3XX|4XX|5XX", KIND(CODES), KIND(CODES)},
    {"period", take_period, PERIODS, OF_ALL, 0},
    {"since", take_since, LOCAL_TIMES, OF_ALL, 0},
    {"until", take_until, LOCAL_TIMES, OF_ALL, 0},
    {"granularity", take_unit, UNITS, OF_SERIES, 0},
    {"timezone", NULL, NULL, OF_ALL, 0},
    {"skip_change", take_skip, "true|false", OF_SERIES | KIND(SUMMARY), 0},
    {"organization", take_organization, "an organization of 1 to 256 bytes without control characters", OF_ALL | ONLY_CLIENTS, 0},
    {"access_token", take_token, NULL, OF_ALL, 0},
};

static bool takes(const struct stats_params *params, const struct row *row)
{
    return (row->kinds & (1u << params->kind)) != 0 && (params->of_client || (row->kinds & ONLY_CLIENTS) == 0);
}

static const struct row *find(const struct stats_params *params, const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (strcmp(rows[i].name, name) == 0 && takes(params, &rows[i]))
            return &rows[i];
    return NULL;
}

static bool refuse_unknown(const struct stats_params *params, const struct usage_param *param, struct refusal *refusal)
{
    g_autoptr(GString) names = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (takes(params, &rows[i]))
            g_string_append_printf(names, "%s%s", names->len > 0 ? "|" : "", rows[i].name);
    return param_refuse_unknown(param, "UNKNOWN_PARAMETER", names->str, refusal);
}

static bool take(struct stats_params *params, const struct usage_param *param, uint32_t *seen, struct refusal *refusal)
{
    const char *value = param_value(param);
    const struct row *row = find(params, param->name);
    if (row == NULL)
        return refuse_unknown(params, param, refusal);
    uint32_t bit = 1u << (row - rows);
    if (*seen & bit)
        return param_refuse_repeated(param, PARAMS_ONCE, refusal);
    *seen |= bit;
    if (row->take != NULL)
        return row->take(params, value) || param_refuse_value(param, row->allowed, refusal);
    params->tz = zone_param_take(row->name, value, refusal);
    return params->tz != NULL;
}

static bool check_needed(const struct stats_params *params, uint32_t seen, struct refusal *refusal)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if ((rows[i].needed_by & (1u << params->kind)) != 0 && (seen & (1u << i)) == 0)
            return refusal_set_value(refusal, "INVALID_PARAMETER", "A parameter is missing", rows[i].name, "", rows[i].allowed);
    bool custom = params->since.given && params->until.given;
    if ((OF_SERIES & (1u << params->kind)) == 0 || params->period != STATS_NO_PERIOD)
        return true;
    if (!custom)
        return refusal_set_value(refusal, "INVALID_PARAMETER", "Either period, or since and until must be given", "period", "",
                                 PERIODS);
    return params->unit != STATS_NO_UNIT ||
           refusal_set_value(refusal, "INVALID_PARAMETER", "Without period there must be a granularity", "granularity", "", UNITS);
}

bool stats_params_parse(struct stats_params *params, enum stats_kind kind, bool of_client, const struct usage_param *given,
                        size_t n_given, struct refusal *refusal)
{
    uint32_t seen = 0;
    bool ok = true;
    *params = (struct stats_params){.kind = kind, .of_client = of_client, .unit = STATS_NO_UNIT};
    for (size_t i = 0; ok && i < n_given; i++)
        ok = take(params, &given[i], &seen, refusal);
    ok = ok && check_needed(params, seen, refusal);
    if (ok && params->tz == NULL)
        params->tz = zone_param_take("timezone", "UTC", refusal);
    if (ok && params->tz != NULL)
        return true;
    stats_params_clear(params);
    return false;
}

void stats_params_clear(struct stats_params *params)
{
    g_free(params->metric);
    g_free(params->organization);
    *params = (struct stats_params){0};
}
