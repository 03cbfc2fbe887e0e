/* event: one API request, as it is counted.
 *
 * All strings are views; the producer of an event says how long they live. Valid events (what leaves the
 * collector) keep to the limits below; lengths are bytes of UTF-8 without control characters. */
#ifndef DAYBOOK_EVENT_H
#define DAYBOOK_EVENT_H

#include "lib/view.h"

enum {
    EVENT_NAME_MAX = 256,   /* organization, client, user, platform, id */
    EVENT_METHOD_MAX = 32,  /* method: upper-case letters, digits, '-' and '_' */
    EVENT_ROUTE_MAX = 1024, /* route template */
    EVENT_STATUS_MIN = 100, /* HTTP status codes, RFC 9110 section 15 */
    EVENT_STATUS_MAX = 599,
};
#define EVENT_LATENCY_MAX_US UINT64_C(86400000000) /* one day */
#define EVENT_BYTES_MAX (UINT64_C(1) << 44)        /* 16 TiB in one request or response */

struct event {
    int64_t time_ms; /* Unix time, UTC, milliseconds */
    struct view organization;
    struct view client; /* "-" where unknown */
    struct view user;   /* empty: none */
    struct view method;
    struct view route;    /* URL template, with its leading slash */
    struct view platform; /* empty: none */
    struct view id;       /* empty: none. Deduplicates within organization and client. */
    uint32_t status;
    uint64_t latency_us;
    uint64_t request_bytes;
    uint64_t response_bytes;
};

#endif
