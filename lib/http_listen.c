/* Listening and accepting are not left to libmicrohttpd: its pool lets every thread wait on one socket, closes connections over the
 * limit instead of leaving them in the queue, and can abort the process when it is quiesced just while it is at the limit. */
#include "lib/http_listen.h"
#include "lib/http.h"
#include "lib/log.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

G_DEFINE_QUARK(daybook - http - error, http_error)

enum { BACKLOG = 1024, TICK_MS = 1000, BURST = 64, SCARCE_PAUSE_US = 50 * 1000, UNIX_MODE = 0660, MAX_SOCKETS = 2 };

struct http_listener {
    struct http_listen_settings settings;
    int fds[MAX_SOCKETS]; /* the thread's */
    size_t n_fds;
    int wake_fd;
    int port;
    char *unix_path;
    GThread *thread;
    gint64 ticked_us;
    GMutex lock;
    GCond changed;
    int open;       /* under lock: accepted and not closed */
    bool quiescing; /* under lock */
    bool listening; /* under lock: false once the sockets are closed */
    bool stopping;  /* under lock */
};

/* ---- making sockets ---- */

static int fail_fd(int fd, GError **error, const char *what, const char *name)
{
    g_set_error(error, HTTP_ERROR, 0, "%s %s: %s.", what, name, g_strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static int bound_port(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    socklen_t size = sizeof address;

    memset(&address, 0, sizeof address);
    if (getsockname(fd, &address.any, &size) != 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

static int listen_tcp(const char *address, int port, GError **error)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char service[16];
    g_autofree char *name = g_strdup_printf("%s port %d", address, port);
    int one = 1;

    g_snprintf(service, sizeof service, "%d", port);
    int err = getaddrinfo(address, service, &hints, &found);
    if (err) {
        g_set_error(error, HTTP_ERROR, 0, "Cannot listen on %s: %s.", name, gai_strerror(err));
        return -1;
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    bool ok = fd >= 0 && bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0;
    if (!ok)
        fd = fail_fd(fd, error, "Cannot listen on", name);
    freeaddrinfo(found);
    return fd;
}

/* A socket file whose server is gone is removed; anything else that is in the way is an error. */
static bool clear_stale(const char *path, const struct sockaddr_un *address, GError **error)
{
    struct stat st;

    if (lstat(path, &st) != 0)
        return true;
    if (!S_ISSOCK(st.st_mode)) {
        g_set_error(error, HTTP_ERROR, 0, "Cannot listen on %s: there is something that is not a socket.", path);
        return false;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool alive = fd >= 0 && (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EAGAIN);
    if (fd >= 0)
        close(fd);
    if (alive) {
        g_set_error(error, HTTP_ERROR, 0, "Cannot listen on %s: another process does.", path);
        return false;
    }
    unlink(path);
    return true;
}

static int listen_unix(const char *path, GError **error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (g_strlcpy(address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path) {
        g_set_error(error, HTTP_ERROR, 0, "Cannot listen on %s: the path of a unix socket has at most %zu bytes.", path,
                    sizeof address.sun_path - 1);
        return -1;
    }
    if (!clear_stale(path, &address, error))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* Nobody can connect before listen(), so the mode is right from the first connection on. */
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 || chmod(path, UNIX_MODE) != 0 ||
        listen(fd, BACKLOG) != 0)
        return fail_fd(fd, error, "Cannot listen on", path);
    return fd;
}

static bool open_sockets(struct http_listener *listener, GError **error)
{
    const struct http_listen_settings *settings = &listener->settings;

    if (settings->address) {
        int fd = listen_tcp(settings->address, settings->port, error);
        if (fd < 0)
            return false;
        listener->fds[listener->n_fds++] = fd;
        listener->port = bound_port(fd);
    }
    if (settings->unix_path) {
        int fd = listen_unix(settings->unix_path, error);
        if (fd < 0)
            return false;
        listener->fds[listener->n_fds++] = fd;
        listener->unix_path = g_strdup(settings->unix_path);
    }
    return true;
}

static void close_sockets(struct http_listener *listener)
{
    for (size_t i = 0; i < listener->n_fds; i++)
        close(listener->fds[i]);
    listener->n_fds = 0;
    if (listener->unix_path)
        unlink(listener->unix_path);
}

/* ---- accepting ---- */

static bool has_room(struct http_listener *listener)
{
    g_mutex_lock(&listener->lock);
    bool room = listener->open < listener->settings.connections_max;
    g_mutex_unlock(&listener->lock);
    return room;
}

static void count_open(struct http_listener *listener, int by)
{
    g_mutex_lock(&listener->lock);
    listener->open += by;
    g_assert(listener->open >= 0);
    g_mutex_unlock(&listener->lock);
}

/* True when there may be more. */
static bool accept_one(struct http_listener *listener, int listen_fd)
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;

    memset(&peer, 0, sizeof peer);
    int fd = accept4(listen_fd, (struct sockaddr *)&peer, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            g_usleep(SCARCE_PAUSE_US); /* the socket stays readable: do not spin */
        return errno == EINTR || errno == ECONNABORTED;
    }
    count_open(listener, 1);
    if (!listener->settings.accepted(listener->settings.opaque, fd, (struct sockaddr *)&peer, size))
        count_open(listener, -1);
    return true;
}

static void accept_burst(struct http_listener *listener, int listen_fd, int most)
{
    for (int i = 0; i < most && has_room(listener); i++)
        if (!accept_one(listener, listen_fd))
            return;
}

static void wait_for_work(struct http_listener *listener)
{
    struct pollfd polled[MAX_SOCKETS + 1] = {{.fd = listener->wake_fd, .events = POLLIN}};
    nfds_t n = 1;
    uint64_t ignored;

    if (has_room(listener))
        for (size_t i = 0; i < listener->n_fds; i++)
            polled[n++] = (struct pollfd){.fd = listener->fds[i], .events = POLLIN};
    if (poll(polled, n, TICK_MS) <= 0)
        return;
    if (polled[0].revents && read(listener->wake_fd, &ignored, sizeof ignored) < 0)
        return;
    for (nfds_t i = 1; i < n; i++)
        if (polled[i].revents)
            accept_burst(listener, polled[i].fd, BURST);
}

static void end_listening(struct http_listener *listener)
{
    for (size_t i = 0; i < listener->n_fds; i++)
        accept_burst(listener, listener->fds[i], BACKLOG);
    close_sockets(listener);
    g_mutex_lock(&listener->lock);
    listener->listening = false;
    g_cond_broadcast(&listener->changed);
    g_mutex_unlock(&listener->lock);
}

static gpointer accept_loop(gpointer data)
{
    struct http_listener *listener = (struct http_listener *)data;
    bool stopping = false;

    while (!stopping) {
        wait_for_work(listener);
        gint64 now_us = g_get_monotonic_time();
        if (now_us - listener->ticked_us >= TICK_MS * 1000) {
            listener->ticked_us = now_us;
            listener->settings.tick(listener->settings.opaque);
        }
        g_mutex_lock(&listener->lock);
        bool end = listener->quiescing && listener->listening;
        stopping = listener->stopping;
        g_mutex_unlock(&listener->lock);
        if (end)
            end_listening(listener);
    }
    return NULL;
}

/* ---- life ---- */

static void wake(struct http_listener *listener)
{
    uint64_t one = 1;

    /* It fails only when the counter is full, and then the thread wakes anyway. */
    if (write(listener->wake_fd, &one, sizeof one) < 0)
        return;
}

static void listener_free(struct http_listener *listener)
{
    if (listener->wake_fd >= 0)
        close(listener->wake_fd);
    g_mutex_clear(&listener->lock);
    g_cond_clear(&listener->changed);
    g_free(listener->unix_path);
    g_free(listener);
}

struct http_listener *http_listener_new(const struct http_listen_settings *settings, GError **error)
{
    struct http_listener *listener = g_new0(struct http_listener, 1);

    listener->settings = *settings;
    g_mutex_init(&listener->lock);
    g_cond_init(&listener->changed);
    listener->listening = true;
    listener->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    listener->ticked_us = g_get_monotonic_time();
    if (listener->wake_fd < 0 || !open_sockets(listener, error)) {
        if (listener->wake_fd < 0)
            g_set_error(error, HTTP_ERROR, 0, "No eventfd can be made: %s.", g_strerror(errno));
        close_sockets(listener);
        listener_free(listener);
        return NULL;
    }
    return listener;
}

void http_listener_start(struct http_listener *listener)
{
    listener->thread = g_thread_new("http-accept", accept_loop, listener);
}

int http_listener_port(const struct http_listener *listener)
{
    return listener->port;
}

void http_listener_closed(struct http_listener *listener)
{
    g_mutex_lock(&listener->lock);
    bool was_full = listener->open == listener->settings.connections_max;
    listener->open--;
    g_assert(listener->open >= 0);
    g_mutex_unlock(&listener->lock);
    if (was_full)
        wake(listener);
}

void http_listener_quiesce(struct http_listener *listener)
{
    g_mutex_lock(&listener->lock);
    listener->quiescing = true;
    wake(listener);
    while (listener->listening)
        g_cond_wait(&listener->changed, &listener->lock);
    g_mutex_unlock(&listener->lock);
}

void http_listener_stop(struct http_listener *listener)
{
    http_listener_quiesce(listener);
    g_mutex_lock(&listener->lock);
    listener->stopping = true;
    g_mutex_unlock(&listener->lock);
    wake(listener);
    g_thread_join(listener->thread);
    listener_free(listener);
}
