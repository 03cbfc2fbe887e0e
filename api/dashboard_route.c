#include "api/dashboard_route.h"

#include "api/page.h"
#include "lib/embed.h"

/* build/gen/dashboard_files.h has a line for each file of build/web/assets: ASSET(symbol, "name"). */
#define ASSETS "build/web/assets/"
#define ASSET(symbol, name)     \
    EMBED(symbol, ASSETS name); \
    EMBED(symbol##_gzip, ASSETS name ".gz");
#include "dashboard_files.h"
#undef ASSET
EMBED(dashboard_index, "build/web/index.html");
EMBED(dashboard_index_gzip, "build/web/index.html.gz");

static const struct asset {
    const char *name, *plain, *plain_end, *gzip, *gzip_end;
} assets[] = {
#define ASSET(symbol, name) {name, symbol, symbol##_end, symbol##_gzip, symbol##_gzip_end},
#include "dashboard_files.h"
#undef ASSET
};

static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
static const char permissions[] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";

enum { INDEX = G_N_ELEMENTS(assets), PAGES };

bool dashboard_has_page(const char *name)
{
    static const char *const names[] = {"report", "traffic", "averages", "top",  "codes",    "latency", "endpoints",
                                        "alerts", "errors",  "costs",    "days", "settings", "sign-in"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static size_t find_asset(const char *name)
{
    size_t i = 0;
    while (i < G_N_ELEMENTS(assets) && strcmp(assets[i].name, name) != 0)
        i++;
    return i;
}

bool dashboard_has_asset(const char *name)
{
    return find_asset(name) < G_N_ELEMENTS(assets);
}

static const char *type_of(const char *name)
{
    static const struct {
        const char *ending, *type;
    } types[] = {{".js", "text/javascript; charset=utf-8"}, {".css", "text/css; charset=utf-8"}, {".svg", "image/svg+xml"}};
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
        if (g_str_has_suffix(name, types[i].ending))
            return types[i].type;
    return "application/octet-stream";
}

static struct view between(const char *begin, const char *end)
{
    return view_make(begin, (size_t)(end - begin));
}

/* Made once, for the life of the process. */
static const struct page *get_page(size_t which)
{
    static GMutex lock;
    static struct page pages[PAGES];
    g_mutex_lock(&lock);
    for (size_t i = 0; pages[INDEX].type == NULL && i < G_N_ELEMENTS(assets); i++) {
        page_init(&pages[i], type_of(assets[i].name), between(assets[i].plain, assets[i].plain_end),
                  between(assets[i].gzip, assets[i].gzip_end));
        pages[i].caching = PAGE_FOR_EVER;
    }
    if (pages[INDEX].type == NULL) {
        page_init(&pages[INDEX], "text/html; charset=utf-8", between(dashboard_index, dashboard_index_end),
                  between(dashboard_index_gzip, dashboard_index_gzip_end));
        pages[INDEX].policy = policy;
    }
    g_mutex_unlock(&lock);
    return &pages[which];
}

/* What stands in the query is for the page itself. X-Content-Type-Options and Referrer-Policy are on every answer. */
void dashboard_route_document(struct call *call, struct metrics *metrics)
{
    http_response_header(call->request, "Cross-Origin-Opener-Policy", "same-origin");
    http_response_header(call->request, "Cross-Origin-Resource-Policy", "same-origin");
    http_response_header(call->request, "Permissions-Policy", permissions);
    page_send(get_page(INDEX), call->request, metrics);
}

void dashboard_route_asset(struct call *call, struct metrics *metrics)
{
    http_response_header(call->request, "Cross-Origin-Resource-Policy", "same-origin");
    page_send(get_page(find_asset(call->parts[0])), call->request, metrics);
}
