/* jwt_tools: keys and JSON web tokens for tests, made by GnuTLS; the vectors of the RFCs and PyJWT (tests/system/test_auth.py) are
 * the other makers. */
#ifndef DAYBOOK_TESTS_JWT_TOOLS_H
#define DAYBOOK_TESTS_JWT_TOOLS_H

#include "lib/base64url.h"
#include <glib.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>

struct jwt_key {
    gnutls_privkey_t private;
    gnutls_sign_algorithm_t algorithm;
    char *jwk; /* the public half, with "kid" */
    char *pem;
};

/* GnuTLS puts a zero before a number whose highest bit is set. */
static inline char *jwt_number(gnutls_datum_t *number, unsigned size)
{
    unsigned skip = number->size > size ? number->size - size : 0;
    char *text = base64url_write(number->data + skip, number->size - skip);
    gnutls_free(number->data);
    return text;
}

static inline void jwt_key_init(struct jwt_key *key, const char *alg, const char *kid, unsigned bits)
{
    gnutls_datum_t a, b, pem;
    gnutls_pubkey_t public;
    bool rsa = strcmp(alg, "RS256") == 0, ec = strcmp(alg, "ES256") == 0;
    gnutls_pk_algorithm_t kind = rsa ? GNUTLS_PK_RSA : ec ? GNUTLS_PK_ECDSA : GNUTLS_PK_EDDSA_ED25519;
    key->algorithm = rsa ? GNUTLS_SIGN_RSA_SHA256 : ec ? GNUTLS_SIGN_ECDSA_SHA256 : GNUTLS_SIGN_EDDSA_ED25519;
    gnutls_privkey_init(&key->private);
    gnutls_pubkey_init(&public);
    gnutls_ecc_curve_t curve = ec ? GNUTLS_ECC_CURVE_SECP256R1 : GNUTLS_ECC_CURVE_ED25519;
    g_assert_cmpint(gnutls_privkey_generate(key->private, kind, rsa ? bits : GNUTLS_CURVE_TO_BITS(curve), 0), ==, 0);
    g_assert_cmpint(gnutls_pubkey_import_privkey(public, key->private, 0, 0), ==, 0);
    g_assert_cmpint(gnutls_pubkey_export2(public, GNUTLS_X509_FMT_PEM, &pem), ==, 0);
    key->pem = g_strndup((const char *)pem.data, pem.size);
    gnutls_free(pem.data);
    g_autofree char *first = NULL, *second = NULL;
    if (rsa) {
        g_assert_cmpint(gnutls_pubkey_export_rsa_raw(public, &a, &b), ==, 0);
        first = jwt_number(&a, bits / 8);
        second = jwt_number(&b, 3);
        key->jwk = g_strdup_printf("{\"kty\":\"RSA\",\"kid\":\"%s\",\"n\":\"%s\",\"e\":\"%s\"}", kid, first, second);
    } else if (ec) {
        g_assert_cmpint(gnutls_pubkey_export_ecc_raw2(public, NULL, &a, &b, 0), ==, 0);
        first = jwt_number(&a, 32);
        second = jwt_number(&b, 32);
        key->jwk =
            g_strdup_printf("{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}", kid, first, second);
    } else {
        g_assert_cmpint(gnutls_pubkey_export_ecc_raw2(public, NULL, &a, NULL, 0), ==, 0);
        first = jwt_number(&a, 32);
        key->jwk = g_strdup_printf("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"%s\",\"x\":\"%s\"}", kid, first);
    }
    gnutls_pubkey_deinit(public);
}

static inline void jwt_key_clear(struct jwt_key *key)
{
    gnutls_privkey_deinit(key->private);
    g_free(key->jwk);
    g_free(key->pem);
}

/* r and s of 32 bytes each, one behind the other. */
static inline void jwt_raw_signature(gnutls_datum_t *signature, uint8_t raw[64])
{
    gnutls_datum_t r, s;
    g_assert_cmpint(gnutls_decode_rs_value(signature, &r, &s), ==, 0);
    memset(raw, 0, 64);
    unsigned r_skip = r.size > 32 ? r.size - 32 : 0, s_skip = s.size > 32 ? s.size - 32 : 0;
    memcpy(raw + 32 - (r.size - r_skip), r.data + r_skip, r.size - r_skip);
    memcpy(raw + 64 - (s.size - s_skip), s.data + s_skip, s.size - s_skip);
    gnutls_free(r.data);
    gnutls_free(s.data);
}

static inline char *jwt_join(const char *header, const char *claims)
{
    g_autofree char *first = base64url_write(header, strlen(header)), *second = base64url_write(claims, strlen(claims));
    return g_strdup_printf("%s.%s", first, second);
}

static inline char *jwt_sign(const struct jwt_key *key, const char *header, const char *claims)
{
    g_autofree char *text = jwt_join(header, claims), *last = NULL;
    gnutls_datum_t data = {(unsigned char *)text, (unsigned)strlen(text)}, signature;
    g_assert_cmpint(gnutls_privkey_sign_data2(key->private, key->algorithm, 0, &data, &signature), ==, 0);
    if (key->algorithm == GNUTLS_SIGN_ECDSA_SHA256) {
        uint8_t raw[64];
        jwt_raw_signature(&signature, raw);
        last = base64url_write(raw, sizeof raw);
    } else {
        last = base64url_write(signature.data, signature.size);
    }
    gnutls_free(signature.data);
    return g_strdup_printf("%s.%s", text, last);
}

/* Signed with HS256 by any secret: what must never be taken. */
static inline char *jwt_sign_hmac(const char *secret, const char *header, const char *claims)
{
    uint8_t mac[32];
    g_autofree char *text = jwt_join(header, claims);
    g_assert_cmpint(gnutls_hmac_fast(GNUTLS_MAC_SHA256, secret, strlen(secret), text, strlen(text), mac), ==, 0);
    g_autofree char *last = base64url_write(mac, sizeof mac);
    return g_strdup_printf("%s.%s", text, last);
}

#endif
