#include "api/jwt_keys.h"

#include "lib/base64url.h"
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <jansson.h>

enum {
    P256_BYTES = 32,
    ED25519_BYTES = 32,
    ED25519_SIGNATURE = 64,
    RSA_BITS_MIN = 2048, /* RFC 7518, section 3.3 */
    RSA_BITS_MAX = 8192,
    EXPONENT_MAX = 8, /* bytes; longer ones only cost time */
    NUMBER_BYTES_MAX = 2 * RSA_BITS_MAX / 8,
};

/* A key verifies with one algorithm. GnuTLS only reads it when it verifies, so threads may share it. */
struct key {
    enum jwt_algorithm algorithm;
    char *kid; /* or NULL */
    gnutls_pubkey_t public;
};

struct jwt_keys {
    gint users;
    GPtrArray *list; /* struct key */
};

static const char *const algorithms[JWT_ALGORITHM_N] = {
    [JWT_RS256] = "RS256",
    [JWT_ES256] = "ES256",
    [JWT_EDDSA] = "EdDSA",
};

GQuark jwt_keys_error_quark(void)
{
    return g_quark_from_static_string("daybook-jwt-keys-error");
}

bool jwt_algorithm_parse(const char *name, enum jwt_algorithm *algorithm)
{
    for (size_t i = 0; i < JWT_ALGORITHM_N; i++)
        if (strcmp(algorithms[i], name) == 0) {
            *algorithm = (enum jwt_algorithm)i;
            return true;
        }
    return false;
}

static void key_free(void *opaque)
{
    struct key *key = opaque;
    if (key->public != NULL)
        gnutls_pubkey_deinit(key->public);
    g_free(key->kid);
    g_free(key);
}

/* ---- reading one key ---- */

struct number {
    uint8_t *bytes;
    size_t size;
};

static bool bad(GError **error, const char *what, const char *name)
{
    g_set_error(error, JWT_KEYS_ERROR, 0, "%s: %s.", what, name);
    return false;
}

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* A member of the key, base64url; the caller frees number->bytes. */
static bool take_number(const json_t *object, const char *name, struct number *number, GError **error)
{
    const char *text = text_of(object, name);
    *number = (struct number){NULL, 0};
    if (text != NULL && strlen(text) <= NUMBER_BYTES_MAX)
        number->bytes = base64url_read(view_of(text), &number->size);
    return (number->bytes != NULL && number->size > 0) || bad(error, "a key has no member of base64url of this name", name);
}

static gnutls_datum_t datum(const struct number *number)
{
    return (gnutls_datum_t){number->bytes, (unsigned)number->size};
}

static bool import_rsa(struct key *key, const json_t *object, GError **error)
{
    struct number n, e = {NULL, 0};
    unsigned bits = 0;
    bool ok = take_number(object, "n", &n, error) && take_number(object, "e", &e, error);
    if (ok) {
        const gnutls_datum_t modulus = datum(&n), exponent = datum(&e);
        ok = e.size <= EXPONENT_MAX && gnutls_pubkey_import_rsa_raw(key->public, &modulus, &exponent) == 0 &&
             gnutls_pubkey_get_pk_algorithm(key->public, &bits) == GNUTLS_PK_RSA && bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX;
        if (!ok)
            bad(error, "a key is not one of RSA with 2048 to 8192 bits", key->kid != NULL ? key->kid : "(no kid)");
    }
    g_free(n.bytes);
    g_free(e.bytes);
    return ok;
}

static bool import_p256(struct key *key, const json_t *object, GError **error)
{
    struct number x, y = {NULL, 0};
    bool ok = take_number(object, "x", &x, error) && take_number(object, "y", &y, error);
    if (ok) {
        const gnutls_datum_t first = datum(&x), second = datum(&y);
        ok = x.size == P256_BYTES && y.size == P256_BYTES &&
             gnutls_pubkey_import_ecc_raw(key->public, GNUTLS_ECC_CURVE_SECP256R1, &first, &second) == 0;
        if (!ok)
            bad(error, "a key is not a point of P-256", key->kid != NULL ? key->kid : "(no kid)");
    }
    g_free(x.bytes);
    g_free(y.bytes);
    return ok;
}

