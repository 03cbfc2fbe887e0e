#include "api/jwt.h"

#include "api/registry_text.h"
#include "lib/base64url.h"
#include <jansson.h>

#define ALL_CLAIM "daybook_all_organizations"
enum { SCOPES_MAX = 256 };
#define EXPIRES_MAX_S 253402300799.0 /* the end of the year 9999 */

GQuark jwt_error_quark(void)
{
    return g_quark_from_static_string("daybook-jwt-error");
}

static bool bad(GError **error, const char *sentence)
{
    g_set_error(error, JWT_ERROR, JWT_ERROR_BAD, "%s", sentence);
    return false;
}

/* The three parts, as they stand. */
struct parts {
    struct view header, claims, signature;
    struct view signed_text; /* header and claims, with the point between */
};

static bool split(const char *text, struct parts *parts)
{
    const char *first = strchr(text, '.'), *second = first != NULL ? strchr(first + 1, '.') : NULL;
    if (second == NULL || strchr(second + 1, '.') != NULL)
        return false;
    parts->header = view_make(text, (size_t)(first - text));
    parts->claims = view_make(first + 1, (size_t)(second - first - 1));
    parts->signature = view_of(second + 1);
    parts->signed_text = view_make(text, (size_t)(second - text));
    return true;
}

bool jwt_is_one(const char *text)
{
    struct parts parts;
    return split(text, &parts);
}

/* NULL: not an object of JSON in base64url. */
static json_t *read_object(struct view text)
{
    size_t size;
    json_error_t why;
    g_autofree uint8_t *json = base64url_read(text, &size);
    json_t *object = json != NULL ? json_loadb((const char *)json, size, JSON_REJECT_DUPLICATES, &why) : NULL;
    if (object == NULL || json_is_object(object))
        return object;
    json_decref(object);
    return NULL;
}

/* ---- header and signature ---- */

static bool is_type(const char *type)
{
    return g_ascii_strcasecmp(type, "JWT") == 0 || g_ascii_strcasecmp(type, "at+jwt") == 0 ||
           g_ascii_strcasecmp(type, "application/at+jwt") == 0;
}

static bool check_header(const json_t *header, enum jwt_algorithm *algorithm, const char **kid, GError **error)
{
    const char *name = json_string_value(json_object_get(header, "alg"));
    const json_t *key = json_object_get(header, "kid"), *type = json_object_get(header, "typ");
    *kid = json_string_value(key);
    if (name == NULL || !jwt_algorithm_parse(name, algorithm))
        return bad(error, "the algorithm of this token is not one of RS256, ES256 and EdDSA.");
    if (key != NULL && *kid == NULL)
        return bad(error, "the kid of this token is not a text.");
    if (json_object_get(header, "crit") != NULL)
        return bad(error, "this token has a critical header, and none is known here.");
    if (type != NULL && (!json_is_string(type) || !is_type(json_string_value(type))))
        return bad(error, "this token is of a type that is not accepted: JWT or at+jwt is.");
    return true;
}

static bool check_signature(const struct jwt_keys *keys, const struct parts *parts, GError **error)
{
    enum jwt_algorithm algorithm = JWT_RS256;
    const char *kid = NULL;
    size_t size = 0;
    json_t *header = read_object(parts->header);
    g_autofree uint8_t *signature = base64url_read(parts->signature, &size);
    bool ok = header != NULL && signature != NULL;
    if (!ok)
        bad(error, "this is not a JSON web token.");
    else
        ok = check_header(header, &algorithm, &kid, error);
    if (ok && !jwt_keys_verify(keys, algorithm, kid, parts->signed_text, view_make(signature, size)))
        ok = bad(error, "this token is not signed by a key that is known here.");
    json_decref(header);
    return ok;
}

/* ---- registered claims ---- */

/* Seconds, perhaps with a fraction (RFC 7519, NumericDate). False: there is none. */
static bool take_time(const json_t *claims, const char *name, double *time_s)
{
    const json_t *value = json_object_get(claims, name);
    *time_s = json_number_value(value);
    return json_is_number(value);
}

static bool check_times(const json_t *claims, int64_t now_s, int64_t *expires_ms, GError **error)
{
    double exp, nbf, iat, now = (double)now_s;
    if (!take_time(claims, "exp", &exp))
        return bad(error, "this token does not say when it expires (exp).");
    if (now >= exp + JWT_LEEWAY_S) {
        g_set_error(error, JWT_ERROR, JWT_ERROR_EXPIRED, "this token has expired.");
        return false;
    }
    if (json_object_get(claims, "nbf") != NULL && (!take_time(claims, "nbf", &nbf) || nbf > now + JWT_LEEWAY_S))
        return bad(error, "this token is not valid yet (nbf).");
    if (json_object_get(claims, "iat") != NULL && (!take_time(claims, "iat", &iat) || iat > now + JWT_LEEWAY_S))
        return bad(error, "this token was issued in the future (iat).");
    *expires_ms = ((int64_t)MIN(exp, EXPIRES_MAX_S) + JWT_LEEWAY_S) * 1000;
    return true;
}

