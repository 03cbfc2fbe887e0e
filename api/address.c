#include "api/address.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { IPV4_BYTES = 4, IPV6_BYTES = 16, NAT64_AT = 12 };

struct block {
    uint8_t bytes[IPV6_BYTES];
    unsigned bits;
};

static const struct block ipv4_own[] = {
    {{0}, 8},             /* this network */
    {{10}, 8},            /* private */
    {{100, 64}, 10},      /* shared by customers of a provider (CGNAT) */
    {{127}, 8},           /* loopback */
    {{169, 254}, 16},     /* link-local */
    {{172, 16}, 12},      /* private */
    {{192, 0, 0}, 24},    /* protocol assignments */
    {{192, 0, 2}, 24},    /* documentation */
    {{192, 88, 99}, 24},  /* 6to4 relays */
    {{192, 168}, 16},     /* private */
    {{198, 18}, 15},      /* benchmarks */
    {{198, 51, 100}, 24}, /* documentation */
    {{203, 0, 113}, 24},  /* documentation */
    {{224}, 3},           /* multicast, reserved, broadcast */
};
static const struct block ipv6_global = {{0x20}, 3};
static const struct block ipv6_nat64 = {{0x00, 0x64, 0xff, 0x9b}, 96};
static const struct block ipv6_own[] = {
    {{0x20, 0x01}, 23},             /* protocol assignments, Teredo, ORCHID */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x20, 0x02}, 16},             /* 6to4 */
    {{0x3f, 0xff}, 20},             /* documentation */
};

static bool is_in(const uint8_t *bytes, const struct block *block)
{
    unsigned whole = block->bits / 8, rest = block->bits % 8;
    if (memcmp(bytes, block->bytes, whole) != 0)
        return false;
    return rest == 0 || (bytes[whole] ^ block->bytes[whole]) >> (8 - rest) == 0;
}

static bool is_in_any(const uint8_t *bytes, const struct block *blocks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_in(bytes, &blocks[i]))
            return true;
    return false;
}

static bool ipv4_is_public(const uint8_t bytes[IPV4_BYTES])
{
    return !is_in_any(bytes, ipv4_own, sizeof ipv4_own / sizeof ipv4_own[0]);
}

static bool ipv6_is_public(const uint8_t bytes[IPV6_BYTES])
{
    if (is_in(bytes, &ipv6_nat64))
        return ipv4_is_public(bytes + NAT64_AT);
    return is_in(bytes, &ipv6_global) && !is_in_any(bytes, ipv6_own, sizeof ipv6_own / sizeof ipv6_own[0]);
}

bool address_is_public(const struct sockaddr *address, socklen_t size)
{
    const char *start = (const char *)address;
    uint8_t bytes[IPV6_BYTES];
    if (size >= sizeof(struct sockaddr_in) && address->sa_family == AF_INET) {
        memcpy(bytes, start + offsetof(struct sockaddr_in, sin_addr), IPV4_BYTES);
        return ipv4_is_public(bytes);
    }
    if (size >= sizeof(struct sockaddr_in6) && address->sa_family == AF_INET6) {
        memcpy(bytes, start + offsetof(struct sockaddr_in6, sin6_addr), IPV6_BYTES);
        return ipv6_is_public(bytes);
    }
    return false;
}
