/* http_peers: who is at the other end of a connection, and how many connections each has.
 *
 * An IPv4 address counts for itself, also when it comes as an IPv6 one; of IPv6 addresses those of one /64 count together, as a
 * client commonly has all of it. Unix sockets, and unless said otherwise loopback, are not counted: there stands a proxy or a tool
 * of this machine. Any thread may call. It holds no more than the connections that are open. */
#ifndef DAYBOOK_HTTP_PEERS_H
#define DAYBOOK_HTTP_PEERS_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct http_peer {
    char name[INET6_ADDRSTRLEN]; /* "192.0.2.7", "2001:db8::1", "unix" */
    bool local;                  /* unix or loopback */
    bool is_unix;
    uint64_t group[2]; /* whom it counts for */
};

void http_peer_init(struct http_peer *peer, const struct sockaddr *address);

struct http_peers;

/* limit 0: none. */
struct http_peers *http_peers_new(int limit, bool loopback_too);
void http_peers_free(struct http_peers *peers);
/* One connection more; false when it is one too many, and then it is not counted. */
bool http_peers_enter(struct http_peers *peers, const struct http_peer *peer);
void http_peers_leave(struct http_peers *peers, const struct http_peer *peer);

#endif
