/* net: what `daybook dev` needs of sockets: free ports, a question to a daemon, the control socket. All on this machine. */
#ifndef DAYBOOK_CLI_NET_H
#define DAYBOOK_CLI_NET_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* True when a server can bind to it now. */
bool net_port_is_free(int port);
/* A free port of 127.0.0.1 that is none of `taken`; below the range that the kernel gives to outgoing connections, so that it is
 * still free when its daemon is restarted. 0 when there is none. */
int net_port_choose(const int *taken, size_t n_taken);
/* Status of GET path at 127.0.0.1:port, or -1 when there was no answer within timeout_ms. */
int net_http_status(int port, const char *path, int timeout_ms);
/* The body of the answer to a POST without one, with a bearer token; NULL when it was not 2xx, or longer than NET_ANSWER_MAX. */
enum { NET_ANSWER_MAX = 16384 };
char *net_http_post(int port, const char *path, const char *token, int timeout_ms);

/* Unix stream sockets. A path that is too long for one is bound by way of its directory. -1 with an error. */
int net_unix_listen(const char *path, GError **error);
int net_unix_connect(const char *path, GError **error);

#define NET_ERROR net_error_quark()
GQuark net_error_quark(void);
enum net_error { NET_ERROR_SOCKET };

#endif
