#include "api/openapi_route.h"

#include "api/answer.h"
#include "api/etag.h"
#include "api/meters.h"
#include "lib/http_etag.h"
#include "lib/http_gzip.h"

/* The assembler puts the bytes of a file (a path from the root of the sources, where make runs) between two symbols. */
#define EMBED(name, file)                                                                          \
    __asm__(".section .rodata, \"a\"\n"                                                            \
            ".global " #name ", " #name "_end\n" #name ":\n.incbin \"" file "\"\n" #name "_end:\n" \
            ".byte 0\n.previous\n");                                                               \
    extern const char name[], name##_end[]

EMBED(openapi_yaml, "api/openapi.yaml");
EMBED(openapi_html, "api/reference.html");

struct form {
    struct view bytes;
    char etag[ETAG_MAX];
};

struct page {
    const char *type;
    char *policy; /* Content-Security-Policy; NULL: the usual one */
    struct form plain, gzip;
};

enum { DESCRIPTION, REFERENCE, PAGES };

/* What the one style sheet of a page may be known by: its digest, so that no other is allowed. */
static char *make_policy(struct view page)
{
    static const char begin_tag[] = "<style>", end_tag[] = "</style>";
    uint8_t digest[32];
    gsize size = sizeof digest;
    const char *begin = g_strstr_len(page.data, (gssize)page.size, begin_tag);
    g_assert(begin != NULL); /* of a file of this program */
    begin += strlen(begin_tag);
    const char *end = g_strstr_len(begin, (gssize)(page.size - (size_t)(begin - page.data)), end_tag);
    g_assert(end != NULL);
    GChecksum *checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(checksum, (const guchar *)begin, end - begin);
    g_checksum_get_digest(checksum, digest, &size);
    g_checksum_free(checksum);
    g_autofree char *base64 = g_base64_encode(digest, size);
    return g_strdup_printf("default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
                           base64);
}

static void page_init(struct page *page, const char *type, const char *begin, const char *end)
{
    size_t size;
    page->type = type;
    page->plain.bytes = view_make(begin, (size_t)(end - begin));
    void *packed = http_gzip(begin, page->plain.bytes.size, &size);
    g_assert(packed != NULL); /* much smaller */
    page->gzip.bytes = view_make(packed, size);
    etag_of(page->plain.bytes, false, page->plain.etag);
    etag_of(page->plain.bytes, true, page->gzip.etag);
}

/* Made once, for the life of the process. */
static const struct page *get_page(int which)
{
    static GMutex lock;
    static struct page pages[PAGES];
    g_mutex_lock(&lock);
    if (pages[0].type == NULL) {
        page_init(&pages[DESCRIPTION], "application/yaml", openapi_yaml, openapi_yaml_end);
        page_init(&pages[REFERENCE], "text/html; charset=utf-8", openapi_html, openapi_html_end);
        pages[REFERENCE].policy = make_policy(pages[REFERENCE].plain.bytes);
    }
    g_mutex_unlock(&lock);
    return &pages[which];
}

static void send_page(struct http_request *request, struct metrics *metrics, const struct page *page)
{
    bool packed = http_gzip_accepted(http_request_header(request, "Accept-Encoding"));
    const struct form *form = packed ? &page->gzip : &page->plain;
    bool known = http_etag_matches(http_request_header(request, "If-None-Match"), form->etag);
    http_response_header(request, "ETag", form->etag);
    http_response_header(request, "Cache-Control", "public, no-cache");
    if (page->policy != NULL)
        http_response_header(request, "Content-Security-Policy", page->policy);
    if (packed || known)
        http_response_header(request, "Vary", "Accept-Encoding");
    if (packed && !known)
        http_response_header(request, "Content-Encoding", "gzip");
    metrics_add(metrics, METER_REQUESTS, known ? "304" : "200", 1);
    if (known)
        http_respond(request, 304, NULL, NULL, 0);
    else
        http_respond(request, 200, page->type, form->bytes.data, form->bytes.size);
}

static void handle(struct call *call, struct metrics *metrics, int which)
{
    struct call_params given;
    call_get_params(call, &given);
    if (given.n == 0) {
        send_page(call->request, metrics, get_page(which));
        return;
    }
    struct refusal refusal = {0};
    param_refuse_unknown(&given.list[0], "UNKNOWN_PARAMETER", "no parameter", &refusal);
    answer_refusal(call->request, metrics, &refusal);
}

void openapi_route_handle_description(struct call *call, struct metrics *metrics)
{
    handle(call, metrics, DESCRIPTION);
}

void openapi_route_handle_reference(struct call *call, struct metrics *metrics)
{
    handle(call, metrics, REFERENCE);
}
