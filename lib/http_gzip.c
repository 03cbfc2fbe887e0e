/* The fastest level: answers are made for one client and are read once. */
#include "lib/http_gzip.h"
#include <glib.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { GZIP_WINDOW = 15 + 16, MEMORY_LEVEL = 8 };

/* "0", "0.", "0.0", "0.000": anything else is more than nothing. */
static bool is_zero(const char *q)
{
    return *q == '0' && strspn(q + 1, ".0") == strlen(q + 1);
}

/* One item, for example " gzip ; q=0.5". 1: let through, 0: not, -1: another encoding. */
static int judge(const char *item)
{
    g_auto(GStrv) parts = g_strsplit(item, ";", 4);
    const char *name = parts[0] ? g_strstrip(parts[0]) : "";
    bool star = strcmp(name, "*") == 0;

    if (!star && g_ascii_strcasecmp(name, "gzip") != 0 && g_ascii_strcasecmp(name, "x-gzip") != 0)
        return -1;
    for (char **part = parts + 1; *part; part++) {
        const char *parameter = g_strstrip(*part);
        if ((parameter[0] == 'q' || parameter[0] == 'Q') && parameter[1] == '=')
            return is_zero(parameter + 2) ? 0 : 1;
    }
    return 1;
}

bool http_gzip_accepted(const char *accept_encoding)
{
    int star = 0;

    if (!accept_encoding)
        return false;
    g_auto(GStrv) items = g_strsplit(accept_encoding, ",", 32);
    for (char **item = items; *item; item++) {
        int verdict = judge(*item);
        if (verdict >= 0 && !strchr(*item, '*'))
            return verdict == 1; /* named: that is the last word */
        if (verdict == 1)
            star = 1;
    }
    return star == 1;
}

/* zlib only reads from next_in, but its type lacks the const. */
static Bytef *unconst(const void *data)
{
    union {
        const void *in;
        void *out;
    } cast = {data};

    return (Bytef *)cast.out;
}

void *http_gzip(const void *data, size_t size, size_t *packed_size)
{
    z_stream z;
    void *packed;

    if (size > UINT_MAX)
        return NULL;
    memset(&z, 0, sizeof z);
    if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
        return NULL;
    packed = malloc(size);
    z.next_in = unconst(data);
    z.avail_in = (uInt)size;
    z.next_out = (Bytef *)packed;
    z.avail_out = packed ? (uInt)size : 0;
    bool smaller = packed && deflate(&z, Z_FINISH) == Z_STREAM_END;
    *packed_size = z.total_out;
    deflateEnd(&z);
    if (smaller)
        return packed;
    free(packed);
    return NULL;
}
