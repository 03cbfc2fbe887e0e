#include "api/page.h"

#include "api/meters.h"
#include "lib/http_etag.h"
#include "lib/http_gzip.h"

void page_init(struct page *page, const char *type, struct view plain, struct view gzip)
{
    *page = (struct page){.type = type, .caching = PAGE_ASKED_FOR_AGAIN};
    page->plain.bytes = plain;
    page->gzip.bytes = gzip;
    etag_of(plain, false, page->plain.etag);
    etag_of(plain, true, page->gzip.etag);
}

struct view page_compress(struct view plain)
{
    size_t size;
    void *packed = http_gzip(plain.data, plain.size, &size);
    g_assert(packed != NULL); /* much smaller */
    return view_make(packed, size);
}

void page_send(const struct page *page, struct http_request *request, struct metrics *metrics)
{
    bool packed = http_gzip_accepted(http_request_header(request, "Accept-Encoding"));
    const struct page_form *form = packed ? &page->gzip : &page->plain;
    bool known = http_etag_matches(http_request_header(request, "If-None-Match"), form->etag);
    http_response_header(request, "ETag", form->etag);
    http_response_header(request, "Cache-Control", page->caching);
    if (page->policy != NULL)
        http_response_header(request, "Content-Security-Policy", page->policy);
    if (packed || known || form->bytes.size <= HTTP_GZIP_MIN_BYTES) /* of larger ones http_respond says it */
        http_response_header(request, "Vary", "Accept-Encoding");
    if (packed && !known)
        http_response_header(request, "Content-Encoding", "gzip");
    metrics_add(metrics, METER_REQUESTS, known ? "304" : "200", 1);
    if (known)
        http_respond(request, 304, NULL, NULL, 0);
    else
        http_respond(request, 200, page->type, form->bytes.data, form->bytes.size);
}
