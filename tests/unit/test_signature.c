#include "api/signature.h"

#include "lib/hex.h"
#include <glib.h>

struct vector {
    const char *key, *text, *digest; /* hexadecimal */
};

/* RFC 4231, sections 4.2, 4.3, 4.4 and 4.7. */
static const struct vector vectors[] = {
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579204669727374",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
};

static struct view unhex(const char *text, char out[256])
{
    size_t size = strlen(text) / 2;
    g_assert_true(hex_read(view_of(text), out, size));
    return view_make(out, size);
}

static void test_vectors(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++) {
        char key_bytes[256], text_bytes[256], hex[2 * SIGNATURE_DIGEST_SIZE + 1];
        uint8_t digest[SIGNATURE_DIGEST_SIZE];
        struct view key = unhex(vectors[i].key, key_bytes), text = unhex(vectors[i].text, text_bytes);
        const struct view parts[] = {view_make(text.data, 3), view_of(""), view_make(text.data + 3, text.size - 3)};
        signature_digest(key, parts, G_N_ELEMENTS(parts), digest);
        hex_write(hex, digest, sizeof digest);
        g_assert_cmpstr(hex, ==, vectors[i].digest);
    }
}

/* printf '%s' '1795284299.{…}' | openssl dgst -sha256 -hmac whsec_… */
static void test_header(void)
{
    char out[SIGNATURE_SIZE];
    const char *secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    const struct view body = view_of("{\"id\":\"x\",\"event\":\"alert.raised\"}");
    signature_write(out, secret, 1795284299, body);
    g_assert_cmpstr(out, ==, "t=1795284299,v1=14a0882da333b0250badaddd89b803b7432b2381e3a280ace1345e52874e09b1");
    char other[SIGNATURE_SIZE];
    signature_write(other, secret, 1795284300, body);
    g_assert_cmpstr(strchr(out, ','), !=, strchr(other, ','));
    signature_write(other, "whsec_BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", 1795284299, body);
    g_assert_cmpstr(out, !=, other);
    signature_write(other, secret, INT64_MAX, view_of(""));
    g_assert_cmpuint(strlen(other), ==, 2 + 19 + 4 + 64);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/signature/vectors", test_vectors);
    g_test_add_func("/signature/header", test_header);
    return g_test_run();
}
