#include "api/admin_kind.h"

#include "api/admin_item.h"

enum { NAMES_TOLD = 50 };

/* ---- what an item refers to ---- */

/* Refuses the name of a plan or method that an organization means none by, with those that it may mean. */
static bool refuse_name(const struct registry_snapshot *snapshot, enum registry_kind kind, const char *organization,
                        const char *field, const char *value, struct refusal *refusal)
{
    if (refusal == NULL)
        return false;
    const struct item_field *name = item_field_named(registry_kind_info(kind)->shape, "name");
    g_autoptr(GPtrArray) known = registry_list_named(snapshot, kind, organization);
    g_autoptr(GString) allowed = g_string_new(kind == REGISTRY_METHODS ? METHOD_HITS : "the name of a plan that there is");
    for (guint i = 0; i < MIN(known->len, (guint)NAMES_TOLD); i++)
        g_string_append_printf(allowed, "|%s", item_field_borrow(name, g_ptr_array_index(known, i)));
    g_string_append(allowed, known->len > NAMES_TOLD ? "|…" : "");
    g_autofree char *words = g_strdup_printf("There is no such %s", field);
    return refusal_set_value(refusal, "INVALID_VALUE", words, field, value, allowed->str);
}

/* A plan that is not known is refused, unless it was there before: what is registered must not become impossible to change. */
static bool check_plan(const struct registry_snapshot *snapshot, const char *organization, const char *plan, const char *before,
                       struct refusal *refusal)
{
    return plan == NULL || plan[0] == '\0' || g_strcmp0(plan, before) == 0 ||
           registry_find_plan(snapshot, organization, plan) != NULL ||
           refuse_name(snapshot, REGISTRY_PLANS, organization, "plan", plan, refusal);
}

static bool check_metric(const struct registry_snapshot *snapshot, const char *organization, const char *metric, const char *before,
                         struct refusal *refusal)
{
    return strcmp(metric, METHOD_HITS) == 0 || g_strcmp0(metric, before) == 0 ||
           registry_find_method(snapshot, organization, metric) != NULL ||
           refuse_name(snapshot, REGISTRY_METHODS, organization, "metric", metric, refusal);
}

static bool check_client(const struct registry_snapshot *snapshot, const void *item, const void *before, struct refusal *refusal)
{
    const struct registry_client *client = item, *old = before;
    return check_plan(snapshot, client->organization, client->plan, old != NULL ? old->plan : NULL, refusal);
}

static bool check_organization(const struct registry_snapshot *snapshot, const void *item, const void *before,
                               struct refusal *refusal)
{
    const struct registry_organization *organization = item, *old = before;
    return check_plan(snapshot, organization->id, organization->plan, old != NULL ? old->plan : NULL, refusal);
}

static bool check_limit(const struct registry_snapshot *snapshot, const void *item, const void *before, struct refusal *refusal)
{
    const struct limit_rule *rule = item, *old = before;
    return check_plan(snapshot, rule->organization, rule->plan, old != NULL ? old->plan : NULL, refusal) &&
           check_metric(snapshot, rule->organization, rule->metric, old != NULL ? old->metric : NULL, refusal);
}

/* A channel stays what it is: its id says so, and only a webhook has a secret. */
static bool check_channel(const struct registry_snapshot *snapshot, const void *item, const void *before, struct refusal *refusal)
{
    const struct channel *channel = item, *old = before;
    (void)snapshot;
    if (old == NULL || channel->kind == old->kind)
        return true;
    return refusal != NULL && admin_item_refuse(&channel_shape, channel, "kind", channel_kind_name(old->kind), refusal);
}

/* ---- what refers to an item ---- */

static bool refuse_used(const char *what, const char *name, uint64_t users, struct refusal *refusal)
{
    return users == 0 ||
           refusal_set(refusal, 409, "CONFLICT", "The %s '%s' is used by %" G_GUINT64_FORMAT " clients, organizations and limits.",
                       what, name, users);
}

