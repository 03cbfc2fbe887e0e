/* The server: libmicrohttpd's pool of epoll threads, one request each as a small state machine.
 *
 * A connection stays on one pool thread for life, and libmicrohttpd calls us only on that thread: first with the headers, then with
 * pieces of the body, then with nothing, which is when the handler runs. http_hold suspends the connection: its thread forgets it,
 * also the client's going away, until http_respond (on any thread) has put the answer into the request and resumed it. Then its
 * thread calls us once more, we queue the answer, and on_completed frees the request, whether it was sent or the client was gone.
 * So a request is freed by its pool thread alone, after http_respond, and never while it is held.
 *
 * http_respond touches nothing of the request after the resume. The daemon itself must outlive that call: `responding` counts the
 * calls, and http_server_stop waits for it.
 *
 * Slow clients: libmicrohttpd's time-out begins again with every byte. A connection therefore has a deadline for the whole of the
 * next request, head and body, and once a second those past it are shut down. A client that reads slowly is libmicrohttpd's: its
 * time-out begins again whenever the kernel takes more of the answer. So that it takes more, and we see it, also when the client is
 * slow but reads, little that is unsent may lie in the kernel (TCP_NOTSENT_LOWAT); that also bounds the memory of those that do not
 * read. */
#include "lib/http_internal.h"
#include "lib/log.h"
#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

enum {
    BODIES_MAX = 8,      /* bodies of the greatest size that all requests together may hold */
    DRAIN_FACTOR = 4,    /* a body this many times too large is cut off instead of read to its end */
    DEADLINE_FACTOR = 2, /* idle time-outs that a whole request may take: being idle before it, and sending it */
    DRAIN_MS = 10,       /* between two looks at what is left when stopping */
    MEMORY_PER_CONNECTION = 32 * 1024,
    UNSENT_BYTES = 128 * 1024, /* of an answer, in the kernel and not yet on its way */
};

/* ---- connections ---- */

static gint64 deadline_after(const struct http_server *server)
{
    return g_get_monotonic_time() + (gint64)server->settings.idle_timeout_s * DEADLINE_FACTOR * G_USEC_PER_SEC;
}

static struct http_connection *connection_new(struct http_server *server, struct MHD_Connection *mhd)
{
    struct http_connection *connection = g_new0(struct http_connection, 1);
    const union MHD_ConnectionInfo *fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *peer = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

    connection->server = server;
    connection->fd = fd ? fd->connect_fd : -1;
    http_peer_init(&connection->peer, peer ? peer->client_addr : NULL);
    if (server->tls) { /* the handshake comes next */
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
        connection->pair = http_tls_begin(server->tls, (gnutls_session_t)info->tls_session);
    }
    connection->link.data = connection;
    atomic_init(&connection->deadline_us, deadline_after(server));
    g_mutex_lock(&server->lock);
    g_queue_push_tail_link(&server->connections, &connection->link);
    g_mutex_unlock(&server->lock);
    return connection;
}

static void connection_free(struct http_connection *connection)
{
    struct http_server *server = connection->server;

    g_mutex_lock(&server->lock); /* the descriptor is open until we return, so that tick never meets another one's */
    g_queue_unlink(&server->connections, &connection->link);
    g_mutex_unlock(&server->lock);
    http_peers_leave(server->peers, &connection->peer);
    http_tls_end(connection->pair); /* the session is gone by now */
    g_free(connection->raw_path);
    g_free(connection);
    http_listener_closed(server->listener);
}

static void on_connection(void *opaque, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        *context = connection_new((struct http_server *)opaque, mhd);
    else
        connection_free((struct http_connection *)*context);
}

/* Of one that is not taken. */
static bool turn_away(struct http_server *server, int fd, const struct http_peer *peer)
{
    if (server->daemon) { /* else it did not start, and we are about to say so */
        atomic_fetch_add(&server->refused, 1);
        log_debug("connection_refused", "peer=%s limit=%d", peer->name, server->settings.connections_per_address);
    }
    close(fd);
    return false;
}

