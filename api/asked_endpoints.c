#include "api/asked_endpoints.h"

enum { NAMES_MAX = 100 /* of methods, in a refusal */ };

static bool refuse_method(const struct registry_snapshot *registry, const struct usage_params *params, struct refusal *refusal)
{
    g_autoptr(GPtrArray) list = registry_list_methods(registry, params->organization);
    g_autoptr(GString) names = g_string_new(NULL);
    for (guint i = 0; i < list->len && i < NAMES_MAX; i++)
        g_string_append_printf(names, "%s|", ((const struct method *)g_ptr_array_index(list, i))->name);
    g_string_append(names, "one route as METHOD, a blank and the template (GET /v1/orders/{id})");
    return refusal_set_value(refusal, "INVALID_PARAMETER", "Unknown method", "endpoint", params->endpoint, names->str);
}

bool asked_endpoints_find(struct asked_endpoints *asked, struct registry_snapshot *registry, const struct usage_params *params,
                          const struct endpoints **endpoints, struct refusal *refusal)
{
    *endpoints = NULL;
    asked_endpoints_clear(asked);
    if (params->endpoint == NULL)
        return true;
    if (!params->by_method) {
        *endpoints = asked->exact = endpoints_new_exact(params->endpoint);
        return true;
    }
    const struct method *method = registry_find_method(registry, params->organization, params->endpoint);
    if (method == NULL)
        return refuse_method(registry, params, refusal);
    asked->registry = registry_snapshot_ref(registry);
    *endpoints = method->endpoints;
    return true;
}

void asked_endpoints_clear(struct asked_endpoints *asked)
{
    endpoints_free(asked->exact);
    registry_snapshot_unref(asked->registry);
    *asked = (struct asked_endpoints){.exact = NULL};
}
