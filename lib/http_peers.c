#include "lib/http_peers.h"
#include <glib.h>
#include <string.h>

struct http_peers {
    int limit;
    bool loopback_too;
    GMutex lock;
    GHashTable *open; /* under lock: group -> struct count, of those that have connections */
};

struct count {
    uint64_t group[2];
    int n;
};

/* ---- one peer ---- */

static const struct in6_addr *v6_of(const struct sockaddr *address)
{
    return &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
}

/* False: not of the internet. */
static bool find_v4(const struct sockaddr *address, struct in_addr *v4)
{
    if (address->sa_family == AF_INET)
        *v4 = ((const struct sockaddr_in *)(const void *)address)->sin_addr;
    else if (address->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(v6_of(address)))
        memcpy(v4, v6_of(address)->s6_addr + 12, sizeof *v4);
    else
        return false;
    return true;
}

void http_peer_init(struct http_peer *peer, const struct sockaddr *address)
{
    struct in_addr v4;

    memset(peer, 0, sizeof *peer);
    if (address && find_v4(address, &v4)) {
        inet_ntop(AF_INET, &v4, peer->name, sizeof peer->name);
        peer->local = ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
        peer->group[1] = v4.s_addr;
    } else if (address && address->sa_family == AF_INET6) {
        inet_ntop(AF_INET6, v6_of(address), peer->name, sizeof peer->name);
        peer->local = IN6_IS_ADDR_LOOPBACK(v6_of(address));
        memcpy(&peer->group[0], v6_of(address), sizeof peer->group[0]);
    } else {
        g_strlcpy(peer->name, "unix", sizeof peer->name);
        peer->local = peer->is_unix = true;
    }
}

/* ---- all of them ---- */

static guint group_hash(gconstpointer data)
{
    const uint64_t *group = (const uint64_t *)data;
    uint64_t mixed = group[0] ^ group[1] * 31;

    return g_int64_hash(&mixed);
}

static gboolean group_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(uint64_t[2])) == 0;
}

struct http_peers *http_peers_new(int limit, bool loopback_too)
{
    struct http_peers *peers = g_new0(struct http_peers, 1);

    peers->limit = limit;
    peers->loopback_too = loopback_too;
    g_mutex_init(&peers->lock);
    peers->open = g_hash_table_new_full(group_hash, group_equal, NULL, g_free);
    return peers;
}

void http_peers_free(struct http_peers *peers)
{
    g_hash_table_destroy(peers->open);
    g_mutex_clear(&peers->lock);
    g_free(peers);
}

static bool is_counted(const struct http_peers *peers, const struct http_peer *peer)
{
    return peers->limit > 0 && !peer->is_unix && (!peer->local || peers->loopback_too);
}

bool http_peers_enter(struct http_peers *peers, const struct http_peer *peer)
{
    if (!is_counted(peers, peer))
        return true;
    g_mutex_lock(&peers->lock);
    struct count *count = (struct count *)g_hash_table_lookup(peers->open, peer->group);
    if (!count) {
        count = g_new0(struct count, 1);
        memcpy(count->group, peer->group, sizeof count->group);
        g_hash_table_insert(peers->open, count->group, count);
    }
    bool room = count->n < peers->limit;
    count->n += room ? 1 : 0;
    g_mutex_unlock(&peers->lock);
    return room;
}

void http_peers_leave(struct http_peers *peers, const struct http_peer *peer)
{
    if (!is_counted(peers, peer))
        return;
    g_mutex_lock(&peers->lock);
    struct count *count = (struct count *)g_hash_table_lookup(peers->open, peer->group);
    g_assert(count && count->n > 0);
    if (--count->n == 0)
        g_hash_table_remove(peers->open, peer->group);
    g_mutex_unlock(&peers->lock);
}
