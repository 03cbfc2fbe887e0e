/* auth: from what a request carries to a caller.
 *
 * Authorization: Bearer TOKEN, or X-API-Key: TOKEN (api.md 2), or access_token=TOKEN in the query where the route allows it (api.md
 * 3). A token is that of the configuration (a caller who may do everything), a random one of the registry, known by its SHA-256, or
 * a JSON web token (jwt.h) signed by a key of the configured JWKS file. Where a request has none of these, the cookie of a session
 * (session.h) counts as a token, if the request was made by our own page. Comparisons of secrets take the same time whatever
 * differs; no token is ever logged or told. Never blocks. Thread-safe. */
#ifndef DAYBOOK_AUTH_H
#define DAYBOOK_AUTH_H

#include "api/call.h"
#include "api/refusal.h"
#include "api/registry.h"

struct auth;

enum { AUTH_TOKEN_MIN = 16 };

struct auth_settings {
    const char *token;                     /* of the configuration; required, at least AUTH_TOKEN_MIN characters */
    const char *jwks_file;                 /* NULL or "": no JSON web tokens */
    const char *jwt_issuer, *jwt_audience; /* required with a jwks_file */
};

/* The settings are copied, the registry is borrowed. NULL with a sentence that names the setting. */
struct auth *auth_new(const struct auth_settings *settings, struct registry *registry, GError **error);
void auth_free(struct auth *auth);
/* Reads the JWKS file again; the old keys stay in force where it is damaged. */
bool auth_reload(struct auth *auth, GError **error);
/* What a token is good for. A session is tied to `root`, the token that is no child of another (registry_snapshot.h). */
struct auth_found {
    struct caller *caller; /* to be released with caller_unref */
    uint8_t root[REGISTRY_DIGEST_SIZE];
    bool is_foreign;    /* the root is auth.token or a JSON web token */
    int64_t expires_ms; /* Unix time; 0: never */
};

/* What a request's token, or a text, is good for. False: refused, as auth_identify says. A text is never a session. */
bool auth_find(struct auth *auth, struct http_request *request, bool allow_query, struct auth_found *found,
               struct refusal *refusal);
bool auth_find_text(struct auth *auth, const char *token, struct auth_found *found, struct refusal *refusal);
/* Whether what a session was made from may still be good: false where auth.token is another now, or the issuer of its JSON web
 * token is trusted no more. caller: of that session. */
bool auth_trusts_foreign(const struct auth *auth, const struct caller *caller, const uint8_t *root);
/* The caller, to be released with caller_unref; NULL: refused, 401 with codes UNAUTHORIZED (nothing was sent), BAD_CREDENTIALS
 * (unknown, revoked, not valid) or CREDENTIALS_EXPIRED; or 403 FORBIDDEN: a session, but another site's page asks;
 * or 503 SERVICE_UNAVAILABLE: it may be a token of the registry, which
 * cannot be read now. */
struct caller *auth_identify(struct auth *auth, struct http_request *request, bool allow_query, struct refusal *refusal);
/* After a refusal with BAD_CREDENTIALS: the token has the form of one of the registry, so it may have been made on another replica
 * a moment ago. Then a worker may call registry_refresh and ask auth_identify once more. */
bool auth_may_be_new(struct http_request *request, bool allow_query);

#endif
