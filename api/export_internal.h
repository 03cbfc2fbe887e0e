/* export_internal: what export.c, export_lines.c, export_out.c, export_text.c and export_xlsx.c share. Only they may include it. */
#ifndef DAYBOOK_EXPORT_INTERNAL_H
#define DAYBOOK_EXPORT_INTERNAL_H

#include "api/export.h"
#include <gnutls/crypto.h>
#include <zlib.h>

/* ---- bytes on their way to the file: gathered, compressed, digested, written (export_out.c) ----
 * Errors are sticky and come out of export_out_finish; until then all that is appended is dropped. */
enum { EXPORT_OUT_BYTES = 256 * 1024 };

struct export_out {
    int fd;
    char *buffer;
    size_t used;
    bool gzip;
    z_stream zip;
    unsigned char *packed; /* EXPORT_OUT_BYTES; with gzip only */
    gnutls_hash_hd_t digest;
    int64_t size; /* bytes written */
    GError *error;
};

/* A file without a name; -1 with an error. */
int export_file_open(const char *directory, GError **error);
/* Takes the descriptor. */
void export_out_init(struct export_out *out, int fd, bool gzip);
void export_out_flush(struct export_out *out);
/* Room for size bytes, at most EXPORT_OUT_BYTES; the caller writes there and moves out->used. */
static inline char *export_out_room(struct export_out *out, size_t size)
{
    g_assert(size <= EXPORT_OUT_BYTES);
    if (size > EXPORT_OUT_BYTES - out->used)
        export_out_flush(out);
    return out->buffer + out->used;
}
void export_out_append_large(struct export_out *out, struct view bytes);
static inline void export_out_append(struct export_out *out, struct view bytes)
{
    if (bytes.size > EXPORT_OUT_BYTES - out->used) {
        export_out_append_large(out, bytes);
        return;
    }
    memcpy(out->buffer + out->used, bytes.data, bytes.size);
    out->used += bytes.size;
}
void export_out_fail(struct export_out *out, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Releases what it holds; the file is the caller's then. False: the descriptor is closed. */
bool export_out_finish(struct export_out *out, struct export_file *file, GError **error);
void export_etag(const uint8_t digest[32], char etag[EXPORT_ETAG_MAX]);

/* ---- what a cell holds (export.c) ---- */

bool export_is_count(const struct export_column *column);
uint64_t export_count(const struct export_column *column, const struct report_row *row);

/* Names of clients that were looked up lately. */
struct export_names;
struct export_names *export_names_new(const struct export_spec *spec);
void export_names_free(struct export_names *names);
/* The text of a cell; borrowed until the next call. */
struct view export_text(struct export_names *names, const struct export_column *column, const struct report_row *row);

/* ---- formats ---- */

void export_render_text(const struct export_spec *spec, const struct result *result, struct export_out *out);
/* Into the empty file of the descriptor. */
bool export_render_xlsx(const struct export_spec *spec, const struct result *result, const char *directory, int fd, GError **error);

#endif
