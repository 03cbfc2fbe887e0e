#include "api/etag.h"

#include <glib.h>

enum { DIGITS = 40 };

void etag_of(struct view body, bool gzip, char etag[ETAG_MAX])
{
    g_autofree char *digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)body.data, body.size);
    g_snprintf(etag, ETAG_MAX, "\"%.*s%s\"", DIGITS, digest, gzip ? "-gzip" : "");
}
