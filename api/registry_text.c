#include "api/registry_text.h"

#include "api/writer.h"
#include "lib/base64url.h"
#include "lib/hex.h"
#include <gnutls/crypto.h>
#include <jansson.h>

#define PREFIX "dbk_"
enum { SECRET_BYTES = 32, LETTERS = 43 };

GQuark registry_text_error_quark(void)
{
    return g_quark_from_static_string("daybook-registry-text-error");
}

/* ---- writing ---- */

static void write_digest(struct writer *writer, const char *key, const uint8_t *digest)
{
    char text[2 * REGISTRY_DIGEST_SIZE + 1];
    hex_write(text, digest, REGISTRY_DIGEST_SIZE);
    writer_text(writer, key, view_of(text));
}

static void write_caller(struct writer *writer, const struct caller *caller)
{
    writer_text_or_null(writer, "organization", caller->organization);
    writer_text_or_null(writer, "client", caller->client);
    writer_begin(writer, "permissions", '[');
    for (uint32_t permission = 1; permission < PERMISSION_ALL; permission <<= 1)
        if (caller->permissions & permission)
            writer_text(writer, NULL, view_of(caller_permission_name(permission)));
    writer_end(writer, ']');
    writer_text(writer, "tier", view_of(caller_tier_name(caller->tier)));
}

char *registry_token_write(const struct registry_token *token)
{
    GString *out = g_string_new(NULL);
    struct writer writer;
    writer_init(&writer, out);
    writer_begin(&writer, NULL, '{');
    writer_text(&writer, "name", view_of(token->name));
    write_digest(&writer, "digest", token->digest);
    if (token->has_parent)
        write_digest(&writer, "parent", token->parent);
    if (token->is_session)
        writer_bool(&writer, "session", true);
    if (token->is_foreign)
        writer_text(&writer, "caller", view_of(token->caller->id));
    if (!token->has_parent || token->is_foreign)
        write_caller(&writer, token->caller);
    writer_integer(&writer, "created", token->created_ms);
    writer_integer(&writer, "expires", token->expires_ms);
    writer_end(&writer, '}');
    return g_string_free(out, FALSE);
}

char *registry_item_write(enum registry_kind kind, const void *item)
{
    GString *out = g_string_new(NULL);
    struct writer writer;
    writer_init(&writer, out);
    writer_begin(&writer, NULL, '{');
    item_write(registry_kind_info(kind)->shape, item, true, &writer);
    writer_end(&writer, '}');
    return g_string_free(out, FALSE);
}

/* ---- reading ---- */

static bool bad(GError **error, const char *what)
{
    g_set_error(error, REGISTRY_TEXT_ERROR, 0, "%s", what);
    return false;
}

static bool bad_field(GError **error, const char *field)
{
    g_set_error(error, REGISTRY_TEXT_ERROR, 0, "Its field %s is missing or not as it should be.", field);
    return false;
}

bool registry_name_is_valid(struct view name)
{
    return item_text_is_valid(name, REGISTRY_NAME_MAX);
}

/* A name; "" is one where `may_be_empty`. */
static bool take_name(const json_t *object, const char *field, bool may_be_empty, const char **name, GError **error)
{
    const json_t *value = json_object_get(object, field);
    struct view text = view_make(json_string_value(value), json_string_length(value));
    *name = text.data;
    return (json_is_string(value) && registry_name_is_valid(text) && (may_be_empty || text.size > 0)) || bad_field(error, field);
}

/* The same, or null. */
static bool take_name_or_null(const json_t *object, const char *field, bool may_be_empty, const char **name, GError **error)
{
    *name = NULL;
    return json_is_null(json_object_get(object, field)) || take_name(object, field, may_be_empty, name, error);
}

static bool take_digest(const json_t *object, const char *field, uint8_t *digest, GError **error)
{
    const json_t *value = json_object_get(object, field);
    struct view text = view_make(json_string_value(value), json_string_length(value));
    return (json_is_string(value) && hex_read(text, digest, REGISTRY_DIGEST_SIZE)) || bad_field(error, field);
}

static bool take_time(const json_t *object, const char *field, int64_t *time_ms, GError **error)
{
    const json_t *value = json_object_get(object, field);
    *time_ms = json_integer_value(value);
    return (json_is_integer(value) && *time_ms >= 0) || bad_field(error, field);
}

static bool take_tier(const json_t *object, enum tier *tier, GError **error)
{
    const char *name = json_string_value(json_object_get(object, "tier"));
    return (name != NULL && caller_tier_parse(name, tier)) || bad_field(error, "tier");
}

/* A permission that is not known allows nothing, and takes nothing from the others. */
static bool take_permissions(const json_t *object, uint32_t *permissions, GError **error)
{
    const json_t *list = json_object_get(object, "permissions"), *item;
    size_t i;
    *permissions = 0;
    if (!json_is_array(list))
        return bad_field(error, "permissions");
    json_array_foreach(list, i, item)
    {
        uint32_t permission;
        if (json_is_string(item) && caller_permission_parse(json_string_value(item), &permission))
            *permissions |= permission;
    }
    return true;
}

