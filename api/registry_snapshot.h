/* registry_snapshot: the tokens, and all items of registry_kind.h, of one moment.
 *
 * Made by one thread (registry.c), which adds what it reads and then seals it; from then on it never changes and any thread may
 * read it. An access token is tied to the digest of the token that it was made from, so that it ends with that one for ever: a key
 * that is made again under the same id has another digest. A session is the same, but for one that was begun by auth.token or by a
 * JSON web token: such a one holds its caller itself, and auth looks whether it is still good for anything. */
#ifndef DAYBOOK_REGISTRY_SNAPSHOT_H
#define DAYBOOK_REGISTRY_SNAPSHOT_H

#include "api/registry_kind.h"
#include "lib/view.h"

enum {
    REGISTRY_TOKENS_MAX = 100000,
    REGISTRY_DIGEST_SIZE = 32,
    REGISTRY_NAME_MAX = 256, /* bytes of an id or a name */
};

/* A token is random and shown once; what is kept is its SHA-256. A client secret (POST /oauth/token) is a token too. */
struct registry_token {
    char *id; /* random; of the key of a client: registry_key_id */
    char *name;
    uint8_t digest[REGISTRY_DIGEST_SIZE];
    struct caller *caller;                /* what it allows; of an access token: that of its parent, so that both are one caller */
    int64_t created_ms, expires_ms;       /* Unix time; expires_ms 0: never. An access token ends with its parent at the latest. */
    bool has_parent;                      /* an access token of POST /oauth/token, or a session */
    bool is_session;                      /* of a browser: taken from its cookie only (session.h) */
    bool is_foreign;                      /* a session whose parent is not in the registry: it has a caller of its own */
    uint8_t parent[REGISTRY_DIGEST_SIZE]; /* the digest of its parent */
};

#define REGISTRY_NEVER_READ INT64_C(-1)
struct registry_snapshot {
    gint users;                         /* registry_snapshot.c's own, like the next */
    GHashTable *clients_by_id;          /* id -> GPtrArray of struct registry_client */
    GHashTable *limits_by_owner;        /* registry_client_key, or the name of a plan -> GPtrArray of struct limit_rule */
    int64_t version;                    /* REGISTRY_NEVER_READ: there was no way to Redis yet */
    GHashTable *tokens_by_digest;       /* 32 bytes -> struct registry_token; tokens that are in force, or expired */
    GHashTable *tokens_by_id;           /* the same */
    GHashTable *items[REGISTRY_KIND_N]; /* field (registry_kind.h) -> item */
    GHashTable *clients, *methods, *organizations, *plans, *limits, *channels; /* the same, by name */
};

void registry_token_free(struct registry_token *token);
struct registry_token *registry_token_dup(const struct registry_token *token);
void registry_client_free(struct registry_client *client);
struct registry_client *registry_client_dup(const struct registry_client *client);

/* ---- making one ---- */

struct registry_snapshot *registry_snapshot_new(int64_t version);
/* All take what they are given. False: there are too many, or one of this id or digest is there already. */
bool registry_snapshot_add_token(struct registry_snapshot *snapshot, struct registry_token *token);
bool registry_snapshot_add(struct registry_snapshot *snapshot, enum registry_kind kind, void *item);
/* Gives keys the tiers of their clients, and access tokens what their parents allow. Those without one are moved to `orphans` (or
 * freed, where that is NULL). */
void registry_snapshot_seal(struct registry_snapshot *snapshot, GPtrArray *orphans);
struct registry_snapshot *registry_snapshot_ref(struct registry_snapshot *snapshot);
void registry_snapshot_unref(struct registry_snapshot *snapshot); /* NULL is allowed */

/* ---- reading it ---- */

const struct registry_token *registry_find_token(const struct registry_snapshot *snapshot, const uint8_t *digest);
bool registry_token_expired(const struct registry_token *token, int64_t now_ms);
/* NULL: not registered. */
const struct registry_client *registry_find_client(const struct registry_snapshot *snapshot, const char *organization,
                                                   const char *client);
/* All clients of that id, of whatever organization (struct registry_client), or NULL: none. Only for who may see all. */
const GPtrArray *registry_find_clients(const struct registry_snapshot *snapshot, const char *client);
/* The rules about a client itself, and those about a plan of that name, of whatever organization (struct limit_rule), or NULL. */
const GPtrArray *registry_find_client_limits(const struct registry_snapshot *snapshot, const char *organization,
                                             const char *client);
const GPtrArray *registry_find_plan_limits(const struct registry_snapshot *snapshot, const char *plan);
/* Name of a client for people: the registered one, else its id. organization NULL: not known, because the counts of all
 * organizations were added together, which only who sees all may ask for; then the registered name if just one organization has
 * such a client. Who sees one organization must pass it, or would be shown names of another. Borrowed from the snapshot or the
 * argument. */
const char *registry_client_name(const struct registry_snapshot *snapshot, const char *organization, const char *client);

/* The method that an organization (NULL: all of them together) means by a name: its own, else that of all. NULL: there is none. */
const struct method *registry_find_method(const struct registry_snapshot *snapshot, const char *organization, const char *name);
/* All that it may mean (struct method, borrowed), by name. */
GPtrArray *registry_list_methods(const struct registry_snapshot *snapshot, const char *organization);
/* The same of methods or plans. */
GPtrArray *registry_list_named(const struct registry_snapshot *snapshot, enum registry_kind kind, const char *organization);

/* The same of a plan. */
const struct plan *registry_find_plan(const struct registry_snapshot *snapshot, const char *organization, const char *name);
const struct registry_organization *registry_find_organization(const struct registry_snapshot *snapshot, const char *id); /* NULL */

/* ---- ids ---- */

enum { REGISTRY_ID_SIZE = 40 };
/* Id of the token that is the key of a client: "key-" and 32 hex digits. */
bool registry_token_is_key(const struct registry_token *token);
void registry_key_id(char out[REGISTRY_ID_SIZE], const char *organization, const char *client);
/* A new one, "t-" (or "a-": of an access token, "c-": of a client) and 32 hex digits. */
void registry_token_id(char out[REGISTRY_ID_SIZE], char kind);

#endif
