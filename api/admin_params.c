#include "api/admin_params.h"

#include "lib/base64url.h"

enum { CURSOR_MAX = 2048 };

static const struct {
    const char *name;
    uint32_t bit;
    size_t offset;
} filters[] = {
    {"organization", ADMIN_BY_ORGANIZATION, offsetof(struct admin_params, organization)},
    {"clientId", ADMIN_BY_CLIENT, offsetof(struct admin_params, client)},
    {"plan", ADMIN_BY_PLAN, offsetof(struct admin_params, plan)},
    {"state", ADMIN_BY_STATE, offsetof(struct admin_params, state)},
    {"channel", ADMIN_BY_CHANNEL, offsetof(struct admin_params, channel)},
};

static char **filter_at(const struct admin_params *params, size_t i)
{
    return (char **)G_STRUCT_MEMBER_P(params, filters[i].offset);
}

static bool take_cursor(struct admin_params *params, const struct usage_param *param, struct refusal *refusal)
{
    const char *value = param_value(param);
    size_t size;
    g_autofree char *key = strlen(value) <= CURSOR_MAX ? (char *)base64url_read(view_of(value), &size) : NULL;
    if (key == NULL || size == 0 || strlen(key) != size || !g_utf8_validate(key, -1, NULL))
        return param_refuse_value(param, "the value of after in a nextUri of this API", refusal);
    params->after = g_steal_pointer(&key);
    return true;
}

static bool refuse_unknown(uint32_t wanted, const struct usage_param *param, struct refusal *refusal)
{
    g_autoptr(GString) allowed = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(filters); i++)
        if (wanted & filters[i].bit)
            g_string_append_printf(allowed, "%s|", filters[i].name);
    g_string_append(allowed, wanted & ADMIN_BY_PAGE ? "pageSize|after|" : "");
    g_string_append(allowed, wanted & ADMIN_BY_LIMIT ? "limit|offset|" : "");
    if (allowed->len > 0)
        g_string_truncate(allowed, allowed->len - 1);
    else
        g_string_append(allowed, "no parameter");
    return param_refuse_unknown(param, "UNKNOWN_PARAMETER", allowed->str, refusal);
}

static bool take(struct admin_params *params, uint32_t wanted, const struct usage_param *param, struct refusal *refusal)
{
    const char *name = param->name;
    for (size_t i = 0; i < G_N_ELEMENTS(filters); i++) {
        if ((wanted & filters[i].bit) == 0 || strcmp(name, filters[i].name) != 0)
            continue;
        *filter_at(params, i) = g_utf8_make_valid(param_value(param), -1); /* one that is not valid is none that there is */
        return true;
    }
    if ((wanted & ADMIN_BY_PAGE) && strcmp(name, "pageSize") == 0)
        return param_take_number(param, 1, ADMIN_PAGE_MAX, &params->page_size, refusal);
    if ((wanted & ADMIN_BY_PAGE) && strcmp(name, "after") == 0)
        return take_cursor(params, param, refusal);
    if ((wanted & ADMIN_BY_LIMIT) && strcmp(name, "limit") == 0)
        return param_take_number(param, 1, ADMIN_PAGE_MAX, &params->limit, refusal);
    if ((wanted & ADMIN_BY_LIMIT) && strcmp(name, "offset") == 0)
        return param_take_number(param, 0, ADMIN_OFFSET_MAX, &params->offset, refusal);
    return refuse_unknown(wanted, param, refusal);
}

bool admin_params_parse(struct admin_params *params, uint32_t wanted, const struct call *call, struct refusal *refusal)
{
    struct call_params given;
    bool ok = true;
    *params = (struct admin_params){.page_size = ADMIN_PAGE_DEFAULT, .limit = ADMIN_PAGE_DEFAULT};
    call_get_params(call, &given);
    for (size_t i = 0; ok && i < given.n; i++)
        ok = params_repeats(given.list, i) ? param_refuse_repeated(&given.list[i], PARAMS_ONCE, refusal)
                                           : take(params, wanted, &given.list[i], refusal);
    if (!ok)
        admin_params_clear(params);
    return ok;
}

void admin_params_clear(struct admin_params *params)
{
    for (size_t i = 0; i < G_N_ELEMENTS(filters); i++)
        g_free(*filter_at(params, i));
    g_free(params->after);
    *params = (struct admin_params){0};
}

char *admin_params_next(const struct admin_params *params, const char *path, const char *key)
{
    GString *uri = g_string_new(path);
    g_autofree char *cursor = base64url_write(key, strlen(key));
    g_string_append_printf(uri, "?pageSize=%u&after=%s", params->page_size, cursor);
    for (size_t i = 0; i < G_N_ELEMENTS(filters); i++) {
        const char *value = *filter_at(params, i);
        if (value == NULL)
            continue;
        g_string_append_printf(uri, "&%s=", filters[i].name);
        g_string_append_uri_escaped(uri, value, NULL, FALSE);
    }
    return g_string_free(uri, FALSE);
}
