/* auth: from what a request carries to a caller.
 *
 * Authorization: Bearer TOKEN, or X-API-Key: TOKEN (api.md 2), or access_token=TOKEN in the query where the route allows it (api.md
 * 3). A token is that of the configuration (a caller who may do everything), a random one of the registry, known by its SHA-256, or
 * a JSON web token (RFC 7519) signed by a key of the configured JWKS file (RFC 7517): alg from an allow-list, kid, exp, nbf, aud
 * and iss are checked. Comparisons of secrets take the same time whatever differs. Never blocks. Thread-safe. */
#ifndef DAYBOOK_AUTH_H
#define DAYBOOK_AUTH_H

#include "api/call.h"
#include "api/refusal.h"
#include "api/registry.h"

struct auth;

struct auth_settings {
    const char *token;                     /* of the configuration; required, at least 16 characters */
    const char *jwks_file;                 /* NULL or "": no JSON web tokens */
    const char *jwt_issuer, *jwt_audience; /* required with a jwks_file */
};

struct auth *auth_new(const struct auth_settings *settings, struct registry *registry, GError **error);
void auth_free(struct auth *auth);
/* Reads the JWKS file again; the old keys stay in force where it is damaged. */
bool auth_reload(struct auth *auth, GError **error);
/* The caller, to be released with caller_unref; NULL: refused, 401 with codes UNAUTHORIZED (nothing was sent), BAD_CREDENTIALS
 * (unknown, revoked, not valid) or CREDENTIALS_EXPIRED. */
struct caller *auth_identify(struct auth *auth, struct http_request *request, bool allow_query, struct refusal *refusal);

#endif
