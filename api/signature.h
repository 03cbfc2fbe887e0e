/* signature: by which a receiver knows that a webhook came from us, just now, and unchanged.
 *
 * The header's value is "t=<Unix seconds>,v1=<64 hex digits>": HMAC-SHA256 (RFC 2104, FIPS 180-4) over "<t>.<body>", keyed with all
 * characters of the channel's secret as they are shown. The time is signed with the body, so what was heard once cannot be sent
 * again later under another time. Pure. */
#ifndef DAYBOOK_SIGNATURE_H
#define DAYBOOK_SIGNATURE_H

#include "lib/view.h"

enum { SIGNATURE_DIGEST_SIZE = 32, SIGNATURE_SIZE = 96 };

/* The value of the header, with a NUL. */
void signature_write(char out[SIGNATURE_SIZE], const char *secret, int64_t unix_s, struct view body);
/* HMAC-SHA256 of what is signed: the parts one after the other. */
void signature_digest(struct view key, const struct view *parts, size_t n_parts, uint8_t digest[SIGNATURE_DIGEST_SIZE]);

#endif
