/* keys_route: the keys of clients, in the manner of a developer API (api.md, section 2): a key is a client and its token, and its
 * keyId is the client's id. Permission admin.
 *
 *   GET    /v1/developer/keys[?organization=&limit=&offset=]   all keys, by organization and keyId; never a secret
 *   POST   /v1/developer/keys                                  makes one, and shows its secret this once; body: {keyId, name,
 *                                                              organization, tier, permissions, expiresAt}
 *   DELETE /v1/developer/keys/{keyId}[?organization=]          revokes it, and the access tokens that were made from it
 *
 * and the same under /api/v1. A client that is not registered yet is registered with its key, and stays so when that is revoked:
 * what it used keeps its name. What is left out: a random keyId, the keyId as name, usage:client:view, tier free or the client's.
 */
#ifndef DAYBOOK_KEYS_ROUTE_H
#define DAYBOOK_KEYS_ROUTE_H

#include "api/admin_job.h"

void keys_route_handle(struct admin_route *route, struct call *call);

#endif
