#include "api/caller.h"

static const struct {
    uint32_t permission;
    const char *name;
} permissions[PERMISSION_N] = {
    {PERMISSION_ADMIN, "admin"},
    {PERMISSION_OAUTH_CLIENT_VIEW, "oauth:client:view"},
    {PERMISSION_ORGANIZATION_VIEW, "usage:organization:view"},
    {PERMISSION_CLIENT_VIEW, "usage:client:view"},
    {PERMISSION_SIMPLE_SEARCH_VIEW, "usage:simpleSearch:view"},
};

const char *const caller_tier_names[TIER_N + 1] = {
    [TIER_FREE] = "free",
    [TIER_STARTER] = "starter",
    [TIER_PROFESSIONAL] = "professional",
    [TIER_ENTERPRISE] = "enterprise",
};

struct caller *caller_new(const char *id, const char *name, const char *organization, const char *client, uint32_t allowed,
                          enum tier tier)
{
    g_assert(id != NULL && id[0] != '\0' && (client == NULL || organization != NULL) && tier < TIER_N);
    struct caller *caller = g_new(struct caller, 1);
    *caller = (struct caller){
        .users = 1,
        .id = g_strdup(id),
        .name = g_strdup(name),
        .account = g_strdup(id),
        .organization = g_strdup(organization),
        .client = g_strdup(client),
        .permissions = allowed,
        .tier = tier,
    };
    return caller;
}

struct caller *caller_new_session(const struct caller *caller)
{
    struct caller *session =
        caller_new(caller->id, caller->name, caller->organization, caller->client, caller->permissions, caller->tier);
    g_free(session->account);
    session->account = g_strconcat("session:", caller->id, NULL);
    session->is_session = true;
    return session;
}

struct caller *caller_ref(struct caller *caller)
{
    g_atomic_int_inc(&caller->users);
    return caller;
}

void caller_unref(struct caller *caller)
{
    if (caller == NULL || !g_atomic_int_dec_and_test(&caller->users))
        return;
    g_free(caller->id);
    g_free(caller->name);
    g_free(caller->account);
    g_free(caller->organization);
    g_free(caller->client);
    g_free(caller);
}

bool caller_may(const struct caller *caller, uint32_t any_of)
{
    return any_of == 0 || (caller->permissions & (any_of | PERMISSION_ADMIN)) != 0;
}

bool caller_sees_all(const struct caller *caller)
{
    return caller->organization == NULL && caller->client == NULL;
}

const char *caller_permission_name(uint32_t permission)
{
    for (size_t i = 0; i < PERMISSION_N; i++)
        if (permissions[i].permission == permission)
            return permissions[i].name;
    return NULL;
}

bool caller_permission_parse(const char *name, uint32_t *permission)
{
    for (size_t i = 0; i < PERMISSION_N; i++)
        if (g_ascii_strcasecmp(permissions[i].name, name) == 0) {
            *permission = permissions[i].permission;
            return true;
        }
    return false;
}

const char *caller_tier_name(enum tier tier)
{
    g_assert(tier < TIER_N);
    return caller_tier_names[tier];
}

bool caller_tier_parse(const char *name, enum tier *tier)
{
    for (size_t i = 0; i < TIER_N; i++)
        if (g_ascii_strcasecmp(caller_tier_names[i], name) == 0) {
            *tier = (enum tier)i;
            return true;
        }
    return false;
}