static bool on_accepted(void *opaque, int fd, const struct sockaddr *address, socklen_t size)
{
    struct http_server *server = (struct http_server *)opaque;
    struct http_peer peer;
    int unsent_bytes = UNSENT_BYTES;

    http_peer_init(&peer, address);
    if (!server->daemon || !http_peers_enter(server->peers, &peer))
        return turn_away(server, fd, &peer);
    if (!peer.is_unix)
        setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_bytes, sizeof unsent_bytes);
    if (MHD_add_connection(server->daemon, fd, address, size) == MHD_YES)
        return true;
    http_peers_leave(server->peers, &peer);
    return false;
}

static void on_tick(void *opaque)
{
    struct http_server *server = (struct http_server *)opaque;
    gint64 now_us = g_get_monotonic_time();

    g_mutex_lock(&server->lock);
    for (GList *link = server->connections.head; link; link = link->next) {
        struct http_connection *connection = (struct http_connection *)link->data;
        gint64 deadline_us = atomic_load(&connection->deadline_us);
        if (deadline_us != 0 && deadline_us < now_us)
            shutdown(connection->fd, SHUT_RDWR); /* its pool thread sees the end and closes it */
    }
    g_mutex_unlock(&server->lock);
}

/* ---- what libmicrohttpd calls ---- */

static void drop_body(struct http_request *request)
{
    if (request->body == NULL)
        return;
    atomic_fetch_sub(&request->server->body_bytes, (long long)request->body->len);
    g_byte_array_free(g_steal_pointer(&request->body), TRUE);
}

static void on_completed(void *opaque, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode code)
{
    struct http_server *server = (struct http_server *)opaque;
    struct http_request *request = (struct http_request *)*context;

    (void)mhd;
    (void)code;
    *context = NULL;
    if (!request)
        return;
    /* The load pairs with the store in http_respond: all that another thread did with the request is behind us. */
    bool counted = request->dispatched && atomic_load(&request->answered);
    atomic_store(&request->connection->deadline_us, deadline_after(server));
    drop_body(request);
    http_request_free(request);
    if (counted)
        atomic_fetch_sub(&server->active, 1);
}

static enum MHD_Result request_send(struct http_request *request)
{
    return request->response ? MHD_queue_response(request->mhd, request->status, request->response) : MHD_NO;
}

static void respond_too_large(struct http_request *request)
{
    http_respond_error(request, MHD_HTTP_CONTENT_TOO_LARGE, "PAYLOAD_TOO_LARGE", "The body is larger than the limit of %zu bytes.",
                       request->server->settings.body_max_bytes);
}

static void respond_later(struct http_request *request, const char *why)
{
    http_response_header(request, MHD_HTTP_HEADER_RETRY_AFTER, "1");
    http_respond_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE", "%s Try again in 1 second.", why);
}

/* Headers are here. A body that is said to be far too large is refused before it is sent. */
static enum MHD_Result begin(struct http_request *request)
{
    const char *length = http_request_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);
    size_t limit = request->server->settings.body_max_bytes;
    guint64 declared = 0;

    if (!length || !g_ascii_string_to_unsigned(length, 10, 0, G_MAXUINT64, &declared, NULL) || declared <= limit)
        return MHD_YES;
    bool waits = http_request_header(request, MHD_HTTP_HEADER_EXPECT) != NULL;
    if (!waits && declared / DRAIN_FACTOR <= limit)
        return MHD_YES; /* read it, so that the client reads our answer on a connection that still stands */
    request->dispatched = true;
    atomic_fetch_add(&request->server->active, 1);
    respond_too_large(request);
    return request_send(request);
}

static enum MHD_Result take_body(struct http_request *request, const char *data, size_t size)
{
    size_t limit = request->server->settings.body_max_bytes;

