#include "api/limit_rule.h"

#include "api/method.h"
#include "lib/civil.h"

static const char *const periods[] = {"minute", "hour", "day", "week", "month", NULL};

static bool is_metric(const char *text)
{
    return strcmp(text, METHOD_HITS) == 0 || method_name_is_valid(text);
}

#define AT(member) .offset = offsetof(struct limit_rule, member)

static const struct item_field fields[] = {
    {"id", ITEM_NAME, AT(id), .is_needed = true, .is_valid = method_name_is_valid, .allowed = METHOD_NAME_ALLOWED},
    {"organization", ITEM_ORGANIZATION, AT(organization)},
    {"client", ITEM_NAME_OR_NULL, AT(client)},
    {"plan", ITEM_NAME_OR_NULL, AT(plan), .is_valid = method_name_is_valid, .allowed = "the name of a plan"},
    {"metric", ITEM_NAME, AT(metric), .is_needed = true, .is_valid = is_metric, .allowed = METHOD_HITS "|the name of a method"},
    {"period", ITEM_WORD, AT(period), .is_needed = true, .words = periods},
    {"value", ITEM_COUNT, AT(value), .is_needed = true, .least = 1, .most = LIMIT_VALUE_MAX},
    {"levels", ITEM_LEVELS, AT(levels), .count_offset = offsetof(struct limit_rule, n_levels), .least = 1, .most = LIMIT_LEVEL_MAX,
     .items_max = LIMIT_LEVELS_MAX},
};

static const struct item_field *refuse(const char *field, const char *why, const char **allowed)
{
    *allowed = why;
    return item_field_named(&limit_rule_shape, field);
}

static const struct item_field *check(const void *item, const char **allowed)
{
    const struct limit_rule *rule = item;
    if (rule->client != NULL && rule->plan != NULL)
        return refuse("plan", "none beside a client: a limit is for one of the two", allowed);
    if (rule->client == NULL && rule->plan == NULL)
        return refuse("client", "the id of a client, or a plan instead", allowed);
    if (rule->client != NULL && rule->organization == NULL)
        return refuse("organization", "the organization of the client", allowed);
    if (rule->period == LIMIT_MINUTE && strcmp(rule->metric, METHOD_HITS) != 0)
        return refuse("metric", METHOD_HITS ", because minutes are not kept by method", allowed);
    return NULL;
}

const struct item_shape limit_rule_shape = {
    .size = sizeof(struct limit_rule), .fields = fields, .n_fields = G_N_ELEMENTS(fields), .check = check};

const char *limit_period_name(enum limit_period period)
{
    return periods[period];
}

bool limit_period_parse(const char *name, enum limit_period *period)
{
    for (int i = 0; i < LIMIT_PERIOD_N; i++) {
        if (g_ascii_strcasecmp(name, periods[i]) != 0)
            continue;
        *period = (enum limit_period)i;
        return true;
    }
    return false;
}

void limit_window(enum limit_period period, int64_t now_ms, int64_t *from_ms, int64_t *to_ms)
{
    static const enum civil_unit units[] = {CIVIL_MINUTE, CIVIL_HOUR, CIVIL_DAY, CIVIL_WEEK, CIVIL_MONTH};
    *from_ms = civil_floor(now_ms, units[period]);
    *to_ms = civil_next(*from_ms, units[period]);
}
