/* admin_tokens: tokens for people and programs. Permission admin.
 *
 *   GET    /api/v2/admin/tokens[?organization=&pageSize=&after=]   a page, oldest first, with their last uses; never a secret
 *   POST   /api/v2/admin/tokens                                    makes one, and shows it this once; body: {name, organization,
 *                                                                  client, permissions, tier, expiresAt}
 *   DELETE /api/v2/admin/tokens/{tokenId}                          revokes it, and the access tokens that were made from it
 *
 * A token belongs to an organization, or with "organization": null to all, and may be for one client only. The keys of clients
 * (keys_route.h) are tokens too. */
#ifndef DAYBOOK_ADMIN_TOKENS_H
#define DAYBOOK_ADMIN_TOKENS_H

#include "api/admin_job.h"
#include "api/writer.h"

void admin_tokens_route_handle(struct admin_route *route, struct call *call);

/* ---- for keys, which are tokens ---- */

/* What a token may do is written into an object that has been begun: permissions, tier, createdAt, expiresAt, and with used_ms >= 0
 * lastUsedAt (0: never) and whether it has expired. */
void admin_token_write(struct writer *writer, const struct registry_token *token, int64_t used_ms);
/* Sets job->token from job->secret, the body's permissions (fallback where it has none) and time of expiry. */
void admin_token_make(struct admin_job *job, const char *id, const char *name, struct caller *caller_taken);
void admin_token_log(const struct admin_job *job, const char *event);
/* Calls write with the tokens that the caller may see, in the order of the keys that key gives them (NULL: not one of them), but
 * for access tokens. */
bool admin_tokens_show(struct admin_job *job, struct reader *reader, char *(*key)(const struct registry_token *token),
                       bool (*write)(struct admin_job *job, struct reader *reader, struct admin_page *page, GError **error),
                       GError **error);
/* Removes it into job->token. NULL: it is not there, which is refused with 404, if the job has not removed it before. what: "key".
 */
void admin_token_remove(struct admin_job *job, struct registry_change *change, const struct registry_token *token,
                        const char *what);
/* Reads the last uses of the tokens of a page. The caller frees them. NULL with the error. */
int64_t *admin_tokens_read_used(const struct admin_page *page, guint first, guint n, struct reader *reader, GError **error);

#endif
