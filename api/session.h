/* session: the cookie by which a browser is signed in, and whether it was our own page that sent it.
 *
 *   daybook_session=SECRET; HttpOnly; SameSite=Strict; Path=/; Max-Age=…[; Secure]
 *
 * The secret has the form of a token (registry_text.h), but is taken from the cookie only: no script can read it, and no other way
 * leads to it. A browser adds a cookie by itself, so that it comes proves nothing; hence
 *   - a request that changes something must have the header X-Daybook: dashboard, which a page of another origin can send only
 *     after a preflight that is never granted (lib/http_cors.c does not allow that header),
 *   - where the browser says where a request comes from (Sec-Fetch-Site), it must be our own origin, or, of GET, the person
 *     themselves (an address that was typed),
 *   - SameSite=Strict, for browsers that know neither.
 * A cookie that is there twice is none: one of them was planted by a neighbour on the same domain. Pure functions, thread-safe. */
#ifndef DAYBOOK_SESSION_H
#define DAYBOOK_SESSION_H

#include "api/refusal.h"
#include "api/registry_text.h"
#include "lib/http.h"

#define SESSION_COOKIE "daybook_session"

enum session_cookie { SESSION_COOKIE_NONE, SESSION_COOKIE_ONE, SESSION_COOKIE_BAD };

/* Looks for the cookie in the value of a Cookie header (RFC 6265, 4.2; NULL: there is none). secret is filled only when there is
 * ONE, which has the form of a secret; the caller wipes it. */
enum session_cookie session_cookie_find(const char *header, char secret[REGISTRY_SECRET_SIZE]);
/* Adds the header that sets it. max_age_s 0: that takes it away, and secret is not used. */
void session_cookie_set(struct http_request *request, const char *secret, int64_t max_age_s, bool is_secure);
/* False: another site's page may have made the request; refused with 403. */
bool session_check_origin(const struct http_request *request, struct refusal *refusal);

#endif