    request->received += size;
    if (request->received > limit) {
        request->too_large = true;
        drop_body(request);
        return request->received / DRAIN_FACTOR > limit ? MHD_NO : MHD_YES;
    }
    if (atomic_load(&request->server->body_bytes) + (long long)size > (long long)limit * BODIES_MAX) {
        request->too_busy = true;
        drop_body(request);
    }
    if (request->too_busy)
        return MHD_YES;
    if (!request->body)
        request->body = g_byte_array_new();
    atomic_fetch_add(&request->server->body_bytes, (long long)size);
    g_byte_array_append(request->body, (const guint8 *)data, (guint)size);
    return MHD_YES;
}

/* The request is complete. */
static void dispatch(struct http_request *request)
{
    struct http_server *server = request->server;

    request->dispatched = true;
    atomic_store(&request->connection->deadline_us, 0);
    atomic_fetch_add(&server->active, 1);
    if (request->too_large)
        respond_too_large(request);
    else if (request->too_busy)
        respond_later(request, "Too many large requests arrive at once.");
    else if (atomic_load(&server->quiesced))
        respond_later(request, "The server is shutting down.");
    else if (!http_answer_preflight(request))
        server->handler(request, server->opaque);
    /* A held request may have been answered and its answer may be on its way by now, but it is freed on this very thread. */
    g_assert(request->held || atomic_load(&request->answered));
}

/* deviation: its parameters are libmicrohttpd's. */
static enum MHD_Result on_request(void *opaque, struct MHD_Connection *mhd, const char *url, const char *method,
                                  const char *version, const char *data, size_t *size, void **context)
{
    struct http_request *request = (struct http_request *)*context;

    (void)opaque;
    (void)version;
    if (!request) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
        request = http_request_new((struct http_connection *)info->socket_context, mhd, method, url);
        *context = request;
        return begin(request);
    }
    if (*size > 0) {
        size_t taken = *size;
        *size = 0;
        return take_body(request, data, taken);
    }
    if (!request->dispatched) {
        dispatch(request);
        if (request->held)
            return MHD_YES; /* suspended: called again after http_respond */
    }
    g_assert(atomic_load(&request->answered));
    return request_send(request);
}

static void on_log(void *opaque, const char *format, va_list args) G_GNUC_PRINTF(2, 0);
static void on_log(void *opaque, const char *format, va_list args)
{
    g_autofree char *text = g_strdup_vprintf(format, args);

    (void)opaque;
    log_debug("http_library", "text=%s", g_strchomp(text));
}

/* Before it is decoded in place, which would make a separator of an encoded slash. */
static void *on_uri(void *opaque, const char *uri, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct http_connection *connection = (struct http_connection *)info->socket_context;
    size_t size = strcspn(uri, "?");

    (void)opaque;
    g_free(connection->raw_path); /* of one that ended before it was a request */
    connection->raw_path = memchr(uri, '%', size) ? g_strndup(uri, size) : NULL;
    return NULL; /* the request begins with its headers */
}

static size_t on_unescape(void *opaque, struct MHD_Connection *mhd, char *text)
{
    (void)opaque, (void)mhd;
    return http_unescape(text);
}

/* ---- life ---- */

/* Ends at once without TLS. libmicrohttpd wants a certificate, or a function that finds one: but each connection brings its own. */
static void fill_tls_options(struct MHD_OptionItem options[3], bool tls)
{
    union {
        gnutls_certificate_retrieve_function2 *function;
        void *pointer;
    } no_certificate = {http_tls_no_certificate};
    union {
        const char *in;
        void *out;
    } priorities = {http_tls_priorities}; /* only read */

    options[0] = (struct MHD_OptionItem){tls ? MHD_OPTION_HTTPS_PRIORITIES : MHD_OPTION_END, 0, priorities.out};
    options[1] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_CERT_CALLBACK, 0, no_certificate.pointer};
    options[2] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
}

