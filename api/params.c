#include "api/params.h"

#include "api/item.h"
#include "lib/number.h"
#include <string.h>

enum { NAME_SHOWN_MAX = 64 }; /* bytes of an unknown name that an answer repeats */

const char *param_value(const struct usage_param *param)
{
    return param->value != NULL ? param->value : "";
}

bool param_take_number(const struct usage_param *param, uint32_t least, uint32_t most, uint32_t *number, struct refusal *refusal)
{
    uint64_t wide;
    if (number_read(view_of(param_value(param)), &wide) && wide >= least && wide <= most) {
        *number = (uint32_t)wide;
        return true;
    }
    g_autofree char *allowed = g_strdup_printf("an integer from %u to %u", (unsigned)least, (unsigned)most);
    return param_refuse_value(param, allowed, refusal);
}

bool param_text_is_valid(struct view text, size_t most)
{
    return text.size > 0 && item_text_is_valid(text, most);
}

bool param_take_text(const struct usage_param *param, size_t most, const char **text, struct refusal *refusal)
{
    *text = param_value(param);
    if (param_text_is_valid(view_of(*text), most))
        return true;
    g_autofree char *allowed = g_strdup_printf("text of 1 to %zu bytes without control characters", most);
    return param_refuse_value(param, allowed, refusal);
}

bool params_repeats(const struct usage_param *given, size_t i)
{
    for (size_t before = 0; before < i; before++)
        if (strcmp(given[before].name, given[i].name) == 0)
            return true;
    return false;
}

bool param_refuse_unknown(const struct usage_param *param, const char *code, const char *names, struct refusal *refusal)
{
    g_autofree char *start = g_strndup(param->name, NAME_SHOWN_MAX), *name = g_utf8_make_valid(start, -1);
    return refusal_set_value(refusal, code, "Unknown parameter", name, param_value(param), names);
}

bool param_refuse_repeated(const struct usage_param *param, const char *once, struct refusal *refusal)
{
    return refusal_set_value(refusal, "INVALID_PARAMETER", "Parameter given twice", param->name, param_value(param), once);
}

bool param_refuse_value(const struct usage_param *param, const char *allowed, struct refusal *refusal)
{
    return refusal_set_value(refusal, "INVALID_PARAMETER", "Invalid parameter", param->name, param_value(param), allowed);
}