static uint64_t count_limits(const struct registry_snapshot *snapshot, const struct plan *plan, const struct method *method)
{
    uint64_t n = 0;
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init(&iter, snapshot->limits);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct limit_rule *rule = value;
        n += method != NULL && registry_find_method(snapshot, rule->organization, rule->metric) == method;
        n += plan != NULL && rule->plan != NULL && registry_find_plan(snapshot, rule->organization, rule->plan) == plan;
    }
    return n;
}

static bool check_method_unused(const struct registry_snapshot *snapshot, const void *item, struct refusal *refusal)
{
    const struct method *method = item;
    return refuse_used("method", method->name, count_limits(snapshot, NULL, method), refusal);
}

static bool check_plan_unused(const struct registry_snapshot *snapshot, const void *item, struct refusal *refusal)
{
    const struct plan *plan = item;
    uint64_t n = count_limits(snapshot, plan, NULL);
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init(&iter, snapshot->clients);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct registry_client *client = value;
        n += registry_find_plan(snapshot, client->organization, client->plan) == plan;
    }
    g_hash_table_iter_init(&iter, snapshot->organizations);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct registry_organization *organization = value;
        n += registry_find_plan(snapshot, organization->id, organization->plan) == plan;
    }
    return refuse_used("plan", plan->name, n, refusal);
}

/* ---- the table ---- */

static const struct admin_kind kinds[] = {
    {.kind = REGISTRY_CLIENTS,
     .path = "/api/v2/admin/clients",
     .id = "id",
     .part = "clientId",
     .scope = ADMIN_OF_ONE,
     .filters = ADMIN_BY_ORGANIZATION | ADMIN_BY_PLAN,
     .check = check_client},
    {.kind = REGISTRY_METHODS,
     .path = "/api/v2/admin/methods",
     .id = "name",
     .part = "name",
     .scope = ADMIN_OF_SOME,
     .filters = ADMIN_BY_ORGANIZATION,
     .is_shared = true,
     .check_unused = check_method_unused},
    {.kind = REGISTRY_PLANS,
     .path = "/api/v2/admin/plans",
     .id = "name",
     .part = "name",
     .scope = ADMIN_OF_SOME,
     .filters = ADMIN_BY_ORGANIZATION,
     .is_shared = true,
     .is_of_all = true,
     .check_unused = check_plan_unused},
    {.kind = REGISTRY_ORGANIZATIONS,
     .path = "/api/v2/admin/organizations",
     .id = "id",
     .part = "organizationId",
     .scope = ADMIN_ALONE,
     .filters = ADMIN_BY_PLAN,
     .is_of_all = true,
     .check = check_organization},
    {.kind = REGISTRY_LIMITS,
     .path = "/api/v2/admin/limits",
     .id = "id",
     .part = "limitId",
     .scope = ADMIN_ALONE,
     .filters = ADMIN_BY_ORGANIZATION | ADMIN_BY_CLIENT | ADMIN_BY_PLAN,
     .is_shared = true,
     .check = check_limit},
    {.kind = REGISTRY_CHANNELS,
     .path = "/api/v2/admin/channels",
     .id = "id",
     .part = "channelId",
     .scope = ADMIN_ALONE,
     .filters = ADMIN_BY_ORGANIZATION,
     .is_posted = true,
     .check = check_channel},
};

const struct admin_kind *admin_kind_at(const char *path)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (g_str_has_prefix(path, kinds[i].path) && strchr("/.", path[strlen(kinds[i].path)]) != NULL)
            return &kinds[i];
    g_assert_not_reached();
}

const struct registry_kind_info *admin_kind_info(const struct admin_kind *kind)
{
    return registry_kind_info(kind->kind);
}

/* ---- who may what ---- */

/* The text of a field; NULL: it has none of this name, or it is NULL. */
static const char *text_of(const struct admin_kind *kind, const void *item, const char *name)
{
    const struct item_field *field = item_field_named(admin_kind_info(kind)->shape, name);
    return field != NULL ? item_field_borrow(field, item) : NULL;
}

