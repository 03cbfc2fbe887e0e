#include "api/signature.h"

#include "lib/hex.h"
#include "lib/number.h"
#include <glib.h>
#include <gnutls/crypto.h>

void signature_digest(struct view key, const struct view *parts, size_t n_parts, uint8_t digest[SIGNATURE_DIGEST_SIZE])
{
    gnutls_hmac_hd_t hmac;
    int failed = gnutls_hmac_init(&hmac, GNUTLS_MAC_SHA256, key.data, key.size);
    for (size_t i = 0; i < n_parts && failed == 0; i++)
        failed = gnutls_hmac(hmac, parts[i].data, parts[i].size);
    g_assert(failed == 0); /* only if it lacked the algorithm */
    gnutls_hmac_deinit(hmac, digest);
}

void signature_write(char out[SIGNATURE_SIZE], const char *secret, int64_t unix_s, struct view body)
{
    char time[NUMBER_MAX], hex[2 * SIGNATURE_DIGEST_SIZE + 1];
    uint8_t digest[SIGNATURE_DIGEST_SIZE];
    size_t size = number_write_signed(time, unix_s);
    const struct view parts[] = {view_make(time, size), view_of("."), body};
    signature_digest(view_of(secret), parts, G_N_ELEMENTS(parts), digest);
    hex_write(hex, digest, sizeof digest);
    g_snprintf(out, SIGNATURE_SIZE, "t=%.*s,v1=%s", (int)size, time, hex);
}
