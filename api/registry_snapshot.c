#include "api/registry_snapshot.h"

#include "lib/hex.h"
#include <gnutls/crypto.h>

/* A SHA-256 is as good a hash as any: its first bytes. */
static guint digest_hash(gconstpointer digest)
{
    guint hash;
    memcpy(&hash, digest, sizeof hash);
    return hash;
}

static gboolean digest_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, REGISTRY_DIGEST_SIZE) == 0;
}

void registry_token_free(struct registry_token *token)
{
    if (token == NULL)
        return;
    caller_unref(token->caller);
    g_free(token->id);
    g_free(token->name);
    g_free(token);
}

struct registry_token *registry_token_dup(const struct registry_token *token)
{
    struct registry_token *copy = g_new(struct registry_token, 1);
    *copy = *token;
    copy->id = g_strdup(token->id);
    copy->name = g_strdup(token->name);
    copy->caller = token->caller != NULL ? caller_ref(token->caller) : NULL;
    return copy;
}

void registry_client_free(struct registry_client *client)
{
    item_free(&registry_client_shape, client);
}

struct registry_client *registry_client_dup(const struct registry_client *client)
{
    return item_dup(&registry_client_shape, client);
}

/* ---- making one ---- */

static void free_token(void *token)
{
    registry_token_free(token);
}

static void free_list(void *list)
{
    g_ptr_array_free(list, TRUE);
}

struct registry_snapshot *registry_snapshot_new(int64_t version)
{
    struct registry_snapshot *snapshot = g_new(struct registry_snapshot, 1);
    *snapshot = (struct registry_snapshot){
        .users = 1,
        .version = version,
        .tokens_by_id = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_token),
        .tokens_by_digest = g_hash_table_new(digest_hash, digest_equal),
        .clients_by_id = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_list),
        .limits_by_owner = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_list),
    };
    for (size_t kind = 0; kind < REGISTRY_KIND_N; kind++)
        snapshot->items[kind] = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    snapshot->clients = snapshot->items[REGISTRY_CLIENTS];
    snapshot->methods = snapshot->items[REGISTRY_METHODS];
    snapshot->organizations = snapshot->items[REGISTRY_ORGANIZATIONS];
    snapshot->plans = snapshot->items[REGISTRY_PLANS];
    snapshot->limits = snapshot->items[REGISTRY_LIMITS];
    snapshot->channels = snapshot->items[REGISTRY_CHANNELS];
    return snapshot;
}

bool registry_snapshot_add_token(struct registry_snapshot *snapshot, struct registry_token *token)
{
    if (g_hash_table_size(snapshot->tokens_by_id) >= REGISTRY_TOKENS_MAX ||
        g_hash_table_contains(snapshot->tokens_by_id, token->id) ||
        g_hash_table_contains(snapshot->tokens_by_digest, token->digest)) {
        registry_token_free(token);
        return false;
    }
    g_hash_table_insert(snapshot->tokens_by_id, token->id, token);
    g_hash_table_insert(snapshot->tokens_by_digest, token->digest, token);
    return true;
}

static void note(GHashTable *index, const char *name, void *item)
{
    GPtrArray *same = g_hash_table_lookup(index, name);
    if (same == NULL) {
        same = g_ptr_array_new();
        g_hash_table_insert(index, g_strdup(name), same);
    }
    g_ptr_array_add(same, item);
}

static void note_limit(struct registry_snapshot *snapshot, struct limit_rule *rule)
{
    g_autofree char *client =
        rule->client != NULL ? registry_client_key(rule->organization != NULL ? rule->organization : "", rule->client) : NULL;
    note(snapshot->limits_by_owner, client != NULL ? client : rule->plan, rule);
}

bool registry_snapshot_add(struct registry_snapshot *snapshot, enum registry_kind kind, void *item)
{
    const struct registry_kind_info *info = registry_kind_info(kind);
    GHashTable *items = snapshot->items[kind];
    g_autofree char *field = info->field(item);
    if (g_hash_table_size(items) >= info->most || g_hash_table_contains(items, field)) {
        item_free(info->shape, item);
        return false;
    }
    g_hash_table_insert(items, g_steal_pointer(&field), item);
    if (kind == REGISTRY_CLIENTS)
        note(snapshot->clients_by_id, ((const struct registry_client *)item)->id, item);
    if (kind == REGISTRY_LIMITS)
        note_limit(snapshot, item);
    return true;
}