const char *admin_kind_organization(const struct admin_kind *kind, const void *item)
{
    return text_of(kind, item, kind->kind == REGISTRY_ORGANIZATIONS ? "id" : "organization");
}

bool admin_kind_shows(const struct admin_kind *kind, const struct caller *caller, const void *item)
{
    const char *organization = admin_kind_organization(kind, item);
    return caller->organization == NULL ||
           (organization == NULL ? kind->is_shared : strcmp(caller->organization, organization) == 0);
}

static bool fits(const struct admin_kind *kind, const void *item, const char *field, const char *wanted)
{
    return wanted == NULL || g_strcmp0(text_of(kind, item, field), wanted) == 0;
}

bool admin_kind_fits(const struct admin_kind *kind, const struct admin_params *params, const void *item)
{
    return fits(kind, item, "organization", params->organization) && fits(kind, item, "client", params->client) &&
           fits(kind, item, "plan", params->plan);
}

static bool forbid(struct refusal *refusal, const char *words, const char *field, const char *value, const char *allowed)
{
    refusal_set_value(refusal, "FORBIDDEN", words, field, value, allowed);
    refusal->status = 403;
    return false;
}

static bool may_give_tier(const struct caller *caller, const struct registry_client *client, const struct registry_client *before,
                          struct refusal *refusal)
{
    if (client->tier <= caller->tier || (before != NULL && before->tier == client->tier))
        return true;
    g_autofree char *allowed = g_strdup_printf("a tier up to your own, %s", caller_tier_name(caller->tier));
    return forbid(refusal, "Forbidden", "tier", caller_tier_name(client->tier), allowed);
}

/* What a client has bought is for the seller to say, like the plan itself. */
static bool may_give_plan(const struct registry_client *client, const struct registry_client *before, struct refusal *refusal)
{
    const char *plan = before != NULL ? before->plan : "";
    return strcmp(client->plan, plan) == 0 || forbid(refusal, "Forbidden: plans are given by administrators of all organizations",
                                                     "plan", client->plan, plan[0] != '\0' ? plan : "no plan");
}

bool admin_kind_may_put(const struct admin_kind *kind, const struct caller *caller, const void *item, const void *before,
                        struct refusal *refusal)
{
    const char *organization = admin_kind_organization(kind, item), *own = caller->organization;
    const char *name = admin_kind_info(kind)->name;
    if (own == NULL)
        return true;
    if (kind->is_of_all)
        return refusal_set(refusal, 403, "FORBIDDEN", "Forbidden: a %s is changed by administrators of all organizations.", name);
    if (g_strcmp0(organization, own) != 0)
        return forbid(refusal, "Forbidden: you manage nothing of other organizations", "organization",
                      organization != NULL ? organization : "null", own);
    if (before != NULL && g_strcmp0(admin_kind_organization(kind, before), own) != 0) {
        g_autofree char *words = g_strdup_printf("Forbidden: there is a %s of this id that is not yours", name);
        return forbid(refusal, words, kind->id, text_of(kind, item, kind->id), "another id");
    }
    return kind->kind != REGISTRY_CLIENTS || (may_give_tier(caller, item, before, refusal) && may_give_plan(item, before, refusal));
}

/* ---- what may be ---- */

bool admin_kind_check(const struct admin_kind *kind, const struct registry_snapshot *snapshot, const void *item, const void *before,
                      struct refusal *refusal)
{
    return kind->check == NULL || kind->check(snapshot, item, before, refusal);
}

bool admin_kind_has_room(const struct admin_kind *kind, const struct registry_snapshot *snapshot, struct refusal *refusal)
{
    const struct registry_kind_info *info = admin_kind_info(kind);
    return g_hash_table_size(snapshot->items[kind->kind]) < info->most ||
           refusal_set(refusal, 409, "CONFLICT", "There are %u %s, and cannot be more.", info->most, info->names);
}
