/* gunzip: bodies with Content-Encoding: gzip (RFC 1952), inflated within a bound. Pure. */
#ifndef DAYBOOK_GUNZIP_H
#define DAYBOOK_GUNZIP_H

#include "lib/view.h"
#include <glib.h>

enum gunzip_result {
    GUNZIP_OK,
    GUNZIP_MALFORMED, /* no gzip, damaged, cut off, or with something behind it */
    GUNZIP_TOO_LARGE, /* more than max_bytes come out */
};

/* Appends what the packed members hold to out, of at most max_bytes (below 1 GiB). Otherwise out holds a part of it. */
enum gunzip_result gunzip(struct view packed, size_t max_bytes, GByteArray *out);

#endif
