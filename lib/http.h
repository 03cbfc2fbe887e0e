/* http: the only door to libmicrohttpd; a server on TCP and/or a unix socket.
 *
 * The handler runs on one of the server's threads when the whole body (bounded) has arrived. It answers at once by http_respond(),
 * or calls http_hold() and lets any thread answer later; each request is answered exactly once. A client that went away meanwhile
 * makes http_respond() a no-op that still releases the request. Requests, and all they hand out, live until they are answered.
 *
 * What one client can take from the others is bounded: memory of a head (32 KiB together, else 414 or 431) and of a body,
 * connections, the time for a request, and the time in which nothing of an answer is read. What libmicrohttpd answers itself (414,
 * 431, a malformed request) has none of the headers that other answers have. */
#ifndef DAYBOOK_HTTP_H
#define DAYBOOK_HTTP_H

#include "lib/view.h"
#include <glib.h>

#define HTTP_ERROR http_error_quark()
GQuark http_error_quark(void);

struct http_server;
struct http_request;
typedef void (*http_handler)(struct http_request *request, void *opaque);

struct http_settings {
    const char *address;   /* "127.0.0.1"; NULL: no TCP */
    int port;              /* 0: any free port */
    const char *unix_path; /* NULL: none. A stale socket is removed; mode 0660. */
    size_t body_max_bytes; /* a larger one is answered 413, naming the limit; when all hold eight such, another is answered 503 */
    int threads;
    int connections_max; /* together; more of them wait in the kernel's queue */
    /* Of one address (one /64 of IPv6); a further one is closed at once. 0: none but connections_max. Unix sockets have no limit,
     * nor has loopback, where a proxy may stand, unless loopback_limited. */
    int connections_per_address;
    bool loopback_limited;
    /* Without a byte in either direction, so also of a client that takes nothing of its answer (of a large one, some 100 KiB must
     * be taken in that time). A whole request must be here within twice that, however it trickles. */
    int idle_timeout_s;
    /* PEM files; both or neither (NULL). Then TCP is served with TLS 1.2 or 1.3 only, and there can be no unix socket. */
    const char *tls_cert, *tls_key;
    const char *const *cors_origins; /* "https://app.example.com", …, NULL: pages that may read answers; or NULL */
};

/* Whether each is an origin, exactly as browsers write it; the error names those that are not. For the check of a configuration. */
bool http_origins_check(const char *const *origins, GError **error);

struct http_server *http_server_start(const struct http_settings *settings, http_handler handler, void *opaque, GError **error);
int http_server_port(const struct http_server *server);
/* Reads the files of tls_cert and tls_key again: connections that begin later use them, open ones go on. When they are wrong, the
 * error names the file, and the old pair stays in force. Without TLS nothing is done. From one thread at a time. */
bool http_server_reload_tls(struct http_server *server, GError **error);
/* Connections that were closed for connections_per_address, so far. */
uint64_t http_server_refused(const struct http_server *server);
/* Stops listening; requests already held may still be answered, later ones on open connections get 503 without the handler. Then
 * http_server_stop waits for those held and frees: all of them must be answered, by other threads, or it waits for ever. */
void http_server_quiesce(struct http_server *server);
void http_server_stop(struct http_server *server);

const char *http_request_method(const struct http_request *request); /* "GET" for HEAD too: the body of the answer is left out */
const char *http_request_path(const struct http_request *request);   /* decoded (but for %00), without the query */
/* As it was sent, without the query: in it a '/' separates, and %2F is a part of a name. */
const char *http_request_raw_path(const struct http_request *request);
/* Decodes each %XX in place and returns the size. What %00 would cut off stays there, as it was sent: so no name means another one
 * than its bytes say. */
size_t http_unescape(char *text);
/* First value of a query parameter (decoded), or NULL. */
const char *http_request_query(const struct http_request *request, const char *name);
/* Calls back for every query parameter, in order; stops when it returns false. */
void http_request_each_query(const struct http_request *request, bool (*each)(const char *name, const char *value, void *opaque),
                             void *opaque);
const char *http_request_header(const struct http_request *request, const char *name); /* or NULL */
struct view http_request_body(const struct http_request *request);
const char *
http_request_id(const struct http_request *request); /* the X-Request-Id of the answer: the client's, if sane, or random */
bool http_request_is_local(const struct http_request *request); /* unix socket or loopback peer */
/* The peer's address, "192.0.2.7" or "2001:db8::1" (an IPv4 address in an IPv6 one as the former), or "unix". */
const char *http_request_peer(const struct http_request *request);
bool http_request_is_tls(const struct http_request *request);

/* The answer comes later, from any thread. First on the thread that runs the handler; of a held request, on any thread, it does
 * nothing, so that code may hold for its own sake wherever it runs. */
void http_hold(struct http_request *request);
/* Adds a response header before the answer; at most 16. Every answer has X-Request-Id, the security headers (of these a handler's
 * own Content-Security-Policy, for a page, replaces ours) and, where the request's Origin is allowed, what CORS asks for. A
 * preflight of an allowed origin is answered without the handler. */
void http_response_header(struct http_request *request, const char *name, const char *value);
/* Answers; body is copied (NULL with 0 for none). content_type may be NULL. Compresses bodies over 1 KiB where the client accepts
 * gzip. Of a 304 give the body too: it is not sent, but Content-Length and Vary must be those of the 200 (RFC 9110, 8.6
 * and 15.4.5). */
void http_respond(struct http_request *request, int status, const char *content_type, const void *body, size_t size);

/* A body in a file, which must not get shorter meanwhile; it may be unlinked. It is sent as the client takes it: a slow one costs
 * no thread and little memory. */
struct http_file {
    int fd;                   /* taken, and closed at the end: dup(2) one that is to be used again (its position is not used) */
    int64_t size;             /* bytes */
    const char *content_type; /* or NULL */
    const char *etag;         /* strong, with its quotes, of this form (gzip or not); NULL: none, and then no ranges either */
    const char *file_name;    /* UTF-8, any: for Content-Disposition: attachment; NULL: none */
    bool gzip;                /* the bytes are gzip */
    bool varies;              /* there is a gzip form too, and the client's Accept-Encoding chose; implied by gzip */
};

/* Answers 200, or 304 by If-None-Match, 206 or 416 by Range and If-Range (RFC 9110, 13 and 14: one range, not of gzip; several are
 * answered with the whole), and returns which. Accept-Ranges, Content-Range, ETag and Vary are added here. */
int http_respond_file(struct http_request *request, const struct http_file *file);
/* Closes the connection instead of answering: when not even an error would be true. Counts as the answer. */
void http_abandon(struct http_request *request);

/* Constant-time comparison of an Authorization: Bearer header (or X-API-Key) with a token; false when the header is missing. */
bool http_request_bearer_is(const struct http_request *request, const char *token);

#endif