static bool start_daemon(struct http_server *server, GError **error)
{
    const struct http_settings *settings = &server->settings;
    unsigned threads = (unsigned)MAX(settings->threads, 1);
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_CONNECTION_TIMEOUT, settings->idle_timeout_s, NULL},
        /* The listener keeps the limit; a pool divides this one by its threads, and each must be able to have them all. */
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)settings->connections_max * (intptr_t)threads + (intptr_t)threads, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, MEMORY_PER_CONNECTION, NULL},
        {threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, (intptr_t)threads, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem tls_options[3];
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG |
                     (server->tls ? MHD_USE_TLS : 0u);

    fill_tls_options(tls_options, server->tls != NULL);
    server->daemon =
        MHD_start_daemon(flags, 0, NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
                         MHD_OPTION_URI_LOG_CALLBACK, on_uri, NULL, MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, NULL,
                         MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
                         MHD_OPTION_ARRAY, options, MHD_OPTION_ARRAY, tls_options, MHD_OPTION_END);
    if (!server->daemon)
        g_set_error(error, HTTP_ERROR, 0, "The HTTP server cannot be started: %s.", g_strerror(errno));
    return server->daemon != NULL;
}

static void server_free(struct http_server *server)
{
    g_mutex_clear(&server->lock);
    if (server->peers)
        http_peers_free(server->peers);
    http_cors_free(server->cors);
    http_tls_free(server->tls);
    g_free(server);
}

/* What needs no socket yet. */
static bool prepare(struct http_server *server, const struct http_settings *settings, GError **error)
{
    if (!http_origins_check(settings->cors_origins, error))
        return false;
    server->cors = http_cors_new(settings->cors_origins);
    server->peers = http_peers_new(settings->connections_per_address, settings->loopback_limited);
    if (!settings->tls_cert && !settings->tls_key)
        return true;
    if (!settings->tls_cert || !settings->tls_key || settings->unix_path) {
        g_set_error(error, HTTP_ERROR, 0, "TLS needs both a certificate and a key, and is not for a unix socket.");
        return false;
    }
    server->tls = http_tls_new(settings->tls_cert, settings->tls_key, error);
    return server->tls != NULL;
}

struct http_server *http_server_start(const struct http_settings *settings, http_handler handler, void *opaque, GError **error)
{
    struct http_server *server = g_new0(struct http_server, 1);
    const struct http_listen_settings listen_settings = {
        settings->address, settings->port, settings->unix_path, settings->connections_max, on_accepted, on_tick, server,
    };

    g_assert(settings->body_max_bytes < G_MAXUINT / 2); /* GByteArray counts in guint */
    server->handler = handler;
    server->opaque = opaque;
    server->settings = *settings;
    g_mutex_init(&server->lock);
    g_queue_init(&server->connections);
    if (prepare(server, settings, error))
        server->listener = http_listener_new(&listen_settings, error);
    if (!server->listener) {
        server_free(server);
        return NULL;
    }
    bool ok = start_daemon(server, error);
    http_listener_start(server->listener);
    if (ok)
        return server;
    http_listener_stop(server->listener);
    server_free(server);
    return NULL;
}

bool http_server_reload_tls(struct http_server *server, GError **error)
{
    return !server->tls || http_tls_reload(server->tls, error);
}

int http_server_port(const struct http_server *server)
{
    return http_listener_port(server->listener);
}

uint64_t http_server_refused(const struct http_server *server)
{
    return atomic_load(&server->refused);
}

void http_server_quiesce(struct http_server *server)
{
    atomic_store(&server->quiesced, true);
    http_listener_quiesce(server->listener);
}

void http_server_stop(struct http_server *server)
{
    if (!server)
        return;
    http_server_quiesce(server);
    while (atomic_load(&server->held) > 0)
        g_usleep(DRAIN_MS * 1000);
    /* The answers that are still being sent; a client that does not read its own is not waited for. */
    gint64 deadline_us = g_get_monotonic_time() + (gint64)server->settings.idle_timeout_s * G_USEC_PER_SEC;
    while (atomic_load(&server->active) > 0 && g_get_monotonic_time() < deadline_us)
        g_usleep(DRAIN_MS * 1000);
    while (atomic_load(&server->responding) > 0)
        g_usleep(DRAIN_MS * 100);
    MHD_stop_daemon(server->daemon);
    http_listener_stop(server->listener);
    server_free(server);
}