static bool import_ed25519(struct key *key, const json_t *object, GError **error)
{
    struct number x;
    bool ok = take_number(object, "x", &x, error);
    if (ok) {
        const gnutls_datum_t point = datum(&x);
        ok = x.size == ED25519_BYTES && gnutls_pubkey_import_ecc_raw(key->public, GNUTLS_ECC_CURVE_ED25519, &point, NULL) == 0;
        if (!ok)
            bad(error, "a key is not one of Ed25519", key->kid != NULL ? key->kid : "(no kid)");
    }
    g_free(x.bytes);
    return ok;
}

static const struct kind {
    const char *kty, *crv; /* crv NULL: it has none */
    enum jwt_algorithm algorithm;
    bool (*import)(struct key *key, const json_t *object, GError **error);
} kinds[] = {
    {"RSA", NULL, JWT_RS256, import_rsa},
    {"EC", "P-256", JWT_ES256, import_p256},
    {"OKP", "Ed25519", JWT_EDDSA, import_ed25519},
};

/* NULL: of another kind, or not for signatures, or for another algorithm. */
static const struct kind *kind_of(const json_t *object)
{
    const char *kty = text_of(object, "kty"), *crv = text_of(object, "crv"), *use = text_of(object, "use"),
               *alg = text_of(object, "alg");
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (g_strcmp0(kinds[i].kty, kty) == 0 && (kinds[i].crv == NULL || g_strcmp0(kinds[i].crv, crv) == 0) &&
            (use == NULL || strcmp(use, "sig") == 0) && (alg == NULL || strcmp(alg, algorithms[kinds[i].algorithm]) == 0))
            return &kinds[i];
    return NULL;
}

/* ---- the list ---- */

static const struct key *find(const struct jwt_keys *keys, enum jwt_algorithm algorithm, const char *kid)
{
    const struct key *found = NULL;
    for (guint i = 0; i < keys->list->len; i++) {
        const struct key *key = g_ptr_array_index(keys->list, i);
        if (key->algorithm != algorithm || (kid != NULL && g_strcmp0(key->kid, kid) != 0))
            continue;
        if (found != NULL)
            return NULL; /* without a kid it is not said which */
        found = key;
    }
    return found;
}

static bool add_key(struct jwt_keys *keys, const json_t *object, GError **error)
{
    if (!json_is_object(object))
        return bad(error, "\"keys\" must hold objects", "it holds something else");
    if (json_object_get(object, "d") != NULL || json_object_get(object, "k") != NULL)
        return bad(error, "a key is private or symmetric, and must not be here", "only public keys are needed");
    const struct kind *kind = kind_of(object);
    const char *kid = text_of(object, "kid");
    if (kind == NULL)
        return true;
    if (keys->list->len == JWT_KEYS_MAX)
        return bad(error, "there are too many keys", "at most 64");
    if (kid != NULL && find(keys, kind->algorithm, kid) != NULL)
        return bad(error, "two keys have the same kid", kid);
    struct key *key = g_new0(struct key, 1);
    key->algorithm = kind->algorithm;
    key->kid = g_strdup(kid);
    g_ptr_array_add(keys->list, key);
    return gnutls_pubkey_init(&key->public) == 0 && kind->import(key, object, error);
}

static bool add_keys(struct jwt_keys *keys, const json_t *set, GError **error)
{
    const json_t *list = json_object_get(set, "keys"), *object;
    size_t i;
    if (!json_is_array(list))
        return bad(error, "it is no JWKS", "there is no array \"keys\"");
    json_array_foreach(list, i, object) if (!add_key(keys, object, error)) return false;
    return keys->list->len > 0 || bad(error, "there is no key that can be used", "RSA, EC P-256 and OKP Ed25519 are known");
}

