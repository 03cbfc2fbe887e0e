/* sign_in_links: a link that signs a browser in, once.
 *
 *   POST /api/v2/admin/sign-in-links   {"url","expiresAt"}; permission admin
 *
 * Who opens the link within SIGN_IN_S has a session of whoever made it (session_route.h). The code stands behind the '#', which
 * browsers never send, so that no log of a proxy has it; the page posts it. Here only its digest is known, and who takes it removes
 * it by the same command.
 *
 *   {daybook}:sign_in:<SHA-256 of the code>   the session as JSON (registry_text.h); expires by itself */
#ifndef DAYBOOK_SIGN_IN_LINKS_H
#define DAYBOOK_SIGN_IN_LINKS_H

#include "api/admin_job.h"
#include "api/session_route.h"

enum { SIGN_IN_S = 15 * 60 };

void sign_in_links_handle(struct session_route *route, struct call *call);

/* What a code is good for, which is used up by this. NULL: nothing (any more), or with the error: it could not be asked. On a
 * worker; the caller frees it. */
struct registry_token *sign_in_take(struct reader *reader, const char *code, GError **error);

#endif
