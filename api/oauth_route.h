/* oauth_route: POST /oauth/token, the client credentials grant (RFC 6749, section 4.4). It asks for no token.
 *
 * The client sends its id and secret as HTTP Basic, or as client_id and client_secret in the form, and
 * grant_type=client_credentials. The secret is a token of the registry; the id is that of the token or of its client. The answer is
 * a new token that allows the same for OAUTH_TOKEN_S, or until its parent ends; of one parent there are at most OAUTH_TOKENS_MAX,
 * the oldest goes. Known by every replica within about a second, and by one that is asked for it at once (auth_may_be_new).
 *
 *   {"access_token","token_type":"bearer","expires_in"}
 *   {"error":"invalid_client"|"unsupported_grant_type"|"invalid_request","description",…}   401 (with WWW-Authenticate) or 400
 * and 429 in the form of all other routes. */
#ifndef DAYBOOK_OAUTH_ROUTE_H
#define DAYBOOK_OAUTH_ROUTE_H

#include "api/query.h"
#include "api/registry.h"

enum { OAUTH_TOKEN_S = 24 * 3600, OAUTH_TOKENS_MAX = 64, OAUTH_KEPT_S = 60, OAUTH_FORM_MAX = 8192 };

struct oauth_route {
    struct queries *queries; /* borrowed, like the next */
    struct registry *registry;
};

void oauth_route_handle(struct oauth_route *route, struct call *call);

#endif
