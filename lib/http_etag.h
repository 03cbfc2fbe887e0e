/* http_etag: comparing entity tags (RFC 9110, 8.8.3) with what a client's headers say. Tags have their quotes: "\"5f3\"". Pure
 * functions. */
#ifndef DAYBOOK_HTTP_ETAG_H
#define DAYBOOK_HTTP_ETAG_H

#include <stdbool.h>

/* Whether an If-None-Match header (NULL: none) has the tag, or "*" (13.1.2: compared weakly). */
bool http_etag_matches(const char *if_none_match, const char *etag);
/* Whether an If-Range header (NULL: none) is just this tag (13.1.5: compared strongly; a date never is). */
bool http_etag_is(const char *if_range, const char *etag);

#endif
