/* base64url: bytes as text that may stand in URLs and tokens (RFC 4648, section 5), without padding. */
#ifndef DAYBOOK_BASE64URL_H
#define DAYBOOK_BASE64URL_H

#include "lib/view.h"
#include <glib.h>

/* The caller frees it. */
char *base64url_write(const void *data, size_t size);
/* NULL: not exactly what base64url_write makes of some bytes (a letter of another alphabet, padding, a length that cannot be, bits
 * left over). The caller frees the bytes, which a NUL follows that is not counted. */
uint8_t *base64url_read(struct view text, size_t *size);

#endif
