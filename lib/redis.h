/* redis: the only door to hiredis. One connection, blocking, pipelined, owned by one thread.
 *
 * It never re-sends a command and never reconnects by itself: after any failure of the connection (lost, timeout, protocol) it is
 * broken, every further call fails with the same error, and the owner makes another. An error reply is data, not a failure of
 * the connection.
 *
 * Addresses: "redis://[user:password@]host:port[,host:port…][/db]" — the first that answers, is a master, and is not loading is
 * taken; "redis+sentinel://host:port[,…]/master-name" — Sentinels are asked for the master, whose ROLE is checked;
 * "redis+cluster://host:port[,…]" — redis_connect for a key follows MOVED and ASK by asking CLUSTER SLOTS. "rediss://" is refused
 * with an explanation: hiredis 0.14 has no TLS. */
#ifndef DAYBOOK_REDIS_H
#define DAYBOOK_REDIS_H

#include "lib/view.h"
#include <glib.h>

#define REDIS_ERROR redis_error_quark()
GQuark redis_error_quark(void);
enum redis_error {
    REDIS_ERROR_CONFIG, /* the address cannot be understood, or wants what we lack: exit 2 */
    REDIS_ERROR_LOST,   /* no connection, refused, timeout, protocol error, loading, not a master: try again later */
    REDIS_ERROR_REPLY,  /* an error reply where none was expected; message begins with Redis' own word */
};

struct redis;
struct redis_settings {
    const char *url;
    int connect_timeout_ms;
    int command_timeout_ms; /* per reply; 10 s and more for the aggregator */
};

/* Checks the address alone. */
bool redis_url_check(const char *url, GError **error);
/* Connects to the server that owns `key` (its hash slot on a cluster; ignored elsewhere; NULL: any). */
struct redis *redis_connect(const struct redis_settings *settings, const char *key, GError **error);
/* On a cluster: all masters, one connection each (GPtrArray of struct redis, freed with it); elsewhere one. For readers. */
GPtrArray *redis_connect_all(const struct redis_settings *settings, GError **error);
void redis_free(struct redis *redis);
const char *redis_address(const struct redis *redis); /* host:port, borrowed */
bool redis_broken(const struct redis *redis);

enum redis_kind { REDIS_NIL, REDIS_INTEGER, REDIS_STRING, REDIS_STATUS, REDIS_ERROR_REPLY_KIND, REDIS_ARRAY };
struct redis_reply; /* freed with redis_reply_free; what the functions below hand out is borrowed from it */
enum redis_kind redis_reply_kind(const struct redis_reply *reply);
int64_t redis_reply_integer(const struct redis_reply *reply);
struct view redis_reply_text(const struct redis_reply *reply); /* string, status, error; empty for others */
size_t redis_reply_count(const struct redis_reply *reply);     /* elements; 0 when not an array */
const struct redis_reply *redis_reply_at(const struct redis_reply *reply, size_t index);
void redis_reply_free(struct redis_reply *reply);
/* A reply from its bytes on the wire (RESP2), for stand-ins; NULL when they are not exactly one reply. */
struct redis_reply *redis_reply_from_resp(struct view resp);

/* ---- pipeline: append any number of commands, then read one reply for each, in order ---- */

/* Puts one command into the output buffer (copied). The buffer is written when it is large, or by redis_send/redis_read. */
void redis_append(struct redis *redis, size_t argc, const struct view *argv);
/* Writes all that was appended to the socket. */
bool redis_send(struct redis *redis, GError **error);
/* Next reply, waits for it. NULL with REDIS_ERROR_LOST when the connection failed. Error replies are returned as replies. */
struct redis_reply *redis_read(struct redis *redis, GError **error);
/* Replies still to be read. */
size_t redis_pending(const struct redis *redis);

/* One command and its reply; an error reply becomes REDIS_ERROR_REPLY. Only when nothing is pending. */
struct redis_reply *redis_command(struct redis *redis, size_t argc, const struct view *argv, GError **error);
/* The same from a printf-like format of words separated by blanks: %s a NUL-terminated word, %b two arguments (const void *,
 * size_t). */
struct redis_reply *redis_call(struct redis *redis, GError **error, const char *format, ...);
void redis_append_call(struct redis *redis, const char *format, ...);

/* Loads a script (SCRIPT LOAD) and writes its SHA-1 as 40 hex digits and a NUL. */
bool redis_script_load(struct redis *redis, const char *body, char sha[41], GError **error);

#endif
