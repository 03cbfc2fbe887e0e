#include "api/auth.h"

#include "api/jwt.h"
#include "api/registry_text.h"
#include "api/session.h"
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

enum { RETRY_AFTER_S = 2, ROOT_ITERATIONS = 200000 /* about 0.1 s, once */ };

struct auth {
    struct registry *registry;
    struct caller *configured;
    uint8_t configured_digest[REGISTRY_DIGEST_SIZE];
    uint8_t configured_root[REGISTRY_DIGEST_SIZE]; /* what sessions made from it are tied to */
    char *jwks_file;                               /* NULL: none */
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

/* It lies in Redis beside each session, and people choose auth.token: so it must be slow to find out by trying. */
static void derive_root(const char *token, uint8_t root[REGISTRY_DIGEST_SIZE])
{
    static const char salt[] = "daybook session";
    const gnutls_datum_t key = {(unsigned char *)(uintptr_t)token, (unsigned)strlen(token)};
    const gnutls_datum_t salted = {(unsigned char *)(uintptr_t)salt, sizeof salt - 1};
    int failed = gnutls_pbkdf2(GNUTLS_MAC_SHA256, &key, &salted, ROOT_ITERATIONS, root, REGISTRY_DIGEST_SIZE);
    g_assert(failed == 0);
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
    derive_root(settings->token, auth->configured_root);
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

/* False: no session, or none that can be one. */
static bool sent_session(struct http_request *request, char secret[REGISTRY_SECRET_SIZE])
{
    return session_cookie_find(http_request_header(request, "Cookie"), secret) == SESSION_COOKIE_ONE;
}

bool auth_may_be_new(struct http_request *request, bool allow_query)
{
    char secret[REGISTRY_SECRET_SIZE];
    const char *token = sent_token(request, allow_query);
    bool may_be = token != NULL ? registry_secret_is_one(token) : sent_session(request, secret);
    explicit_bzero(secret, sizeof secret);
    return may_be;
}

/* ---- whose it is ---- */

static bool refuse(struct refusal *refusal, const char *code, const char *sentences)
{
    return refusal_set(refusal, 401, code, "%s", sentences);
}

static bool refuse_unread(struct refusal *refusal)
{
    refusal_set(refusal, 503, "SERVICE_UNAVAILABLE", "Tokens cannot be looked up now. Try again in %d seconds.", RETRY_AFTER_S);
    refusal->retry_after_s = RETRY_AFTER_S;
    return false;
}

bool auth_trusts_foreign(const struct auth *auth, const struct caller *caller, const uint8_t *root)
{
    if (strcmp(caller->id, auth->configured->id) == 0)
        return gnutls_memcmp(root, auth->configured_root, REGISTRY_DIGEST_SIZE) == 0;
    g_autofree char *issued = g_strdup_printf("jwt:%s#", auth->issuer != NULL ? auth->issuer : "");
    return auth->jwks_file != NULL && g_str_has_prefix(caller->id, issued);
}

static void take_token(const struct registry_token *token, struct auth_found *found)
{
    found->caller = caller_ref(token->caller);
    found->expires_ms = token->expires_ms;
    found->is_foreign = token->is_foreign;
    memcpy(found->root, token->has_parent ? token->parent : token->digest, sizeof found->root);
}

/* Found by its digest, so there is no secret to be guessed letter by letter. */
static bool by_registry(struct auth *auth, const char *text, bool is_session, struct auth_found *found, struct refusal *refusal)
{
    uint8_t digest[REGISTRY_DIGEST_SIZE];
    registry_secret_digest(text, digest);
    struct registry_snapshot *snapshot = registry_take(auth->registry);
    const struct registry_token *token = registry_find_token(snapshot, digest);
    if (token != NULL &&
        (token->is_session != is_session || (token->is_foreign && !auth_trusts_foreign(auth, token->caller, token->parent))))
        token = NULL;
    if (token == NULL && registry_secret_is_one(text) && !registry_is_current(auth->registry))
        refuse_unread(refusal);
    else if (token == NULL && is_session)
        refuse(refusal, "BAD_CREDENTIALS", "Unauthorized: this session is over. Sign in again.");
    else if (token == NULL)
        refuse(refusal, "BAD_CREDENTIALS", "Unauthorized: this token is not known, or was revoked.");
    else if (registry_token_expired(token, g_get_real_time() / G_TIME_SPAN_MILLISECOND))
        refuse(refusal, "CREDENTIALS_EXPIRED",
               is_session ? "Unauthorized: this session has expired. Sign in again." : "Unauthorized: this token has expired.");
    else
        take_token(token, found);
    registry_release(snapshot);
    if (found->caller != NULL && !found->is_foreign)
        registry_used(auth->registry, found->caller->id);
    return found->caller != NULL;
}

static bool by_jwt(struct auth *auth, const char *text, struct auth_found *found, struct refusal *refusal)
{
    const struct jwt_rules rules = {.issuer = auth->issuer, .audience = auth->audience};
    g_autoptr(GError) error = NULL;
    g_mutex_lock(&auth->lock);
    struct jwt_keys *keys = jwt_keys_ref(auth->keys);
    g_mutex_unlock(&auth->lock);
    found->caller = jwt_identify(keys, &rules, text, g_get_real_time() / G_USEC_PER_SEC, &found->expires_ms, &error);
    found->is_foreign = true;
    jwt_keys_unref(keys);
    if (found->caller != NULL)
        return true;
    bool expired = g_error_matches(error, JWT_ERROR, JWT_ERROR_EXPIRED);
    g_autofree char *sentences = g_strdup_printf("Unauthorized: %s", error->message);
    return refuse(refusal, expired ? "CREDENTIALS_EXPIRED" : "BAD_CREDENTIALS", sentences);
}

bool auth_find_text(struct auth *auth, const char *token, struct auth_found *found, struct refusal *refusal)
{
    *found = (struct auth_found){0};
    registry_secret_digest(token, found->root);
    if (gnutls_memcmp(found->root, auth->configured_digest, sizeof found->root) == 0) {
        found->caller = caller_ref(auth->configured);
        found->is_foreign = true;
        memcpy(found->root, auth->configured_root, sizeof found->root);
        return true;
    }
    if (auth->jwks_file != NULL && jwt_is_one(token))
        return by_jwt(auth, token, found, refusal);
    return by_registry(auth, token, false, found, refusal);
}

static bool by_cookie(struct auth *auth, struct http_request *request, struct auth_found *found, struct refusal *refusal)
{
    char secret[REGISTRY_SECRET_SIZE];
    *found = (struct auth_found){0};
    enum session_cookie sent = session_cookie_find(http_request_header(request, "Cookie"), secret);
    if (sent == SESSION_COOKIE_NONE)
        return refuse(refusal, "UNAUTHORIZED",
                      "Unauthorized: send a valid token as 'Authorization: Bearer TOKEN' or 'X-API-Key: TOKEN'.");
    if (sent == SESSION_COOKIE_BAD)
        return refuse(refusal, "BAD_CREDENTIALS", "Unauthorized: the cookie of the session is damaged. Sign in again.");
    bool ok = session_check_origin(request, refusal) && by_registry(auth, secret, true, found, refusal);
    explicit_bzero(secret, sizeof secret);
    return ok;
}

bool auth_find(struct auth *auth, struct http_request *request, bool allow_query, struct auth_found *found, struct refusal *refusal)
{
    const char *token = sent_token(request, allow_query);
    if (token != NULL && token[0] != '\0')
        return auth_find_text(auth, token, found, refusal);
    return by_cookie(auth, request, found, refusal);
}

struct caller *auth_identify(struct auth *auth, struct http_request *request, bool allow_query, struct refusal *refusal)
{
    struct auth_found found;
    return auth_find(auth, request, allow_query, &found, refusal) ? found.caller : NULL;
}
