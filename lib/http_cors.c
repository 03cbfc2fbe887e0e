#include "lib/http_cors.h"
#include "lib/http.h"
#include <string.h>

struct http_cors {
    char **origins;
};

/* As browsers write it (RFC 6454, 6.2): a scheme, a host in lower case and perhaps a port; no path, and no "*" or "null", which
 * would be anybody. */
static bool is_origin(const char *text)
{
    const char *host = g_str_has_prefix(text, "https://")  ? text + strlen("https://")
                       : g_str_has_prefix(text, "http://") ? text + strlen("http://")
                                                           : NULL;
    if (!host)
        return false;
    bool v6 = *host == '[';
    const char *at = host + v6 + strspn(host + v6, v6 ? "0123456789abcdef:." : "abcdefghijklmnopqrstuvwxyz0123456789.-_");
    if (at == host + v6 || (v6 && *at++ != ']'))
        return false;
    if (*at == ':') {
        size_t digits = strspn(at + 1, "0123456789");
        at += digits > 0 && digits <= 5 ? 1 + digits : 0;
    }
    return *at == '\0';
}

bool http_origins_check(const char *const *origins, GError **error)
{
    g_autoptr(GString) wrong = g_string_new(NULL);

    for (; origins && *origins; origins++)
        if (!is_origin(*origins))
            g_string_append_printf(wrong, "%s\"%s\"", wrong->len > 0 ? ", " : "", *origins);
    if (wrong->len == 0)
        return true;
    g_set_error(error, HTTP_ERROR, 0, "Not an origin: %s; one is written as https://app.example.com or http://localhost:3000.",
                wrong->str);
    return false;
}

struct http_cors *http_cors_new(const char *const *origins)
{
    if (!origins || !*origins)
        return NULL;
    GPtrArray *copies = g_ptr_array_new();
    for (; *origins; origins++)
        g_ptr_array_add(copies, g_strdup(*origins));
    g_ptr_array_add(copies, NULL);
    struct http_cors *cors = g_new0(struct http_cors, 1);
    cors->origins = (char **)g_ptr_array_free(copies, FALSE);
    return cors;
}

void http_cors_free(struct http_cors *cors)
{
    if (!cors)
        return;
    g_strfreev(cors->origins);
    g_free(cors);
}

bool http_cors_allows(const struct http_cors *cors, const char *origin)
{
    return cors && origin && g_strv_contains((const char *const *)cors->origins, origin);
}
