/* http_internal: what http.c, which serves, and what handlers see of it (http_request.c, http_answer.c, http_file.c) share. Only
 * they may include it.
 *
 * Who owns what: a connection and its request belong to the pool thread of that connection. While a request is held, and until it
 * is answered, the thread that will answer may read it and writes `response`, `status` and `headers`; `answered` hands these back.
 */
#ifndef DAYBOOK_HTTP_INTERNAL_H
#define DAYBOOK_HTTP_INTERNAL_H

#include "lib/http.h"
#include "lib/http_cors.h"
#include "lib/http_listen.h"
#include "lib/http_peers.h"
#include "lib/http_tls.h"
#include <microhttpd.h>
#include <stdatomic.h>

enum { HTTP_ID_MAX = 64, HTTP_HEADERS_MAX = 24 };

struct http_connection {
    struct http_server *server;
    GList link; /* in server->connections, under its lock */
    int fd;
    struct http_peer peer;
    struct http_tls_pair *pair; /* NULL: plain */
    char *raw_path;             /* pool thread: of the request that is about to begin; NULL: nothing in its path is encoded */
    atomic_llong deadline_us;   /* monotonic; 0: we owe the answer, the client owes nothing */
};

struct http_server {
    http_handler handler;
    void *opaque;
    struct http_settings settings; /* its strings are not kept */
    struct MHD_Daemon *daemon;
    struct http_listener *listener;
    struct http_peers *peers;
    struct http_cors *cors; /* NULL: no other origin */
    struct http_tls *tls;   /* NULL: plain */
    GMutex lock;
    GQueue connections;    /* under lock */
    atomic_int active;     /* requests that were handed to the handler and are not completed */
    atomic_int held;       /* of these: suspended, not answered */
    atomic_int responding; /* calls inside http_respond */
    atomic_uint_least64_t refused;
    atomic_llong body_bytes; /* of all requests */
    atomic_bool quiesced;
};

struct http_header {
    char *name;
    char *value;
};

struct http_request {
    struct http_server *server;
    struct http_connection *connection;
    struct MHD_Connection *mhd;
    const char *method;
    bool head; /* the method is said to be GET */
    const char *path;
    char *raw_path;   /* NULL: path is as it was sent */
    GByteArray *body; /* NULL until the first byte */
    size_t received;  /* bytes of the body so far, also those that were not kept */
    bool too_large;
    bool too_busy;   /* there was no room for the body */
    bool dispatched; /* pool thread: the handler ran */
    bool held;       /* pool thread */
    atomic_bool answered;
    struct MHD_Response *response;
    unsigned status;
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t n_headers;
    char id[HTTP_ID_MAX + 1];
};

/* path is borrowed and outlives the request; the connection's raw_path is taken. */
struct http_request *http_request_new(struct http_connection *connection, struct MHD_Connection *mhd, const char *method,
                                      const char *path);
void http_request_free(struct http_request *request);

/* An answer is made between these two. response is taken; NULL: the connection is closed. The request may be gone after the second.
 */
void http_answer_begin(struct http_request *request);
void http_answer_end(struct http_request *request, int status, struct MHD_Response *response);
/* In the words that all servers have for it; the text is for people, and holds nothing that JSON escapes. */
void http_respond_error(struct http_request *request, int status, const char *code, const char *format, ...) G_GNUC_PRINTF(4, 5);
/* True when the request is a preflight that is for us to answer; then it is answered. */
bool http_answer_preflight(struct http_request *request);

#endif
