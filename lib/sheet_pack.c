/* sheet_pack: what surrounds the canonical bytes: their checksum, and compression on the way. */
#include "lib/sheet.h"

#include <gnutls/crypto.h>
#include <zstd.h>

enum { LEVEL = 9 };

void sheet_checksum(GBytes *bytes, uint8_t checksum[SHEET_CHECKSUM_SIZE])
{
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);
    int failed = gnutls_hash_fast(GNUTLS_DIG_SHA256, data, size, checksum);
    g_assert(failed == 0);
}

GBytes *sheet_pack(GBytes *bytes)
{
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);
    size_t room = ZSTD_compressBound(size);
    void *packed = g_malloc(room);
    size_t used = ZSTD_compress(packed, room, data, size, LEVEL);
    g_assert(!ZSTD_isError(used)); /* there is room, and memory does not end here */
    return g_bytes_new_take(g_realloc(packed, used), used);
}

static GBytes *refuse(GError **error, const char *what)
{
    g_set_error(error, SHEET_ERROR, SHEET_ERROR_MALFORMED, "not a packed day sheet: %s", what);
    return NULL;
}

GBytes *sheet_unpack(const void *data, size_t size, GError **error)
{
    unsigned long long declared = size > 0 ? ZSTD_getFrameContentSize(data, size) : ZSTD_CONTENTSIZE_ERROR;
    if (declared == ZSTD_CONTENTSIZE_ERROR || declared == ZSTD_CONTENTSIZE_UNKNOWN)
        return refuse(error, "no zstd frame that says its size");
    if (declared > SHEET_SIZE_MAX)
        return refuse(error, "it declares more bytes than a sheet can have");
    if (ZSTD_findFrameCompressedSize(data, size) != size)
        return refuse(error, "it is cut off, or something follows it");
    uint8_t *bytes = g_try_malloc(declared + 1);
    if (!bytes)
        return refuse(error, "no memory for what it declares");
    size_t found = ZSTD_decompress(bytes, declared, data, size);
    if (ZSTD_isError(found) || found != declared) {
        g_free(bytes);
        return refuse(error, "its zstd frame is damaged");
    }
    return g_bytes_new_take(bytes, found);
}
