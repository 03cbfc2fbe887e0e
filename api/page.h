/* page: bytes that are in the program, as they go to everybody who asks: plain or gzip, with an entity tag of each form.
 *
 * A page never changes while the program runs. Thread-safe once it is made. */
#ifndef DAYBOOK_PAGE_H
#define DAYBOOK_PAGE_H

#include "api/etag.h"
#include "lib/http.h"
#include "lib/metrics.h"

#define PAGE_ASKED_FOR_AGAIN "public, no-cache"             /* each time, by its entity tag */
#define PAGE_FOR_EVER "public, max-age=31536000, immutable" /* of a name that changes with the bytes */

struct page_form {
    struct view bytes;
    char etag[ETAG_MAX];
};

struct page {
    const char *type;
    const char *policy;  /* Content-Security-Policy; NULL: the usual one */
    const char *caching; /* Cache-Control */
    struct page_form plain, gzip;
};

/* Borrows everything. gzip: the same bytes, compressed. */
void page_init(struct page *page, const char *type, struct view plain, struct view gzip);
/* Compresses it itself, for the life of the process; the bytes are much larger than nothing. */
struct view page_compress(struct view plain);
/* 200, or 304 by If-None-Match. */
void page_send(const struct page *page, struct http_request *request, struct metrics *metrics);

#endif
