/* registry: tokens, and all items of registry_kind.h, as all replicas know them.
 *
 * They live in Redis, in one hash slot, and every replica holds all of them in memory: a thread looks each second whether
 * {daybook}:version moved, and reads everything again if so, and in any case every 30 s. So who asks is known without asking
 * Redis, and what is changed or revoked is in force on every replica within about a second. While Redis cannot be read, the last
 * snapshot holds. An entry that cannot be understood is left out, logged once and counted. Of each kind
 * there are at most so many (REGISTRY_TOKENS_MAX, …); what would pass that is refused when it is written.
 *
 *   {daybook}:version    string  grows with every change; always after it
 *   {daybook}:tokens     hash    token id -> JSON (registry_text.h)
 *   {daybook}:clients    hash    organization <0x1f> client -> JSON (registry_text.h)
 *   {daybook}:methods, {daybook}:plans
 *                        hash    organization <0x1f> name, or the name alone, of all -> JSON
 *   {daybook}:organizations, {daybook}:limits, {daybook}:channels
 *                        hash    id -> JSON
 *   {daybook}:used       hash    token id -> Unix ms of its last use, to the minute
 *
 * Thread-safe. A snapshot never changes; registry_take/registry_release bracket its use. */
#ifndef DAYBOOK_REGISTRY_H
#define DAYBOOK_REGISTRY_H

#include "api/reader.h"
#include "api/registry_snapshot.h"
#include "lib/metrics.h"

struct registry;

/* Starts the thread and waits until it has read everything once, or could not. settings' url and metrics are borrowed. */
struct registry *registry_start(const struct redis_settings *settings, struct metrics *metrics);
void registry_stop(struct registry *registry); /* and frees */
/* The newest snapshot; empty, of version REGISTRY_NEVER_READ, before the first one was read. */
struct registry_snapshot *registry_take(struct registry *registry);
void registry_release(struct registry_snapshot *snapshot);
/* False: Redis could not be read the last time, so what is not in the snapshot may be there all the same. */
bool registry_is_current(struct registry *registry);
/* Waits until everything written before is in the snapshot of this replica; for who just wrote, and for a token that may be newer
 * than the snapshot. Where nothing was written it costs one GET; who waits at the same time share what is read. On a worker. */
bool registry_refresh(struct registry *registry, GError **error);
/* Notes that a token was used; written to Redis later, at most once a minute for each token. Never blocks. */
void registry_used(struct registry *registry, const char *token_id);

#endif
