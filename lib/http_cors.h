/* http_cors: which pages of other origins may read answers (the Fetch standard's CORS protocol), by a list of exact origins.
 *
 * Callers on other origins prove themselves by a header; a cookie is for our own page only (api/session.h), so answers are never
 * said to be for credentials, and the header that goes with the cookie is none that they may send. Immutable once made. */
#ifndef DAYBOOK_HTTP_CORS_H
#define DAYBOOK_HTTP_CORS_H

#include <stdbool.h>

struct http_cors;

/* origins is NULL, or a list ended by NULL, which http_origins_check let pass; it is copied. NULL when there are none. */
struct http_cors *http_cors_new(const char *const *origins);
void http_cors_free(struct http_cors *cors);
/* cors may be NULL, as may an origin: the value of the Origin header. */
bool http_cors_allows(const struct http_cors *cors, const char *origin);

#endif
