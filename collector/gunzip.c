#include "collector/gunzip.h"
#include <zlib.h>

enum {
    GZIP_ONLY = 16 + MAX_WBITS, /* no zlib, no raw deflate */
    FIRST_ROOM = 16 * 1024,
};

/* Inflates one piece into the room at the end of out. */
static int inflate_piece(z_stream *stream, GByteArray *out, size_t max_bytes)
{
    guint used = out->len;
    /* One byte more than is allowed tells a body that is too large from one that just fits. */
    size_t room = MIN(MAX((size_t)used, (size_t)FIRST_ROOM), max_bytes + 1 - used);
    g_byte_array_set_size(out, used + (guint)room);
    stream->next_out = out->data + used;
    stream->avail_out = (uInt)room;
    int code = inflate(stream, Z_NO_FLUSH);
    g_byte_array_set_size(out, used + (guint)(room - stream->avail_out));
    return code;
}

static enum gunzip_result inflate_all(z_stream *stream, size_t max_bytes, GByteArray *out)
{
    for (;;) {
        int code = inflate_piece(stream, out, max_bytes);
        if (out->len > max_bytes)
            return GUNZIP_TOO_LARGE;
        if (code == Z_STREAM_END && stream->avail_in == 0)
            return GUNZIP_OK;
        if (code == Z_STREAM_END) { /* another member follows (RFC 1952, 2.2) */
            if (inflateReset(stream) != Z_OK)
                return GUNZIP_MALFORMED;
            continue;
        }
        bool cut_off = stream->avail_in == 0 && stream->avail_out > 0;
        if (code != Z_OK || cut_off)
            return GUNZIP_MALFORMED;
    }
}

enum gunzip_result gunzip(struct view packed, size_t max_bytes, GByteArray *out)
{
    z_stream stream = {0};
    g_assert(max_bytes < G_MAXINT && packed.size < G_MAXINT && out->len == 0);
    /* zlib does not write to its input, but its field is not const. */
    stream.next_in = (Bytef *)(uintptr_t)packed.data;
    stream.avail_in = (uInt)packed.size;
    if (packed.size == 0 || inflateInit2(&stream, GZIP_ONLY) != Z_OK)
        return GUNZIP_MALFORMED;
    enum gunzip_result result = inflate_all(&stream, max_bytes, out);
    inflateEnd(&stream);
    return result;
}
