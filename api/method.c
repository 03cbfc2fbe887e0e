#include "api/method.h"

#define AT(member) .offset = offsetof(struct method, member)

static const struct item_field fields[] = {
    {"name", ITEM_NAME, AT(name), .is_needed = true, .is_valid = method_name_is_valid, .allowed = METHOD_NAME_ALLOWED},
    {"title", ITEM_TEXT, AT(title)},
    {"organization", ITEM_ORGANIZATION, AT(organization)},
    {"endpoints", ITEM_PATTERNS, AT(patterns), .is_needed = true},
};

static void complete(void *item)
{
    struct method *method = item;
    if (method->patterns != NULL)
        method->endpoints = endpoints_new((const char *const *)method->patterns);
}

static void clear(void *item)
{
    endpoints_free(((struct method *)item)->endpoints);
}

const struct item_shape method_shape = {
    .size = sizeof(struct method), .fields = fields, .n_fields = G_N_ELEMENTS(fields), .complete = complete, .clear = clear};

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

struct method *method_new_exact(const char *route)
{
    struct method *method = g_new(struct method, 1);
    *method = (struct method){.name = g_strdup(route), .title = g_strdup(""), .endpoints = endpoints_new_exact(route)};
    return method;
}

void method_free(struct method *method)
{
    item_free(&method_shape, method);
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