/* False: it has none. */
static bool adopt(struct registry_snapshot *snapshot, struct registry_token *token)
{
    if (token->is_foreign)
        return true;
    const struct registry_token *parent = registry_find_token(snapshot, token->parent);
    if (parent == NULL || parent->has_parent)
        return false;
    caller_unref(token->caller);
    token->caller = token->is_session ? caller_new_session(parent->caller) : caller_ref(parent->caller);
    if (parent->expires_ms != 0 && (token->expires_ms == 0 || parent->expires_ms < token->expires_ms))
        token->expires_ms = parent->expires_ms;
    return true;
}

/* A key goes with its client when that gets another tier. */
static void follow_client(const struct registry_snapshot *snapshot, struct registry_token *token)
{
    struct caller *before = token->caller;
    const struct registry_client *client = registry_find_client(snapshot, before->organization, before->client);
    if (client == NULL || client->tier == before->tier)
        return;
    token->caller = caller_new(before->id, before->name, before->organization, before->client, before->permissions, client->tier);
    caller_unref(before);
}

void registry_snapshot_seal(struct registry_snapshot *snapshot, GPtrArray *orphans)
{
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init(&iter, snapshot->tokens_by_id);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (registry_token_is_key(value))
            follow_client(snapshot, value);
    g_hash_table_iter_init(&iter, snapshot->tokens_by_id);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        struct registry_token *token = value;
        if (!token->has_parent || adopt(snapshot, token))
            continue;
        g_hash_table_iter_steal(&iter);
        g_hash_table_remove(snapshot->tokens_by_digest, token->digest);
        if (orphans != NULL)
            g_ptr_array_add(orphans, token);
        else
            registry_token_free(token);
    }
}

struct registry_snapshot *registry_snapshot_ref(struct registry_snapshot *snapshot)
{
    g_atomic_int_inc(&snapshot->users);
    return snapshot;
}

static void free_items(struct registry_snapshot *snapshot, enum registry_kind kind)
{
    const struct item_shape *shape = registry_kind_info(kind)->shape;
    GHashTableIter iter;
    void *item;
    g_hash_table_iter_init(&iter, snapshot->items[kind]);
    while (g_hash_table_iter_next(&iter, NULL, &item))
        item_free(shape, item);
    g_hash_table_destroy(snapshot->items[kind]);
}

void registry_snapshot_unref(struct registry_snapshot *snapshot)
{
    if (snapshot == NULL || !g_atomic_int_dec_and_test(&snapshot->users))
        return;
    g_hash_table_destroy(snapshot->tokens_by_digest);
    g_hash_table_destroy(snapshot->tokens_by_id);
    g_hash_table_destroy(snapshot->clients_by_id);
    g_hash_table_destroy(snapshot->limits_by_owner);
    for (int kind = 0; kind < REGISTRY_KIND_N; kind++)
        free_items(snapshot, (enum registry_kind)kind);
    g_free(snapshot);
}

/* ---- reading it ---- */

const struct registry_token *registry_find_token(const struct registry_snapshot *snapshot, const uint8_t *digest)
{
    return g_hash_table_lookup(snapshot->tokens_by_digest, digest);
}

bool registry_token_expired(const struct registry_token *token, int64_t now_ms)
{
    return token->expires_ms != 0 && token->expires_ms <= now_ms;
}

const struct registry_client *registry_find_client(const struct registry_snapshot *snapshot, const char *organization,
                                                   const char *client)
{
    g_autofree char *key = registry_client_key(organization, client);
    return g_hash_table_lookup(snapshot->clients, key);
}

const GPtrArray *registry_find_clients(const struct registry_snapshot *snapshot, const char *client)
{
    return g_hash_table_lookup(snapshot->clients_by_id, client);
}

