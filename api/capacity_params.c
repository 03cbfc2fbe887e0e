#include "api/capacity_params.h"

#include "lib/event.h"

#define NAMES "timeframe|organization|clientId|endpoint|timeZone"
enum { NAMES_N = 5 };

static bool is_known(const char *name)
{
    g_auto(GStrv) names = g_strsplit(NAMES, "|", -1);
    return g_strv_contains((const char *const *)names, name);
}

static bool take_client(const struct usage_param *param, struct usage_param *key, struct refusal *refusal)
{
    *key = (struct usage_param){"keyId", NULL};
    return param_take_text(param, EVENT_NAME_MAX, &key->value, refusal);
}

bool capacity_params_parse(struct usage_params *params, const struct usage_param *given, size_t n_given, struct refusal *refusal)
{
    struct usage_param list[NAMES_N + 1] = {{"granularity", "month"}}; /* few points: nothing is shown of them */
    for (size_t i = 0; i < n_given; i++) {
        if (!is_known(given[i].name))
            return param_refuse_unknown(&given[i], "UNKNOWN_PARAMETER", NAMES, refusal);
        if (params_repeats(given, i))
            return param_refuse_repeated(&given[i], PARAMS_ONCE, refusal);
        list[i + 1] = given[i];
        if (strcmp(given[i].name, "clientId") == 0 && !take_client(&given[i], &list[i + 1], refusal))
            return false;
    }
    return usage_params_parse(params, list, n_given + 1, refusal);
}
