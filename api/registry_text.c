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

static void write_text_or_null(struct writer *writer, const char *key, const char *text)
{
    if (text != NULL)
        writer_text(writer, key, view_of(text));
    else
        writer_null(writer, key);
}

static void write_caller(struct writer *writer, const struct caller *caller)
{
    write_text_or_null(writer, "organization", caller->organization);
    write_text_or_null(writer, "client", caller->client);
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
    else
        write_caller(&writer, token->caller);
    writer_integer(&writer, "created", token->created_ms);
    writer_integer(&writer, "expires", token->expires_ms);
    writer_end(&writer, '}');
    return g_string_free(out, FALSE);
}

char *registry_client_write(const struct registry_client *client)
{
    GString *out = g_string_new(NULL);
    struct writer writer;
    writer_init(&writer, out);
    writer_begin(&writer, NULL, '{');
    writer_text(&writer, "id", view_of(client->id));
    writer_text(&writer, "name", view_of(client->name));
    writer_text(&writer, "organization", view_of(client->organization));
    writer_text(&writer, "tier", view_of(caller_tier_name(client->tier)));
    writer_text(&writer, "platform", view_of(client->platform));
    writer_text(&writer, "plan", view_of(client->plan));
    writer_end(&writer, '}');
    return g_string_free(out, FALSE);
}

char *registry_method_write(const struct method *method)
{
    GString *out = g_string_new(NULL);
    struct writer writer;
    writer_init(&writer, out);
    writer_begin(&writer, NULL, '{');
    writer_text(&writer, "name", view_of(method->name));
    writer_text(&writer, "title", view_of(method->title));
    write_text_or_null(&writer, "organization", method->organization);
    writer_begin(&writer, "endpoints", '[');
    for (char **pattern = method->patterns; *pattern != NULL; pattern++)
        writer_text(&writer, NULL, view_of(*pattern));
    writer_end(&writer, ']');
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
    if (name.size > REGISTRY_NAME_MAX || !g_utf8_validate(name.data, (gssize)name.size, NULL))
        return false;
    for (size_t i = 0; i < name.size; i++)
        if ((unsigned char)name.data[i] < 0x20 || name.data[i] == 0x7f)
            return false;
    return true;
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

static bool take_caller(const json_t *object, struct registry_token *token, GError **error)
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
    token->caller = caller_new(token->id, token->name, organization, client, permissions, tier);
    return true;
}

static bool fill_token(const json_t *object, struct registry_token *token, GError **error)
{
    const char *name;
    if (!take_name(object, "name", true, &name, error) || !take_digest(object, "digest", token->digest, error) ||
        !take_time(object, "created", &token->created_ms, error) || !take_time(object, "expires", &token->expires_ms, error))
        return false;
    token->name = g_strdup(name);
    token->has_parent = json_object_get(object, "parent") != NULL;
    return token->has_parent ? take_digest(object, "parent", token->parent, error) : take_caller(object, token, error);
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

static bool fill_client(const json_t *object, struct registry_client *client, GError **error)
{
    const char *id, *name, *organization, *platform, *plan;
    if (!take_name(object, "id", false, &id, error) || !take_name(object, "name", true, &name, error) ||
        !take_name(object, "organization", true, &organization, error) || !take_name(object, "platform", true, &platform, error) ||
        !take_name(object, "plan", true, &plan, error) || !take_tier(object, &client->tier, error))
        return false;
    client->id = g_strdup(id);
    client->name = g_strdup(name);
    client->organization = g_strdup(organization);
    client->platform = g_strdup(platform);
    client->plan = g_strdup(plan);
    return true;
}

struct registry_client *registry_client_read(struct view key, struct view json, GError **error)
{
    json_t *object = parse(json, error);
    if (object == NULL)
        return NULL;
    struct registry_client *client = g_new0(struct registry_client, 1);
    bool ok = fill_client(object, client, error);
    json_decref(object);
    g_autofree char *wanted = ok ? registry_client_key(client->organization, client->id) : NULL;
    if (ok && !view_is(key, wanted))
        ok = bad(error, "It lies under another name than its own.");
    if (!ok)
        g_clear_pointer(&client, registry_client_free);
    return client;
}

/* NULL-terminated; NULL: it is not a list of patterns. */
static char **take_patterns(const json_t *object, GError **error)
{
    const json_t *list = json_object_get(object, "endpoints"), *item;
    g_autoptr(GPtrArray) patterns = g_ptr_array_new_with_free_func(g_free);
    const char *why = NULL;
    size_t i;
    bool ok = json_array_size(list) > 0 && json_array_size(list) <= ENDPOINTS_PATTERNS_MAX;
    json_array_foreach(list, i, item)
    {
        char *pattern = ok && json_is_string(item) ? endpoints_pattern(json_string_value(item), &why) : NULL;
        ok = ok && pattern != NULL;
        g_ptr_array_add(patterns, pattern);
    }
    g_ptr_array_add(patterns, NULL);
    if (!ok)
        bad_field(error, "endpoints");
    return ok ? (char **)g_ptr_array_free(g_steal_pointer(&patterns), FALSE) : NULL;
}

static struct method *make_method(const json_t *object, GError **error)
{
    const char *name, *title, *organization;
    if (!take_name(object, "name", false, &name, error) || !take_name(object, "title", true, &title, error) ||
        !take_name_or_null(object, "organization", true, &organization, error))
        return NULL;
    if (!method_name_is_valid(name)) {
        bad_field(error, "name");
        return NULL;
    }
    g_auto(GStrv) patterns = take_patterns(object, error);
    return patterns != NULL ? method_new(name, title, organization, (const char *const *)patterns) : NULL;
}

struct method *registry_method_read(struct view key, struct view json, GError **error)
{
    json_t *object = parse(json, error);
    if (object == NULL)
        return NULL;
    struct method *method = make_method(object, error);
    json_decref(object);
    g_autofree char *wanted = method != NULL ? registry_method_key(method->organization, method->name) : NULL;
    if (method != NULL && !view_is(key, wanted)) {
        bad(error, "It lies under another name than its own.");
        g_clear_pointer(&method, method_free);
    }
    return method;
}

/* ---- secrets ---- */

void registry_secret_make(char out[REGISTRY_SECRET_SIZE])
{
    uint8_t random[SECRET_BYTES];
    int failed = gnutls_rnd(GNUTLS_RND_KEY, random, sizeof random);
    g_assert(failed == 0);
    char *text = base64url_write(random, sizeof random);
    g_snprintf(out, REGISTRY_SECRET_SIZE, PREFIX "%s", text);
    gnutls_memset(random, 0, sizeof random);
    gnutls_memset(text, 0, strlen(text));
    g_free(text);
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
