/* jwt_keys: the public keys of a JWKS file (RFC 7517) that can verify what we accept.
 *
 *   "kty":"RSA" (n, e; 2048 to 8192 bits)   RS256
 *   "kty":"EC", "crv":"P-256" (x, y)        ES256
 *   "kty":"OKP", "crv":"Ed25519" (x)        EdDSA
 *
 * Keys of other kinds, for encryption, or for other algorithms are passed over, as RFC 7517 asks; private and symmetric keys do not
 * belong there, and make the file an error. At most JWT_KEYS_MAX; no kid twice among those of one kind. Immutable; counted
 * references; thread-safe. */
#ifndef DAYBOOK_JWT_KEYS_H
#define DAYBOOK_JWT_KEYS_H

#include "lib/view.h"
#include <glib.h>

#define JWT_KEYS_ERROR jwt_keys_error_quark()
GQuark jwt_keys_error_quark(void);

enum { JWT_KEYS_MAX = 64, JWT_KEYS_FILE_MAX = 1 << 20 };
enum jwt_algorithm { JWT_RS256, JWT_ES256, JWT_EDDSA, JWT_ALGORITHM_N };

struct jwt_keys;

/* NULL with a sentence that names the file (or the key). */
struct jwt_keys *jwt_keys_read(const char *path, GError **error);
struct jwt_keys *jwt_keys_parse(struct view json, GError **error);
struct jwt_keys *jwt_keys_ref(struct jwt_keys *keys);
void jwt_keys_unref(struct jwt_keys *keys); /* NULL is allowed */
guint jwt_keys_count(const struct jwt_keys *keys);

bool jwt_algorithm_parse(const char *name, enum jwt_algorithm *algorithm); /* "RS256"; case counts (RFC 7515) */
/* Whether the signature over text is that of the key with this kid. kid NULL: the only key for the algorithm; where there are
 * several, none is tried. */
bool jwt_keys_verify(const struct jwt_keys *keys, enum jwt_algorithm algorithm, const char *kid, struct view text,
                     struct view signature);

#endif
