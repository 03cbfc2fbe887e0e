/* log_event: the fields of one log line, as an event that the intake can judge.
 *
 * A line of an access log tells of a request that has been served, and nobody can be asked to send it again. So what a client may
 * have put into it never costs the count; only what the server wrote wrongly does:
 *
 * - A request line without a method and a target (nginx logs 400s of garbage, TLS hellos and the like so), or with a method that is
 *   no word of letters, digits, '-' and '_' (at most 32), is counted under the method INVALID and the route {unmatched}. Methods
 *   are put into upper case.
 * - A target that is no path ("*", "host:443" of CONNECT, more than 8 KiB) has the route {unmatched}; "http://host/path" is /path.
 *   What follows '?' or '#' is cut off. In a path that is not UTF-8, or holds control characters, all but printable ASCII is
 *   percent-encoded.
 * - A client or user that is no name (not UTF-8, control characters, longer than 256 bytes) counts as not given.
 * - A user agent or source that is not text has '?' for each byte that is not ASCII; longer ones than LOG_EVENT_TEXT_MAX are cut.
 * - A negative latency (HAProxy's -1) is 0: not known.
 *
 * A time, status, latency or size that cannot be read refuses the line. Fields that are missing are left to the intake. */
#ifndef DAYBOOK_LOG_EVENT_H
#define DAYBOOK_LOG_EVENT_H

#include "collector/field_map.h"
#include "collector/intake.h"

#define LOG_EVENT_INVALID_METHOD "INVALID"
enum { LOG_EVENT_TEXT_MAX = 1024 };

/* Where texts are rewritten: bounded by its owner to what a line can need, and used up by one event. */
struct log_scratch {
    char *data;
    size_t size, used;
};

/* Bytes of scratch that log_event_fill() may need for fields that are size bytes together. */
size_t log_event_scratch_size(size_t size);

/* values[i] is source i of the map; data is NULL where the line has no such field. The event's views point into the values, the
 * scratch, or static text. False, with the refusal filled, when the line must be refused. */
bool log_event_fill(const struct field_map *map, const struct view *values, struct log_scratch *scratch, struct raw_event *raw,
                    struct intake_refusal *refusal);

#endif
