#include "api/auth.h"

#include "api/jwt.h"
#include "api/registry_text.h"
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

enum { RETRY_AFTER_S = 2 };

struct auth {
    struct registry *registry;
    struct caller *configured;
    uint8_t configured_digest[REGISTRY_DIGEST_SIZE];
    char *jwks_file; /* NULL: none */
    char *issuer, *audience;
    GMutex lock;
    struct jwt_keys *keys; /* under lock; what it points to never changes */
};

static bool refuse_settings(GError **error, const char *what)
{
    g_set_error(error, JWT_KEYS_ERROR, 0, "%s", what);
    return false;
}

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static bool check(const struct auth_settings *settings, GError **error)
{
    if (!is_set(settings->token) || strlen(settings->token) < AUTH_TOKEN_MIN)
        return refuse_settings(error, "auth.token must be set to a secret of at least 16 characters.");
    if (is_set(settings->jwks_file) && (!is_set(settings->jwt_issuer) || !is_set(settings->jwt_audience)))
        return refuse_settings(error, "auth.jwks_file needs auth.jwt_issuer and auth.jwt_audience: a token that was made for "
                                      "another service must not open this one.");
    return true;
}

struct auth *auth_new(const struct auth_settings *settings, struct registry *registry, GError **error)
{
    if (!check(settings, error))
        return NULL;
    bool has_keys = is_set(settings->jwks_file);
    struct jwt_keys *keys = has_keys ? jwt_keys_read(settings->jwks_file, error) : NULL;
    if (has_keys && keys == NULL) {
        g_prefix_error(error, "auth.jwks_file: ");
        return NULL;
    }
    struct auth *auth = g_new0(struct auth, 1);
    auth->registry = registry;
    auth->configured = caller_new("configured", "configured token", NULL, NULL, PERMISSION_ALL, TIER_ENTERPRISE);
    registry_secret_digest(settings->token, auth->configured_digest);
    auth->keys = keys;
    auth->jwks_file = has_keys ? g_strdup(settings->jwks_file) : NULL;
    auth->issuer = g_strdup(settings->jwt_issuer);
    auth->audience = g_strdup(settings->jwt_audience);
    g_mutex_init(&auth->lock);
    return auth;
}

void auth_free(struct auth *auth)
{
    if (auth == NULL)
        return;
    caller_unref(auth->configured);
    jwt_keys_unref(auth->keys);
    g_mutex_clear(&auth->lock);
    g_free(auth->jwks_file);
    g_free(auth->issuer);
    g_free(auth->audience);
    g_free(auth);
}

bool auth_reload(struct auth *auth, GError **error)
{
    if (auth->jwks_file == NULL)
        return true;
    struct jwt_keys *keys = jwt_keys_read(auth->jwks_file, error);
    if (keys == NULL)
        return false;
    g_mutex_lock(&auth->lock);
    struct jwt_keys *before = auth->keys;
    auth->keys = keys;
    g_mutex_unlock(&auth->lock);
    jwt_keys_unref(before);
    return true;
}

/* ---- what was sent ---- */

/* NULL: nothing. A scheme other than Bearer is nothing too. */
static const char *sent_token(struct http_request *request, bool allow_query)
{
    static const char scheme[] = "Bearer ";
    const char *header = http_request_header(request, "Authorization");
    if (header != NULL && g_ascii_strncasecmp(header, scheme, sizeof scheme - 1) == 0)
        return header + strspn(header + sizeof scheme - 1, " ") + sizeof scheme - 1;
    const char *key = http_request_header(request, "X-API-Key");
    if (key != NULL)
        return key;
    return allow_query ? http_request_query(request, "access_token") : NULL;
}

bool auth_may_be_new(struct http_request *request, bool allow_query)
{
    const char *token = sent_token(request, allow_query);
    return token != NULL && registry_secret_is_one(token);
}

/* ---- whose it is ---- */

static struct caller *refuse(struct refusal *refusal, const char *code, const char *sentences)
{
    refusal_set(refusal, 401, code, "%s", sentences);
    return NULL;
}

static struct caller *refuse_unread(struct refusal *refusal)
{
    refusal_set(refusal, 503, "SERVICE_UNAVAILABLE", "Tokens cannot be looked up now. Try again in %d seconds.", RETRY_AFTER_S);
    refusal->retry_after_s = RETRY_AFTER_S;
    return NULL;
}

/* Found by its digest, so there is no secret to be guessed letter by letter. */
static struct caller *by_registry(struct auth *auth, const char *text, const uint8_t *digest, struct refusal *refusal)
{
    struct registry_snapshot *snapshot = registry_take(auth->registry);
    const struct registry_token *token = registry_find_token(snapshot, digest);
    struct caller *caller = NULL;
    if (token == NULL && registry_secret_is_one(text) && !registry_is_current(auth->registry))
        refuse_unread(refusal);
    else if (token == NULL)
        refuse(refusal, "BAD_CREDENTIALS", "Unauthorized: this token is not known, or was revoked.");
    else if (registry_token_expired(token, g_get_real_time() / G_TIME_SPAN_MILLISECOND))
        refuse(refusal, "CREDENTIALS_EXPIRED", "Unauthorized: this token has expired.");
    else
        caller = caller_ref(token->caller);
    registry_release(snapshot);
    if (caller != NULL)
        registry_used(auth->registry, caller->id);
    return caller;
}

static struct caller *by_jwt(struct auth *auth, const char *text, struct refusal *refusal)
{
    const struct jwt_rules rules = {.issuer = auth->issuer, .audience = auth->audience};
    g_autoptr(GError) error = NULL;
    g_mutex_lock(&auth->lock);
    struct jwt_keys *keys = jwt_keys_ref(auth->keys);
    g_mutex_unlock(&auth->lock);
    struct caller *caller = jwt_identify(keys, &rules, text, g_get_real_time() / G_USEC_PER_SEC, &error);
    jwt_keys_unref(keys);
    if (caller != NULL)
        return caller;
    bool expired = g_error_matches(error, JWT_ERROR, JWT_ERROR_EXPIRED);
    g_autofree char *sentences = g_strdup_printf("Unauthorized: %s", error->message);
    return refuse(refusal, expired ? "CREDENTIALS_EXPIRED" : "BAD_CREDENTIALS", sentences);
}

struct caller *auth_identify(struct auth *auth, struct http_request *request, bool allow_query, struct refusal *refusal)
{
    uint8_t digest[REGISTRY_DIGEST_SIZE];
    const char *token = sent_token(request, allow_query);
    if (token == NULL || token[0] == '\0')
        return refuse(refusal, "UNAUTHORIZED",
                      "Unauthorized: send a valid token as 'Authorization: Bearer TOKEN' or 'X-API-Key: TOKEN'.");
    registry_secret_digest(token, digest);
    if (gnutls_memcmp(digest, auth->configured_digest, sizeof digest) == 0)
        return caller_ref(auth->configured);
    if (auth->jwks_file != NULL && jwt_is_one(token))
        return by_jwt(auth, token, refusal);
    return by_registry(auth, token, digest, refusal);
}