const GPtrArray *registry_find_client_limits(const struct registry_snapshot *snapshot, const char *organization, const char *client)
{
    g_autofree char *key = registry_client_key(organization, client);
    return g_hash_table_lookup(snapshot->limits_by_owner, key);
}

const GPtrArray *registry_find_plan_limits(const struct registry_snapshot *snapshot, const char *plan)
{
    return g_hash_table_lookup(snapshot->limits_by_owner, plan);
}

const char *registry_client_name(const struct registry_snapshot *snapshot, const char *organization, const char *client)
{
    const GPtrArray *same = registry_find_clients(snapshot, client);
    const struct registry_client *found = NULL;
    for (guint i = 0; same != NULL && i < same->len; i++) {
        const struct registry_client *one = g_ptr_array_index(same, i);
        if (organization == NULL ? same->len == 1 : strcmp(one->organization, organization) == 0)
            found = one;
    }
    return found != NULL && found->name[0] != '\0' ? found->name : client;
}

/* An organization's own, else that of all. */
static const void *find_named(GHashTable *items, const char *organization, const char *name)
{
    g_autofree char *key = registry_name_key(organization, name);
    const void *own = g_hash_table_lookup(items, key);
    return own != NULL ? own : g_hash_table_lookup(items, name);
}

const struct method *registry_find_method(const struct registry_snapshot *snapshot, const char *organization, const char *name)
{
    return find_named(snapshot->methods, organization, name);
}

const struct plan *registry_find_plan(const struct registry_snapshot *snapshot, const char *organization, const char *name)
{
    return find_named(snapshot->plans, organization, name);
}

const struct registry_organization *registry_find_organization(const struct registry_snapshot *snapshot, const char *id)
{
    return g_hash_table_lookup(snapshot->organizations, id);
}

static gint compare_names(gconstpointer a, gconstpointer b, gpointer name)
{
    const void *const *x = a, *const *y = b;
    return strcmp(item_field_borrow(name, *x), item_field_borrow(name, *y));
}

GPtrArray *registry_list_named(const struct registry_snapshot *snapshot, enum registry_kind kind, const char *organization)
{
    const struct item_field *name = item_field_named(registry_kind_info(kind)->shape, "name");
    GPtrArray *list = g_ptr_array_new();
    GHashTableIter iter;
    void *item;
    g_hash_table_iter_init(&iter, snapshot->items[kind]);
    while (g_hash_table_iter_next(&iter, NULL, &item))
        if (find_named(snapshot->items[kind], organization, item_field_borrow(name, item)) == item)
            g_ptr_array_add(list, item);
    g_ptr_array_sort_with_data(list, compare_names, (void *)(uintptr_t)name);
    return list;
}

GPtrArray *registry_list_methods(const struct registry_snapshot *snapshot, const char *organization)
{
    return registry_list_named(snapshot, REGISTRY_METHODS, organization);
}

/* ---- ids ---- */

enum { ID_BYTES = 16 };
#define KEY_PREFIX "key-"

bool registry_token_is_key(const struct registry_token *token)
{
    return g_str_has_prefix(token->id, KEY_PREFIX) && token->caller != NULL && token->caller->client != NULL;
}

void registry_key_id(char out[REGISTRY_ID_SIZE], const char *organization, const char *client)
{
    uint8_t digest[REGISTRY_DIGEST_SIZE];
    g_autofree char *key = registry_client_key(organization, client);
    int failed = gnutls_hash_fast(GNUTLS_DIG_SHA256, key, strlen(key), digest);
    g_assert(failed == 0);
    g_strlcpy(out, KEY_PREFIX, REGISTRY_ID_SIZE);
    hex_write(out + strlen(out), digest, ID_BYTES);
}

void registry_token_id(char out[REGISTRY_ID_SIZE], char kind)
{
    uint8_t random[ID_BYTES];
    int failed = gnutls_rnd(GNUTLS_RND_NONCE, random, sizeof random);
    g_assert(failed == 0);
    out[0] = kind;
    out[1] = '-';
    hex_write(out + 2, random, sizeof random);
}