static bool take_caller(const json_t *object, const char *id, struct registry_token *token, GError **error)
{
    const char *organization, *client;
    uint32_t permissions;
    enum tier tier;
    if (!take_name_or_null(object, "organization", true, &organization, error) ||
        !take_name_or_null(object, "client", false, &client, error) || !take_permissions(object, &permissions, error) ||
        !take_tier(object, &tier, error))
        return false;
    if (client != NULL && organization == NULL)
        return bad(error, "It has a client but no organization.");
    token->caller = caller_new(id, token->name, organization, client, permissions, tier);
    return true;
}

/* The id of a caller by a JSON web token may be long. */
static bool take_foreign(const json_t *object, struct registry_token *token, GError **error)
{
    const char *id = json_string_value(json_object_get(object, "caller"));
    if (!token->has_parent || !token->is_session || id == NULL || id[0] == '\0')
        return bad_field(error, "caller");
    if (!take_caller(object, id, token, error))
        return false;
    struct caller *plain = token->caller;
    token->caller = caller_new_session(plain);
    caller_unref(plain);
    return true;
}

static bool take_family(const json_t *object, struct registry_token *token, GError **error)
{
    token->has_parent = json_object_get(object, "parent") != NULL;
    token->is_session = json_is_true(json_object_get(object, "session"));
    token->is_foreign = json_object_get(object, "caller") != NULL;
    if (token->has_parent && !take_digest(object, "parent", token->parent, error))
        return false;
    if (token->is_foreign)
        return take_foreign(object, token, error);
    return token->has_parent || take_caller(object, token->id, token, error);
}

static bool fill_token(const json_t *object, struct registry_token *token, GError **error)
{
    const char *name;
    if (!take_name(object, "name", true, &name, error) || !take_digest(object, "digest", token->digest, error) ||
        !take_time(object, "created", &token->created_ms, error) || !take_time(object, "expires", &token->expires_ms, error))
        return false;
    token->name = g_strdup(name);
    return take_family(object, token, error);
}

static json_t *parse(struct view json, GError **error)
{
    json_error_t why;
    json_t *object = json_loadb(json.data, json.size, JSON_REJECT_DUPLICATES, &why);
    if (object != NULL && json_is_object(object))
        return object;
    json_decref(object);
    bad(error, "It is not a JSON object.");
    return NULL;
}

struct registry_token *registry_token_read(struct view id, struct view json, GError **error)
{
    if (id.size == 0 || !registry_name_is_valid(id)) {
        bad(error, "Its id is not a name.");
        return NULL;
    }
    json_t *object = parse(json, error);
    if (object == NULL)
        return NULL;
    struct registry_token *token = g_new0(struct registry_token, 1);
    token->id = g_strndup(id.data, id.size);
    if (!fill_token(object, token, error))
        g_clear_pointer(&token, registry_token_free);
    json_decref(object);
    return token;
}

void *registry_item_read(enum registry_kind kind, struct view field, struct view json, GError **error)
{
    const struct registry_kind_info *info = registry_kind_info(kind);
    const struct item_field *blame;
    json_t *object = parse(json, error);
    if (object == NULL)
        return NULL;
    void *item = item_read(info->shape, object, &blame);
    json_decref(object);
    if (item == NULL) {
        bad_field(error, blame->name);
        return NULL;
    }
    g_autofree char *wanted = info->field(item);
    if (view_is(field, wanted))
        return item;
    bad(error, "It lies under another name than its own.");
    item_free(info->shape, item);
    return NULL;
}

/* ---- secrets ---- */

void registry_random_text(const char *prefix, char *out, size_t size)
{
    uint8_t random[SECRET_BYTES];
    int failed = gnutls_rnd(GNUTLS_RND_KEY, random, sizeof random);
    g_assert(failed == 0);
    char *text = base64url_write(random, sizeof random);
    g_snprintf(out, size, "%s%s", prefix, text);
    gnutls_memset(random, 0, sizeof random);
    gnutls_memset(text, 0, strlen(text));
    g_free(text);
}

void registry_secret_make(char out[REGISTRY_SECRET_SIZE])
{
    registry_random_text(PREFIX, out, REGISTRY_SECRET_SIZE);
}

bool registry_secret_is_one(const char *text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    return g_str_has_prefix(text, PREFIX) && strspn(text + strlen(PREFIX), letters) == LETTERS &&
           strlen(text) == strlen(PREFIX) + LETTERS;
}

void registry_secret_digest(const char *text, uint8_t digest[REGISTRY_DIGEST_SIZE])
{
    int failed = gnutls_hash_fast(GNUTLS_DIG_SHA256, text, strlen(text), digest);
    g_assert(failed == 0);
}
