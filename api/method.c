#include "api/method.h"

struct method *method_new(const char *name, const char *title, const char *organization, const char *const *patterns)
{
    struct method *method = g_new(struct method, 1);
    *method = (struct method){
        .name = g_strdup(name),
        .title = g_strdup(title),
        .organization = g_strdup(organization),
        .patterns = g_strdupv((char **)patterns),
        .endpoints = endpoints_new(patterns),
    };
    return method;
}

void method_free(struct method *method)
{
    if (method == NULL)
        return;
    g_free(method->name);
    g_free(method->title);
    g_free(method->organization);
    g_strfreev(method->patterns);
    endpoints_free(method->endpoints);
    g_free(method);
}

struct method *method_dup(const struct method *method)
{
    return method_new(method->name, method->title, method->organization, (const char *const *)method->patterns);
}

bool method_name_is_valid(const char *name)
{
    size_t size = strlen(name);
    if (size == 0 || size > METHOD_NAME_MAX || g_ascii_strcasecmp(name, METHOD_HITS) == 0)
        return false;
    for (size_t i = 0; i < size; i++)
        if (!g_ascii_isalnum(name[i]) && strchr("-_.", name[i]) == NULL)
            return false;
    return true;
}
