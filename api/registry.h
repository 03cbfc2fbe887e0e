/* registry: tokens and clients, as all replicas know them.
 *
 * They live in Redis, in one hash slot, and every replica holds all of them in memory: a thread looks each second whether
 * {daybook}:version moved, and reads everything again if so, and in any case every 30 s. So who asks is known without asking
 * Redis, and what is changed or revoked is in force on every replica within about a second. While Redis cannot be read, the last
 * snapshot holds. At most REGISTRY_TOKENS_MAX and REGISTRY_CLIENTS_MAX; what would pass that is refused when it is written.
 *
 *   {daybook}:version    string  grows with every change
 *   {daybook}:tokens     hash    token id -> JSON (registry_token_write)
 *   {daybook}:clients    hash    client id -> JSON (registry_client_write)
 *   {daybook}:used       hash    token id -> Unix ms of its last use, to the minute
 *
 * Thread-safe. A snapshot never changes; registry_take/registry_release bracket its use. */
#ifndef DAYBOOK_REGISTRY_H
#define DAYBOOK_REGISTRY_H

#include "api/caller.h"
#include "api/reader.h"
#include "lib/metrics.h"
#include "lib/view.h"

enum { REGISTRY_TOKENS_MAX = 100000, REGISTRY_CLIENTS_MAX = 100000, REGISTRY_DIGEST_SIZE = 32 };

/* A token is random and shown once; what is kept is its SHA-256. A client secret (POST /oauth/token) is a token too. */
struct registry_token {
    char *id; /* random, or for a key of a client its client id */
    char *name;
    uint8_t digest[REGISTRY_DIGEST_SIZE];
    struct caller *caller;          /* what it allows */
    int64_t created_ms, expires_ms; /* expires_ms 0: never */
    char *parent; /* access tokens of POST /oauth/token: the id of the token that it was made from, whose end is theirs; or NULL */
};

struct registry_client {
    char *id, *name, *organization, *platform, *plan; /* all but id may be "" */
    enum tier tier;
};

struct registry_snapshot {
    gint users; /* registry.c's own */
    int64_t version;
    GHashTable *tokens_by_digest; /* 32 bytes -> struct registry_token */
    GHashTable *tokens_by_id;
    GHashTable *clients; /* id -> struct registry_client */
};

struct registry;

/* Starts the thread. settings' url and metrics are borrowed. */
struct registry *registry_start(const struct redis_settings *settings, struct metrics *metrics);
void registry_stop(struct registry *registry); /* and frees */
/* The newest snapshot; empty before the first one was read. */
struct registry_snapshot *registry_take(struct registry *registry);
void registry_release(struct registry_snapshot *snapshot);
/* Waits until everything written before is in the snapshot of this replica (it reads at once); for who just wrote. */
bool registry_refresh(struct registry *registry, GError **error);
/* Notes that a token was used; written to Redis later, at most once a minute for each token. Never blocks. */
void registry_used(struct registry *registry, const char *token_id);

/* Name of a client for people: the registered one, else its id. Borrowed from the snapshot or the argument. */
const char *registry_client_name(const struct registry_snapshot *snapshot, const char *client);

#endif
