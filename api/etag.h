/* etag: strong entity tags (RFC 9110, 8.8.3) of answers, made from their bytes: equal just when the bytes are. The gzip form is
 * another representation and has a tag of its own. Pure functions. */
#ifndef DAYBOOK_ETAG_H
#define DAYBOOK_ETAG_H

#include "lib/view.h"

enum { ETAG_MAX = 64 };

/* With its quotes, and a NUL. */
void etag_of(struct view body, bool gzip, char etag[ETAG_MAX]);
/* Whether an If-None-Match header (NULL: none) has the tag, or "*" (RFC 9110, 13.1.2: compared weakly). */
bool etag_matches(const char *if_none_match, const char *etag);

#endif
