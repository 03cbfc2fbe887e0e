/* http_gzip: when and how an answer is compressed. */
#ifndef DAYBOOK_HTTP_GZIP_H
#define DAYBOOK_HTTP_GZIP_H

#include <stdbool.h>
#include <stddef.h>

enum { HTTP_GZIP_MIN_BYTES = 1024 };

/* Whether an Accept-Encoding header (NULL: none) lets gzip through: RFC 9110, 12.5.3; an encoding with q=0 does not. */
bool http_gzip_accepted(const char *accept_encoding);

/* The gzip form (RFC 1952), malloc'ed for free(3), or NULL when it would not be smaller. */
void *http_gzip(const void *data, size_t size, size_t *packed_size);

#endif
