#include "api/usage_params.h"

#include "api/method.h"
#include "api/zone_param.h"
#include "lib/event.h"
#include "lib/number.h"
#include <stddef.h>

enum kind { KIND_CHOICE, KIND_NUMBER, KIND_NAME, KIND_ENDPOINT, KIND_ZONE, KIND_TIME };

static const char *const timeframes[] = {"1h", "24h", "7d", "30d", "90d", "1y", "all", "custom"};
static const char *const granularities[] = {"minute", "hour", "day", "week", "month"};

/* A choice stores the position of its value in `allowed`. */
struct row {
    const char *name;
    const char *aliases; /* "a|b" or NULL */
    enum kind kind;
    const char *allowed; /* for KIND_CHOICE the values, else words for people */
    int low, high;       /* KIND_NUMBER */
    const char *code, *words;
    size_t offset;
};

#define BAD "INVALID_PARAMETER", "Invalid parameter"
#define AT(field) offsetof(struct usage_params, field)
static const struct row rows[] = {
    {"keyId", "key_id", KIND_NAME, "a client id of 1 to 256 bytes without control characters", 0, 0, BAD, AT(key)},
    {"timeframe", NULL, KIND_CHOICE, USAGE_TIMEFRAMES, 0, 0, "INVALID_TIMEFRAME", "Invalid timeframe", AT(timeframe)},
    {"since", NULL, KIND_TIME, LOCAL_TIMES, 0, 0, BAD, AT(since)},
    {"until", NULL, KIND_TIME, LOCAL_TIMES, 0, 0, BAD, AT(until)},
    {"granularity", NULL, KIND_CHOICE, USAGE_GRANULARITIES, 0, 0, "INVALID_GRANULARITY", "Invalid granularity", AT(granularity)},
    {"includeEndpoints", "include_endpoints", KIND_CHOICE, "true|false", 0, 0, BAD, AT(exclude_endpoints)},
    {"includeErrors", "include_errors", KIND_CHOICE, "true|false", 0, 0, BAD, AT(exclude_errors)},
    {"includeLatency", "include_latency", KIND_CHOICE, "true|false", 0, 0, BAD, AT(exclude_latency)},
    {"includeCosts", "include_costs", KIND_CHOICE, "false|true", 0, 0, BAD, AT(include_costs)},
    {"sortBy", "sort_by|sort", KIND_CHOICE, "requests|errors|latency|timestamp", 0, 0, BAD, AT(sort)},
    {"sortOrder", "sort_order|order", KIND_CHOICE, "desc|asc", 0, 0, BAD, AT(ascending)},
    {"limit", NULL, KIND_NUMBER, "an integer from 1 to 1000", 1, USAGE_LIMIT_MAX, BAD, AT(limit)},
    {"offset", NULL, KIND_NUMBER, "an integer from 0 to 100000000", 0, USAGE_OFFSET_MAX, BAD, AT(offset)},
    {"endpoint", NULL, KIND_ENDPOINT,
     "one route as METHOD, a blank and the template (GET /v1/orders/{id}), or the name of a method that was set up", 0, 0, BAD,
     AT(endpoint)},
    {"organization", NULL, KIND_NAME, "an organization of 1 to 256 bytes without control characters", 0, 0, BAD, AT(organization)},
    {"timeZone", "time_zone", KIND_ZONE, NULL, 0, 0, BAD, AT(tz)},
};

const char *usage_timeframe_name(int timeframe)
{
    g_assert(timeframe >= 0 && timeframe < (int)G_N_ELEMENTS(timeframes));
    return timeframes[timeframe];
}

const char *usage_granularity_name(int granularity)
{
    g_assert(granularity >= 0 && granularity < (int)G_N_ELEMENTS(granularities));
    return granularities[granularity];
}

/* Position of value in "a|b|c", or -1. */
static int position(const char *list, const char *value)
{
    size_t size = strlen(value);
    for (int at = 0; list != NULL; at++) {
        const char *bar = strchr(list, '|');
        size_t length = bar ? (size_t)(bar - list) : strlen(list);
        if (length == size && g_ascii_strncasecmp(list, value, size) == 0)
            return at;
        list = bar ? bar + 1 : NULL;
    }
    return -1;
}