struct jwt_keys *jwt_keys_parse(struct view json, GError **error)
{
    json_error_t why;
    json_t *set = json_loadb(json.data, json.size, JSON_REJECT_DUPLICATES, &why);
    if (set == NULL) {
        g_set_error(error, JWT_KEYS_ERROR, 0, "it is no JSON: line %d: %s.", why.line, why.text);
        return NULL;
    }
    struct jwt_keys *keys = g_new(struct jwt_keys, 1);
    *keys = (struct jwt_keys){1, g_ptr_array_new_with_free_func(key_free)};
    if (!add_keys(keys, set, error))
        g_clear_pointer(&keys, jwt_keys_unref);
    json_decref(set);
    return keys;
}

struct jwt_keys *jwt_keys_read(const char *path, GError **error)
{
    g_autofree char *text = NULL;
    gsize size = 0;
    if (!g_file_get_contents(path, &text, &size, error))
        return NULL;
    GError *why = NULL;
    struct jwt_keys *keys = NULL;
    if (size > JWT_KEYS_FILE_MAX)
        bad(&why, "it is larger than any JWKS", "at most 1 MiB");
    else
        keys = jwt_keys_parse(view_make(text, size), &why);
    if (keys == NULL)
        g_propagate_prefixed_error(error, why, "The JWKS file %s cannot be used: ", path);
    return keys;
}

struct jwt_keys *jwt_keys_ref(struct jwt_keys *keys)
{
    g_atomic_int_inc(&keys->users);
    return keys;
}

void jwt_keys_unref(struct jwt_keys *keys)
{
    if (keys == NULL || !g_atomic_int_dec_and_test(&keys->users))
        return;
    g_ptr_array_free(keys->list, TRUE);
    g_free(keys);
}

guint jwt_keys_count(const struct jwt_keys *keys)
{
    return keys->list->len;
}

/* ---- verifying ---- */

static bool verify(gnutls_pubkey_t public, gnutls_sign_algorithm_t algorithm, struct view text, const gnutls_datum_t *signature)
{
    const gnutls_datum_t data = {(unsigned char *)(uintptr_t)text.data, (unsigned)text.size};
    return gnutls_pubkey_verify_data2(public, algorithm, 0, &data, signature) >= 0;
}

/* r and s, one behind the other (RFC 7518, section 3.4); GnuTLS wants them as DER. */
static bool verify_p256(gnutls_pubkey_t public, struct view text, struct view signature)
{
    unsigned char *bytes = (unsigned char *)(uintptr_t)signature.data;
    gnutls_datum_t der = {NULL, 0};
    if (signature.size != (size_t)2 * P256_BYTES)
        return false;
    const gnutls_datum_t r = {bytes, P256_BYTES}, s = {bytes + P256_BYTES, P256_BYTES};
    bool ok = gnutls_encode_rs_value(&der, &r, &s) == 0 && verify(public, GNUTLS_SIGN_ECDSA_SHA256, text, &der);
    gnutls_free(der.data);
    return ok;
}

bool jwt_keys_verify(const struct jwt_keys *keys, enum jwt_algorithm algorithm, const char *kid, struct view text,
                     struct view signature)
{
    const struct key *key = find(keys, algorithm, kid);
    const gnutls_datum_t raw = {(unsigned char *)(uintptr_t)signature.data, (unsigned)signature.size};
    if (key == NULL || signature.size == 0)
        return false;
    if (algorithm == JWT_ES256)
        return verify_p256(key->public, text, signature);
    if (algorithm == JWT_EDDSA)
        return signature.size == ED25519_SIGNATURE && verify(key->public, GNUTLS_SIGN_EDDSA_ED25519, text, &raw);
    return verify(key->public, GNUTLS_SIGN_RSA_SHA256, text, &raw);
}
