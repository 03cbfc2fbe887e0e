#include "api/session.h"

/* What stands before the value, with its '='. */
static const char prefix[] = SESSION_COOKIE "=";

enum session_cookie session_cookie_find(const char *header, char secret[REGISTRY_SECRET_SIZE])
{
    enum session_cookie found = SESSION_COOKIE_NONE;
    secret[0] = '\0';
    for (const char *at = header; at != NULL && *at != '\0'; at += *at == ';') {
        at += strspn(at, " \t");
        size_t size = strcspn(at, ";");
        if (strncmp(at, prefix, sizeof prefix - 1) == 0) {
            size_t value = size - (sizeof prefix - 1);
            if (found != SESSION_COOKIE_NONE || value >= REGISTRY_SECRET_SIZE) {
                secret[0] = '\0';
                return SESSION_COOKIE_BAD;
            }
            memcpy(secret, at + sizeof prefix - 1, value);
            secret[value] = '\0';
            found = SESSION_COOKIE_ONE;
        }
        at += size;
    }
    if (found == SESSION_COOKIE_ONE && !registry_secret_is_one(secret)) {
        secret[0] = '\0';
        return SESSION_COOKIE_BAD;
    }
    return found;
}

void session_cookie_set(struct http_request *request, const char *secret, int64_t max_age_s, bool is_secure)
{
    g_autofree char *value = g_strdup_printf("%s%s; HttpOnly; SameSite=Strict; Path=/; Max-Age=%" G_GINT64_FORMAT "%s", prefix,
                                             max_age_s > 0 ? secret : "", MAX(max_age_s, 0), is_secure ? "; Secure" : "");
    http_response_header(request, "Set-Cookie", value);
    explicit_bzero(value, strlen(value));
}

/* HEAD is GET here (lib/http.h). */
static bool only_reads(const struct http_request *request)
{
    return strcmp(http_request_method(request), "GET") == 0;
}

static bool refuse(struct refusal *refusal, const char *what)
{
    return refusal_set(refusal, 403, "FORBIDDEN", "Forbidden: %s. A session is for the dashboard; other programs send a token.",
                       what);
}

bool session_check_origin(const struct http_request *request, struct refusal *refusal)
{
    const char *site = http_request_header(request, "Sec-Fetch-Site"), *ours = http_request_header(request, "X-Daybook");
    bool by_person = site != NULL && strcmp(site, "none") == 0 && only_reads(request);
    if (site != NULL && strcmp(site, "same-origin") != 0 && !by_person)
        return refuse(refusal, "a page of another site asks with the session of this one");
    if (!only_reads(request) && g_strcmp0(ours, "dashboard") != 0)
        return refuse(refusal, "with a session, what changes something must have the header X-Daybook: dashboard");
    return true;
}
