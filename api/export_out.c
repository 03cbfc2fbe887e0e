#include "api/export_internal.h"

#include "api/unnamed_file.h"
#include "lib/hex.h"
#include "lib/http_gzip.h"
#include <errno.h>
#include <unistd.h>

enum { GZIP_WINDOW = 15 + 16, MEMORY_LEVEL = 9, DIGEST_SIZE = 32 };

static void set_errno(GError **error, const char *what, int number)
{
    g_set_error(error, EXPORT_ERROR, EXPORT_ERROR_FILE, "A temporary file of an export cannot be %s: %s.", what,
                g_strerror(number));
}

int export_file_open(const char *directory, GError **error)
{
    int fd = unnamed_file_open(directory);
    if (fd < 0)
        set_errno(error, "made", errno);
    return fd;
}

/* The header of RFC 1952 without a time or a name, so that the same bytes give the same file. */
static void init_gzip(struct export_out *out)
{
    int failed = deflateInit2(&out->zip, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL, Z_DEFAULT_STRATEGY);
    g_assert(failed == Z_OK); /* only memory can be what is missing */
    out->packed = g_malloc(EXPORT_OUT_BYTES);
}

void export_out_init(struct export_out *out, int fd, bool gzip)
{
    *out = (struct export_out){.fd = fd, .gzip = gzip, .buffer = g_malloc(EXPORT_OUT_BYTES)};
    int failed = gnutls_hash_init(&out->digest, GNUTLS_DIG_SHA256);
    g_assert(failed == 0);
    if (gzip)
        init_gzip(out);
}

static void write_all(struct export_out *out, const void *data, size_t size)
{
    const char *at = data, *end = at + size;
    if (size > 0)
        gnutls_hash(out->digest, data, size);
    while (at < end && out->error == NULL) {
        ssize_t n = write(out->fd, at, (size_t)(end - at));
        if (n >= 0)
            at += n;
        else if (errno != EINTR)
            set_errno(&out->error, "written", errno);
    }
    out->size += (int64_t)size;
}

static void pack(struct export_out *out, int flush)
{
    out->zip.next_in = (Bytef *)out->buffer;
    out->zip.avail_in = (uInt)out->used;
    do {
        out->zip.next_out = out->packed;
        out->zip.avail_out = EXPORT_OUT_BYTES;
        int state = deflate(&out->zip, flush);
        g_assert(state != Z_STREAM_ERROR);
        write_all(out, out->packed, EXPORT_OUT_BYTES - out->zip.avail_out);
    } while (out->zip.avail_out == 0);
}

void export_out_flush(struct export_out *out)
{
    if (out->error == NULL && out->gzip)
        pack(out, Z_NO_FLUSH);
    else if (out->error == NULL)
        write_all(out, out->buffer, out->used);
    out->used = 0;
}

void export_out_append_large(struct export_out *out, struct view bytes)
{
    while (bytes.size > 0) {
        size_t part = MIN(bytes.size, (size_t)EXPORT_OUT_BYTES);
        memcpy(export_out_room(out, part), bytes.data, part);
        out->used += part;
        bytes = view_make(bytes.data + part, bytes.size - part);
    }
}

void export_out_fail(struct export_out *out, const char *format, ...)
{
    if (out->error != NULL)
        return;
    va_list arguments;
    va_start(arguments, format);
    out->error = g_error_new_valist(EXPORT_ERROR, EXPORT_ERROR_FILE, format, arguments);
    va_end(arguments);
}

void export_etag(const uint8_t digest[DIGEST_SIZE], char etag[EXPORT_ETAG_MAX])
{
    char hex[2 * DIGEST_SIZE + 1];
    hex_write(hex, digest, DIGEST_SIZE);
    g_snprintf(etag, EXPORT_ETAG_MAX, "\"%s\"", hex);
}

bool export_out_finish(struct export_out *out, struct export_file *file, GError **error)
{
    uint8_t digest[DIGEST_SIZE];
    bool gzip = out->gzip && out->zip.total_in + out->used > HTTP_GZIP_MIN_BYTES;
    if (out->gzip && !gzip) {
        out->gzip = false;
        deflateEnd(&out->zip);
    }
    if (out->error == NULL && gzip)
        pack(out, Z_FINISH);
    else
        export_out_flush(out);
    if (gzip)
        deflateEnd(&out->zip);
    gnutls_hash_deinit(out->digest, digest);
    g_free(out->packed);
    g_free(out->buffer);
    if (out->error != NULL) {
        close(out->fd);
        g_propagate_error(error, out->error);
        return false;
    }
    *file = (struct export_file){.fd = out->fd, .size = out->size, .gzip = gzip};
    export_etag(digest, file->etag);
    return true;
}
