#include "lib/base64url.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

char *base64url_write(const void *data, size_t size)
{
    char *text = g_base64_encode(data, size);
    g_strdelimit(text, "+", '-');
    g_strdelimit(text, "/", '_');
    text[strcspn(text, "=")] = '\0';
    return text;
}

/* -1: none of the alphabet. */
static int value_of(char letter)
{
    const char *at = letter != '\0' ? strchr(alphabet, letter) : NULL;
    return at != NULL ? (int)(at - alphabet) : -1;
}

uint8_t *base64url_read(struct view text, size_t *size)
{
    if (text.size % 4 == 1)
        return NULL;
    g_autofree uint8_t *out = g_malloc(text.size / 4 * 3 + 3);
    uint32_t bits = 0;
    unsigned n_bits = 0;
    *size = 0;
    for (size_t i = 0; i < text.size; i++) {
        int value = value_of(text.data[i]);
        if (value < 0)
            return NULL;
        bits = (bits << 6 | (uint32_t)value) & 0xffff;
        n_bits += 6;
        if (n_bits < 8)
            continue;
        n_bits -= 8;
        out[(*size)++] = (uint8_t)(bits >> n_bits);
    }
    if ((bits & ((1U << n_bits) - 1)) != 0)
        return NULL; /* another text stands for the same bytes */
    out[*size] = '\0';
    return g_steal_pointer(&out);
}
