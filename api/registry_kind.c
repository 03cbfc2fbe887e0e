#include "api/registry_kind.h"

#include "lib/keys.h"

/* ---- shapes ---- */

#define AT(member) .offset = offsetof(struct registry_client, member)
static const struct item_field client_fields[] = {
    {"id", ITEM_NAME, AT(id), .is_needed = true},   {"name", ITEM_TEXT, AT(name)},
    {"organization", ITEM_OWNER, AT(organization)}, {"tier", ITEM_WORD, AT(tier), .words = caller_tier_names},
    {"platform", ITEM_TEXT, AT(platform)},          {"plan", ITEM_TEXT, AT(plan)},
};
#undef AT

const struct item_shape registry_client_shape = {
    .size = sizeof(struct registry_client), .fields = client_fields, .n_fields = G_N_ELEMENTS(client_fields)};

#define AT(member) .offset = offsetof(struct registry_organization, member)
static const struct item_field organization_fields[] = {
    {"id", ITEM_NAME, AT(id), .is_needed = true},
    {"name", ITEM_TEXT, AT(name)},
    {"plan", ITEM_TEXT, AT(plan)},
};
#undef AT

const struct item_shape registry_organization_shape = {
    .size = sizeof(struct registry_organization), .fields = organization_fields, .n_fields = G_N_ELEMENTS(organization_fields)};

/* ---- names ---- */

char *registry_client_key(const char *organization, const char *client)
{
    const char separator[] = {KEYS_CLIENT_SEPARATOR, '\0'};
    return g_strconcat(organization, separator, client, NULL);
}

char *registry_name_key(const char *organization, const char *name)
{
    return organization != NULL ? registry_client_key(organization, name) : g_strdup(name);
}

static char *client_field(const void *item)
{
    const struct registry_client *client = item;
    return registry_client_key(client->organization, client->id);
}

static char *method_field(const void *item)
{
    const struct method *method = item;
    return registry_name_key(method->organization, method->name);
}

static char *organization_field(const void *item)
{
    return g_strdup(((const struct registry_organization *)item)->id);
}

static char *plan_field(const void *item)
{
    const struct plan *plan = item;
    return registry_name_key(plan->organization, plan->name);
}

static char *limit_field(const void *item)
{
    return g_strdup(((const struct limit_rule *)item)->id);
}

static char *channel_field(const void *item)
{
    return g_strdup(((const struct channel *)item)->id);
}

/* ---- the table ---- */

static const struct registry_kind_info kinds[REGISTRY_KIND_N] = {
    [REGISTRY_CLIENTS] = {"client", "clients", "{daybook}:clients", REGISTRY_CLIENTS_MAX, &registry_client_shape, client_field},
    [REGISTRY_METHODS] = {"method", "methods", "{daybook}:methods", REGISTRY_METHODS_MAX, &method_shape, method_field},
    [REGISTRY_ORGANIZATIONS] = {"organization", "organizations", "{daybook}:organizations", REGISTRY_ORGANIZATIONS_MAX,
                                &registry_organization_shape, organization_field},
    [REGISTRY_PLANS] = {"plan", "plans", "{daybook}:plans", REGISTRY_PLANS_MAX, &plan_shape, plan_field},
    [REGISTRY_LIMITS] = {"limit", "limits", "{daybook}:limits", REGISTRY_LIMITS_MAX, &limit_rule_shape, limit_field},
    [REGISTRY_CHANNELS] = {"channel", "channels", "{daybook}:channels", REGISTRY_CHANNELS_MAX, &channel_shape, channel_field},
};

const struct registry_kind_info *registry_kind_info(enum registry_kind kind)
{
    return &kinds[kind];
}
