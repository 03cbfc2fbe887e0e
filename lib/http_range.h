/* http_range: the Range header of a request for bytes (RFC 9110, 14). Pure functions. */
#ifndef DAYBOOK_HTTP_RANGE_H
#define DAYBOOK_HTTP_RANGE_H

#include <stdint.h>

enum http_range {
    HTTP_RANGE_WHOLE,         /* no range, several, another unit or not understood: such a header is ignored */
    HTTP_RANGE_PART,          /* 206 */
    HTTP_RANGE_UNSATISFIABLE, /* 416 */
};

/* What of a body of size bytes is asked for by header (NULL: none): "bytes=a-b", "bytes=a-" or "bytes=-n". Of a part, its first
 * byte and its length, which is at least 1. */
enum http_range http_range_parse(const char *header, int64_t size, int64_t *first, int64_t *length);

#endif
