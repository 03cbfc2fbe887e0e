/* etag: strong entity tags (RFC 9110, 8.8.3) of answers, made from their bytes: equal just when the bytes are. The gzip form is
 * another representation and has a tag of its own. lib/http_etag.h compares them. A pure function. */
#ifndef DAYBOOK_ETAG_H
#define DAYBOOK_ETAG_H

#include "lib/view.h"

enum { ETAG_MAX = 64 };

/* With its quotes, and a NUL. */
void etag_of(struct view body, bool gzip, char etag[ETAG_MAX]);

#endif