/* Names are compared exactly: they are the contract's, not a person's. */
static bool is_named(const struct row *row, const char *name)
{
    if (strcmp(row->name, name) == 0)
        return true;
    for (const char *alias = row->aliases; alias != NULL; alias = strchr(alias, '|') ? strchr(alias, '|') + 1 : NULL)
        if (strncmp(alias, name, strlen(name)) == 0 && name[0] != '\0' && strchr("|", alias[strlen(name)]) != NULL)
            return true;
    return false;
}

static const struct row *find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (is_named(&rows[i], name))
            return &rows[i];
    return NULL;
}

static bool read_number(const struct row *row, const char *value, int *number)
{
    uint64_t wide;
    if (!number_read(view_of(value), &wide) || wide < (uint64_t)row->low || wide > (uint64_t)row->high)
        return false;
    *number = (int)wide;
    return true;
}

/* False: not stored; refused, where that says more than `allowed` of the row. */
static bool store(struct usage_params *params, const struct row *row, const char *value, struct refusal *refusal)
{
    void *field = (char *)params + row->offset;
    int *number = field;
    char **text = field;
    switch (row->kind) {
    case KIND_CHOICE:
        *number = position(row->allowed, value);
        return *number >= 0;
    case KIND_NUMBER:
        return read_number(row, value, number);
    case KIND_NAME:
        *text = param_text_is_valid(view_of(value), EVENT_NAME_MAX) ? g_strdup(value) : NULL;
        return *text != NULL;
    case KIND_ENDPOINT:
        params->by_method = method_name_is_valid(value);
        *text = params->by_method ? g_strdup(value) : endpoints_name(value);
        return *text != NULL;
    case KIND_ZONE:
        params->tz = zone_param_take(row->name, value, refusal);
        return params->tz != NULL;
    case KIND_TIME:
        return local_time_read(field, value);
    }
    g_assert_not_reached();
}

static bool refuse_unknown(const struct usage_param *param, struct refusal *refusal)
{
    g_autoptr(GString) names = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_string_append_printf(names, "%s%s", i ? "|" : "", rows[i].name);
    return param_refuse_unknown(param, "INVALID_PARAMETER", names->str, refusal);
}

static bool take(struct usage_params *params, const struct usage_param *param, unsigned *seen, struct refusal *refusal)
{
    const struct row *row = find(param->name);
    if (row == NULL)
        return refuse_unknown(param, refusal);
    const char *value = param_value(param);
    unsigned bit = 1u << (row - rows);
    if (*seen & bit)
        return refusal_set_value(refusal, row->code, "Parameter given twice", row->name, value,
                                 "each parameter, or its alias, once");
    *seen |= bit;
    if (store(params, row, value, refusal))
        return true;
    if (refusal->status != 0)
        return false;
    return refusal_set_value(refusal, row->code, row->words, row->name, value, row->allowed);
}

/* A window has a timeframe, or ends. */
static bool choose_window(struct usage_params *params, bool has_timeframe, struct refusal *refusal)
{
    if (!params->since.given && !params->until.given)
        return true;
    if (has_timeframe)
        return refusal_set_value(refusal, "INVALID_TIMEFRAME", "Invalid timeframe beside since and until", "timeframe",
                                 usage_timeframe_name(params->timeframe), "either timeframe, or since and until");
    params->timeframe = USAGE_CUSTOM;
    return params->since.given ||
           refusal_set_value(refusal, "INVALID_PARAMETER", "Beside until there must be since", "since", "", LOCAL_TIMES);
}

bool usage_params_parse(struct usage_params *params, const struct usage_param *given, size_t n_given, struct refusal *refusal)
{
    G_STATIC_ASSERT(G_N_ELEMENTS(rows) <= 32);
    *params = (struct usage_params){.timeframe = USAGE_24H, .granularity = CIVIL_HOUR, .limit = 100};
    unsigned seen = 0;
    bool ok = true;
    for (size_t i = 0; ok && i < n_given; i++)
        ok = take(params, &given[i], &seen, refusal);
    ok = ok && choose_window(params, (seen & 1u << (find("timeframe") - rows)) != 0, refusal);
    if (!ok)
        usage_params_clear(params);
    return ok;
}

void usage_params_clear(struct usage_params *params)
{
    g_free(params->key);
    g_free(params->organization);
    g_free(params->endpoint);
    *params = (struct usage_params){0};
}
