/* address: whether an address of a socket is one of the public Internet.
 *
 * Everything else is somebody's own network, and what a webhook may reach there only the operator can know: this machine, private
 * and shared networks, link-local addresses (where clouds keep their secrets), multicast, and what is set aside for documentation,
 * tests or translation (IANA's registries of special-purpose addresses, RFC 6890). IPv4 addresses within IPv6 ones are judged as
 * what they are in NAT64 (RFC 6052), and refused in all other forms, which nobody needs to write. Pure. */
#ifndef DAYBOOK_ADDRESS_H
#define DAYBOOK_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* size: of what is at address. Other families than IPv4 and IPv6 are not public. */
bool address_is_public(const struct sockaddr *address, socklen_t size);

#endif
