/* session_route: people sign in to the dashboard, and out of it.
 *
 *   POST   /session   {"token"} or {"code"} (sign_in_links.h): 204 with the cookie (session.h); 401
 *   GET    /session   who asks, what they may, and the organizations that they may choose from
 *   DELETE /session   ends it on this replica at once, on the others within about a second; 204, also where there is none
 *
 * A session is a token of the registry, so that every replica knows it, and it ends with what it was made from:
 *   - made from a token, or from an access token of it, it is a child of that token, like an access token: it goes when that is
 *     revoked, when its key is made again, when it expires. (An access token cannot be revoked by itself; a session made from one
 *     ends when that one would.)
 *   - auth.token and JSON web tokens are not in the registry; so the session holds the caller itself, and the digest of what it
 *     was made from. auth.token: when that is another one, the session is good for nothing (auth_trusts_foreign). A JSON web token
 *     cannot be revoked; the session ends when it expires, or when its issuer is trusted no more.
 * and after SESSION_S in any case. Of one caller there are at most SESSIONS_MAX, the oldest go, but none in its first minute. What
 * sessions ask is of an allowance of their own (limits.session_per_minute); who tries to sign in is limited by address. */
#ifndef DAYBOOK_SESSION_ROUTE_H
#define DAYBOOK_SESSION_ROUTE_H

#include "api/auth.h"
#include "api/live.h"
#include "api/query.h"
#include "api/registry.h"

enum { SESSION_S = 12 * 3600, SESSIONS_MAX = 64, SESSION_KEPT_S = 60, SESSION_BODY_MAX = 16384, SESSION_ORGANIZATIONS_MAX = 1000 };

struct session_route {
    struct queries *queries; /* borrowed, like all of them */
    struct registry *registry;
    struct auth *auth;
    const struct live_sources *sources;
    const char *public_url; /* where people reach this API; "": as they asked */
    bool secure_cookies;    /* also without TLS of our own */
};

void session_route_begin(struct session_route *route, struct call *call);
void session_route_show(struct session_route *route, struct call *call);
void session_route_end(struct session_route *route, struct call *call);

/* ---- for sign_in_links ---- */

/* A session by what its caller found; without id, digest and times. Borrows from found. */
struct registry_token session_of(const struct auth_found *found);

#endif
