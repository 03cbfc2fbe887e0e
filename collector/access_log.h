/* access_log: lines of the common and the combined log format, cut into fields.
 *
 *   host ident user [time] "request" status bytes ["referer" "user agent" [more…]]
 *
 * as Apache's mod_log_config and nginx' predefined "combined" write them. Within quotes a `"` is always escaped (\" or \x22), so a
 * quote that is not ends the field, and nothing that a client sends can look like another field. The user is neither quoted nor cut
 * at blanks by the servers: it is taken to reach up to the first `[time] "`, which no client can forge for the same reason.
 *
 * A line is taken if everything through `bytes` is right. Behind that it may end anywhere (a line cut by its writer still was one
 * request): fields that are not there are empty views without data. Up to ACCESS_MORE_MAX further fields, quoted or bare, are given
 * out as extra1, extra2, …
 *
 * Fields are views into the line, still escaped; "-" is given as it is. Pure functions. */
#ifndef DAYBOOK_ACCESS_LOG_H
#define DAYBOOK_ACCESS_LOG_H

#include "lib/view.h"

enum { ACCESS_MORE_MAX = 8 };

/* Fields by the name of nginx' variable. */
enum access_field {
    ACCESS_REMOTE_ADDR,
    ACCESS_REMOTE_USER,
    ACCESS_TIME_LOCAL,
    ACCESS_REQUEST,
    ACCESS_STATUS,
    ACCESS_BODY_BYTES_SENT,
    ACCESS_HTTP_REFERER,
    ACCESS_HTTP_USER_AGENT,
    ACCESS_EXTRA, /* the first of ACCESS_MORE_MAX */
    ACCESS_N_FIELDS = ACCESS_EXTRA + ACCESS_MORE_MAX,
};

/* "remote_addr", …, "extra8". */
const char *access_field_name(enum access_field field);

/* Cuts a line (without its newline). On failure returns a sentence (static) that says what is wrong; NULL when the line is right.
 * */
const char *access_log_cut(struct view line, struct view fields[ACCESS_N_FIELDS]);

/* Undoes the escapes of a field: \" \\ \xHH and \b \n \r \t \v \f; any other backslash stays. Writes at most field.size bytes to
 * out and returns how many. */
size_t access_log_unescape(struct view field, char *out);
/* Whether there is anything to undo. */
bool access_log_escaped(struct view field);

/* Cuts a request line, "METHOD target [HTTP/x.y]", at its first and last blank. False when there is no method or no target. */
bool access_log_request(struct view request, struct view *method, struct view *target);

#endif