static bool is_text(const json_t *value, const char *text)
{
    return json_is_string(value) && view_is(view_make(json_string_value(value), json_string_length(value)), text);
}

static bool is_for_us(const json_t *audience, const char *us)
{
    const json_t *item;
    size_t i;
    if (!json_is_array(audience))
        return is_text(audience, us);
    json_array_foreach(audience, i, item) if (is_text(item, us)) return true;
    return false;
}

static bool check_claims(const json_t *claims, const struct jwt_rules *rules, int64_t now_s, int64_t *expires_ms, GError **error)
{
    if (!is_text(json_object_get(claims, "iss"), rules->issuer))
        return bad(error, "this token is from another issuer (iss).");
    if (!is_for_us(json_object_get(claims, "aud"), rules->audience))
        return bad(error, "this token is for another service (aud).");
    return check_times(claims, now_s, expires_ms, error);
}

/* ---- our claims ---- */

/* NULL where the claim is missing. */
static bool take_name(const json_t *claims, const char *claim, const char **name, GError **error)
{
    const json_t *value = json_object_get(claims, claim);
    struct view text = view_make(json_string_value(value), json_string_length(value));
    *name = text.data;
    if (value == NULL || (json_is_string(value) && text.size > 0 && registry_name_is_valid(text)))
        return true;
    g_set_error(error, JWT_ERROR, JWT_ERROR_BAD, "the claim %s of this token is not a name of at most %d bytes.", claim,
                REGISTRY_NAME_MAX);
    return false;
}

static void allow(const char *name, uint32_t *permissions)
{
    uint32_t permission;
    if (caller_permission_parse(name, &permission))
        *permissions |= permission;
}

static bool take_permissions(const json_t *claims, uint32_t *permissions, GError **error)
{
    const json_t *list = json_object_get(claims, "permissions"), *scope = json_object_get(claims, "scope"), *item;
    size_t i;
    if ((list != NULL && !json_is_array(list)) || (scope != NULL && !json_is_string(scope)))
        return bad(error, "the claim permissions of this token is not a list, or scope not a text.");
    *permissions = 0;
    json_array_foreach(list, i, item) if (json_is_string(item)) allow(json_string_value(item), permissions);
    g_auto(GStrv) words = g_strsplit(scope != NULL ? json_string_value(scope) : "", " ", SCOPES_MAX);
    for (char **word = words; *word != NULL; word++)
        allow(*word, permissions);
    return true;
}

static bool take_tier(const json_t *claims, enum tier *tier, GError **error)
{
    const json_t *value = json_object_get(claims, "tier");
    *tier = TIER_FREE;
    return value == NULL || (json_is_string(value) && caller_tier_parse(json_string_value(value), tier)) ||
           bad(error, "the claim tier of this token is not one of free, starter, professional and enterprise.");
}

static struct caller *caller_of(const json_t *claims, const struct jwt_rules *rules, GError **error)
{
    const char *subject, *organization, *client;
    uint32_t permissions;
    enum tier tier;
    if (!take_name(claims, "sub", &subject, error) || !take_name(claims, "organization", &organization, error) ||
        !take_name(claims, "client", &client, error) || !take_permissions(claims, &permissions, error) ||
        !take_tier(claims, &tier, error))
        return NULL;
    bool all = json_is_true(json_object_get(claims, ALL_CLAIM));
    if (subject == NULL)
        bad(error, "this token does not say whose it is (sub).");
    else if (all == (organization != NULL))
        bad(error, "this token must name one organization (organization), or say that it is for all (" ALL_CLAIM ": true).");
    else if (client != NULL && organization == NULL)
        bad(error, "this token names a client, and so must name its organization.");
    else {
        g_autofree char *id = g_strdup_printf("jwt:%s#%s", rules->issuer, subject);
        return caller_new(id, subject, organization, client, permissions, tier);
    }
    return NULL;
}

struct caller *jwt_identify(const struct jwt_keys *keys, const struct jwt_rules *rules, const char *text, int64_t now_s,
                            int64_t *expires_ms, GError **error)
{
    int64_t until_ms = 0;
    struct parts parts;
    if (strlen(text) > JWT_MAX) {
        g_set_error(error, JWT_ERROR, JWT_ERROR_BAD, "this token is longer than %d bytes.", JWT_MAX);
        return NULL;
    }
    if (!split(text, &parts)) {
        bad(error, "this is not a JSON web token.");
        return NULL;
    }
    if (!check_signature(keys, &parts, error))
        return NULL;
    json_t *claims = read_object(parts.claims);
    struct caller *caller = NULL;
    if (claims == NULL)
        bad(error, "the claims of this token are not an object of JSON.");
    else if (check_claims(claims, rules, now_s, &until_ms, error))
        caller = caller_of(claims, rules, error);
    json_decref(claims);
    if (caller != NULL && expires_ms != NULL)
        *expires_ms = until_ms;
    return caller;
}
