/* jwt: a caller from a signed JSON web token (RFC 7519, RFC 7515 compact form, RFC 8725 for what to beware of).
 *
 * Accepted: RS256, ES256 and EdDSA (Ed25519), by a key of the JWKS whose type fits and whose "alg" and "use", where it has them, do
 * too; never "none", never a symmetric algorithm, never "crit". Signatures are GnuTLS's work, which the programs link anyway and
 * which knows all three; JSON is jansson's. The libraries for the whole of JOSE know algorithms and encryption that must not be
 * accepted here, and would be one more dependency for what is a page of code.
 *
 * Claims: exp is required, nbf and iat must not lie ahead, all with JWT_LEEWAY_S; aud is or holds the audience, iss is the issuer,
 * sub is required. Ours:
 *   "organization"                      the organization that the caller belongs to; required, unless
 *   "daybook_all_organizations": true   the caller sees all (then there must be no "organization")
 *   "client"                            only the usage of this client
 *   "permissions": [text, …]            or "scope": "text text …"; those that are not ours are passed over
 *   "tier"                              default free
 *
 * Keys are read once and never change. Thread-safe. */
#ifndef DAYBOOK_JWT_H
#define DAYBOOK_JWT_H

#include "api/caller.h"
#include "api/jwt_keys.h"

#define JWT_ERROR jwt_error_quark()
GQuark jwt_error_quark(void);
enum jwt_error { JWT_ERROR_BAD, JWT_ERROR_EXPIRED };

enum { JWT_MAX = 8192 /* bytes */, JWT_LEEWAY_S = 60 };

struct jwt_rules {
    const char *issuer, *audience;
};

/* It has the form of one: three parts, divided by points. */
bool jwt_is_one(const char *text);
/* NULL with the error: a sentence for the caller, without anything that the token says. now_s: Unix time. *expires_ms (NULL: not
 * wanted): when it is no longer taken. */
struct caller *jwt_identify(const struct jwt_keys *keys, const struct jwt_rules *rules, const char *text, int64_t now_s,
                            int64_t *expires_ms, GError **error);

#endif
