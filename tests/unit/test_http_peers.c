#include "lib/http_peers.h"

#include <glib.h>
#include <string.h>
#include <sys/un.h>

static struct http_peer peer_of(const char *text)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un un;
    } address;
    struct http_peer peer;

    memset(&address, 0, sizeof address);
    if (inet_pton(AF_INET, text, &address.v4.sin_addr) == 1)
        address.any.sa_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &address.v6.sin6_addr) == 1)
        address.any.sa_family = AF_INET6;
    else
        address.any.sa_family = AF_UNIX;
    http_peer_init(&peer, &address.any);
    return peer;
}

static void test_names(void)
{
    static const struct {
        const char *address, *name;
        bool local;
    } cases[] = {
        {"192.0.2.7", "192.0.2.7", false},
        {"127.0.0.1", "127.0.0.1", true},
        {"127.255.3.4", "127.255.3.4", true},
        {"128.0.0.1", "128.0.0.1", false},
        {"::ffff:192.0.2.7", "192.0.2.7", false},
        {"::ffff:127.0.0.9", "127.0.0.9", true},
        {"::1", "::1", true},
        {"2001:db8::1", "2001:db8::1", false},
        {"unix", "unix", true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct http_peer peer = peer_of(cases[i].address);
        g_assert_cmpstr(peer.name, ==, cases[i].name);
        if (peer.local != cases[i].local)
            g_error("%s", cases[i].address);
    }
    struct http_peer none;
    http_peer_init(&none, NULL);
    g_assert_cmpstr(none.name, ==, "unix");
}

static bool enter(struct http_peers *peers, const char *text)
{
    struct http_peer peer = peer_of(text);
    return http_peers_enter(peers, &peer);
}

static void leave(struct http_peers *peers, const char *text)
{
    struct http_peer peer = peer_of(text);
    http_peers_leave(peers, &peer);
}

static void test_each_has_its_limit(void)
{
    struct http_peers *peers = http_peers_new(2, false);

    g_assert_true(enter(peers, "192.0.2.7"));
    g_assert_true(enter(peers, "::ffff:192.0.2.7")); /* the same */
    g_assert_false(enter(peers, "192.0.2.7"));
    g_assert_true(enter(peers, "192.0.2.8"));
    leave(peers, "192.0.2.7");
    g_assert_true(enter(peers, "192.0.2.7")); /* the refused one was not counted */
    g_assert_false(enter(peers, "192.0.2.7"));
    g_assert_true(enter(peers, "2001:db8::1"));
    g_assert_true(enter(peers, "2001:db8::2")); /* of the same /64 */
    g_assert_false(enter(peers, "2001:db8:0:0:ffff::"));
    g_assert_true(enter(peers, "2001:db8:0:1::1"));
    http_peers_free(peers);
}

static void test_who_is_let_off(void)
{
    static const char *const addresses[] = {"127.0.0.1", "::1", "::ffff:127.0.0.1", "unix", "192.0.2.7"};
    for (int mode = 0; mode < 3; mode++) {
        struct http_peers *peers = http_peers_new(mode == 0 ? 0 : 1, mode == 2);
        for (size_t i = 0; i < G_N_ELEMENTS(addresses); i++) {
            bool counted = mode > 0 && (i == 4 || (mode == 2 && i < 3));
            bool first = mode < 2 || i != 2; /* it is the first address again */
            if (enter(peers, addresses[i]) != first || enter(peers, addresses[i]) == counted)
                g_error("mode %d, %s", mode, addresses[i]);
            if (!counted)
                leave(peers, addresses[i]);
        }
        http_peers_free(peers);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http_peers/names", test_names);
    g_test_add_func("/http_peers/each-has-its-limit", test_each_has_its_limit);
    g_test_add_func("/http_peers/who-is-let-off", test_who_is_let_off);
    return g_test_run();
}
