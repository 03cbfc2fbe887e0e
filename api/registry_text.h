/* registry_text: tokens and items as the JSON that is kept in Redis, and tokens as the text that their owners send.
 *
 *   a token          {"name","digest":64 hex digits,"organization":null|text,"client":null|text,"permissions":[…],"tier",
 *                     "created":Unix ms,"expires":Unix ms, 0: never}
 *   an access token  {"name","digest","created","expires","parent":the digest of the token that it was made from}
 *   a session        the same with "session":true; of a foreign one also "caller": its id, and organization to tier, as of a token
 *   an item          {its fields, as its shape says (registry_kind.h)}
 *
 * What is read may have further fields (of a later version), which are passed over. Pure functions; errors are sentences without
 * any digest. */
#ifndef DAYBOOK_REGISTRY_TEXT_H
#define DAYBOOK_REGISTRY_TEXT_H

#include "api/registry_snapshot.h"

#define REGISTRY_TEXT_ERROR registry_text_error_quark()
GQuark registry_text_error_quark(void);

/* The caller frees the string. */
char *registry_token_write(const struct registry_token *token);
char *registry_item_write(enum registry_kind kind, const void *item);
/* NULL with the error. An access token has no caller until its snapshot is sealed. */
struct registry_token *registry_token_read(struct view id, struct view json, GError **error);
/* field: under which name it lay in Redis. The caller frees it with item_free. */
void *registry_item_read(enum registry_kind kind, struct view field, struct view json, GError **error);

/* A name as it may stand in an event or in the registry: UTF-8 of at most REGISTRY_NAME_MAX bytes without control characters. */
bool registry_name_is_valid(struct view name);

/* ---- secrets ---- */

enum { REGISTRY_SECRET_SIZE = 48 }; /* with the NUL */

/* A prefix and 256 random bits as base64url: 43 characters more, and a NUL. */
void registry_random_text(const char *prefix, char *out, size_t size);
/* A new token, with "dbk_". */
void registry_secret_make(char out[REGISTRY_SECRET_SIZE]);
/* It has the form of one. */
bool registry_secret_is_one(const char *text);
void registry_secret_digest(const char *text, uint8_t digest[REGISTRY_DIGEST_SIZE]);

#endif
