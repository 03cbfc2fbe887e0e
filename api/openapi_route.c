#include "api/openapi_route.h"

#include "api/answer.h"
#include "api/page.h"
#include "lib/embed.h"

EMBED(openapi_yaml, "api/openapi.yaml");
EMBED(openapi_html, "api/reference.html");

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

static void make_page(struct page *page, const char *type, const char *begin, const char *end)
{
    struct view plain = view_make(begin, (size_t)(end - begin));
    page_init(page, type, plain, page_compress(plain));
}

/* Made once, for the life of the process. */
static const struct page *get_page(int which)
{
    static GMutex lock;
    static struct page pages[PAGES];
    g_mutex_lock(&lock);
    if (pages[0].type == NULL) {
        make_page(&pages[DESCRIPTION], "application/yaml", openapi_yaml, openapi_yaml_end);
        make_page(&pages[REFERENCE], "text/html; charset=utf-8", openapi_html, openapi_html_end);
        pages[REFERENCE].policy = make_policy(pages[REFERENCE].plain.bytes);
    }
    g_mutex_unlock(&lock);
    return &pages[which];
}

static void handle(struct call *call, struct metrics *metrics, int which)
{
    struct call_params given;
    call_get_params(call, &given);
    if (given.n == 0) {
        page_send(get_page(which), call->request, metrics);
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
