/* http_listen: listening sockets, and a thread that accepts from them.
 *
 * The thread accepts only while fewer than connections_max are open; others wait in the kernel's queue. Once a second it calls
 * `tick`. It owns the listening sockets. `accepted` and `tick` run on it. */
#ifndef DAYBOOK_HTTP_LISTEN_H
#define DAYBOOK_HTTP_LISTEN_H

#include <glib.h>
#include <stdbool.h>
#include <sys/socket.h>

struct http_listener;

struct http_listen_settings {
    const char *address;   /* NULL: no TCP */
    int port;              /* 0: any */
    const char *unix_path; /* NULL: no unix socket */
    int connections_max;
    /* Takes the descriptor, also when it returns false because nothing can be done with it. */
    bool (*accepted)(void *opaque, int fd, const struct sockaddr *peer, socklen_t size);
    void (*tick)(void *opaque);
    void *opaque;
};

/* Opens the sockets; clients may connect, and wait. */
struct http_listener *http_listener_new(const struct http_listen_settings *settings, GError **error);
/* Starts the thread. Once. */
void http_listener_start(struct http_listener *listener);
int http_listener_port(const struct http_listener *listener);
/* One accepted connection is closed. From any thread. */
void http_listener_closed(struct http_listener *listener);
/* What waits in the kernel's queue is still accepted; then the sockets are closed. Returns when they are; the ticks go on. */
void http_listener_quiesce(struct http_listener *listener);
/* Of a started one: quiesces, ends the thread, frees. No http_listener_closed after. */
void http_listener_stop(struct http_listener *listener);

#endif
